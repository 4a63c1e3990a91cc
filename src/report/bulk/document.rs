//! The summary of a bulk run, schema `oust.bulk/1`. Members are added, never changed or removed.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Outcome, Problem};

/// The value of `schema` in a [`BulkDocument`].
pub const BULK_SCHEMA: &str = "oust.bulk/1";

/// How a bulk run stands. What was done to each user is in the document of that user's own run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkDocument {
    /// `oust.bulk/1`.
    pub schema: String,
    /// UUID v7 of the bulk run. Absent when it was refused before it began, and for a dry run.
    pub run_id: Option<String>,
    /// The command that was given: `contain`, `plan`, `resume`, …
    pub command: String,
    /// Whether it was kept from writing.
    pub dry_run: bool,
    /// How it ended, of all users together.
    pub outcome: Outcome,
    /// The exit status of the process.
    pub exit_code: u8,
    /// Id of the playbook.
    pub playbook: Option<String>,
    /// When it began, UTC.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// When it ended, UTC.
    #[schemars(with = "Option<String>")]
    pub finished_at: Option<Timestamp>,
    /// SHA-256 of the list of users as it was given, hex.
    pub list_sha256: Option<String>,
    /// How many users stand where.
    pub counts: BulkCounts,
    /// One entry a tenant.
    pub tenants: Vec<BulkTenant>,
    /// One entry a user, in the order of the list.
    pub users: Vec<BulkUser>,
    /// The error that ended it, an RFC 9457 object.
    pub error: Option<Problem>,
}

/// How many users stand where. A user that was cut counts under its outcome too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkCounts {
    /// All of them.
    pub users: usize,
    /// Revocation and disabling both acknowledged.
    pub cut: usize,
    /// Everything in force and read back.
    pub contained: usize,
    /// The same of a playbook that gives accounts back.
    pub recovered: usize,
    /// No change was needed.
    pub nothing_to_do: usize,
    /// Only planned.
    pub planned: usize,
    /// Some changes in force, some not.
    pub partial: usize,
    /// Applied and not read back yet, or something will put it back.
    pub unverified: usize,
    /// A guard or the service said no.
    pub refused: usize,
    /// Failed, nothing changed.
    pub failed: usize,
    /// Stopped in the middle, or not begun yet.
    pub interrupted: usize,
    /// Taken back.
    pub rolled_back: usize,
}

/// One tenant of a bulk run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkTenant {
    /// Tenant id; absent while nobody could sign in to it.
    pub tenant_id: Option<String>,
    /// Its name in the configuration, where it was named.
    pub name: Option<String>,
    /// How many users of the list are in it.
    pub users: usize,
    /// How many of them are cut off.
    pub cut: usize,
    /// How many answers were 429.
    pub throttled: u64,
}

/// One user of a bulk run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkUser {
    /// The tenant by its name in the configuration, where the list or the command line named it.
    pub tenant: Option<String>,
    /// Tenant id, once it is known.
    pub tenant_id: Option<String>,
    /// Object id, once it is known.
    pub user_id: Option<String>,
    /// Sign-in name, or what the list says while nobody has found it; hostile until escaped.
    pub user: String,
    /// The line of the list.
    pub line: Option<usize>,
    /// UUID v7 of the user's own run: `oust report RUN` shows it. Absent when none has begun.
    pub run_id: Option<String>,
    /// How it ended for this user; `interrupted` also when it has not begun.
    pub outcome: Outcome,
    /// The exit status that the user's run alone would have.
    pub exit_code: u8,
    /// When revoke and disable were both acknowledged, by the service's clock.
    #[schemars(with = "Option<String>")]
    pub cut_at: Option<Timestamp>,
    /// The same in milliseconds since the process started.
    pub cut_ms: Option<u64>,
    /// Until when an access token that was already out may still work.
    #[schemars(with = "Option<String>")]
    pub residual_access_until: Option<Timestamp>,
    /// How many changes its plan has.
    pub changes: usize,
    /// How many ways back in its steps found and left open. What the playbook does not look at is the same for all
    /// users and is not counted.
    pub open: usize,
    /// SHA-256 of the last line of its journal, hex.
    pub journal_head: Option<String>,
    /// The error that ended it, an RFC 9457 object.
    pub error: Option<Problem>,
    /// Why some of it is not in force, or may not stay so, where no error says it; hostile until escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_summary_that_is_kept_is_read_back_as_it_was() {
        for document in [sample::mixed(), sample::planned(), sample::hostile()] {
            let text = serde_json::to_string(&document).unwrap();
            assert_eq!(serde_json::from_str::<BulkDocument>(&text).unwrap(), document);
        }
    }

    #[test]
    fn it_is_as_its_published_schema_says() {
        let schema = crate::cli::schema::find("bulk").unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for document in [sample::mixed(), sample::planned(), sample::empty()] {
            let value = serde_json::to_value(document).unwrap();
            let wrong: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert_eq!(wrong, Vec::<String>::new());
        }
        assert!(!validator.is_valid(&serde_json::json!({"schema": 7})));
    }
}
