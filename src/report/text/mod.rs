//! A run and a plan in words, for a terminal.
//!
//! The order is the reader's: is it contained, what remains, what was done, what is left to do by hand, what
//! to type next.

mod bulk;
mod bulk_evidence;
mod closing;
mod export;
mod findings;
mod heading;
mod journal_check;
mod needs;
mod problem;
mod sheet;
mod steps;

pub use bulk::{bulk, bulk_in_full, bulk_question};
pub use bulk_evidence::{bulk_export, bulk_journal_check};
pub use export::export;
pub(super) use heading::{moment, seconds, tally};
pub use journal_check::journal_check;
pub use problem::problem;
pub(super) use steps::title;

use super::style::Paint;
use super::{Problem, RunDocument};
use sheet::Sheet;
use steps::Form;

/// The narrowest terminal that is laid out for.
pub const MIN_WIDTH: usize = 40;
/// The widest: longer lines are hard to read.
pub const MAX_WIDTH: usize = 120;

/// The final report. `width` is the terminal's, in columns.
pub fn run(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Report, None)
}

/// The final report with the exact call of every change (`-v`).
pub fn run_with_calls(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::ReportWithCalls, None)
}

/// The plan: what would be sent, to be read before it is confirmed.
pub fn plan(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Plan, None)
}

/// A plan that was saved: the next command is to apply the file.
pub fn saved_plan(document: &RunDocument, paint: &Paint, width: usize, file: &str) -> String {
    render(document, *paint, width, Form::Plan, Some(file))
}

/// The plan with a line for each change, and the names of what is kept and of what is open.
pub fn brief_plan(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Brief, None)
}

/// The first lines of the report.
pub fn verdict(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Verdict, None)
}

/// The plan as a person is asked about it: what to type next is the question itself.
pub fn question(document: &RunDocument, paint: &Paint, width: usize) -> String {
    body(document, *paint, width, Form::Plan).finish()
}

fn render(document: &RunDocument, paint: Paint, width: usize, form: Form, saved: Option<&str>) -> String {
    let mut sheet = body(document, paint, width, form);
    if !matches!(form, Form::Brief | Form::Verdict) {
        closing::write(&mut sheet, document, form, saved);
    }
    sheet.finish()
}

fn body(document: &RunDocument, paint: Paint, width: usize, form: Form) -> Sheet {
    let mut sheet = Sheet::new(paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    heading::run(&mut sheet, document, form);
    let many = document.users.len() > 1;
    let rollback = is_rollback(document);
    for user in document.users.iter().filter(|_| form != Form::Verdict) {
        heading::user(&mut sheet, user, many);
        if form == Form::Plan && !rollback {
            needs::write(&mut sheet, user);
        }
        steps::all(&mut sheet, user, form, rollback);
        if !rollback {
            findings::kept(&mut sheet, user, form);
        }
        findings::open(&mut sheet, user, form);
    }
    if let Some(error) = document.error.as_ref().filter(|error| !is_told(document, error)) {
        sheet.gap();
        problem::write(&mut sheet, error);
    }
    sheet
}

/// The commands that make sense after a run, the likeliest first, each with why.
pub fn next(document: &RunDocument) -> Vec<(String, &'static str)> {
    closing::next(document, Form::Report)
}

/// Whether the error stands at one of the steps already.
pub(super) fn is_told(document: &RunDocument, error: &Problem) -> bool {
    document.users.iter().flat_map(|user| &user.steps).any(|step| step.error.as_ref() == Some(error))
}

/// Whether it tells what became of changes when they were taken back.
pub(super) fn is_rollback(document: &RunDocument) -> bool {
    let mut changes = document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes);
    document.command == "rollback" || changes.any(|change| change.rollback.is_some())
}

#[cfg(test)]
mod tests;
