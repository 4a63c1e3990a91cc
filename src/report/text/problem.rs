//! An error: what happened, what was and wasn't changed, what to do next, where to read more.

use anstyle::Style;

use super::sheet::Sheet;
use super::{MAX_WIDTH, MIN_WIDTH};
use crate::report::Problem;
use crate::report::style::{BAD, FAINT, Paint};

/// Columns of the names at the left.
const NAMES: usize = 10;

/// An error alone, for a command that has no document to show.
pub fn problem(error: &Problem, paint: &Paint, width: usize) -> String {
    let mut sheet = Sheet::new(*paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    write(&mut sheet, error);
    sheet.finish()
}

pub(super) fn write(sheet: &mut Sheet, error: &Problem) {
    indented(sheet, 0, error);
}

pub(super) fn indented(sheet: &mut Sheet, indent: usize, error: &Problem) {
    // Codes are ours, but a document may come from a file.
    let code = crate::report::escape::terminal(&error.code);
    let tag = format!("error[{code}]:");
    let columns = tag.chars().count() + 1;
    let step = error.step.as_ref().map(|step| format!("{step}: ")).unwrap_or_default();
    sheet.tagged(indent, BAD, &tag, columns, Style::new(), &format!("{step}{}", error.detail));
    let mut fact = |name: &str, text: &str| sheet.tagged(indent + 2, FAINT, name, NAMES, Style::new(), text);
    fact("changed:", &error.changed);
    if let Some(next) = &error.next {
        fact("next:", next);
    }
    if let Some(id) = &error.graph_request_id {
        fact("request:", id);
    }
    fact("explain:", &format!("oust explain {}", error.code));
}
