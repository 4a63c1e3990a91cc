//! `oust journal`.

use std::path::{Path, PathBuf};

use super::common::Common;
use super::connect;
use super::output::{Format, Output, print};
use crate::bulk::BulkList;
use crate::failure::{Code, Failure, Result};
use crate::journal::{BulkPath, Earlier, PublicKey, audit};
use crate::report::bulk::BulkJournalCheck;
use crate::report::{JournalCheck, text};

/// Check the record of a run
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, clap::Subcommand)]
enum JournalCommand {
    Verify(Verify),
}

/// Find any changed, removed, inserted or reordered line of a journal
///
/// It only reads, so it works while the run is going on and on a copy of the file. An edit of the
/// last line shows only against the hash that was printed at the end of the run (--head), or against a signature
/// (--public-key).
#[derive(Debug, clap::Args)]
struct Verify {
    /// Id of a run or a bulk run, the start of one, `last`, or the path of a journal
    #[arg(value_name = "RUN|FILE")]
    journal: String,
    /// The hash in the ticket
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
    /// Check the signature of the end: Ed25519 public key, PEM
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        match self.command {
            JournalCommand::Verify(verify) => verify.run(common, output),
        }
    }
}

impl Verify {
    fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let head = self.head.as_deref().map(hash).transpose()?;
        let key = self.public_key.as_deref().map(PublicKey::open).transpose()?;
        let path = match find(&self.journal, common)? {
            Found::Journal(path) => path,
            Found::Bulk(_) if head.is_some() => {
                return Err(Failure::new(
                    Code::InvalidArguments,
                    "a hash is that of one run, not of a bulk run",
                )
                .next(
                    "`oust journal verify RUN --head HASH`; `oust runs --all` lists the runs of a bulk run",
                ));
            }
            Found::Bulk(bulk) => return check_all(&bulk, key.as_ref(), common, output),
        };
        let check = check(&path, head.as_deref(), key.as_ref())?;
        output.write_result_file(&check)?;
        match output.format {
            Format::Text => print(&text::journal_check(&check, &output.paint, output.width)),
            Format::Json | Format::Jsonl => output.json(&check),
        }
        Ok(check.exit_code)
    }
}

enum Found {
    Journal(PathBuf),
    Bulk(BulkPath),
}

/// A journal by the name of its run, or by its path: no name of a run has a dot or a separator.
fn find(name: &str, common: &Common) -> Result<Found> {
    if name.contains(['.', '/', std::path::MAIN_SEPARATOR]) {
        return Ok(Found::Journal(PathBuf::from(name)));
    }
    Ok(match connect::store(common)?.earlier(name)? {
        Earlier::Run(run) => Found::Journal(run.journal().to_owned()),
        Earlier::Bulk(bulk) => Found::Bulk(bulk),
    })
}

fn check(path: &Path, head: Option<&str>, key: Option<&PublicKey>) -> Result<JournalCheck> {
    let audit = audit(&read(path)?);
    let signed = key.map(|key| key.verify(path));
    Ok(JournalCheck::new(path, &audit, head, signed))
}

/// Checks the journal of every run of a bulk run.
fn check_all(path: &BulkPath, key: Option<&PublicKey>, common: &Common, output: &Output) -> Result<u8> {
    let (store, list) = (connect::store(common)?, BulkList::load(path)?);
    let runs = list.users.iter().filter_map(|entry| store.run_of(&entry.run_id));
    let checks: Vec<_> = runs.map(|run| check(run.journal(), None, key)).collect::<Result<_>>()?;
    let not_begun = list.users.len() - checks.len();
    let check = BulkJournalCheck::new(list.bulk_id.to_string(), not_begun, checks);
    output.write_result_file(&check)?;
    match output.format {
        Format::Text => print(&text::bulk_journal_check(&check, &output.paint, output.width)),
        Format::Json | Format::Jsonl => output.json(&check),
    }
    Ok(check.exit_code)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let wrong = |what: &str| {
        Failure::new(Code::NoSuchRun, format!("reading {}: {what}", path.display()))
            .next("give a run that `oust runs` lists, or the path of a journal.jsonl")
    };
    let data = std::fs::metadata(path).map_err(|e| wrong(&e.to_string()))?;
    if !data.is_file() {
        return Err(wrong("it is no file"));
    }
    std::fs::read(path).map_err(|e| wrong(&e.to_string()))
}

/// SHA-256 in hex, as it was printed.
fn hash(text: &str) -> Result<String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(text);
    }
    Err(Failure::new(
        Code::InvalidArguments,
        format!("--head takes 64 hexadecimal digits, and got {}", text.chars().count()),
    )
    .next("give the whole hash that stands after `head` at the end of a report"))
}
