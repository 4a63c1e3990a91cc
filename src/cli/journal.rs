//! `oust journal`.

use std::path::{Path, PathBuf};

use super::common::Common;
use super::connect;
use super::output::{Format, Output, print};
use crate::failure::{Code, Failure, Result};
use crate::journal::{PublicKey, audit};
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
    /// Run id, the start of one, `last`, or the path of a journal
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
        let path = find(&self.journal, common)?;
        let key = self.public_key.as_deref().map(PublicKey::open).transpose()?;
        let audit = audit(&read(&path)?);
        let signed = key.map(|key| key.verify(&path));
        let check = JournalCheck::new(&path, &audit, head.as_deref(), signed);
        output.write_result_file(&check)?;
        match output.format {
            Format::Text => print(&text::journal_check(&check, &output.paint, output.width)),
            Format::Json | Format::Jsonl => output.json(&check),
        }
        Ok(check.exit_code)
    }
}

/// A journal by the name of its run, or by its path: no name of a run has a dot or a separator.
fn find(name: &str, common: &Common) -> Result<PathBuf> {
    if name.contains(['.', '/', std::path::MAIN_SEPARATOR]) {
        return Ok(PathBuf::from(name));
    }
    Ok(connect::store(common)?.find(name)?.journal().to_owned())
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
