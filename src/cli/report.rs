//! `oust report`.

use clap::ValueEnum;

use super::bulk;
use super::common::Common;
use super::connect;
use super::output::{Format, Output, Show, print};
use crate::failure::{Code, Failure, Result};
use crate::journal::{Earlier, RunPath};
use crate::report::{fold, markdown};

/// Show a run from its journal: text, Markdown for a ticket, or JSON
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a run or a bulk run, the start of one, or `last`
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
    /// A row a user, of a bulk run
    Csv,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let path = match connect::store(common)?.earlier(&self.run)? {
            Earlier::Run(path) => path,
            Earlier::Bulk(path) => return bulk::report(&path, self.format, common, output),
        };
        match self.format {
            ReportFormat::Text => return show(&path, output, Show::Report),
            ReportFormat::Markdown if output.format == Format::Text => {
                print(&markdown::run(&fold::of_run(&path)?.0));
            }
            ReportFormat::Csv => {
                return Err(Failure::new(
                    Code::InvalidArguments,
                    "a table of users is there of bulk runs only",
                )
                .next("use --format markdown or --format json for a run of one user"));
            }
            ReportFormat::Markdown | ReportFormat::Json => output.json(&fold::of_run(&path)?.0),
        }
        Ok(0)
    }
}

/// Prints a run from its journal. The exit status is that of showing it, not of the run.
pub fn show(path: &RunPath, output: &Output, show: Show) -> Result<u8> {
    output.finish(&fold::of_run(path)?.0, show);
    Ok(0)
}
