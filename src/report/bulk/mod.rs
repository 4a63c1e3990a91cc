//! What a bulk run has to say: a run above the runs of many users.

mod document;
mod stub;

pub use document::{BULK_SCHEMA, BulkCounts, BulkDocument, BulkTenant, BulkUser};
pub use stub::*;
