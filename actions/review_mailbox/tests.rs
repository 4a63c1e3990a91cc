//! What the review decides, asked with rows as the cmdlets give them.

use serde_json::{Value, json};

use super::observe::{full_access, mailbox, recipient, send_as};
use super::*;
use crate::contract::fake::{Fake, adele, ready, synced};
use crate::{AnyAction, Call, ReadErrorKind, Undo};

fn row(forwarding: &Value) -> Value {
    let mut row = json!({
        "ExternalDirectoryObjectId": adele().user.id, "ForwardingSmtpAddress": null, "ForwardingAddress": null,
        "DeliverToMailboxAndForward": false, "GrantSendOnBehalfTo": [],
    });
    for (name, value) in forwarding.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// Adele's mailbox, which only she opens but for these.
fn seen(row: Value, full: Value, send: Value) -> Fake {
    let id = adele().user.id;
    let own = json!([{ "User": "NT AUTHORITY\\SELF", "AccessRights": ["FullAccess"], "IsInherited": false }]);
    let full: Vec<Value> = [own, full].iter().flat_map(|rows| rows.as_array().unwrap().clone()).collect();
    Fake::default()
        .with(&mailbox(&id), row)
        .with(&full_access(&id), json!(full))
        .with(&send_as(&id), send)
        .with(&recipient("Drop"), json!({ "ExternalEmailAddress": "SMTP:drop@fabrikam.com" }))
        .with(&recipient("Alex"), json!({ "PrimarySmtpAddress": "AlexW@contoso.com" }))
}

fn decide(graph: &Fake, with: Value) -> Plan {
    let mut who = adele();
    who.settings = with;
    let state = ready(Action::observe(&ReviewMailbox, &who, graph)).unwrap();
    Action::plan(&ReviewMailbox, &who, &state)
}

fn forwarding(values: &Value, with: Value) -> Plan {
    decide(&seen(row(values), json!([]), json!([])), with)
}

fn delegates(with: Value) -> Plan {
    let full = json!([
        { "User": "AlexW@contoso.com", "AccessRights": ["FullAccess"], "IsInherited": false, "Deny": false,
          "InheritanceType": "All" },
        { "User": "PROD\\Administrators", "AccessRights": ["FullAccess"], "IsInherited": true, "Deny": false },
        { "User": "MeganB@contoso.com", "AccessRights": ["FullAccess"], "IsInherited": false, "Deny": true },
    ]);
    let send = json!([
        { "Trustee": "NT AUTHORITY\\SELF", "AccessRights": ["SendAs"], "AccessControlType": "Allow" },
        { "Trustee": "AlexW@contoso.com", "AccessRights": ["SendAs"], "AccessControlType": "Allow" },
    ]);
    decide(&seen(row(&json!({ "GrantSendOnBehalfTo": ["Alex", "Megan"] })), full, send), with)
}

fn undo(change: &crate::Change) -> &Call {
    let Undo::Call(call) = &change.undo else { panic!("{change:?}") };
    call
}

#[test]
fn forwarding_out_of_the_tenant_ends_and_all_of_it_comes_back() {
    let values =
        json!({ "ForwardingSmtpAddress": "smtp:drop@fabrikam.com", "DeliverToMailboxAndForward": true });
    let plan = forwarding(&values, Value::Null);
    let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(change.call.url(), "/exchange/Set-Mailbox");
    let body = change.call.body.as_ref().unwrap();
    assert_eq!(body["ForwardingSmtpAddress"], Value::Null);
    assert_eq!(body["DeliverToMailboxAndForward"], false);
    let back = undo(change).body.as_ref().unwrap();
    for name in ["ForwardingSmtpAddress", "DeliverToMailboxAndForward", "ForwardingAddress"] {
        assert_eq!(back[name], row(&values)[name], "{name}");
    }
    assert!(plan.open.is_empty() && plan.kept.is_empty(), "{plan:?}");
}

#[test]
fn forwarding_is_judged_by_where_it_leads_in_the_end() {
    for (values, goes, asks) in [
        (json!({}), 0, 0),
        (json!({ "DeliverToMailboxAndForward": true }), 0, 0),
        (json!({ "ForwardingSmtpAddress": "smtp:AlexW@CONTOSO.com" }), 0, 1),
        (json!({ "ForwardingSmtpAddress": "smtp:alexw@contoso.com.fabrikam.com" }), 1, 0),
        (json!({ "ForwardingAddress": "Drop" }), 1, 0),
        (json!({ "ForwardingAddress": "Alex" }), 0, 1),
        (json!({ "ForwardingAddress": "nobody knows" }), 0, 1),
        (json!({ "ForwardingAddress": "Alex", "ForwardingSmtpAddress": "smtp:drop@fabrikam.com" }), 1, 0),
    ] {
        let plan = forwarding(&values, Value::Null);
        assert_eq!((plan.changes.len(), plan.open.len()), (goes, asks), "{values}");
        let all = forwarding(&values, json!({ "forwarding": "all" }));
        assert_eq!((all.changes.len(), all.open.len()), (goes + asks, 0), "{values}");
    }
}

#[test]
fn a_person_decides_on_delegates_unless_the_playbook_does() {
    let plan = delegates(Value::Null);
    assert_eq!((plan.changes.len(), plan.open.len()), (0, 3), "one for each delegate: {plan:?}");
    assert_eq!(plan.open[0].reasons.len(), 3, "what Alex holds, and why it is asked");
    let plan = delegates(json!({ "delegates": "remove" }));
    let urls: Vec<String> = plan.changes.iter().map(|change| change.call.url()).collect();
    let names = ["Remove-MailboxPermission", "Remove-RecipientPermission", "Set-Mailbox"];
    assert_eq!(urls, names.map(|name| format!("/exchange/{name}")));
    let back: Vec<String> = plan.changes.iter().map(|change| undo(change).url()).collect();
    let names = ["Add-MailboxPermission", "Add-RecipientPermission", "Set-Mailbox"];
    assert_eq!(back, names.map(|name| format!("/exchange/{name}")));
    assert_eq!(plan.changes[2].call.body.as_ref().unwrap()["GrantSendOnBehalfTo"], Value::Null);
    let plan = delegates(json!({ "delegates": "remove", "keep": ["alexw@contoso.com", "Megan"] }));
    assert_eq!((plan.changes.len(), plan.kept.len()), (1, 2), "{plan:?}");
    assert_eq!(plan.changes[0].call.body.as_ref().unwrap()["GrantSendOnBehalfTo"], json!(["Megan"]));
}

#[test]
fn what_cannot_be_seen_is_said_with_the_way_to_see_it() {
    let id = adele().user.id;
    let fails = |kind| Fake::default().failing(&mailbox(&id), kind);
    let closed = decide(&fails(ReadErrorKind::Closed), Value::Null);
    let next = closed.open[0].next.as_ref().unwrap();
    assert!(
        next.contains("oust doctor") && next.contains("Get-MailboxPermission adelev@contoso.com"),
        "{next}"
    );
    let graph = fails(ReadErrorKind::Forbidden);
    let mut who = adele();
    assert!(ready(Action::observe(&ReviewMailbox, &who, &graph)).is_err(), "the permission is missing");
    who.operator.permissions = vec!["Exchange.ManageAsApp".into()];
    let state = ready(Action::observe(&ReviewMailbox, &who, &graph)).unwrap();
    let kept_out = Action::plan(&ReviewMailbox, &who, &state);
    assert!(kept_out.open[0].next.as_ref().unwrap().contains("role in Exchange"));
    let none = fails(ReadErrorKind::NotFound);
    assert_eq!(decide(&none, Value::Null).kept.len(), 1);
    let state = ready(Action::observe(&ReviewMailbox, &synced(), &none)).unwrap();
    assert_eq!(Action::plan(&ReviewMailbox, &synced(), &state).open.len(), 1);
}

#[test]
fn nothing_is_decided_on_the_mailbox_of_another_account() {
    let graph = seen(row(&json!({ "ExternalDirectoryObjectId": "someone" })), json!([]), json!([]));
    let error = ready(Action::observe(&ReviewMailbox, &adele(), &graph)).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::Unreadable);
}

#[test]
fn settings_are_checked() {
    assert!(ReviewMailbox.check_settings(&json!({ "forwarding": "all", "delegates": "remove" })).is_ok());
    for wrong in [json!({ "forwarding": "some" }), json!({ "delegates": true }), json!({ "remove": "all" })] {
        assert!(ReviewMailbox.check_settings(&wrong).is_err(), "{wrong}");
    }
}
