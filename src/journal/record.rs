//! The records of a journal and their legal order. The same table admits a record when it is written and when
//! it is read back.

use jiff::Timestamp;
use oust_actions::{Call, Change, Operator, Plan, Target, Tenant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{Lack, Outcome, Problem, RollbackState, State};

/// The format that this version writes. A later version reads every earlier one; an earlier one refuses a
/// later one by this number.
pub const FORMAT: u32 = 1;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// 0, 1, 2, …
    pub seq: u64,
    /// SHA-256 of the line before, hex; zeros for the first.
    pub prev: String,
    /// When it was written, UTC, by the clock of this machine. Order is by `seq`.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The run began: always the first record.
    Began(Box<Began>),
    /// A user was found.
    Target(Box<TargetFound>),
    /// A step was observed and decided for a user.
    Planned(Box<Planned>),
    /// The plan may be carried out.
    Confirmed {
        /// By what: a flag, a typed name, a saved plan.
        how: String,
    },
    /// A call is about to be sent. On disk before it leaves.
    Intent(Box<Intent>),
    /// What became of the call of an intent.
    Outcome {
        /// The intent.
        intent: u32,
        /// Accepted, refused, in doubt, not sent.
        #[serde(flatten)]
        answer: Told,
    },
    /// Where a change stands, by reading.
    Verified {
        /// The user.
        user_id: String,
        /// The step.
        step: String,
        /// The intent that made the change.
        intent: u32,
        /// Its state.
        state: State,
        /// Why, when that needs words.
        reason: Option<String>,
        /// The code that explains it, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// Revoke and disable are both acknowledged.
    Cut {
        /// The user.
        user_id: String,
        /// Since the process started.
        elapsed_ms: u64,
        /// When, by the service's clock, which nobody sets here: what is still out is reckoned from it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        service_time: Option<Timestamp>,
    },
    /// A secret was sealed for its recipient: before the call that sets it, or when the answer brought it.
    Sealed {
        /// The user.
        user_id: String,
        /// The file.
        path: String,
        /// The recipient's public key.
        recipient: String,
        /// The intent whose answer brought it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<u32>,
    },
    /// A stage that waits for the proof of the earlier ones was not sent for a user.
    HeldBack {
        /// The user.
        user_id: String,
        /// The stage.
        stage: String,
        /// What is still open; hostile.
        reason: String,
    },
    /// Stopped between calls.
    Stopped {
        /// By what.
        why: String,
    },
    /// Went on after a stop or a crash.
    Resumed {
        /// The version that goes on.
        version: String,
        /// Who.
        operator: Operator,
    },
    /// A later look at what stands.
    Reverified {
        /// The version that looks.
        version: String,
    },
    /// The run ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// The exit status.
        exit_code: u8,
        /// The error that ended it.
        error: Option<Problem>,
    },
    /// A rollback began.
    RollbackBegan {
        /// The version that undoes.
        version: String,
        /// Who.
        operator: Operator,
        /// Only these steps; empty: all.
        steps: Vec<String>,
    },
    /// An undo call is about to be sent. On disk before it leaves.
    UndoIntent {
        /// The intent that is undone.
        intent: u32,
        /// The call.
        call: Call,
    },
    /// What became of the undo call.
    UndoOutcome {
        /// The intent that is undone.
        intent: u32,
        /// Accepted, refused, in doubt, not sent.
        #[serde(flatten)]
        answer: Told,
    },
    /// Where an undo stands, by reading.
    UndoSettled {
        /// The intent that is undone.
        intent: u32,
        /// Its state.
        state: RollbackState,
        /// Why, when that needs words.
        reason: Option<String>,
    },
    /// The rollback ended.
    RollbackFinished {
        /// How.
        outcome: Outcome,
        /// The exit status.
        exit_code: u8,
    },
}

impl Record {
    /// Whether it tells of something that can't be found out again by looking at the tenant.
    pub fn must_last(&self) -> bool {
        !matches!(
            self,
            Self::Began(_)
                | Self::Target(_)
                | Self::Planned(_)
                | Self::Confirmed { .. }
                | Self::Verified { .. }
        )
    }
}

