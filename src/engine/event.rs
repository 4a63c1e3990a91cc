//! What the engine tells while it works, for a person who watches and for `--output jsonl`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::clock::Clock;
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

impl Event {
    /// Something that happens now, in a process that `started` then.
    pub fn new(clock: &Clock, started: Instant, what: What) -> Self {
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { at: clock.now(), elapsed_ms, what }
    }
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
    /// How a bulk run stands.
    Tally {
        /// All users of the list.
        users: usize,
        /// How many are cut off: revoke and disable both acknowledged.
        cut: usize,
        /// How many are through with everything that was to be done, or had nothing to do.
        done: usize,
        /// How many ended otherwise: refused, failed, or only a part in force.
        failed: usize,
        /// Until when nothing is sent, because the service asked for it; the latest of all tenants.
        #[schemars(with = "Option<String>")]
        throttled_until: Option<Timestamp>,
        /// The tenant that waits so long, by its name in the configuration or its id.
        throttled_tenant: Option<String>,
        /// When all will be done, if the pace stays. Absent until it can be told.
        #[schemars(with = "Option<String>")]
        estimated_end: Option<Timestamp>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_as_the_published_schema_says() {
        let schema = crate::cli::schema::find("event").unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let at: Timestamp = "2026-11-24T02:14:07Z".parse().unwrap();
        for moment in [None, Some(at)] {
            let what = What::Tally {
                users: 500,
                cut: 123,
                done: 45,
                failed: 2,
                throttled_until: moment,
                throttled_tenant: moment.map(|_| "contoso".to_owned()),
                estimated_end: moment,
            };
            let value = serde_json::to_value(Event { at, elapsed_ms: 7, what }).unwrap();
            assert_eq!((&value["event"], &value["cut"]), (&"tally".into(), &123.into()));
            let wrong: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert_eq!(wrong, Vec::<String>::new());
        }
    }
}
