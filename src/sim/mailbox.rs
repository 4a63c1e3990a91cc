//! Inbox rules, as far as Graph shows them.
//!
//! <https://learn.microsoft.com/graph/api/resources/messagerule>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::directory::{Directory, object_key};
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;
use super::user::User;

/// An inbox rule of the tenant file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Described {
    /// Whose, by UPN.
    pub user: String,
    /// Display name, and its name in this file.
    pub name: String,
    /// Addresses that mail is forwarded to.
    pub forward_to: Vec<String>,
    /// Addresses that mail is redirected to.
    pub redirect_to: Vec<String>,
    /// Deletes.
    pub delete: bool,
    /// Deletes for good.
    pub permanent_delete: bool,
    /// Moves to the folder of this name.
    pub move_to: Option<String>,
    /// Marks as read.
    pub mark_read: bool,
    /// Stops further rules.
    pub stop: bool,
    /// Words in subject or body; left out: every message.
    pub words: Vec<String>,
    /// Sender addresses.
    pub from: Vec<String>,
    /// Disabled.
    pub disabled: bool,
    /// Can't be changed through the API.
    pub read_only: bool,
    /// Outlook and Graph don't show it.
    pub hidden: bool,
}

/// A rule of a mailbox.
#[derive(Debug, Clone)]
pub struct Rule {
    pub user_id: String,
    pub id: String,
    /// Its name in the tenant file.
    pub name: String,
    pub enabled: bool,
    read_only: bool,
    /// Only Exchange shows it.
    pub hidden: bool,
    sequence: usize,
    conditions: Value,
    actions: Value,
}

/// The name of a folder, beside the usual ones.
fn folder_id(user_id: &str, name: &str) -> String {
    object_key("folder", &format!("{user_id} {name}"))
}

impl Rule {
    /// Makes one of the tenant file.
    pub fn describe(user_id: String, described: &Described, sequence: usize) -> Self {
        let people = |addresses: &[String]| -> Value {
            addresses.iter().map(|a| json!({ "emailAddress": { "name": a, "address": a } })).collect()
        };
        let mut conditions = json!({});
        if !described.words.is_empty() {
            conditions["bodyOrSubjectContains"] = json!(described.words);
        }
        if !described.from.is_empty() {
            conditions["fromAddresses"] = people(&described.from);
        }
        let mut actions = json!({ "stopProcessingRules": described.stop, "markAsRead": described.mark_read });
        let flags = [("delete", described.delete), ("permanentDelete", described.permanent_delete)];
        for (name, _) in flags.iter().filter(|(_, set)| *set) {
            actions[*name] = true.into();
        }
        for (name, to) in [("forwardTo", &described.forward_to), ("redirectTo", &described.redirect_to)] {
            if !to.is_empty() {
                actions[name] = people(to);
            }
        }
        if let Some(folder) = &described.move_to {
            actions["moveToFolder"] = folder_id(&user_id, folder).into();
        }
        Self {
            id: object_key("rule", &format!("{user_id} {} {sequence}", described.name)),
            name: described.name.clone(),
            enabled: !described.disabled,
            read_only: described.read_only,
            hidden: described.hidden,
            sequence,
            conditions,
            actions,
            user_id,
        }
    }

    /// As `Get-InboxRule` shows it.
    pub fn cmdlet_json(&self) -> Value {
        let to = |name: &str| -> Vec<String> {
            let people = self.actions[name].as_array().into_iter().flatten();
            let addresses = people.filter_map(|to| to["emailAddress"]["address"].as_str());
            addresses.map(|a| format!("\"{a}\" [SMTP:{a}]")).collect()
        };
        json!({
            "RuleIdentity": self.id,
            "Name": self.name,
            "Enabled": self.enabled,
            "InError": false,
            "ForwardTo": to("forwardTo"),
            "RedirectTo": to("redirectTo"),
            "DeleteMessage": self.actions["delete"] == true,
            "SoftDeleteMessage": false,
            "MoveToFolder": self.actions["moveToFolder"],
            "MarkAsRead": self.actions["markAsRead"] == true,
            "StopProcessingRules": self.actions["stopProcessingRules"] == true,
            "SubjectOrBodyContainsWords": self.conditions["bodyOrSubjectContains"],
            "From": self.conditions["fromAddresses"],
        })
    }

    /// As Graph shows it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "displayName": self.name,
            "sequence": self.sequence,
            "isEnabled": self.enabled,
            "hasError": false,
            "isReadOnly": self.read_only,
            "conditions": self.conditions,
            "actions": self.actions,
        })
    }
}

fn owner<'a>(directory: &'a Directory, user: &str) -> Outcome<&'a User> {
    let found = directory.user(user).ok_or_else(|| {
        GraphError::new(404, "ErrorInvalidUser", format!("The requested user '{user}' is invalid."))
    })?;
    if found.mailbox {
        return Ok(found);
    }
    Err(GraphError::new(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    ))
}

/// `GET /users/{id}/mailFolders`, `…/inbox/messageRules` and `…/inbox/messageRules/{id}`
pub fn read(directory: &Directory, ask: &Ask, user: &str, rest: &[&str], page_size: usize) -> Outcome {
    let user = owner(directory, user)?;
    let rules = directory.rules.iter().filter(|r| r.user_id == user.id && !r.hidden);
    match rest {
        [] => {
            let usual = ["Inbox", "Archive", "Deleted Items", "Junk Email", "RSS Feeds", "Newsletters"];
            let rows: Vec<Value> = usual
                .iter()
                .map(|name| json!({ "id": folder_id(&user.id, name), "displayName": name }))
                .collect();
            select::collection(ask, "mailFolders", &rows, None, &[], page_size)
        }
        ["inbox", "messageRules"] => {
            let rules: Vec<&Rule> = rules.collect();
            select::collection_of(ask, "messageRules", &rules, |rule| rule.json(), &[], page_size)
        }
        ["inbox", "messageRules", id] => {
            let rule = directory.rules.iter().find(|r| r.id == *id && r.user_id == user.id && !r.hidden);
            let rule = rule.ok_or_else(not_found)?;
            Ok(Answer::ok(select::object(ask, "messageRules", &rule.json(), None)))
        }
        _ => Err(GraphError::unknown_segment(rest.last().unwrap_or(&""))),
    }
}

/// `PATCH /users/{id}/mailFolders/inbox/messageRules/{id}`: enables or disables.
pub fn patch(directory: &mut Directory, ask: &Ask, user: &str, id: &str) -> Outcome {
    let user = owner(directory, user)?.id.clone();
    let body = ask.object()?;
    let rule = directory.rules.iter_mut().find(|r| r.id == id && r.user_id == user).ok_or_else(not_found)?;
    let (1, Some(enabled)) = (body.len(), body.get("isEnabled").and_then(Value::as_bool)) else {
        return Err(GraphError::new(400, "ErrorInvalidRequest", "The property can't be set here."));
    };
    if rule.read_only {
        return Err(GraphError::new(403, "ErrorAccessDenied", "Access is denied. The rule is read-only."));
    }
    rule.enabled = enabled;
    Ok(Answer::ok(select::object(ask, "messageRules", &rule.json(), None)))
}

fn not_found() -> GraphError {
    GraphError::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
}
