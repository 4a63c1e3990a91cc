//! The result document, schema `oust.run/1`. Members are added, never changed or removed.

use jiff::Timestamp;
use oust_actions::{Call, Decision, Undo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bulk::BulkCounts;
use crate::playbook::After;

/// The value of `schema` in a [`RunDocument`].
pub const RUN_SCHEMA: &str = "oust.run/1";

/// Everything that is known of a run. The same whether it is made while the run goes or from its journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunDocument {
    /// `oust.run/1`.
    pub schema: String,
    /// UUID v7. Absent when it ended before a run began.
    pub run_id: Option<String>,
    /// The command that was given: `contain`, `plan`, …
    pub command: String,
    /// Whether it was kept from writing.
    pub dry_run: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit status of the process.
    pub exit_code: u8,
    /// The tenant, once it is known.
    pub tenant_id: Option<String>,
    /// The tenant's name; hostile until escaped.
    #[serde(default)]
    pub tenant_name: Option<String>,
    /// Id of the playbook.
    pub playbook: Option<String>,
    /// Start of the compromise window.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When it began, UTC.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// When it ended, UTC.
    #[schemars(with = "Option<String>")]
    pub finished_at: Option<Timestamp>,
    /// One entry a user.
    pub users: Vec<UserDocument>,
    /// Where the record is, and the hash of its last line. Absent for a dry run, which keeps none.
    pub journal: Option<JournalDocument>,
    /// Files with a sealed secret that the run left for its recipient.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<String>,
    /// The error that ended it, an RFC 9457 object.
    pub error: Option<Problem>,
}

impl RunDocument {
    /// Whether it is the run of a playbook that gives an account back.
    pub fn is_recovery(&self) -> bool {
        let gives_back = |step: &StepDocument| {
            oust_actions::find(&step.action).is_some_and(oust_actions::AnyAction::gives_back)
        };
        self.users.iter().flat_map(|user| &user.steps).any(gives_back)
    }
}

/// How a run or one user of it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every change is in force and was read back.
    Contained,
    /// The same of a run that gives an account back.
    Recovered,
    /// No change was needed.
    NothingToDo,
    /// Only planned.
    Planned,
    /// Some changes are in force, some not.
    Partial,
    /// Applied, but not read back yet, or something will put it back.
    Unverified,
    /// A guard or the service said no before anything was changed.
    Refused,
    /// Failed, nothing changed.
    Failed,
    /// Stopped in the middle; can be resumed.
    Interrupted,
    /// What could be taken back was.
    RolledBack,
}

/// Where the record is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalDocument {
    /// Path of `journal.jsonl`.
    pub path: String,
    /// SHA-256 of its last line, hex: put it into the ticket.
    pub head: String,
}

/// One user of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserDocument {
    /// Object id.
    pub id: String,
    /// Sign-in name; hostile until escaped.
    pub user_principal_name: String,
    /// Name for people; hostile until escaped.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What kind of account: `member`, `guest`, with `synced` and the directory roles that it holds.
    #[serde(default)]
    pub traits: Vec<String>,
    /// How it ended for this user.
    pub outcome: Outcome,
    /// When revoke and disable were both acknowledged, by the service's clock.
    #[schemars(with = "Option<String>")]
    pub cut_at: Option<Timestamp>,
    /// The same in milliseconds since the process started.
    pub cut_ms: Option<u64>,
    /// Until when an access token that was already out may still work.
    #[schemars(with = "Option<String>")]
    pub residual_access_until: Option<Timestamp>,
    /// The same by kind of client, and what it is computed from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residual_access: Vec<ResidualAccess>,
    /// The steps in their order.
    pub steps: Vec<StepDocument>,
    /// Ways back in that are not closed, and what a person must do.
    pub open: Vec<OpenDocument>,
}

/// Until when one kind of client may still use an access token that was out before the cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResidualAccess {
    /// Which clients.
    pub clients: String,
    /// Until when, at the latest.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// What it is computed from.
    pub because: String,
}

/// One step of the playbook for one user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// The stage that it belongs to.
    pub stage: String,
    /// Its id, unique in the playbook.
    #[serde(default)]
    pub step: String,
    /// The action's id.
    pub action: String,
    /// The least good state of its changes; `already` when there was nothing to do.
    pub state: State,
    /// Its writes.
    pub changes: Vec<ChangeDocument>,
    /// Every object that was judged.
    pub findings: Vec<FindingDocument>,
    /// What its stage waits for, besides the acknowledgement of the stage before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// Why the step has no plan, when it could not be observed.
    #[serde(default)]
    pub error: Option<Problem>,
    /// What it needs for this target and the operator does not seem to have. A hint: the service decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
}

