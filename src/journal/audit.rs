//! What is wrong with a journal, and where: changed, removed, inserted or reordered, as far as the chain can tell.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Ledger;
use super::chain::{Chain, GENESIS, hash};
use super::record::{FORMAT, Line, Record};

/// What a look at every line of a journal found.
#[derive(Debug)]
pub struct Audit {
    /// The lines before the first that is wrong: all of them, when none is.
    pub chain: Chain,
    /// What these lines add up to.
    pub ledger: Ledger,
    /// Whether a rest without its newline follows: it is being written, or a crash cut it off.
    pub is_unfinished: bool,
    /// Numbers of lines, from 1, before which the machine's clock was set back. No fault: order is by `seq`.
    pub clock_went_back: Vec<u64>,
    /// The first line that is wrong.
    pub fault: Option<Fault>,
}

/// The first line of a journal that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Its number, from 1.
    pub line: u64,
    /// What happened to it.
    pub kind: FaultKind,
    /// The same in words; hostile until escaped.
    pub what: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Its bytes are not those that were written.
    Changed,
    /// Lines are missing before it.
    Removed,
    /// It was not written here: a copy of another line, or a forged one.
    Inserted,
    /// It stands before a line that was written earlier.
    Reordered,
    /// The hashes fit, but no run writes such a record there: all of the file was written anew.
    Illegal,
    /// It is of a format that this version doesn't know.
    Newer,
    /// Every line fits, but none has the hash that was given: the last line was changed, or lines after it are gone.
    OtherHead,
}

/// A line as it lies there.
struct Piece {
    hash: String,
    seq: Option<u64>,
    prev: Option<String>,
    format: Option<u64>,
    line: Result<Line, String>,
    /// With its newline.
    bytes: u64,
}

/// Looks at every line. Never fails: what is wrong is the result.
pub fn audit(bytes: &[u8]) -> Audit {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let pieces: Vec<Piece> = bytes[..whole].split_inclusive(|b| *b == b'\n').map(Piece::new).collect();
    let mut audit = Audit {
        chain: Chain { lines: Vec::new(), hashes: Vec::new(), head: GENESIS.to_owned(), whole: 0 },
        ledger: Ledger::default(),
        is_unfinished: whole < bytes.len(),
        clock_went_back: Vec::new(),
        fault: first_fault(&pieces),
    };
    let sound = audit.fault.as_ref().map_or(pieces.len(), Fault::index);
    let mut last_at: Option<Timestamp> = None;
    for (at, piece) in pieces.into_iter().enumerate().take(sound) {
        let Ok(line) = piece.line else { break };
        if let Err(why) = audit.ledger.apply(&line) {
            audit.fault = Some(fault(at, FaultKind::Illegal, why));
            break;
        }
        if last_at.replace(line.at).is_some_and(|before| line.at < before) {
            audit.clock_went_back.push(number(at));
        }
        audit.chain.head.clone_from(&piece.hash);
        audit.chain.hashes.push(piece.hash);
        audit.chain.whole += piece.bytes;
        audit.chain.lines.push(line);
    }
    audit
}

/// The first line that the chain shows to be wrong.
fn first_fault(pieces: &[Piece]) -> Option<Fault> {
    let mut head = GENESIS;
    for (at, piece) in pieces.iter().enumerate() {
        if let Some(fault) = judge(pieces, at, head) {
            return Some(fault);
        }
        head = &piece.hash;
    }
    None
}

impl Piece {
    fn new(raw: &[u8]) -> Self {
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let line: Result<Line, String> = serde_json::from_slice(text).map_err(|e| e.to_string());
        let (mut seq, mut prev, mut format) = (None, None, None);
        match &line {
            Ok(line) => {
                seq = Some(line.seq);
                prev = Some(line.prev.clone());
                if let Record::Began(began) = &line.record {
                    format = Some(u64::from(began.format));
                }
            }
            // No record of ours, but it may say where it stood; one of a later format is none that we can read.
            Err(_) => {
                if let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) {
                    seq = value["seq"].as_u64();
                    prev = value["prev"].as_str().map(str::to_owned);
                    format = value["format"].as_u64();
                }
            }
        }
        Self { hash: hash(text), seq, prev, format, line, bytes: raw.len() as u64 }
    }

    fn fits(&self, at: usize, head: &str) -> bool {
        self.seq == Some(at as u64) && self.follows(head)
    }

    fn follows(&self, head: &str) -> bool {
        self.prev.as_deref() == Some(head)
    }
}

