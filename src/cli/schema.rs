//! `oust schema`.

use super::export::{BulkExport, Export};
use super::output::{Output, print};
use crate::bundle::Bundle;
use crate::engine::SavedPlan;
use crate::engine::event::Event;
use crate::failure::{Code, Failure, Result};
use crate::journal::Line;
use crate::playbook::Playbook;
use crate::report::bulk::{BulkDocument, BulkJournalCheck};
use crate::report::{JournalCheck, RunDocument, RunList};

/// Print the JSON schema of a document
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One of those that `oust schema` lists: run, event, plan, …
    name: Option<String>,
}

/// The schemas there are.
pub const NAMES: &[&str] = &[
    "run",
    "runs",
    "bulk",
    "plan",
    "journal",
    "journal-check",
    "bulk-journal-check",
    "bundle",
    "export",
    "bulk-export",
    "event",
    "playbook",
    "tenant",
];

impl Args {
    /// Prints it.
    ///
    /// # Errors
    /// There is no schema of that name.
    pub fn run(self, _: &Output) -> Result<u8> {
        let Some(name) = self.name else {
            print(&(NAMES.join("\n") + "\n"));
            return Ok(0);
        };
        let schema = find(&name).ok_or_else(|| {
            Failure::new(
                Code::UnknownName,
                format!("there is no schema {:?}", name.chars().take(40).collect::<String>()),
            )
            .next(format!("there are: {}", NAMES.join(", ")))
        })?;
        print(&(serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"));
        Ok(0)
    }
}

/// A schema by its name.
pub fn find(name: &str) -> Option<serde_json::Value> {
    Some(match name {
        "run" => schemars::schema_for!(RunDocument).to_value(),
        "runs" => schemars::schema_for!(RunList).to_value(),
        "bulk" => schemars::schema_for!(BulkDocument).to_value(),
        "plan" => schemars::schema_for!(SavedPlan).to_value(),
        "journal" => schemars::schema_for!(Line).to_value(),
        "journal-check" => schemars::schema_for!(JournalCheck).to_value(),
        "bulk-journal-check" => schemars::schema_for!(BulkJournalCheck).to_value(),
        "bundle" => schemars::schema_for!(Bundle).to_value(),
        "export" => schemars::schema_for!(Export).to_value(),
        "bulk-export" => schemars::schema_for!(BulkExport).to_value(),
        "event" => schemars::schema_for!(Event).to_value(),
        "playbook" => Playbook::schema(),
        "tenant" => crate::sim::file::schema().to_value(),
        _ => return None,
    })
}
