//! The short run of the fuzz targets: every file of their corpus, and a fixed number of changes to each. The changes
//! are the same in every run, so that what is red stays red. `cargo fuzz` looks further: see CONTRIBUTING.md.

#[path = "fuzz/entries/mod.rs"]
mod entries;

use std::path::{Path, PathBuf};

use entries::{ENTRIES, Entry};

/// Changes to each file of a corpus.
const CHANGES: u64 = 40;
/// What is put in where it may hurt.
const TOKENS: [&[u8]; 16] = [
    b"\n",
    b"\0",
    b"\xff",
    b"\"",
    b"{",
    b"[",
    b"}",
    b"..",
    b"/",
    b"%",
    b"-1",
    b"null",
    b"1e999",
    b"\\u0000",
    b"99999999999999999999",
    "\u{202e}".as_bytes(),
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap()
    }
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

/// The files of a corpus, in the order of their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|path| (path.file_name().unwrap().display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// A few changes: a bit, a byte, a piece that goes or comes twice, a token, the rest of another file.
fn change(bytes: &[u8], others: &[(String, Vec<u8>)], dice: &mut Dice) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(changed.len() + 1);
        let end = (at + 1 + dice.below(40)).min(changed.len());
        match dice.below(7) {
            0 if at < changed.len() => changed[at] ^= 1 << dice.below(8),
            1 if at < changed.len() => changed[at] = u8::try_from(dice.below(256)).unwrap(),
            2 if at < end => drop(changed.drain(at..end)),
            3 if at < end => {
                let piece = changed[at..end].to_vec();
                changed.splice(at..at, piece);
            }
            4 => changed.truncate(at),
            5 => {
                let (_, other) = &others[dice.below(others.len())];
                changed.truncate(at);
                changed.extend_from_slice(&other[dice.below(other.len())..]);
            }
            _ => drop(changed.splice(at..at, TOKENS[dice.below(TOKENS.len())].iter().copied())),
        }
    }
    changed
}

/// Tries an input; one that panics is shown so that it can be put into the corpus.
fn attempt(name: &str, bytes: &[u8], entry: Entry) {
    let outcome = std::panic::catch_unwind(|| entry(bytes));
    assert!(outcome.is_ok(), "{name}: this input breaks a promise: \"{}\"", bytes.escape_ascii());
}

fn short_run(target: &str) {
    let (_, entry) = ENTRIES.iter().find(|(name, _)| *name == target).unwrap();
    let files = corpus(target);
    assert!(files.len() >= 10, "the corpus of {target} has {} files", files.len());
    let mut dice = Dice(7);
    for (name, bytes) in &files {
        attempt(name, bytes, *entry);
        for n in 0..CHANGES {
            attempt(&format!("{name}, change {n}"), &change(bytes, &files, &mut dice), *entry);
        }
    }
}

#[test]
fn graph_reply() {
    short_run("graph_reply");
}

#[test]
fn journal() {
    short_run("journal");
}

#[test]
fn plan_file() {
    short_run("plan_file");
}

#[test]
fn playbook() {
    short_run("playbook");
}

#[test]
fn retry_after() {
    short_run("retry_after");
}

#[test]
fn target_name() {
    short_run("target_name");
}

#[test]
fn tenant_file() {
    short_run("tenant_file");
}

#[test]
fn user_list() {
    short_run("user_list");
}

#[test]
fn every_target_has_a_corpus_and_an_entry() {
    let names = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<String> =
            entries.map(|path| path.file_stem().unwrap().display().to_string()).collect();
        names.sort();
        names
    };
    let known: Vec<&str> = ENTRIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&folder("")), known);
    assert_eq!(names(&folder("../targets")), known);
}
