//! An inbox rule, as far as it is judged.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule.
///
/// <https://learn.microsoft.com/graph/api/resources/messagerule>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    pub id: String,
    /// Hostile.
    pub name: String,
    /// Missing: it couldn't be read.
    pub enabled: Option<bool>,
    /// The API can neither change nor delete it.
    pub read_only: bool,
    pub has_error: bool,
    /// Addresses that mail is forwarded or redirected to; hostile.
    pub sends_to: Vec<String>,
    pub delete: bool,
    pub permanent_delete: bool,
    /// Id of the folder that mail is moved to.
    pub moves_to: Option<String>,
    pub mark_read: bool,
    pub stop: bool,
    /// Words that it looks for in subjects and bodies; hostile.
    pub words: Vec<String>,
    /// It takes every message.
    pub unconditional: bool,
}

impl Rule {
    /// Reads a rule; `None` for what has no id.
    pub(super) fn parse(row: &Value) -> Option<Self> {
        let (actions, conditions) = (&row["actions"], &row["conditions"]);
        let is = |of: &Value| of.as_bool() == Some(true);
        let sends = ["forwardTo", "forwardAsAttachmentTo", "redirectTo"];
        let looks_for = ["subjectContains", "bodyContains", "bodyOrSubjectContains"];
        let recipients = sends.iter().flat_map(|kind| actions[*kind].as_array().into_iter().flatten());
        let mut sends_to: Vec<String> = recipients
            .map(|to| to["emailAddress"]["address"].as_str().unwrap_or_default().to_owned())
            .collect();
        sends_to.sort_unstable();
        sends_to.dedup();
        let words = looks_for.iter().flat_map(|kind| conditions[*kind].as_array().into_iter().flatten());
        Some(Self {
            id: row["id"].as_str().filter(|id| !id.is_empty())?.to_owned(),
            name: row["displayName"].as_str().unwrap_or_default().to_owned(),
            enabled: row["isEnabled"].as_bool(),
            read_only: is(&row["isReadOnly"]),
            has_error: is(&row["hasError"]),
            sends_to,
            delete: is(&actions["delete"]),
            permanent_delete: is(&actions["permanentDelete"]),
            moves_to: actions["moveToFolder"].as_str().map(str::to_owned),
            mark_read: is(&actions["markAsRead"]),
            stop: is(&actions["stopProcessingRules"]),
            words: words.filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            unconditional: conditions.as_object().is_none_or(|c| c.values().all(is_nothing)),
        })
    }

    /// Its name, or that it has none.
    pub(super) fn label(&self) -> String {
        if self.name.trim().is_empty() { "a rule without a name".into() } else { self.name.clone() }
    }
}

/// Graph writes out conditions that are not set.
fn is_nothing(condition: &Value) -> bool {
    match condition {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
