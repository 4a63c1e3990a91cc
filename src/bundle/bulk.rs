//! A bulk run as one file for the ticket: the summary, and the bundle of each user's run.

use std::io::Write;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{append, make, pretty, read_file, sha256};
use crate::bulk::{Bulk, BulkList};
use crate::failure::{Code, Failure, Result};
use crate::journal::{BulkPath, Store, audit};
use crate::report::{Problem, bulk};

/// The value of `schema` in a [`BulkBundle`].
pub const BULK_BUNDLE_SCHEMA: &str = "oust.bulk-bundle/1";

const README: &str = include_str!("BULK-README.txt");

/// What the bundle of a bulk run holds: its `bundle.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkBundle {
    /// `oust.bulk-bundle/1`.
    pub schema: String,
    /// UUID v7 of the bulk run.
    pub bulk_id: String,
    /// Version of oust that made the bundle.
    pub made_by: String,
    /// The runs whose bundles are in it, in the order of the list.
    pub runs: Vec<BundledRun>,
    /// The runs whose journals are not as they were written: the file is in the bundle as it is.
    pub broken: Vec<BrokenRun>,
    /// How many users of the list have no journal: their runs have not begun, or it was removed.
    pub not_begun: usize,
}

/// A run in the bundle of a bulk run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundledRun {
    /// UUID v7 of the run.
    pub run_id: String,
    /// Its bundle, a file of this one.
    pub file: String,
    /// Records of its journal.
    pub records: u64,
    /// SHA-256 of the last line of its journal, hex.
    pub head: String,
    /// How many records the signature covers. Absent: there is none.
    pub signed_records: Option<u64>,
}

/// A run whose journal can't be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenRun {
    /// UUID v7 of the run.
    pub run_id: String,
    /// Its journal, a file of this one.
    pub file: String,
    /// What is wrong, an RFC 9457 object.
    pub error: Problem,
}

/// Writes the tar of a bulk run to `out`, one run after the other. `schemas`: name and text of each schema that goes
/// with each run. `with_sealed`: also what was sealed for recipients.
///
/// # Errors
/// [`Code::JournalBroken`] for its list, [`Code::OutputUnwritable`] when `out` takes no more or a file that belongs to
/// it can't be read.
pub fn make_bulk(
    store: &Store,
    path: &BulkPath,
    schemas: &[(String, String)],
    with_sealed: bool,
    out: impl Write,
) -> Result<BulkBundle> {
    let list = BulkList::load(path)?;
    let summary = Bulk::read(store, path)?;
    let mut bundle = BulkBundle {
        schema: BULK_BUNDLE_SCHEMA.to_owned(),
        bulk_id: list.bulk_id.to_string(),
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        runs: Vec::new(),
        broken: Vec::new(),
        not_begun: 0,
    };
    let mut tar = Tar::new(out, &bundle.bulk_id, list.began);
    tar.add("summary.json", &pretty(&summary))?;
    tar.add("summary.md", bulk::markdown(&summary).as_bytes())?;
    tar.add("summary.csv", bulk::csv(&summary).as_bytes())?;
    for entry in &list.users {
        let Some(run) = store.run_of(&entry.run_id).filter(|run| !run.is_blank()) else {
            bundle.not_begun += 1;
            continue;
        };
        match make(&run, schemas, with_sealed) {
            Ok((part, bytes)) => {
                let file = format!("runs/oust-{}.tar", run.id());
                tar.add(&file, &bytes)?;
                bundle.runs.push(BundledRun {
                    run_id: part.run_id,
                    file,
                    records: part.records,
                    head: part.head,
                    signed_records: part.signed_records,
                });
            }
            Err(failure) if failure.code == Code::OutputUnwritable => return Err(failure),
            Err(failure) => {
                let file = format!("runs/broken-{}.jsonl", run.id());
                let bytes = read_file(run.journal())?;
                tar.add(&file, &bytes)?;
                // Said without the path of the machine that made the bundle.
                let failure = audit(&bytes).fault.map_or(failure, |fault| fault.failure("the journal"));
                let error = failure.problem(Some(run.id()));
                bundle.broken.push(BrokenRun { run_id: run.id().to_owned(), file, error });
            }
        }
    }
    tar.add("README.txt", README.as_bytes())?;
    tar.add("bundle.json", &pretty(&bundle))?;
    tar.finish()?;
    Ok(bundle)
}

/// A tar under way, and the checksums of what is in it.
struct Tar<W: Write> {
    builder: tar::Builder<W>,
    folder: String,
    at: Timestamp,
    sums: String,
}

impl<W: Write> Tar<W> {
    fn new(out: W, bulk_id: &str, at: Timestamp) -> Self {
        Self { builder: tar::Builder::new(out), folder: format!("oust-{bulk_id}"), at, sums: String::new() }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.sums += &format!("{}  {name}\n", sha256(bytes));
        append(&mut self.builder, &self.folder, name, bytes, self.at).map_err(|e| unwritable(&e))
    }

    fn finish(mut self) -> Result<()> {
        let sums = std::mem::take(&mut self.sums);
        append(&mut self.builder, &self.folder, "SHA256SUMS", sums.as_bytes(), self.at)
            .and_then(|()| self.builder.finish())
            .map_err(|e| unwritable(&e))
    }
}

fn unwritable(e: &std::io::Error) -> Failure {
    Failure::new(Code::OutputUnwritable, format!("writing the bundle: {e}"))
        .next("give a path in a directory that can be written and has room")
}
