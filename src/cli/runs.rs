//! `oust runs`.

use super::common::Common;
use super::connect;
use super::output::{Format, Output, complain, print};
use crate::failure::Result;
use crate::journal::{RunPath, load};
use crate::report::{RUNS_SCHEMA, RunList, RunListEntry, escape, fold};

/// List earlier runs, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    limit: usize,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let store = connect::store(common)?;
        let mut broken = None;
        let mut runs = Vec::new();
        for path in store.runs().into_iter().take(self.limit) {
            match entry(&path) {
                Ok(entry) => runs.push(entry),
                Err(failure) => {
                    complain(&format!("error[{}]: {failure}", failure.code.id()));
                    broken = Some(failure.exit().status());
                }
            }
        }
        let list = RunList { schema: RUNS_SCHEMA.to_owned(), runs };
        match output.format {
            Format::Text => print(&table(&list, store.root())),
            Format::Json | Format::Jsonl => output.json(&list),
        }
        Ok(broken.unwrap_or(0))
    }
}

fn entry(path: &RunPath) -> Result<RunListEntry> {
    let (_, ledger) = load(path.journal())?;
    let meta = fold::Meta { run_id: Some(path.id().to_owned()), ..fold::Meta::default() };
    let document = fold::document(&ledger, &meta, None);
    Ok(RunListEntry {
        run_id: path.id().to_owned(),
        command: ledger.began.as_ref().map(|b| b.command.clone()).unwrap_or_default(),
        outcome: document.outcome,
        users: document.users.iter().map(|u| u.user_principal_name.clone()).collect(),
        started_at: document.started_at,
        resumable: fold::is_resumable(&ledger),
    })
}

fn table(list: &RunList, root: &std::path::Path) -> String {
    if list.runs.is_empty() {
        return format!("no runs in {}\n", root.display());
    }
    let mut text = format!("{:<19}  {:<24}  {:<36}  {}\n", "STARTED (UTC)", "OUTCOME", "RUN", "USER");
    for run in &list.runs {
        let mut outcome = run.outcome.look().word.to_owned();
        if run.resumable {
            outcome.push_str(" (resumable)");
        }
        let users = match run.users.as_slice() {
            [] => "-".to_owned(),
            [one] => escape::terminal_within(one, 40),
            [first, rest @ ..] => format!("{} and {} more", escape::terminal_within(first, 30), rest.len()),
        };
        let started = run.started_at.map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
        text.push_str(&format!("{started:<19}  {outcome:<24}  {:<36}  {users}\n", run.run_id));
    }
    text
}
