//! The command line: one file for each subcommand. It is the only place that prints.

mod actions;
mod apply;
mod bulk;
mod common;
mod completions;
mod confirm;
mod connect;
mod contain;
mod core_dump;
mod doctor;
mod explain;
mod export;
mod journal;
mod man;
mod output;
mod plan;
mod playbooks;
mod rehearse;
mod report;
mod resume;
mod rollback;
mod runs;
pub mod schema;
mod signals;
mod time;
mod verify;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::{Code, Exit, Failure};
use crate::report::escape;
use common::Common;
use output::{Format, Output};

/// Evict an intruder from a Microsoft Entra ID / Microsoft 365 account.
///
/// Try `oust rehearse` first: the whole of it against a simulated tenant, with nothing to set up.
#[derive(Debug, Parser)]
#[command(name = "oust", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Contain(contain::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Verify(verify::Args),
    Resume(resume::Args),
    Rollback(rollback::Args),
    Runs(runs::Args),
    Report(report::Args),
    Journal(journal::Args),
    Export(export::Args),
    Rehearse(rehearse::Args),
    Doctor(doctor::Args),
    Actions(actions::Args),
    Playbooks(playbooks::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Parses, runs and gives the exit status.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let started = tokio::time::Instant::now();
    core_dump::forbid();
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(e) => return usage(&e, &args),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            output::complain(&format!("error[E0901]: starting the runtime: {e}"));
            return Exit::Internal.status();
        }
    };
    let output = Output::new(&cli.common);
    output::log_to_stderr(cli.common.verbose);
    let name = cli.command.name();
    // A caller who waits for the file has to know before anything is sent that there will be none.
    if let Err(failure) = output.check_result_file() {
        return Output::bare(cli.common.output, None).fail(name, &failure);
    }
    match runtime.block_on(cli.command.run(&cli.common, &output, started)) {
        Ok(status) => output.status(status),
        Err(failure) => output.status(output.fail(name, &failure)),
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Contain(_) => "contain",
            Self::Plan(_) => "plan",
            Self::Apply(_) => "apply",
            Self::Verify(_) => "verify",
            Self::Resume(_) => "resume",
            Self::Rollback(_) => "rollback",
            Self::Runs(_) => "runs",
            Self::Report(_) => "report",
            Self::Journal(_) => "journal",
            Self::Export(_) => "export",
            Self::Rehearse(_) => "rehearse",
            Self::Doctor(_) => "doctor",
            Self::Actions(_) => "actions",
            Self::Playbooks(_) => "playbooks",
            Self::Explain(_) => "explain",
            Self::Schema(_) => "schema",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    async fn run(
        self,
        common: &Common,
        output: &Output,
        started: tokio::time::Instant,
    ) -> Result<u8, Failure> {
        match self {
            Self::Contain(args) => args.run(common, output, started).await,
            Self::Plan(args) => args.run(common, output, started).await,
            Self::Apply(args) => args.run(common, output, started).await,
            Self::Verify(args) => args.run(common, output, started).await,
            Self::Resume(args) => args.run(common, output, started).await,
            Self::Rollback(args) => args.run(common, output, started).await,
            Self::Runs(args) => args.run(common, output),
            Self::Report(args) => args.run(common, output),
            Self::Journal(args) => args.run(common, output),
            Self::Export(args) => args.run(common, output),
            Self::Rehearse(args) => args.run(common, output, started).await,
            Self::Doctor(args) => args.run(common, output, started).await,
            Self::Actions(args) => args.run(output),
            Self::Playbooks(args) => args.run(output),
            Self::Explain(args) => args.run(output),
            Self::Schema(args) => args.run(output),
            Self::Completions(args) => args.run(output),
            Self::Man(args) => args.run(output),
        }
    }
}

/// Help and version go to stdout and are fine; a mistake is 64, and a document where JSON was asked for.
fn usage(error: &clap::Error, args: &[OsString]) -> u8 {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return Exit::Done.status();
    }
    let text = error.render().to_string();
    let format = Format::asked_for(args);
    let what = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "there is no command".to_owned()
    } else {
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    };
    let command = Cli::command();
    let known = |arg: &&OsString| command.get_subcommands().any(|c| arg.to_str() == Some(c.get_name()));
    let name = args.iter().skip(1).find(known).and_then(|a| a.to_str()).unwrap_or("oust");
    let failure = Failure::new(Code::InvalidArguments, what).next("`oust help` lists commands and options");
    let output = Output::bare(format, result_file(args));
    if format == Format::Text {
        // It repeats what was typed, which a caller may have taken from anywhere.
        let lines: Vec<String> = text.trim_end().lines().map(escape::visible).collect();
        output::complain(&lines.join("\n"));
        return output.record(name, &failure);
    }
    output.fail(name, &failure)
}

/// `--result-file` of a command line that clap could not read: it is written whatever happens.
fn result_file(args: &[OsString]) -> Option<std::path::PathBuf> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if text == "--result-file" {
            return args.next().map(Into::into);
        }
        if let Some(path) = text.strip_prefix("--result-file=") {
            return Some(path.into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_has_an_argument_that_clashes_with_a_global_one() {
        let mut command = Cli::command();
        command.build();
        for sub in command.get_subcommands() {
            let mut ids: Vec<&str> = sub.get_arguments().map(|a| a.get_id().as_str()).collect();
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), all, "{}", sub.get_name());
        }
        Cli::command().debug_assert();
    }
}
