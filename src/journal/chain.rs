//! Lines that hold on to the line before, and the reading of a file of them.

use aws_lc_rs::digest::{SHA256, digest};

use super::record::{FORMAT, Line, Record};
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
pub fn read(bytes: &[u8], name: &str) -> Result<Chain, Failure> {
    let broken = |number: usize, what: &str| {
        Failure::new(Code::JournalBroken, format!("{name}, line {number}: {what}"))
            .next("keep the file as evidence and restore it from a copy; oust neither repairs nor trusts it")
    };
    let mut chain = Chain { lines: Vec::new(), head: GENESIS.to_owned(), whole: 0 };
    for (i, raw) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
        let Some(text) = raw.strip_suffix(b"\n") else { break };
        let number = i + 1;
        let line: Line = serde_json::from_slice(text).map_err(|e| {
            newer(text, name).unwrap_or_else(|| broken(number, &format!("this is no record: {e}")))
        })?;
        if line.seq != i as u64 {
            return Err(broken(
                number,
                &format!("it is numbered {}, so a line was removed or inserted", line.seq),
            ));
        }
        if line.prev != chain.head {
            return Err(broken(
                number,
                "it does not follow from the line before, so one of the two was changed",
            ));
        }
        if let (0, Record::Began(began)) = (i, &line.record) {
            if began.format > FORMAT {
                return Err(newer(text, name).unwrap_or_else(|| broken(number, "unknown format")));
            }
        }
        chain.head = hash(text);
        chain.whole += raw.len() as u64;
        chain.lines.push(line);
    }
    Ok(chain)
}

/// A first line of a later format may not parse at all; its number says why.
fn newer(text: &[u8], name: &str) -> Option<Failure> {
    let format = serde_json::from_slice::<serde_json::Value>(text).ok()?.get("format")?.as_u64()?;
    (format > u64::from(FORMAT)).then(|| {
        Failure::new(
            Code::JournalNewer,
            format!("{name} has format {format}; this version reads up to {FORMAT}"),
        )
        .next("use the version of oust that wrote it, or a later one")
    })
}