/// How and by whom a run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Began {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the binary.
    pub version: String,
    /// UUID v7.
    pub run_id: String,
    /// The command.
    pub command: String,
    /// Id of the playbook.
    pub playbook: String,
    /// SHA-256 of its text.
    pub playbook_sha256: String,
    /// Its text, so that a resume needs no file.
    pub playbook_text: String,
    /// The tenant.
    pub tenant: Tenant,
    /// Who runs it.
    pub operator: Operator,
    /// Object ids of its users.
    pub users: Vec<String>,
    /// Start of the compromise window.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The recipient of what is secret, a new password or an access pass, if one was given.
    pub password_recipient: Option<String>,
    /// UUID v7 of the bulk run that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<String>,
}

/// A user of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetFound {
    /// All that actions decide by, settings left out.
    pub target: Target,
    /// Member or guest, synced, roles: for people.
    pub traits: Vec<String>,
}

/// The decision of a step for a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Planned {
    /// The user.
    pub user_id: String,
    /// The stage.
    pub stage: String,
    /// The step.
    pub step: String,
    /// The action.
    pub action: String,
    /// The step's settings.
    pub settings: Value,
    /// What was seen.
    pub state: Value,
    /// What was decided.
    pub plan: Plan,
    /// Why there is no plan, when the step could not be observed.
    pub error: Option<Problem>,
    /// Permissions and roles that the step needs for this target and that the operator does not seem to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Lack>,
}

/// A write with its undo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// Number of the intent, unique in the run.
    pub intent: u32,
    /// The user.
    pub user_id: String,
    /// The step.
    pub step: String,
    /// 1, and more after a settled doubt.
    pub attempt: u32,
    /// Service time: what is older than this does not count as done.
    #[schemars(with = "String")]
    pub service_time: Timestamp,
    /// The change: call, undo, look.
    pub change: Change,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// In one word.
    pub result: Result,
    /// HTTP status.
    pub status: Option<u16>,
    /// Graph's error code and message; hostile.
    pub error: Option<String>,
    /// Graph's `request-id`.
    pub request_id: Option<String>,
    /// Id of the object that a call with a sealed answer created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<String>,
}

/// What became of a call, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Result {
    /// 2xx, or an answer that means that it was done already.
    Accepted,
    /// Surely not applied.
    Refused,
    /// Perhaps.
    InDoubt,
    /// Never left.
    NotSent,
}

/// Where a journal stands between records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// No record yet.
    #[default]
    Empty,
    /// Looking and deciding: nothing was sent.
    Deciding,
    /// Confirmed: calls are sent.
    Acting,
    /// Stopped between calls.
    Stopped,
    /// Ended.
    Finished,
    /// Looking again after the end.
    Reverifying,
    /// Taking back.
    Undoing,
    /// Taken back.
    Undone,
}

impl Phase {
    /// The phase after `record`, or `None` when it may not come here.
    #[allow(clippy::match_same_arms)] // One line for each phase that may be left.
    pub fn after(self, record: &Record) -> Option<Self> {
        use Phase::{Acting, Deciding, Empty, Finished, Reverifying, Stopped, Undoing, Undone};
        Some(match (self, record) {
            (Empty, Record::Began(_)) => Deciding,
            (Deciding | Acting, Record::Target(_) | Record::Planned(_)) => self,
            (Deciding, Record::Confirmed { .. }) => Acting,
            (
                Acting,
                Record::Intent(_)
                | Record::Outcome { .. }
                | Record::Verified { .. }
                | Record::Cut { .. }
                | Record::Sealed { .. }
                | Record::HeldBack { .. },
            ) => Acting,
            // Nothing is confirmed yet, and a resume has to have that still.
            (Deciding, Record::Stopped { .. }) => Deciding,
            (Acting, Record::Stopped { .. }) => Stopped,
            (Deciding | Acting | Reverifying, Record::Finished { .. }) => Finished,
            (Deciding, Record::Resumed { .. }) => Deciding,
            (Acting | Stopped | Finished | Reverifying, Record::Resumed { .. }) => Acting,
            (Acting | Stopped | Finished | Reverifying | Undone, Record::Reverified { .. }) => Reverifying,
            (Reverifying, Record::Verified { .. }) => Reverifying,
            (Acting | Stopped | Finished | Reverifying | Undoing | Undone, Record::RollbackBegan { .. }) => {
                Undoing
            }
            (
                Undoing,
                Record::UndoIntent { .. } | Record::UndoOutcome { .. } | Record::UndoSettled { .. },
            ) => Undoing,
            (Undoing, Record::RollbackFinished { .. }) => Undone,
            _ => return None,
        })
    }
}
