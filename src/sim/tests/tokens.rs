//! Access tokens and the endpoint that issues them.

use super::*;

fn status(tenant: &mut Tenant, token: &str, now: i64) -> u16 {
    match tenant.answer(&request(token.to_owned(), "GET", "/organization", None), at(now)) {
        Delivery::Reply(reply) => reply.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_expires() {
    let mut tenant = contoso();
    let token = tenant.token("oust", at(0));
    assert_eq!((status(&mut tenant, &token, 3598), status(&mut tenant, &token, 3599)), (200, 401));
}

#[test]
fn junk_and_foreign_tokens_are_401() {
    let mut tenant = contoso();
    for junk in ["", "x", "a.b.c", "....", "é.é.é"] {
        assert_eq!(status(&mut tenant, junk, 0), 401, "{junk}");
    }
    let mut other = contoso();
    other.tenant_id = "elsewhere".into();
    assert_eq!(status(&mut tenant, &other.token("oust", at(0)), 0), 401);
    let unknown = tenant.token("no such app", at(0));
    assert_eq!(status(&mut tenant, &unknown, 0), 401);
}

fn sign_in(tenant: &mut Tenant, at_tenant: &str, form: &str) -> (u16, Value) {
    let request = Request {
        method: "POST",
        url: format!("https://login.microsoftonline.com/{at_tenant}/oauth2/v2.0/token"),
        headers: vec![],
        bearer: None,
        body: Some(Zeroizing::new(form.as_bytes().to_vec())),
    };
    match tenant.answer(&request, at(0)) {
        Delivery::Reply(reply) => (reply.status, serde_json::from_slice(&reply.body).unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_token_endpoint_issues_and_refuses() {
    let mut tenant = contoso();
    let id = tenant.tenant_id.clone();
    let form = |client: &str, secret: &str| {
        format!(
            "client_id={client}&client_secret={secret}&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        )
    };
    let client = tenant.app_id("oust").unwrap();
    let (code, body) = sign_in(&mut tenant, &id, &form(&client, "only-for-rehearsals"));
    assert_eq!((code, &body["expires_in"]), (200, &json!(3599)));
    assert_eq!(status(&mut tenant, body["access_token"].as_str().unwrap(), 0), 200);
    for (where_, client, secret, expected) in [
        (id.as_str(), client.as_str(), "wrong", json!([7_000_215])),
        (&id, "nobody", "x", json!([700_016])),
        ("elsewhere", &client, "x", json!([90002])),
    ] {
        let (code, body) = sign_in(&mut tenant, where_, &form(client, secret));
        assert!(code >= 400);
        assert_eq!(body["error_codes"], expected);
    }
    let disabled = tenant.directory.service_principals.iter_mut().find(|sp| sp.name == "oust").unwrap();
    disabled.enabled = false;
    let (_, body) = sign_in(&mut tenant, &id, &form(&client, "only-for-rehearsals"));
    assert_eq!(body["error_codes"], json!([7_000_112]));
}
