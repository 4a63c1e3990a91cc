//! `oust export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Common;
use super::output::{Format, Output, print};
use super::{connect, schema};
use crate::bundle::{Bundle, make, sha256};
use crate::failure::{Code, Failure, Result};
use crate::report::text;

/// The value of `schema` in an [`Export`].
const EXPORT_SCHEMA: &str = "oust.export/1";

/// Pack a run into one file for the ticket, with all it takes to check it
///
/// A plain tar: journal, report, plan, checksums, schemas, the signature if there is one, and how to check it without
/// oust. The same run makes the same bytes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run id, the start of one, or `last`
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

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let run = connect::store(common)?.find(&self.run)?;
        let path = self.out.unwrap_or_else(|| PathBuf::from(format!("oust-{}.tar", run.id())));
        // Told before the work; what appears meanwhile isn't replaced either.
        if !self.force && path.exists() {
            return Err(exists(&path));
        }
        let (bundle, tar) = make(&run, &schemas(), self.with_sealed)?;
        write(&path, &tar, self.force)?;
        let export = Export {
            schema: EXPORT_SCHEMA.to_owned(),
            path: path.display().to_string(),
            sha256: sha256(&tar),
            bytes: tar.len() as u64,
            bundle,
        };
        output.write_result_file(&export)?;
        match output.format {
            Format::Text => {
                let (columns, paint) = (output.width, &output.paint);
                print(&text::export(&export.path, &export.sha256, &export.bundle, paint, columns));
            }
            Format::Json | Format::Jsonl => output.json(&export),
        }
        Ok(0)
    }
}

/// The schemas of the documents in a bundle.
fn schemas() -> Vec<(String, String)> {
    let text = |name: &str| serde_json::to_string_pretty(&schema::find(name)).unwrap_or_default() + "\n";
    ["run", "journal", "bundle"].map(|name| (name.to_owned(), text(name))).to_vec()
}

/// Writes the file whole or not at all, for its owner alone.
fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<()> {
    let failed = |e: std::io::Error| {
        Failure::new(Code::OutputUnwritable, format!("writing {}: {e}", path.display()))
            .next("give a path in a directory that exists and can be written")
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    if replace {
        return file.persist(path).map(drop).map_err(|e| failed(e.error));
    }
    file.persist_noclobber(path).map(drop).map_err(|e| match e.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => failed(e.error),
    })
}

fn exists(path: &Path) -> Failure {
    Failure::new(Code::OutputUnwritable, format!("{} is there already", path.display()))
        .next("give another name with --out, or replace it with --force")
}
