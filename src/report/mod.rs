//! What a run has to say: one document for machines, text and Markdown for people.
//!
//! Whatever comes from a tenant is hostile: it passes [`escape`] on its way to a person.

pub mod bulk;
mod call;
mod document;
pub mod escape;
pub mod fold;
pub mod grant_help;
mod journal_check;
pub mod markdown;
pub mod progress;
mod residual;
#[cfg(test)]
pub(crate) mod sample;
pub mod style;
pub mod text;
mod verdict;
pub(crate) mod width;

pub use document::*;
pub use journal_check::{GivenHead, JOURNAL_CHECK_SCHEMA, JournalCheck, SignatureCheck};