/// A permission or a directory role that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lack {
    /// `permission` or `role`.
    pub kind: LackKind,
    /// Its name.
    pub name: String,
}

/// What is missing: the service answers both alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LackKind {
    /// An application permission of the token.
    Permission,
    /// A directory role of the service principal.
    Role,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// Number of the intent in the journal, once it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<u32>,
    /// Id of the object that changes.
    #[serde(default)]
    pub object_id: String,
    /// Its name; hostile until escaped.
    #[serde(default)]
    pub label: String,
    /// What is done.
    pub say: String,
    /// The value before, for people.
    #[serde(default)]
    pub from: String,
    /// The value after, for people.
    #[serde(default)]
    pub to: String,
    /// The write. Secrets are placeholders.
    #[schemars(with = "Value")]
    pub call: Call,
    /// How it is taken back.
    #[schemars(with = "Value")]
    pub undo: Undo,
    /// Where it stands.
    pub state: State,
    /// Why it stands there, when that needs words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// Graph's error code and message; hostile until escaped.
    pub graph_error: Option<String>,
    /// Graph's `request-id`, for a support case.
    pub request_id: Option<String>,
    /// What a rollback made of it.
    #[serde(default)]
    pub rollback: Option<RollbackDocument>,
}

/// What a rollback made of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackDocument {
    /// Where it stands.
    pub state: RollbackState,
    /// Why, in words; hostile until escaped.
    pub reason: Option<String>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// Graph's `request-id`.
    pub request_id: Option<String>,
}

/// States of a change under rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackState {
    /// Would be undone (dry run).
    Planned,
    /// Undone and read back.
    Restored,
    /// It was back already.
    Already,
    /// Undone, not visible yet.
    Pending,
    /// Can't be undone; the reason says why.
    Never,
    /// Somebody changed the object since: left alone.
    Moved,
    /// The service said no.
    Refused,
    /// It may or may not have been undone.
    InDoubt,
    /// Left out on request, or because it was never applied.
    Skipped,
}

/// States of a change, and of a step as the least good of its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing to do.
    Already,
    /// Applied and read back.
    Effective,
    /// Left out by a guard or the playbook, with the reason.
    Skipped,
    /// In a plan that was not carried out, or not yet.
    Planned,
    /// Applied, but something will put it back.
    WillRevert,
    /// Accepted, not yet visible.
    Pending,
    /// The service said no: surely not applied.
    Refused,
    /// May or may not have taken effect.
    InDoubt,
    /// Given up.
    Failed,
}

/// An object that was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingDocument {
    /// Its id; empty when the finding is about something that can't be read.
    pub object_id: String,
    /// Its name; hostile until escaped.
    pub label: String,
    /// The judgement.
    pub decision: Decision,
    /// Why, one reason a line; hostile until escaped.
    pub reasons: Vec<String>,
    /// 0–100, where the action scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<u8>,
}

/// A way back in that is not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenDocument {
    /// The step that saw it; `None` for what the playbook does not look at.
    pub step: Option<String>,
    /// What it is; hostile until escaped.
    pub label: String,
    /// Why it is open; hostile until escaped.
    pub reasons: Vec<String>,
    /// What a person must do.
    pub next: Option<String>,
}

/// An error, an RFC 9457 problem object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:oust:error:E0101`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One line, the same for every occurrence.
    pub title: String,
    /// HTTP status of the answer behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What happened this time; hostile until escaped.
    pub detail: String,
    /// `urn:oust:run:<id>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// `E0101`; `oust explain E0101` tells more.
    pub code: String,
    /// What was and wasn't changed.
    pub changed: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Graph's `request-id`, for a support case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_request_id: Option<String>,
    /// The step of the playbook that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

/// The value of `schema` in a [`RunList`].
pub const RUNS_SCHEMA: &str = "oust.runs/1";

/// The list that `oust runs --output json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunList {
    /// `oust.runs/1`.
    pub schema: String,
    /// Newest first.
    pub runs: Vec<RunListEntry>,
}

/// A run in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunListEntry {
    /// UUID v7.
    pub run_id: String,
    /// The command that began it.
    pub command: String,
    /// How it ended, or stands.
    pub outcome: Outcome,
    /// Sign-in names; hostile until escaped.
    pub users: Vec<String>,
    /// When it began, UTC.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// Whether `oust resume` has something to do.
    pub resumable: bool,
    /// UUID v7 of the bulk run that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
    /// How many users stand where, of a bulk run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<BulkCounts>,
}
