//! What a bulk run has to say: a run above the runs of many users.

mod csv;
mod document;
mod estimate;
mod journals_check;
mod markdown;
mod progress;
#[cfg(test)]
pub(in crate::report) mod sample;
mod tally;
mod user;
mod verdict;
pub(in crate::report) mod words;

pub use csv::csv;
pub use document::{BULK_SCHEMA, BulkCounts, BulkDocument, BulkTenant, BulkUser};
pub use estimate::Estimate;
pub use journals_check::{BULK_JOURNAL_CHECK_SCHEMA, BulkJournalCheck};
pub use markdown::markdown;
pub use progress::{BulkProgress, Form};
pub(super) use tally::tally;
