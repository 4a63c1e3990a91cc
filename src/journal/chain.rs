//! Lines that hold on to the line before, and the reading of a file of them.

use aws_lc_rs::digest::{SHA256, digest};

use super::audit::{FaultKind, audit};
use super::record::Line;
use super::{Audit, Fault};
use crate::failure::{Code, Failure};
use crate::playbook::hex;

/// `prev` of the first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// SHA-256 of a line without its newline, hex.
pub fn hash(line: &[u8]) -> String {
    hex(digest(&SHA256, line).as_ref())
}

/// The lines of a journal, and what the next one has to hold on to.
#[derive(Debug)]
pub struct Chain {
    /// Every whole line.
    pub lines: Vec<Line>,
    /// The hash of each.
    pub hashes: Vec<String>,
    /// Hash of the last.
    pub head: String,
    /// Bytes of all whole lines: an unterminated rest follows after a crash.
    pub whole: u64,
}

/// Reads a journal. A last line without its newline is a write that a crash cut off: it is left out.
///
/// # Errors
/// [`Code::JournalBroken`] with the line number for anything else that isn't as it was written;
/// [`Code::JournalNewer`] for a later format.
pub fn read(bytes: &[u8], name: &str) -> Result<Audit, Failure> {
    let audit = audit(bytes);
    match &audit.fault {
        None => Ok(audit),
        Some(fault) => Err(fault.failure(name)),
    }
}

impl Fault {
    /// As the error that stops whoever relies on the journal `name`.
    pub fn failure(&self, name: &str) -> Failure {
        let Self { line, kind, what } = self;
        match kind {
            FaultKind::Newer => Failure::new(Code::JournalNewer, format!("{name}, line {line}: {what}"))
                .next("use the version of oust that wrote it, or a later one"),
            FaultKind::OtherHead => Failure::new(Code::JournalBroken, format!("{name}: {what}"))
                .next("keep the file as evidence and compare it with a copy from before"),
            _ => Failure::new(Code::JournalBroken, format!("{name}, line {line}: {}: {what}", kind.word())).next(
                "keep the file as evidence and restore it from a copy; oust neither repairs nor trusts it",
            ),
        }
    }
}
