//! What a run has to say: one document for machines, text and Markdown for people.

mod document;

pub use document::*;
