//! What a bulk run has to say: a run above the runs of many users.

mod csv;
mod document;
mod markdown;
#[cfg(test)]
pub(in crate::report) mod sample;
mod user;
mod verdict;
pub(in crate::report) mod words;

pub use csv::csv;
pub use document::{BULK_SCHEMA, BulkCounts, BulkDocument, BulkTenant, BulkUser};
pub use markdown::markdown;
