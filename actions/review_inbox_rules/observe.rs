//! Reads the rules, and the folders' names where the token allows it.

use std::collections::BTreeMap;

use futures_util::future::join;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::READ_RULES;
use super::hidden::{self, Hidden};
use super::rule::Rule;
use crate::{Get, Read, ReadError, ReadErrorKind, Target};

/// Any one of these names folders. None is asked for: without them a folder is an id.
const READ_FOLDERS: &[&str] = &["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"];

/// What was seen of a mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub(super) rules: Vec<Rule>,
    /// Names by id of the mailbox's top folders; `None` when they were not read.
    pub(super) folders: Option<BTreeMap<String, String>>,
    pub(super) hidden: Hidden,
    /// Why there are no rules to see.
    pub(super) blind: Option<Blind>,
}

/// Why a mailbox can't be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Blind {
    /// There is none in Exchange Online.
    NoMailbox,
    /// A policy keeps this application out of it.
    KeptOut,
    /// Graph has no rules in the tenant's cloud: nothing was asked.
    NotInCloud,
}

pub(super) fn rules_of(user: &str) -> Get {
    Get::new(["users", user, "mailFolders", "inbox", "messageRules"])
}

pub(super) fn folders_of(user: &str) -> Get {
    Get::new(["users", user, "mailFolders"]).select(&["id", "displayName"])
}

/// Reads.
pub(super) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let blind = |why| Ok(State { blind: Some(why), ..State::default() });
    let visible = rules_of(&who.user.id);
    if who.tenant.cloud.lacks(&visible.path).is_some() {
        return blind(Blind::NotInCloud);
    }
    let (rows, hidden) = join(graph.all(&visible), hidden::look(who, graph)).await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) if is_without_mailbox(&error) => return blind(Blind::NoMailbox),
        Err(error) if error.kind == ReadErrorKind::Forbidden && may_read(who) => {
            return blind(Blind::KeptOut);
        }
        Err(error) => return Err(error),
    };
    let mut rules: Vec<Rule> = rows.iter().filter_map(Rule::parse).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules.dedup_by(|a, b| a.id == b.id);
    let folders = if rules.iter().any(|rule| rule.moves_to.is_some()) && may_name_folders(who) {
        graph.all(&folders_of(&who.user.id)).await.ok().map(|rows| names(&rows))
    } else {
        None
    };
    Ok(State { rules, folders, hidden, blind: None })
}

/// 404 also means that the user is gone, which is another matter.
fn is_without_mailbox(error: &ReadError) -> bool {
    error.code.as_deref().is_some_and(|code| {
        ["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorMailboxNotEnabledForRESTAPI"]
            .contains(&code)
    })
}

fn may_read(who: &Target) -> bool {
    READ_RULES.is_met_by(&who.operator.permissions)
}

fn may_name_folders(who: &Target) -> bool {
    who.operator.permissions.iter().any(|held| READ_FOLDERS.contains(&held.as_str()))
}

fn names(rows: &[Value]) -> BTreeMap<String, String> {
    rows.iter()
        .filter_map(|row| Some((row["id"].as_str()?.to_owned(), row["displayName"].as_str()?.to_owned())))
        .collect()
}
