//! A run as one file for the ticket: the journal, what it adds up to, and how to check it without this program.
//!
//! A plain tar: one file is what a ticket takes, and every system unpacks it. The same run makes the same bytes.

mod bulk;

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure, Result};
use crate::journal::{Audit, Line, Record, RunPath, SignedHead, head_path, read, signature_path};
use crate::playbook::{Playbook, hex};
use crate::report::{RUN_SCHEMA, fold, markdown};

pub use bulk::{BrokenRun, BulkBundle, BundledRun, make_bulk};

/// The value of `schema` in a [`Bundle`].
pub const BUNDLE_SCHEMA: &str = "oust.bundle/1";

const README: &str = include_str!("bundle/README.txt");

/// What a bundle holds: its `bundle.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bundle {
    /// `oust.bundle/1`.
    pub schema: String,
    /// UUID v7 of the run.
    pub run_id: String,
    /// Version of oust that made the bundle, and so the reports in it.
    pub made_by: String,
    /// Versions that wrote the journal, in order.
    pub written_by: Vec<String>,
    /// Format of the journal.
    pub journal_format: u32,
    /// The value of `schema` in report.json.
    pub report_schema: String,
    /// Records of the journal.
    pub records: u64,
    /// SHA-256 of the last line of the journal, hex.
    pub head: String,
    /// How many records the signature covers, as head.txt says. Absent: there is none.
    pub signed_records: Option<u64>,
    /// Whether a line that was not whole was left out: the run was going on, or a crash cut it off.
    pub unfinished_line: bool,
    /// The other files, in the order of SHA256SUMS.
    pub files: Vec<String>,
}

/// A file of a bundle.
struct Entry {
    name: String,
    bytes: Vec<u8>,
}

/// Makes the tar of a run. `schemas`: name and text of each schema that goes with it. `with_sealed`: also the new
/// passwords, sealed for their recipients.
///
/// # Errors
/// [`Code::JournalBroken`], [`Code::NotResumable`] for an empty journal, [`Code::OutputUnwritable`] when a file that
/// belongs to it can't be read.
pub fn make(run: &RunPath, schemas: &[(String, String)], with_sealed: bool) -> Result<(Bundle, Vec<u8>)> {
    let bytes = read_file(run.journal())?;
    let audit = read(&bytes, &run.journal().display().to_string())?;
    let Some(began) = audit.ledger.began.clone() else {
        return Err(Failure::new(Code::NotResumable, "the journal is empty: it crashed before it began")
            .next("start it again: `oust contain USER`"));
    };
    let whole = usize::try_from(audit.chain.whole).unwrap_or(usize::MAX).min(bytes.len());
    let lines = &bytes[..whole];
    let signature = signature(run)?;
    let head = SignedHead {
        run_id: began.run_id.clone(),
        records: audit.chain.lines.len() as u64,
        head: audit.chain.head.clone(),
    };
    let (head_text, signature, signed_records) = match signature {
        Some((text, signature)) => {
            let records =
                std::str::from_utf8(&text).ok().and_then(SignedHead::parse).map(|head| head.records);
            (text, Some(signature), records)
        }
        None => (head.text().into_bytes(), None, None),
    };
    let report = report(run, &audit);
    let mut entries = vec![
        entry("journal.jsonl", lines),
        entry("head.txt", &head_text),
        entry("report.json", &pretty(&report)),
        entry("report.md", markdown::run(&report).as_bytes()),
        entry("plan.jsonl", &planned(lines, &audit.chain.lines)),
        entry("playbook.yaml", began.playbook_text.as_bytes()),
    ];
    entries.extend(signature.map(|bytes| entry("journal.sig", &bytes)));
    entries
        .extend(schemas.iter().map(|(name, text)| entry(&format!("schemas/{name}.json"), text.as_bytes())));
    if with_sealed {
        for (path, _) in &audit.ledger.sealed {
            // Only the name: a journal may come from another folder than the one that it names.
            let name = Path::new(path).file_name().map(PathBuf::from).unwrap_or_default();
            let bytes = read_file(&run.folder().join(&name))?;
            entries.push(entry(&format!("sealed/{}", name.display()), &bytes));
        }
    }
    entries.push(entry("README.txt", README.as_bytes()));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let bundle = Bundle {
        schema: BUNDLE_SCHEMA.to_owned(),
        run_id: began.run_id.clone(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        written_by: written_by(&audit.chain.lines),
        journal_format: began.format,
        report_schema: RUN_SCHEMA.to_owned(),
        records: head.records,
        head: head.head,
        signed_records,
        unfinished_line: audit.is_unfinished,
        files: entries.iter().map(|entry| entry.name.clone()).collect(),
    };
    entries.push(entry("bundle.json", &pretty(&bundle)));
    let sums = sums(&entries);
    entries.push(entry("SHA256SUMS", sums.as_bytes()));
    let at = audit.ledger.last_at.unwrap_or_default();
    let tar = pack(&format!("oust-{}", began.run_id), &entries, at)
        .map_err(|e| Failure::new(Code::Internal, format!("packing the bundle: {e}")))?;
    Ok((bundle, tar))
}

fn entry(name: &str, bytes: &[u8]) -> Entry {
    Entry { name: name.to_owned(), bytes: bytes.to_vec() }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        if std::fs::symlink_metadata(path)?.is_symlink() {
            return Err(std::io::Error::other("it is a symbolic link, which may lead to another file"));
        }
        std::fs::read(path)
    };
    read().map_err(|e| {
        Failure::new(Code::OutputUnwritable, format!("the bundle lacks {}: {e}", path.display()))
            .next("put the file back, or export without it")
    })
}

