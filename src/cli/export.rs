//! `oust export`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Common;
use super::output::{Format, Output, print};
use super::{connect, schema};
use crate::bundle::{BulkBundle, Bundle, make, make_bulk};
use crate::failure::{Code, Exit, Failure, Result};
use crate::journal::Earlier;
use crate::playbook::hex;
use crate::report::style::Paint;
use crate::report::text;

/// The value of `schema` in an [`Export`].
const EXPORT_SCHEMA: &str = "oust.export/1";
/// The value of `schema` in a [`BulkExport`].
const BULK_EXPORT_SCHEMA: &str = "oust.bulk-export/1";

/// Pack a run into one file for the ticket, with all it takes to check it
///
/// A plain tar: journal, report, plan, checksums, schemas, the signature if there is one, and how to check it without
/// oust. The same run makes the same bytes. Of a bulk run, the summary and such a tar for each of its runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a run or a bulk run, the start of one, or `last`
    run: String,
    /// The file [default: oust-RUN.tar in this directory]
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also the new passwords and access passes, sealed for their recipients
    #[arg(long)]
    with_sealed: bool,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

/// The result of an export, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Export {
    /// `oust.export/1`.
    pub schema: String,
    /// The file.
    pub path: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it holds.
    pub bundle: Bundle,
}

/// The result of an export of a bulk run, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkExport {
    /// `oust.bulk-export/1`.
    pub schema: String,
    /// The file.
    pub path: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it holds.
    pub bundle: BulkBundle,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let store = connect::store(common)?;
        let earlier = store.earlier(&self.run)?;
        let path = self.out.unwrap_or_else(|| PathBuf::from(format!("oust-{}.tar", earlier.id())));
        // Told before the work; what appears meanwhile isn't replaced either.
        if !self.force && path.exists() {
            return Err(exists(&path));
        }
        let run = match &earlier {
            Earlier::Run(run) => run,
            Earlier::Bulk(bulk) => {
                let make =
                    |out: &mut Hashed<&mut File>| make_bulk(&store, bulk, &schemas(), self.with_sealed, out);
                let (bundle, sha256, bytes) = write(&path, self.force, make)?;
                let (schema, path) = (BULK_EXPORT_SCHEMA.to_owned(), path.display().to_string());
                let export = BulkExport { schema, path, sha256, bytes, bundle };
                return told(&export, output, |paint, columns| {
                    text::bulk_export(&export.path, &export.sha256, &export.bundle, paint, columns)
                })
                .map(|()| if export.bundle.broken.is_empty() { 0 } else { Exit::Journal.status() });
            }
        };
        let (bundle, tar) = make(run, &schemas(), self.with_sealed)?;
        let ((), sha256, bytes) =
            write(&path, self.force, |out| out.write_all(&tar).map_err(|e| failed(&path, &e)))?;
        let (schema, path) = (EXPORT_SCHEMA.to_owned(), path.display().to_string());
        let export = Export { schema, path, sha256, bytes, bundle };
        told(&export, output, |paint, columns| {
            text::export(&export.path, &export.sha256, &export.bundle, paint, columns)
        })?;
        Ok(0)
    }
}

/// Prints the result.
fn told<T: Serialize>(
    export: &T,
    output: &Output,
    words: impl FnOnce(&Paint, usize) -> String,
) -> Result<()> {
    output.write_result_file(export)?;
    match output.format {
        Format::Text => print(&words(&output.paint, output.width)),
        Format::Json | Format::Jsonl => output.json(export),
    }
    Ok(())
}

/// Counts and hashes what passes.
struct Hashed<W> {
    to: W,
    digest: Context,
    bytes: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// The schemas of the documents in a bundle.
fn schemas() -> Vec<(String, String)> {
    let text = |name: &str| serde_json::to_string_pretty(&schema::find(name)).unwrap_or_default() + "\n";
    ["run", "journal", "bundle"].map(|name| (name.to_owned(), text(name))).to_vec()
}

/// Writes the file whole or not at all, for its owner alone; gives its SHA-256 in hex and its size.
fn write<T>(
    path: &Path,
    replace: bool,
    fill: impl FnOnce(&mut Hashed<&mut File>) -> Result<T>,
) -> Result<(T, String, u64)> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(path, &e))?;
    let mut out = Hashed { to: file.as_file_mut(), digest: Context::new(&SHA256), bytes: 0 };
    let filled = fill(&mut out)?;
    let (sha256, bytes) = (hex(out.digest.finish().as_ref()), out.bytes);
    file.as_file().sync_all().map_err(|e| failed(path, &e))?;
    let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    match kept.map_err(|e| e.error) {
        Ok(_) => Ok((filled, sha256, bytes)),
        Err(e) if !replace && e.kind() == std::io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(e) => Err(failed(path, &e)),
    }
}

fn failed(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(Code::OutputUnwritable, format!("writing {}: {e}", path.display()))
        .next("give a path in a directory that exists and can be written")
}

fn exists(path: &Path) -> Failure {
    Failure::new(Code::OutputUnwritable, format!("{} is there already", path.display()))
        .next("give another name with --out, or replace it with --force")
}
