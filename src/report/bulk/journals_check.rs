//! The document of `oust journal verify BULK`, schema `oust.bulk-journal-check/1`. Members are added, never changed or
//! removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::Exit;
use crate::report::JournalCheck;

/// The value of `schema` in a [`BulkJournalCheck`].
pub const BULK_JOURNAL_CHECK_SCHEMA: &str = "oust.bulk-journal-check/1";

/// Whether the journals of a bulk run are as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkJournalCheck {
    /// `oust.bulk-journal-check/1`.
    pub schema: String,
    /// UUID v7 of the bulk run.
    pub bulk_id: String,
    /// Whether all of them are, as far as could be checked.
    pub sound: bool,
    /// The exit status: 0, or 8.
    pub exit_code: u8,
    /// How many users of the list have no journal: their runs have not begun, or it was removed.
    pub not_begun: usize,
    /// Each journal, in the order of the list.
    pub checks: Vec<JournalCheck>,
}

impl BulkJournalCheck {
    /// From a look at each of them.
    pub fn new(bulk_id: String, not_begun: usize, checks: Vec<JournalCheck>) -> Self {
        let worst = checks.iter().map(|check| check.exit_code).max();
        Self {
            schema: BULK_JOURNAL_CHECK_SCHEMA.to_owned(),
            bulk_id,
            sound: checks.iter().all(|check| check.sound),
            exit_code: worst.unwrap_or(Exit::Done.status()),
            not_begun,
            checks,
        }
    }
}