/// `head.txt` and `journal.sig`, when the journal was signed.
fn signature(run: &RunPath) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let (head, signature) = (head_path(run.journal()), signature_path(run.journal()));
    if !signature.exists() {
        return Ok(None);
    }
    Ok(Some((read_file(&head)?, read_file(&signature)?)))
}

/// The result document, without the path of the machine that made it.
fn report(run: &RunPath, audit: &Audit) -> crate::report::RunDocument {
    let began = audit.ledger.began.as_ref();
    let meta = fold::Meta {
        run_id: Some(run.id().to_owned()),
        command: began.map(|b| b.command.clone()).unwrap_or_default(),
        playbook: began.and_then(|b| Playbook::parse(&b.playbook_text).ok()),
        journal: Some(("journal.jsonl".into(), audit.chain.head.clone())),
        ..fold::Meta::default()
    };
    fold::document(&audit.ledger, &meta, None)
}

/// The lines of the journal that hold the plan, as they stand there.
fn planned(bytes: &[u8], lines: &[Line]) -> Vec<u8> {
    let raw = bytes.split_inclusive(|b| *b == b'\n').zip(lines);
    raw.filter(|(_, line)| matches!(line.record, Record::Planned(_)))
        .flat_map(|(raw, _)| raw)
        .copied()
        .collect()
}

fn written_by(lines: &[Line]) -> Vec<String> {
    let mut versions = Vec::new();
    for line in lines {
        let version = match &line.record {
            Record::Began(began) => &began.version,
            Record::Resumed { version, .. }
            | Record::Reverified { version }
            | Record::RollbackBegan { version, .. } => version,
            _ => continue,
        };
        if !versions.contains(version) {
            versions.push(version.clone());
        }
    }
    versions
}

fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// SHA-256 of bytes, hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// As `sha256sum -c` reads it.
fn sums(entries: &[Entry]) -> String {
    entries.iter().map(|entry| format!("{}  {}\n", sha256(&entry.bytes), entry.name)).collect()
}

fn pack(folder: &str, entries: &[Entry], at: Timestamp) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in entries {
        append(&mut tar, folder, &entry.name, &entry.bytes, at)?;
    }
    tar.into_inner()
}

/// Nothing of the machine or of the moment goes in: owner, mode and time are those of the run.
fn append(
    tar: &mut tar::Builder<impl Write>,
    folder: &str,
    name: &str,
    bytes: &[u8],
    at: Timestamp,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(at.as_second()).unwrap_or_default());
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, format!("{folder}/{name}"), bytes)
}
