//! A run and a plan in words, for a terminal.
//!
//! The order is the reader's: is it contained, what remains, what was done, what is left to do by hand, what
//! to type next.

mod closing;
mod findings;
mod heading;
mod problem;
mod sheet;
mod steps;

pub use problem::problem;

use super::RunDocument;
use super::style::Paint;
use sheet::Sheet;
use steps::Form;

/// The narrowest terminal that is laid out for.
pub const MIN_WIDTH: usize = 40;
/// The widest: longer lines are hard to read.
pub const MAX_WIDTH: usize = 120;

/// The final report. `width` is the terminal's, in columns.
pub fn run(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Report)
}

/// The final report with the exact call of every change (`-v`).
pub fn run_with_calls(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::ReportWithCalls)
}

/// The plan: what would be sent, to be read before it is confirmed.
pub fn plan(document: &RunDocument, paint: &Paint, width: usize) -> String {
    render(document, *paint, width, Form::Plan)
}

fn render(document: &RunDocument, paint: Paint, width: usize, form: Form) -> String {
    let mut sheet = Sheet::new(paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    heading::run(&mut sheet, document, form);
    for user in &document.users {
        heading::user(&mut sheet, user);
        steps::all(&mut sheet, user, form);
        findings::kept(&mut sheet, user);
        findings::open(&mut sheet, user);
    }
    if let Some(error) = &document.error {
        sheet.gap();
        problem::write(&mut sheet, error);
    }
    closing::write(&mut sheet, document, form);
    sheet.finish()
}

#[cfg(test)]
mod tests;
