//! Users: what is read, what is written, who puts it back.

use super::*;

#[test]
fn a_user_without_select_has_only_the_default_set() {
    let mut tenant = contoso();
    let (status, user) = tenant.get(&format!("/users/{ADELE}"));
    assert_eq!((status, user["displayName"].as_str()), (200, Some("Adele Vance")));
    assert_eq!(user.get("accountEnabled"), None);
    let (_, user) = tenant.get(&format!("/users/{ADELE}?$select=id,accountEnabled,onPremisesSyncEnabled"));
    assert_eq!(user["accountEnabled"], true);
    assert_eq!(user["onPremisesSyncEnabled"], Value::Null);
    assert_eq!(user.get("displayName"), None);
}

#[test]
fn a_missing_user_is_404_and_says_so_as_graph_does() {
    let (status, body) = contoso().get("/users/nobody@contoso.com");
    assert_eq!((status, body["error"]["code"].as_str()), (404, Some("Request_ResourceNotFound")));
    assert!(body["error"]["innerError"]["request-id"].is_string());
    assert_eq!(body["error"]["innerError"]["date"], "2026-03-01T12:00:00");
}

#[test]
fn revoking_moves_the_moment_to_whole_seconds() {
    let mut tenant = contoso();
    assert_eq!(tenant.revoke(ADELE), 200);
    let (_, user) = tenant.get(&format!("/users/{ADELE}?$select=signInSessionsValidFromDateTime"));
    assert_eq!(user["signInSessionsValidFromDateTime"], NOW);
}

#[test]
fn revoking_a_guest_is_answered_and_does_nothing() {
    let mut tenant = contoso();
    let before = tenant.snapshot();
    assert_eq!(tenant.revoke("NestorW_fabrikam.com%23EXT%23@contoso.onmicrosoft.com"), 200);
    assert_eq!(tenant.snapshot(), before);
}

#[test]
fn disabling_and_resetting_need_permissions_of_their_own() {
    let mut tenant = contoso();
    let both = json!({"accountEnabled": false, "passwordProfile": {"password": "Xy7!abcdefgh"}});
    tenant.revoke_permission("oust", "User-PasswordProfile.ReadWrite.All");
    let before = tenant.snapshot();
    assert_eq!(tenant.reset(ADELE), 403);
    assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), both.clone()).0, 403);
    assert_eq!(tenant.snapshot(), before, "one refusal refuses both");
    assert_eq!(tenant.disable(ADELE), 204);
    tenant.grant_permission("oust", "User-PasswordProfile.ReadWrite.All");
    tenant.revoke_permission("oust", "User.EnableDisableAccount.All");
    assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), both).0, 403);
    assert_eq!(tenant.reset(ADELE), 204);
}

#[test]
fn wide_permissions_do_not_reset_passwords() {
    let mut tenant = contoso();
    tenant.revoke_permission("oust", "User-PasswordProfile.ReadWrite.All");
    tenant.grant_permission("oust", "User.ReadWrite.All");
    tenant.grant_permission("oust", "Directory.ReadWrite.All");
    assert_eq!(tenant.reset(ADELE), 403);
    assert_eq!(tenant.disable(ADELE), 204);
}

#[test]
fn disabling_needs_the_read_permission_beside_it() {
    let mut tenant = contoso();
    tenant.revoke_permission("oust", "User.Read.All");
    assert_eq!(tenant.disable(ADELE), 403);
}

#[test]
fn a_reset_is_seen_by_its_date_and_demands_complexity() {
    let mut tenant = contoso();
    for weak in ["short1!", "alllowercase", "12345678"] {
        let body = json!({"passwordProfile": {"password": weak}});
        assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), body).0, 400, "{weak}");
    }
    assert_eq!(tenant.reset(ADELE), 204);
    let (_, user) = tenant.get(&format!("/users/{ADELE}?$select=lastPasswordChangeDateTime"));
    assert_eq!(user["lastPasswordChangeDateTime"], NOW);
}

#[test]
fn the_directory_synchronisation_puts_back_what_ad_says() {
    let mut tenant = contoso();
    assert_eq!(tenant.disable("DiegoS@contoso.com"), 204);
    let read = "/users/DiegoS@contoso.com?$select=accountEnabled";
    assert_eq!(tenant.ask_at(1799, "GET", read, None).1["accountEnabled"], false);
    assert_eq!(tenant.ask_at(1800, "GET", read, None).1["accountEnabled"], true);
}

#[test]
fn the_password_of_a_federated_user_is_not_ours() {
    let text = include_str!("consents.yaml")
        .replace("domains: [contoso.com, contoso.onmicrosoft.com]", "federated_domains: [contoso.com]");
    let mut tenant = file::parse(&text).unwrap();
    assert_eq!(tenant.reset(ADELE), 400);
    assert_eq!(tenant.disable(ADELE), 204);
}

#[test]
fn a_body_that_is_no_json_is_400() {
    let mut tenant = contoso();
    let mut request = request(tenant.token("oust", at(0)), "PATCH", &format!("/users/{ADELE}"), None);
    request.body = Some(Zeroizing::new(b"{\"accountEnabled\":fal".to_vec()));
    match tenant.answer(&request, at(0)) {
        Delivery::Reply(reply) => assert_eq!(reply.status, 400),
        other => panic!("{other:?}"),
    }
    assert_eq!(tenant.is_enabled(ADELE), Some(true));
}

#[test]
fn the_password_of_a_guest_is_not_ours_either() {
    assert_eq!(contoso().reset("NestorW_fabrikam.com%23EXT%23@contoso.onmicrosoft.com"), 400);
}

#[test]
fn a_user_is_found_by_any_address() {
    let text = include_str!("consents.yaml")
        .replace("    job_title: Retail Manager", "    other_mails: [adele@fabrikam.com]");
    let mut tenant = file::parse(&text).unwrap();
    let path = "/users?$select=id&$filter=mail%20eq%20'adele@fabrikam.com'%20or%20otherMails/any(m:m%20eq%20'adele@fabrikam.com')";
    let (status, body) = tenant.get(path);
    assert_eq!(status, 200);
    assert_eq!(body["value"], json!([{"id": tenant.user_id(ADELE)}]));
}
