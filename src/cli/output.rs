//! stdout carries the result and nothing else; everything told while it goes is on stderr.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{ColorChoice, ValueEnum};
use serde::Serialize;

use super::common::Common;
use crate::engine::event::Watch;
use crate::failure::{Code, Exit, Failure};
use crate::journal::Ledger;
use crate::report::bulk::{BulkDocument, BulkProgress, Form};
use crate::report::progress::{JsonLines, Progress};
use crate::report::style::Paint;
use crate::report::{RunDocument, fold, text};

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// One JSON object a line as it happens, the result document last
    Jsonl,
}

impl Format {
    /// What a command line asks for that could not be read as a whole.
    pub fn asked_for(args: &[OsString]) -> Self {
        let mut last = "";
        for arg in args.iter().filter_map(|a| a.to_str()) {
            match (last, arg.strip_prefix("--output=").unwrap_or(arg)) {
                (_, "json") if last == "--output" || arg.starts_with("--output=") => return Self::Json,
                (_, "jsonl") if last == "--output" || arg.starts_with("--output=") => return Self::Jsonl,
                _ => last = arg,
            }
        }
        Self::Text
    }
}

/// How the command ends and what it prints.
pub struct Output {
    /// The form.
    pub format: Format,
    /// Colours on stdout.
    pub paint: Paint,
    /// Colours on stderr.
    pub paint_stderr: Paint,
    /// Columns.
    pub width: usize,
    verbose: bool,
    quiet: bool,
    exit_zero: bool,
    result_file: Option<PathBuf>,
}

impl Output {
    /// As the options say.
    pub fn new(common: &Common) -> Self {
        let colour = |stream_is_terminal: bool| match common.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                stream_is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && not_dumb()
            }
        };
        Self {
            format: common.output,
            paint: Paint { colour: colour(std::io::stdout().is_terminal()) },
            paint_stderr: Paint { colour: colour(std::io::stderr().is_terminal()) },
            width: width(),
            verbose: common.verbose > 0,
            quiet: common.quiet,
            exit_zero: common.exit_zero,
            result_file: common.result_file.clone(),
        }
    }

    /// Before the options are known.
    pub fn bare(format: Format, result_file: Option<PathBuf>) -> Self {
        Self {
            format,
            paint: Paint::PLAIN,
            paint_stderr: Paint::PLAIN,
            width: width(),
            verbose: false,
            quiet: false,
            exit_zero: false,
            result_file,
        }
    }

    /// Who watches the engine at work on so many users.
    pub fn watch(&self, users: usize) -> Arc<dyn Watch> {
        match self.format {
            Format::Jsonl => Arc::new(JsonLines::new(Box::new(std::io::stdout()))),
            Format::Text | Format::Json => {
                let progress = Progress::new(Box::new(std::io::stderr()), self.paint_stderr, self.quiet);
                Arc::new(progress.naming_users(users > 1))
            }
        }
    }

    /// Prints the document of a run in the form that was asked for, writes the result file, and gives the exit
    /// status.
    pub fn finish(&self, document: &RunDocument, show: Show<'_>) -> u8 {
        let status = self.write_result(document, document.exit_code).unwrap_or(document.exit_code);
        match self.format {
            Format::Json => self.json(document),
            Format::Jsonl => print(&line(document)),
            Format::Text => print(&match show {
                Show::Plan => text::plan(document, &self.paint, self.width),
                Show::SavedPlan(file) => {
                    text::saved_plan(document, &self.paint, self.width, &file.to_string_lossy())
                }
                Show::Report if self.verbose => text::run_with_calls(document, &self.paint, self.width),
                Show::Report => text::run(document, &self.paint, self.width),
            }),
        }
        status
    }

    /// Who watches a bulk run.
    pub fn watch_bulk(&self) -> Arc<dyn Watch> {
        match self.format {
            Format::Jsonl => Arc::new(JsonLines::new(Box::new(std::io::stdout()))),
            Format::Text | Format::Json => {
                let form = match std::io::stderr().is_terminal() && not_dumb() {
                    _ if self.quiet => Form::Quiet,
                    true => Form::Live(self.width),
                    false => Form::Lines,
                };
                Arc::new(BulkProgress::new(Box::new(std::io::stderr()), self.paint_stderr, form))
            }
        }
    }

    /// As [`Output::finish`], for the summary of a bulk run.
    pub fn finish_bulk(&self, document: &BulkDocument) -> u8 {
        let status = self.write_result(document, document.exit_code).unwrap_or(document.exit_code);
        match self.format {
            Format::Json => self.json(document),
            Format::Jsonl => print(&line(document)),
            Format::Text if self.verbose => print(&text::bulk_in_full(document, &self.paint, self.width)),
            Format::Text => print(&text::bulk(document, &self.paint, self.width)),
        }
        status
    }

    /// Writes the result file for an error that was told already.
    pub fn record(&self, command: &str, failure: &Failure) -> u8 {
        self.write_result(&failed(command, failure), failure.exit().status())
            .unwrap_or(failure.exit().status())
    }

    /// Ends with an error that came before there was a document.
    pub fn fail(&self, command: &str, failure: &Failure) -> u8 {
        let document = failed(command, failure);
        let status = self.write_result(&document, document.exit_code).unwrap_or(document.exit_code);
        match (self.format, &document.error) {
            (Format::Text, Some(problem)) => {
                complain(text::problem(problem, &self.paint_stderr, self.width).trim_end());
            }
            (Format::Jsonl, _) => print(&line(&document)),
            _ => self.json(&document),
        }
        status
    }

    /// Prints any value as JSON, indented when a person looks.
    #[allow(clippy::unused_self)]
    pub fn json<T: Serialize>(&self, value: &T) {
        let text = if std::io::stdout().is_terminal() {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        print(&(text.unwrap_or_default() + "\n"));
    }

    /// Writes another document than a run's to the result file, if there is to be one.
    ///
    /// # Errors
    /// [`Code::OutputUnwritable`].
    pub fn write_result_file<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let Some(path) = &self.result_file else { return Ok(()) };
        write_whole(path, &serde_json::to_vec_pretty(value).unwrap_or_default())
    }

    /// Whether everything is told.
    pub fn verbose(&self) -> bool {
        self.verbose
    }

    /// Whether the result file can be written, as far as that can be said before.
    ///
    /// # Errors
    /// [`Code::OutputUnwritable`].
    pub fn check_result_file(&self) -> Result<(), Failure> {
        let Some(path) = &self.result_file else { return Ok(()) };
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::NamedTempFile::new_in(folder).map(drop).map_err(|e| {
            Failure::new(
                Code::OutputUnwritable,
                format!("the result file {} can't be written: {e}", path.display()),
            )
            .next("give a path in a directory that exists and can be written")
        })
    }

    /// Whether nothing is told while it goes.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// The exit status, or 0 with `--exit-zero`. A good end whose result could not be printed is none.
    pub fn status(&self, status: u8) -> u8 {
        let lost = LOST.load(Ordering::SeqCst) && status == Exit::Done.status();
        let status = if lost { Exit::Failed.status() } else { status };
        if self.exit_zero { Exit::Done.status() } else { status }
    }

    /// A file that can't be written is told; the run itself is done by then, so only a good end becomes a bad one.
    fn write_result<T: Serialize>(&self, document: &T, exit_code: u8) -> Option<u8> {
        let path = self.result_file.as_deref()?;
        let text = serde_json::to_vec_pretty(document).unwrap_or_default();
        let failure = write_whole(path, &text).err()?;
        complain(&format!("error[{}]: {failure}", failure.code.id()));
        (exit_code == Exit::Done.status()).then_some(Exit::Failed.status())
    }
}

