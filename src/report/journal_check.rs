//! The document of `oust journal verify`, schema `oust.journal-check/1`. Members are added, never changed or removed.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::failure::{Code, Exit, Failure};
use crate::journal::{Audit, Fault, FaultKind, SignedHead};

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
    /// The signature, where a public key was given to check it with.
    pub signature: Option<SignatureCheck>,
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

/// The signature of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignatureCheck {
    /// Whether the key has signed the journal as it is now, to its last line.
    pub covers_all: bool,
    /// How many records the signature covers; 0 where there is none by this key, or it is not of this journal.
    pub records: u64,
    /// Why it doesn't cover all.
    pub reason: Option<String>,
}

impl JournalCheck {
    /// From a look at every line. `given`: the hash of a ticket, 64 lower-case hex digits. `signed`: what
    /// [`crate::journal::PublicKey::verify`] found, where there is a key.
    pub fn new(
        path: &Path,
        audit: &Audit,
        given: Option<&str>,
        signed: Option<Result<SignedHead, String>>,
    ) -> Self {
        let began = audit.ledger.began.as_ref();
        let lines = &audit.chain.lines;
        let given_head = given.map(|head| given_head(audit, head));
        let lost = given_head.as_ref().filter(|found| found.line.is_none());
        let mut fault = audit.fault.clone().or_else(|| lost.map(|_| other_head(audit, GIVEN)));
        let signature = signed.map(|signed| signature(audit, signed));
        if fault.is_none() && matches!(signature, Some(Err(_))) {
            fault = Some(other_head(audit, SIGNED));
        }
        let signature = signature.map(|found| found.unwrap_or_else(|check| check));
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
            signature,
            fault,
            error: None,
        };
        if let Some(fault) = check.fault.clone() {
            check.fail(&fault.failure("the journal"));
        } else if let Some(why) = check.signature.as_ref().and_then(|signature| signature.reason.clone()) {
            let failure = Failure::new(Code::NotSigned, format!("the journal: {why}"))
                .next("compare with the hash in the ticket (--head); `oust verify RUN` signs anew");
            check.fail(&failure);
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

const GIVEN: &str = "no line has the hash that was given: the last line was changed, lines after it were removed, \
                     or the hash is of another run";
const SIGNED: &str =
    "it does not end as it was signed: the last line was changed, or lines after it were removed";

fn other_head(audit: &Audit, what: &str) -> Fault {
    Fault { line: audit.chain.lines.len() as u64, kind: FaultKind::OtherHead, what: what.to_owned() }
}

/// `Err`: the key has signed this run, and the line that was last then is not there.
fn signature(audit: &Audit, signed: Result<SignedHead, String>) -> Result<SignatureCheck, SignatureCheck> {
    let none = |reason: String| SignatureCheck { covers_all: false, records: 0, reason: Some(reason) };
    let signed = match signed {
        Ok(signed) => signed,
        Err(why) => return Ok(none(why)),
    };
    let run = audit.ledger.began.as_ref().map(|began| began.run_id.as_str()).unwrap_or_default();
    if signed.run_id != run {
        return Ok(none(format!("the signature is of run {}", signed.run_id)));
    }
    let hashes = &audit.chain.hashes;
    let last = usize::try_from(signed.records).ok().and_then(|records| hashes.get(records.checked_sub(1)?));
    if last != Some(&signed.head) {
        return Err(none(format!("the signed line {} is not there", signed.records)));
    }
    let later = hashes.len() as u64 - signed.records;
    let reason = (later > 0).then(|| {
        let lines = if later == 1 { "1 line was" } else { &format!("{later} lines were") };
        format!("{lines} written after line {}, the last that is signed", signed.records)
    });
    Ok(SignatureCheck { covers_all: later == 0, records: signed.records, reason })
}
