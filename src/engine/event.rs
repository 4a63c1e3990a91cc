//! What the engine tells while it works, for a person who watches and for `--output jsonl`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::report::State;

/// Something that happened, with when.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Event {
    /// When, UTC.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Milliseconds since the process started.
    pub elapsed_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// The things that happen.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// A run began.
    Began {
        /// Its id.
        run_id: String,
        /// The command.
        command: String,
        /// Whether it is kept from writing.
        dry_run: bool,
    },
    /// A target was found.
    Resolved {
        /// Object id.
        user_id: String,
        /// Sign-in name; hostile.
        user: String,
        /// Synced, guest, roles.
        traits: Vec<String>,
    },
    /// A step was observed and decided.
    Decided {
        /// Sign-in name; hostile.
        user: String,
        /// The step.
        step: String,
        /// How many changes it will make.
        changes: usize,
        /// How many objects it keeps.
        kept: usize,
        /// How many ways in it can't close.
        open: usize,
    },
    /// A stage's calls are about to leave.
    Stage {
        /// Sign-in name; hostile.
        user: String,
        /// The stage.
        stage: String,
    },
    /// A change has a new state.
    Changed {
        /// Sign-in name; hostile.
        user: String,
        /// The step.
        step: String,
        /// What was done; may hold names from the tenant: hostile.
        say: String,
        /// The object; hostile.
        label: String,
        /// Its state now.
        state: State,
        /// Status of the answer.
        http_status: Option<u16>,
        /// Why, in words; hostile.
        reason: Option<String>,
    },
    /// Revoke and disable are both acknowledged.
    Cut {
        /// Sign-in name; hostile.
        user: String,
    },
    /// A change was taken back, or not.
    RolledBack {
        /// Sign-in name; hostile.
        user: String,
        /// The step.
        step: String,
        /// What was taken back; hostile.
        say: String,
        /// The object; hostile.
        label: String,
        /// How it went.
        state: crate::report::RollbackState,
        /// Why, in words; hostile.
        reason: Option<String>,
    },
    /// Waiting for the service.
    Waiting {
        /// For what.
        why: String,
        /// How long, seconds.
        seconds: f64,
    },
    /// A remark.
    Note {
        /// The remark; hostile.
        text: String,
    },
}

/// Takes events as they happen. Rendering is the command line's business.
pub trait Watch: Send + Sync {
    /// Called for each event, in order, from the engine's task. Must not block for long.
    fn saw(&self, event: &Event);
}

/// Watches nothing.
pub struct Unwatched;

impl Watch for Unwatched {
    fn saw(&self, _: &Event) {}
}