/// What is wrong with the line at `at`, when all before it are sound and end with the hash `head`.
fn judge(pieces: &[Piece], at: usize, head: &str) -> Option<Fault> {
    let piece = &pieces[at];
    if at == 0 && piece.format.is_some_and(|format| format > u64::from(FORMAT)) {
        let format = piece.format.unwrap_or_default();
        return Some(fault(
            at,
            FaultKind::Newer,
            format!("it has format {format}; this version reads up to {FORMAT}"),
        ));
    }
    let fits = piece.fits(at, head);
    if let (true, Ok(_)) = (fits, &piece.line) {
        return None;
    }
    if !fits && let Some(misplaced) = misplaced(pieces, at, head) {
        return Some(misplaced);
    }
    Some(match (&piece.line, piece.seq) {
        (Err(e), _) => fault(at, FaultKind::Changed, format!("this is no record: {e}")),
        (Ok(_), Some(seq)) if piece.follows(head) => fault(
            at,
            FaultKind::Changed,
            format!("it follows from the line before, yet its seq is {seq} and not {at}"),
        ),
        (Ok(_), Some(seq)) if seq > at as u64 => {
            let missing = match seq - at as u64 {
                1 => "1 line is".to_owned(),
                n => format!("{n} lines are"),
            };
            fault(
                at,
                FaultKind::Removed,
                format!("its seq is {seq} and not {at}: {missing} missing before it"),
            )
        }
        _ => broken_link(pieces, at),
    })
}

/// A line that belongs elsewhere, or nowhere.
fn misplaced(pieces: &[Piece], at: usize, head: &str) -> Option<Fault> {
    let piece = &pieces[at];
    let copy = pieces.iter().enumerate().position(|(i, other)| i != at && other.hash == piece.hash);
    let place = match piece.prev.as_deref() {
        Some(GENESIS) => Some(0),
        Some(prev) => pieces.iter().position(|other| other.hash == prev).map(|before| before + 1),
        None => None,
    };
    let rightful = (at + 1..pieces.len()).find(|i| pieces[*i].fits(at, head));
    if let Some(copy) = copy.filter(|copy| *copy < at || rightful.is_some()) {
        let what = format!("it is a copy of line {}", copy + 1);
        return Some(fault(at, FaultKind::Inserted, what));
    }
    match (rightful, place) {
        (_, Some(place)) if place > at => {
            let what = format!("it was written after line {place}, and stands before it");
            Some(fault(at, FaultKind::Reordered, what))
        }
        (Some(rightful), _) => {
            let what = format!("line {} follows from the line before it, this one does not", rightful + 1);
            Some(fault(at, FaultKind::Inserted, what))
        }
        // They hold together, but the line that was written in this place comes only now.
        (None, Some(place)) if place < at => {
            let what = format!("line {} was written in its place", at + 1);
            Some(fault(place, FaultKind::Inserted, what))
        }
        _ => None,
    }
}

/// A line that does not hold on to the line before, though it has its number: the line after tells which of the
/// two was changed.
fn broken_link(pieces: &[Piece], at: usize) -> Fault {
    let next = pieces.get(at + 1);
    if at == 0 {
        return fault(
            at,
            FaultKind::Changed,
            "a first line follows from nothing, and this one from something".into(),
        );
    }
    match next {
        Some(next) if !next.follows(&pieces[at].hash) => {
            let what = "it does not follow from the line before, and the line after does not follow from it";
            fault(at, FaultKind::Changed, what.into())
        }
        Some(_) => fault(at - 1, FaultKind::Changed, "the line after does not follow from it".into()),
        None => {
            let what = format!("it or line {} was changed: one does not follow from the other", at + 1);
            fault(at - 1, FaultKind::Changed, what)
        }
    }
}

fn fault(at: usize, kind: FaultKind, what: String) -> Fault {
    Fault { line: number(at), kind, what }
}

fn number(at: usize) -> u64 {
    at as u64 + 1
}

impl Fault {
    /// The place of the line, from 0.
    fn index(&self) -> usize {
        usize::try_from(self.line).unwrap_or(usize::MAX).saturating_sub(1)
    }
}

impl FaultKind {
    /// One word or two for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Removed => "lines removed before it",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::Illegal => "not a record that belongs there",
            Self::Newer => "of a newer format",
            Self::OtherHead => "another end than the one given",
        }
    }
}
