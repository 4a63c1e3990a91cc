//! Exchange Online's cmdlets: who may run them, and what they show and change.

use super::*;

fn run(tenant: &mut Tenant, token: String, name: &str, parameters: &Value) -> (u16, Value) {
    let request = Request {
        method: "POST",
        url: format!("{}/adminapi/beta/{}/InvokeCommand", Simulated::EXCHANGE_URL, tenant.tenant_id),
        headers: vec![],
        bearer: Some(SecretString::from(token)),
        body: Some(
            json!({ "CmdletInput": { "CmdletName": name, "Parameters": parameters } })
                .to_string()
                .into_bytes()
                .into(),
        ),
    };
    match tenant.answer(&request, at(0)) {
        Delivery::Reply(reply) => (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null)),
        other => panic!("{other:?}"),
    }
}

fn as_oust(tenant: &mut Tenant, name: &str, parameters: &Value) -> (u16, Value) {
    let token = tenant.exchange_token("oust", at(0));
    run(tenant, token, name, parameters)
}

fn of_adele() -> Value {
    json!({ "Identity": ADELE })
}

#[test]
fn a_token_is_good_for_one_of_the_two_services() {
    let mut tenant = rehearsed();
    let (graph, exchange) = (tenant.token("oust", at(0)), tenant.exchange_token("oust", at(0)));
    assert_eq!(run(&mut tenant, graph, "Get-Mailbox", &of_adele()).0, 401);
    match tenant.answer(&request(exchange.clone(), "GET", "/organization", None), at(0)) {
        Delivery::Reply(reply) => assert_eq!(reply.status, 401),
        other => panic!("{other:?}"),
    }
    assert_eq!(run(&mut tenant, exchange, "Get-Mailbox", &of_adele()).0, 200);
}

#[test]
fn it_takes_the_permission_and_a_role_in_exchange() {
    let mut tenant = rehearsed();
    assert!(tenant.revoke_permission("oust", "Exchange.ManageAsApp"));
    assert_eq!(as_oust(&mut tenant, "Get-Mailbox", &of_adele()).0, 401);
    let text = include_str!("../../../examples/tenants/contoso.yaml")
        .replace("exchange_role: true", "enabled: true");
    let mut tenant = begun(&text);
    let (status, body) = as_oust(&mut tenant, "Get-Mailbox", &of_adele());
    assert_eq!(status, 403);
    assert!(body["error"]["details"][0]["message"].as_str().unwrap().contains('|'), "{body}");
    tenant.give_role("oust", "Exchange Administrator");
    assert_eq!(as_oust(&mut tenant, "Get-Mailbox", &of_adele()).0, 200);
}

#[test]
fn what_is_set_is_shown_and_a_get_changes_nothing() {
    let mut tenant = rehearsed();
    let before = tenant.snapshot();
    for name in ["Get-Mailbox", "Get-MailboxPermission", "Get-RecipientPermission", "Get-InboxRule"] {
        assert_eq!(as_oust(&mut tenant, name, &of_adele()).0, 200, "{name}");
    }
    assert_eq!((tenant.snapshot(), tenant.writes_applied()), (before, 0));
    let stop = json!({ "Identity": ADELE, "ForwardingSmtpAddress": null });
    assert_eq!(as_oust(&mut tenant, "Set-Mailbox", &stop).0, 200);
    let (_, shown) = as_oust(&mut tenant, "Get-Mailbox", &of_adele());
    assert_eq!(shown["value"][0]["ForwardingSmtpAddress"], Value::Null);
    assert_eq!(tenant.writes_applied(), 1);
    assert_eq!(as_oust(&mut tenant, "Set-Mailbox", &json!({ "Identity": ADELE, "Junk": 1 })).0, 400);
    assert_eq!(as_oust(&mut tenant, "Get-Mailbox", &json!({ "Identity": "nobody" })).0, 404);
    assert_eq!(as_oust(&mut tenant, "Format-Disk", &of_adele()).0, 400);
}

#[test]
fn a_hidden_rule_is_shown_by_exchange_alone() {
    let text = include_str!("../../../examples/tenants/contoso.yaml")
        .replace("rules:\n", &format!("rules:\n  - {{user: {ADELE}, name: secret, hidden: true}}\n"));
    let mut tenant = begun(&text);
    let rows = |answer: (u16, Value)| answer.1["value"].as_array().unwrap().len();
    let seen = rows(tenant.get(&format!("/users/{ADELE}/mailFolders/inbox/messageRules")));
    let mailbox = json!({ "Mailbox": ADELE });
    assert_eq!(rows(as_oust(&mut tenant, "Get-InboxRule", &mailbox)), seen);
    let all = json!({ "Mailbox": ADELE, "IncludeHidden": true });
    assert_eq!(rows(as_oust(&mut tenant, "Get-InboxRule", &all)), seen + 1);
}
