//! `oust report`.

use clap::ValueEnum;

use super::common::Common;
use super::connect;
use super::output::{Format, Output, Show, print};
use crate::failure::Result;
use crate::journal::{RunPath, load};
use crate::playbook::Playbook;
use crate::report::{fold, markdown};

/// Show a run from its journal: text, Markdown for a ticket, or JSON
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run id, the start of one, or `last`
    run: String,
    /// Form of the report
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For the terminal
    #[default]
    Text,
    /// For a ticket
    Markdown,
    /// The result document
    Json,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let path = connect::store(common)?.find(&self.run)?;
        match self.format {
            ReportFormat::Text => return show(&path, output, Show::Report),
            ReportFormat::Markdown if output.format == Format::Text => {
                print(&markdown::run(&document(&path)?));
            }
            ReportFormat::Markdown | ReportFormat::Json => output.json(&document(&path)?),
        }
        Ok(0)
    }
}

/// Prints a run from its journal. The exit status is that of showing it, not of the run.
pub fn show(path: &RunPath, output: &Output, show: Show) -> Result<u8> {
    output.finish(&document(path)?, show);
    Ok(0)
}

fn document(path: &RunPath) -> Result<crate::report::RunDocument> {
    let (chain, ledger) = load(path.journal())?;
    let meta = fold::Meta {
        run_id: Some(path.id().to_owned()),
        command: ledger.began.as_ref().map(|b| b.command.clone()).unwrap_or_default(),
        playbook: ledger.began.as_ref().and_then(|b| Playbook::parse(&b.playbook_text).ok()),
        journal: Some((path.journal().to_owned(), chain.head)),
        ..fold::Meta::default()
    };
    Ok(fold::document(&ledger, &meta, None))
}
