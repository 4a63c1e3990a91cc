//! Rules that Outlook and Graph hide: seen through Exchange Online, where that is open, and left to a person.
//!
//! They are not disabled from here: a cmdlet that changes any rule removes those that Outlook keeps for itself,
//! and nothing puts them back.
//!
//! <https://learn.microsoft.com/powershell/module/exchange/disable-inboxrule>

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Settings;
use super::observe::State;
use super::rule::Rule;
use super::score::score;
use crate::{Decision, Finding, Get, Plan, Read, ReadError, Target};

/// What is known of hidden rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hidden {
    /// All that there are.
    Seen(Vec<Rule>),
    /// None was looked at, and why.
    Unseen(String),
}

impl Default for Hidden {
    fn default() -> Self {
        Self::Unseen("an earlier version did not look".into())
    }
}

pub(super) fn with_hidden(user: &str) -> Get {
    Get::cmdlet("Get-InboxRule", &[("Mailbox", user), ("IncludeHidden", "true")])
}

pub(super) fn without_hidden(user: &str) -> Get {
    Get::cmdlet("Get-InboxRule", &[("Mailbox", user)])
}

/// Reads. What is refused here takes nothing from what Graph shows.
pub(super) async fn look(who: &Target, graph: &dyn Read) -> Hidden {
    let (all, shown) = (with_hidden(&who.user.id), without_hidden(&who.user.id));
    match try_join(graph.all(&all), graph.all(&shown)).await {
        Ok((all, shown)) => {
            let shown: BTreeSet<String> = shown.iter().filter_map(|row| Some(parse(row)?.id)).collect();
            let mut hidden: Vec<Rule> =
                all.iter().filter_map(parse).filter(|rule| !shown.contains(&rule.id)).collect();
            hidden.sort_by(|a, b| a.id.cmp(&b.id));
            Hidden::Seen(hidden)
        }
        Err(ReadError { message, .. }) => Hidden::Unseen(message),
    }
}

/// Tells of them.
pub(super) fn judge(plan: &mut Plan, who: &Target, hidden: &Hidden, settings: &Settings) {
    let upn = &who.user.user_principal_name;
    let by_hand = format!("Exchange Online PowerShell: Get-InboxRule -Mailbox {upn} -IncludeHidden");
    let rules = match hidden {
        Hidden::Seen(rules) => rules,
        Hidden::Unseen(why) => {
            let why = format!("rules that Outlook hides can't be seen through Graph: {why}");
            plan.open.push(Finding::open(&who.user, why, by_hand));
            return;
        }
    };
    // A cmdlet names folders, and Graph gives their ids.
    let folders: BTreeMap<String, String> =
        rules.iter().filter_map(|rule| rule.moves_to.clone()).map(|name| (name.clone(), name)).collect();
    let named = State { folders: Some(folders), ..State::default() };
    for rule in rules {
        let score = score(who, &named, rule);
        let risk = score.risk();
        let stays =
            rule.enabled == Some(false) || settings.keep.contains(&rule.id) || risk < settings.min_risk;
        let why =
            if stays { "hidden, and harmless, disabled or kept" } else { "hidden from Outlook and Graph" };
        let finding = Finding {
            risk: Some(risk),
            ..Finding::of(
                (&rule.id, &format!("hidden rule {}", rule.label())),
                if stays { Decision::Keep } else { Decision::Ask },
                std::iter::once(why.to_owned()).chain(score.reasons).collect(),
            )
        };
        if stays {
            plan.kept.push(finding);
        } else {
            plan.open.push(finding.next(format!(
                "{by_hand}, then Disable-InboxRule with its RuleIdentity; that removes the rules which only \
                 Outlook runs, so ask the user about those first"
            )));
        }
    }
}

/// Reads a rule as `Get-InboxRule` shows it; `None` for what has no identity.
fn parse(row: &Value) -> Option<Rule> {
    let is = |name: &str| row[name] == true;
    let list = |name: &str| row[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    let id = match &row["RuleIdentity"] {
        Value::String(id) if !id.is_empty() => id.clone(),
        // A 64-bit number, which JSON may carry as one.
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    let mut sends_to: Vec<String> = ["ForwardTo", "ForwardAsAttachmentTo", "RedirectTo"]
        .iter()
        .flat_map(|kind| list(kind))
        .map(address)
        .collect();
    sends_to.sort_unstable();
    sends_to.dedup();
    let words = ["SubjectContainsWords", "BodyContainsWords", "SubjectOrBodyContainsWords"];
    let narrows = [
        "From",
        "FromAddressContainsWords",
        "SentTo",
        "HeaderContainsWords",
        "RecipientAddressContainsWords",
    ];
    Some(Rule {
        id,
        name: row["Name"].as_str().unwrap_or_default().to_owned(),
        enabled: row["Enabled"].as_bool(),
        read_only: false,
        has_error: is("InError"),
        sends_to,
        delete: is("DeleteMessage"),
        permanent_delete: is("SoftDeleteMessage"),
        moves_to: row["MoveToFolder"].as_str().map(str::to_owned),
        mark_read: is("MarkAsRead"),
        stop: is("StopProcessingRules"),
        words: words.iter().flat_map(|kind| list(kind)).map(str::to_owned).collect(),
        unconditional: words.iter().chain(&narrows).all(|kind| list(kind).next().is_none()),
    })
}

/// `"Drop" [SMTP:drop@fabrikam.com]` is `drop@fabrikam.com`. Another kind of address, such as `EX`, names a
/// recipient of the tenant, which may stand for somebody outside.
fn address(shown: &str) -> String {
    let inside = shown.rsplit_once("[SMTP:").and_then(|(_, rest)| rest.strip_suffix(']'));
    inside.unwrap_or(if shown.contains("[EX:") { "a recipient of the tenant" } else { shown }).to_owned()
}