/// The document of a command that failed before it had one.
fn failed(command: &str, failure: &Failure) -> RunDocument {
    let meta = fold::Meta { command: command.to_owned(), ..fold::Meta::default() };
    let mut document = fold::document(&Ledger::default(), &meta, Some(failure));
    document.exit_code = failure.exit().status();
    document
}

/// Which text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show<'a> {
    /// What would be done.
    Plan,
    /// The same, and where it was saved.
    SavedPlan(&'a Path),
    /// What was done.
    Report,
}

/// Writes a file whole or not at all.
///
/// # Errors
/// [`Code::OutputUnwritable`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |e: std::io::Error| {
        Failure::new(Code::OutputUnwritable, format!("writing {}: {e}", path.display()))
            .next("give a path in a directory that exists and can be written")
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map(drop).map_err(|e| failed(e.error))
}

/// Whether something that was printed has not arrived: the caller would take an empty result for a good one.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints to stdout; a reader that has gone is no error, a full disk is.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::SeqCst) => {
            complain(&format!("error[{}]: writing the result to stdout: {e}", Code::OutputUnwritable.id()));
        }
        _ => {}
    }
}

/// Prints a line to stderr.
pub fn complain(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// What tracing says goes to stderr; nothing by default.
pub fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "oust=info,warn",
        2 => "oust=debug,info",
        _ => "oust=trace,debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("OUST_LOG").unwrap_or_else(|_| level.into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

fn not_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Columns of the terminal, else of `COLUMNS`, else 100.
fn width() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    named
        .or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)))
        .unwrap_or(100)
        .clamp(40, 200)
}
