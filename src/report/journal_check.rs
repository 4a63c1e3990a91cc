//! The document of `oust journal verify`, schema `oust.journal-check/1`. Members are added, never changed or removed.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::failure::{Exit, Failure};
use crate::journal::{Audit, Fault, FaultKind};

/// The value of `schema` in a [`JournalCheck`].
pub const JOURNAL_CHECK_SCHEMA: &str = "oust.journal-check/1";

/// Whether a journal is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JournalCheck {
    /// `oust.journal-check/1`.
    pub schema: String,
    /// The file.
    pub path: String,
    /// Whether every line is as it was written, as far as could be checked.
    pub sound: bool,
    /// The exit status: 0, or 8.
    pub exit_code: u8,
    /// UUID v7 of the run. Absent when not even the first line can be trusted.
    pub run_id: Option<String>,
    /// Version of oust that began it.
    pub version: Option<String>,
    /// Its format.
    pub format: Option<u32>,
    /// Sound records: all, or those before the fault.
    pub records: u64,
    /// SHA-256 of the last sound line, hex.
    pub head: Option<String>,
    /// When the first was written, by the clock of the machine, UTC.
    #[schemars(with = "Option<String>")]
    pub first_at: Option<Timestamp>,
    /// When the last sound one was.
    #[schemars(with = "Option<String>")]
    pub last_at: Option<Timestamp>,
    /// Whether a line without its end follows: it is being written, or a crash cut it off.
    pub unfinished_line: bool,
    /// Numbers of lines, from 1, before which the clock of the machine was set back. No fault.
    pub clock_went_back: Vec<u64>,
    /// The hash that was given to compare with.
    pub given_head: Option<GivenHead>,
    /// The first line that is wrong.
    pub fault: Option<Fault>,
    /// The same as an error, an RFC 9457 object.
    pub error: Option<Problem>,
}

/// A hash from a ticket, found in the journal or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenHead {
    /// The hash.
    pub head: String,
    /// The line that has it, from 1.
    pub line: Option<u64>,
    /// Lines written after it, by a later command: the hash says nothing of them.
    pub later: u64,
}

impl JournalCheck {
    /// From a look at every line. `given`: the hash of a ticket, 64 lower-case hex digits.
    pub fn new(path: &Path, audit: &Audit, given: Option<&str>) -> Self {
        let began = audit.ledger.began.as_ref();
        let lines = &audit.chain.lines;
        let given_head = given.map(|head| given_head(audit, head));
        let lost = given_head.as_ref().filter(|found| found.line.is_none());
        let fault = audit.fault.clone().or_else(|| lost.map(|_| other_head(audit)));
        let mut check = Self {
            schema: JOURNAL_CHECK_SCHEMA.to_owned(),
            path: path.display().to_string(),
            sound: true,
            exit_code: Exit::Done.status(),
            run_id: began.map(|b| b.run_id.clone()),
            version: began.map(|b| b.version.clone()),
            format: began.map(|b| b.format),
            records: lines.len() as u64,
            head: audit.chain.hashes.last().cloned(),
            first_at: lines.first().map(|line| line.at),
            last_at: lines.last().map(|line| line.at),
            unfinished_line: audit.is_unfinished,
            clock_went_back: audit.clock_went_back.clone(),
            given_head,
            fault,
            error: None,
        };
        if let Some(fault) = check.fault.clone() {
            check.fail(&fault.failure(&check.path));
        }
        check
    }

    fn fail(&mut self, failure: &Failure) {
        self.sound = false;
        self.exit_code = failure.exit().status();
        self.error = Some(failure.problem(self.run_id.as_deref()));
    }
}

fn given_head(audit: &Audit, head: &str) -> GivenHead {
    let hashes = &audit.chain.hashes;
    let at = hashes.iter().position(|hash| hash == head);
    GivenHead {
        head: head.to_owned(),
        line: at.map(|at| at as u64 + 1),
        later: at.map_or(0, |at| (hashes.len() - at - 1) as u64),
    }
}

fn other_head(audit: &Audit) -> Fault {
    Fault {
        line: audit.chain.lines.len() as u64,
        kind: FaultKind::OtherHead,
        what:
            "no line has the hash that was given: the last line was changed, lines after it were removed, or \
               the hash is of another run"
                .to_owned(),
    }
}
