//! The journal.

/// Proof that the intent of a call is on disk.
#[derive(Debug)]
pub struct Recorded(());
