//! The cmdlets that end forwarding and take access away, and those that give it back.

use serde_json::{Value, json};

use super::observe::{Access, Forwarding, full_access, mailbox, send_as};
use crate::{Call, Change, Look, Repeat, Seen, Target, Undo};

/// Ends all forwarding of the mailbox. The three properties are one setting: two of them alone would lose mail.
pub(super) fn stop_forwarding(who: &Target, now: &Forwarding, to: &str) -> Change {
    let user = &who.user.id;
    let before = json!({
        "ForwardingSmtpAddress": now.smtp_address,
        "ForwardingAddress": now.address,
        "DeliverToMailboxAndForward": now.keeps_copy,
    });
    let after = json!({
        "ForwardingSmtpAddress": null, "ForwardingAddress": null, "DeliverToMailboxAndForward": false,
    });
    let set = |values: &Value| Call::cmdlet("Set-Mailbox", with(user, values));
    let from =
        if now.keeps_copy { format!("forwards to {to}, keeps a copy") } else { format!("forwards to {to}") };
    Change::new(
        (user, to),
        format!("end the forwarding of the mailbox to {to}"),
        (&from, "no forwarding"),
        set(&after).by_hand(
            "Exchange Online PowerShell: Set-Mailbox -ForwardingSmtpAddress $null -ForwardingAddress $null \
             -DeliverToMailboxAndForward $false",
        ),
        Undo::Call(set(&before)),
    )
    .look(Look::at(mailbox(user), Seen::With(before), Seen::With(after)))
}

/// Takes the mailbox away from whoever may open it.
pub(super) fn end_full_access(who: &Target, access: &Access) -> Change {
    let user = &who.user.id;
    let permission = json!({
        "User": access.who,
        "AccessRights": access.rights,
        "InheritanceType": access.inheritance.as_deref().unwrap_or("All"),
    });
    let pick = json!({ "User": access.who, "Deny": false, "IsInherited": false });
    let there = json!({ "AccessRights": access.rights });
    Change::new(
        (&access.who, &access.who),
        format!("end the access of {} to the mailbox", access.who),
        (&access.rights.join(", "), "no access"),
        Call::cmdlet("Remove-MailboxPermission", unasked(with(user, &permission)))
            .by_hand("Exchange Online PowerShell: Remove-MailboxPermission"),
        Undo::Call(Call::cmdlet("Add-MailboxPermission", with(user, &permission)).repeat(Repeat::Harmless)),
    )
    .look(Look::pick(full_access(user), pick, Seen::With(there), Seen::Absent))
}

/// Takes the right to send as the mailbox away.
pub(super) fn end_send_as(who: &Target, access: &Access) -> Change {
    let user = &who.user.id;
    let permission = json!({ "Trustee": access.who, "AccessRights": access.rights });
    let pick = json!({ "Trustee": access.who, "AccessControlType": "Allow" });
    let there = json!({ "AccessRights": access.rights });
    Change::new(
        (&access.who, &access.who),
        format!("end the right of {} to send as the mailbox", access.who),
        (&access.rights.join(", "), "no access"),
        Call::cmdlet("Remove-RecipientPermission", unasked(with(user, &permission)))
            .by_hand("Exchange Online PowerShell: Remove-RecipientPermission"),
        Undo::Call(Call::cmdlet("Add-RecipientPermission", unasked(with(user, &permission)))),
    )
    .look(Look::pick(send_as(user), pick, Seen::With(there), Seen::Absent))
}

/// Leaves only `kept` to send on behalf of the mailbox: it is one list.
pub(super) fn end_on_behalf(who: &Target, now: &[String], kept: &[&String]) -> Change {
    let user = &who.user.id;
    let gone: Vec<&str> = now.iter().filter(|name| !kept.contains(name)).map(String::as_str).collect();
    let gone = gone.join(", ");
    let set =
        |names: Value| Call::cmdlet("Set-Mailbox", with(user, &json!({ "GrantSendOnBehalfTo": names })));
    let list = |names: Value| Seen::With(json!({ "GrantSendOnBehalfTo": names }));
    Change::new(
        (&gone, &gone),
        format!("end the right of {gone} to send on behalf of the mailbox"),
        ("send on behalf", "no access"),
        set(if kept.is_empty() { Value::Null } else { json!(kept) })
            .by_hand("Exchange Online PowerShell: Set-Mailbox -GrantSendOnBehalfTo"),
        Undo::Call(set(json!(now))),
    )
    .look(Look::at(mailbox(user), list(json!(now)), list(json!(kept))))
}

/// The mailbox and what is set on it.
fn with(user: &str, values: &Value) -> Value {
    let mut parameters = json!({ "Identity": user });
    for (name, value) in values.as_object().into_iter().flatten() {
        parameters[name] = value.clone();
    }
    parameters
}

/// These cmdlets ask back unless they are told not to.
fn unasked(mut parameters: Value) -> Value {
    parameters["Confirm"] = false.into();
    parameters
}
