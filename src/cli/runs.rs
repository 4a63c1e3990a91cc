//! `oust runs`.

use std::collections::HashSet;

use super::common::Common;
use super::connect;
use super::output::{Format, Output, complain, print};
use crate::bulk::{Bulk, BulkList};
use crate::failure::Result;
use crate::journal::{BulkPath, Earlier, RunPath, Store, load};
use crate::report::{RUNS_SCHEMA, RunList, RunListEntry, escape, fold};

/// List earlier runs, newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Also the runs of single users that are part of a bulk run
    #[arg(long, short)]
    all: bool,
}

impl Args {
    pub fn run(self, common: &Common, output: &Output) -> Result<u8> {
        let store = connect::store(common)?;
        let mut broken = None;
        let mut runs = Vec::new();
        for earlier in self.earlier(&store) {
            let listed = match &earlier {
                Earlier::Run(path) => entry(path),
                Earlier::Bulk(path) => bulk_entry(&store, path),
            };
            match listed {
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

    fn earlier(&self, store: &Store) -> Vec<Earlier> {
        let bulks = store.bulks();
        let lists = bulks.iter().filter(|_| !self.all).filter_map(|bulk| BulkList::load(bulk).ok());
        let parts: HashSet<String> =
            lists.flat_map(|list| list.users).map(|user| user.run_id.to_string()).collect();
        let is_shown = |run: &RunPath| !parts.contains(run.id());
        let mut earlier: Vec<Earlier> = store.runs().into_iter().filter(is_shown).map(Earlier::Run).collect();
        earlier.extend(bulks.into_iter().map(Earlier::Bulk));
        earlier.sort_by_key(|earlier| std::cmp::Reverse(earlier.id()));
        earlier.truncate(self.limit);
        earlier
    }
}

fn bulk_entry(store: &Store, path: &BulkPath) -> Result<RunListEntry> {
    let document = Bulk::summary(store, path)?;
    let counts = document.counts;
    Ok(RunListEntry {
        run_id: path.id().to_string(),
        command: document.command,
        outcome: document.outcome,
        users: document.users.into_iter().map(|user| user.user).collect(),
        started_at: document.started_at,
        resumable: counts.interrupted + counts.partial + counts.failed + counts.refused > 0,
        part_of: None,
        counts: Some(counts),
    })
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
        part_of: ledger.began.as_ref().and_then(|b| b.part_of.clone()),
        counts: None,
    })
}

fn table(list: &RunList, root: &std::path::Path) -> String {
    if list.runs.is_empty() {
        return format!("no runs in {}\n", root.display());
    }
    let mut text = format!("{:<19}  {:<28}  {:<36}  {}\n", "STARTED (UTC)", "OUTCOME", "RUN", "USER");
    for run in &list.runs {
        let mut outcome = run.outcome.look().word.to_owned();
        if run.resumable {
            outcome.push_str(" (resumable)");
        }
        let users = match run.users.as_slice() {
            [] => "-".to_owned(),
            [one] => escape::terminal_within(one, 40),
            many if run.counts.is_some() => format!("{} users", many.len()),
            [first, rest @ ..] => format!("{} and {} more", escape::terminal_within(first, 30), rest.len()),
        };
        let started = run.started_at.map(|t| t.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
        text.push_str(&format!("{started:<19}  {outcome:<28}  {:<36}  {users}\n", run.run_id));
    }
    text
}
