//! What a run has to say: one document for machines, text and Markdown for people.

mod document;
pub mod fold;
mod verdict;

pub use document::*;
