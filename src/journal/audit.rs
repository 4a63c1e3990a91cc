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

/// The longest explanation of the parser that is kept: it may quote the line.
const LONGEST: usize = 300;

/// How far behind a line that is wrong its rightful successor is looked for: junk without end takes no memory.
const LOOK_AHEAD: usize = 10_000;

/// A line as it lies there.
struct Piece {
    hash: String,
    seq: Option<u64>,
    prev: Option<String>,
    format: Option<u64>,
    /// Why it is no record.
    problem: Option<String>,
}

/// Looks at every line. Never fails: what is wrong is the result.
pub fn audit(bytes: &[u8]) -> Audit {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let mut audit = Audit {
        chain: Chain { lines: Vec::new(), hashes: Vec::new(), head: GENESIS.to_owned(), whole: 0 },
        ledger: Ledger::default(),
        is_unfinished: whole < bytes.len(),
        clock_went_back: Vec::new(),
        fault: None,
    };
    let mut illegal: Option<Fault> = None;
    let mut last_at: Option<Timestamp> = None;
    let mut head = GENESIS.to_owned();
    let mut rest = bytes[..whole].split_inclusive(|b| *b == b'\n');
    while let Some(raw) = rest.next() {
        let (piece, line) = Piece::read(raw);
        let at = audit.chain.hashes.len();
        let line = match line {
            Some(line) if piece.is_sound(at, &head) => line,
            _ => {
                let ahead = rest.take(LOOK_AHEAD).map(|raw| Piece::read(raw).0);
                let pieces: Vec<Piece> = std::iter::once(piece).chain(ahead).collect();
                audit.fault = Some(judge(&audit.chain.hashes, &pieces));
                break;
            }
        };
        head.clone_from(&piece.hash);
        audit.chain.hashes.push(piece.hash);
        if illegal.is_some() {
            // Nothing of it counts any more, but the chain may yet show that the line was changed.
            continue;
        }
        if let Err(why) = audit.ledger.apply(&line) {
            illegal = Some(fault(at, FaultKind::Illegal, why));
            continue;
        }
        if last_at.replace(line.at).is_some_and(|before| line.at < before) {
            audit.clock_went_back.push(number(at));
        }
        audit.chain.head.clone_from(&head);
        audit.chain.whole += raw.len() as u64;
        audit.chain.lines.push(line);
    }
    audit.chain.hashes.truncate(audit.chain.lines.len());
    if let Some(illegal) = illegal
        && audit.fault.as_ref().is_none_or(|shown| shown.line > illegal.line)
    {
        audit.fault = Some(illegal);
    }
    // What is wrong may be a line before the one that showed it.
    let sound = audit.fault.as_ref().map_or(usize::MAX, Fault::index);
    if sound < audit.chain.lines.len() {
        let sound = bytes.split_inclusive(|b| *b == b'\n').take(sound).map(<[u8]>::len).sum();
        return Audit {
            fault: audit.fault,
            is_unfinished: audit.is_unfinished,
            ..self::audit(&bytes[..sound])
        };
    }
    audit
}

impl Piece {
    fn read(raw: &[u8]) -> (Self, Option<Line>) {
        let text = raw.strip_suffix(b"\n").unwrap_or(raw);
        let mut piece = Self { hash: hash(text), seq: None, prev: None, format: None, problem: None };
        match serde_json::from_slice::<Line>(text) {
            Ok(line) => {
                piece.seq = Some(line.seq);
                piece.prev = Some(line.prev.clone());
                if let Record::Began(began) = &line.record {
                    piece.format = Some(u64::from(began.format));
                }
                (piece, Some(line))
            }
            // No record of ours, but it may say where it stood; one of a later format is none that we can read.
            Err(why) => {
                piece.problem = Some(why.to_string().chars().take(LONGEST).collect());
                if let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) {
                    piece.seq = value["seq"].as_u64();
                    piece.prev = value["prev"].as_str().map(str::to_owned);
                    piece.format = value["format"].as_u64();
                }
                (piece, None)
            }
        }
    }

    fn is_sound(&self, at: usize, head: &str) -> bool {
        self.problem.is_none() && self.fits(at, head) && !self.is_newer(at)
    }

    fn is_newer(&self, at: usize) -> bool {
        at == 0 && self.format.is_some_and(|format| format > u64::from(FORMAT))
    }

    fn fits(&self, at: usize, head: &str) -> bool {
        self.seq == Some(at as u64) && self.follows(head)
    }

    fn follows(&self, head: &str) -> bool {
        self.prev.as_deref() == Some(head)
    }
}

/// What is wrong with the first of `pieces`, when all lines before it are sound and have these hashes.
fn judge(before: &[String], pieces: &[Piece]) -> Fault {
    let (at, piece) = (before.len(), &pieces[0]);
    let head = before.last().map_or(GENESIS, String::as_str);
    if piece.is_newer(at) {
        let format = piece.format.unwrap_or_default();
        return fault(
            at,
            FaultKind::Newer,
            format!("it has format {format}; this version reads up to {FORMAT}"),
        );
    }
    if !piece.fits(at, head)
        && let Some(misplaced) = misplaced(before, pieces, head)
    {
        return misplaced;
    }
    match (&piece.problem, piece.seq) {
        (Some(why), _) => fault(at, FaultKind::Changed, format!("this is no record: {why}")),
        (None, Some(seq)) if piece.follows(head) => fault(
            at,
            FaultKind::Changed,
            format!("it follows from the line before, yet its seq is {seq} and not {at}"),
        ),
        (None, Some(seq)) if seq > at as u64 => {
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
        _ => broken_link(at, pieces),
    }
}

/// A line that belongs elsewhere, or nowhere.
fn misplaced(before: &[String], pieces: &[Piece], head: &str) -> Option<Fault> {
    let (at, piece) = (before.len(), &pieces[0]);
    let with_hash = |wanted: &str| {
        let earlier = before.iter().position(|hash| hash == wanted);
        earlier.or_else(|| pieces.iter().skip(1).position(|other| other.hash == wanted).map(|i| at + 1 + i))
    };
    let copy = with_hash(&piece.hash);
    let place = match piece.prev.as_deref() {
        Some(GENESIS) => Some(0),
        Some(prev) => with_hash(prev).map(|before| before + 1),
        None => None,
    };
    let rightful = pieces.iter().skip(1).position(|other| other.fits(at, head)).map(|i| at + 1 + i);
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
fn broken_link(at: usize, pieces: &[Piece]) -> Fault {
    let next = pieces.get(1);
    if at == 0 {
        return fault(
            at,
            FaultKind::Changed,
            "a first line follows from nothing, and this one from something".into(),
        );
    }
    match next {
        Some(next) if !next.follows(&pieces[0].hash) => {
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
