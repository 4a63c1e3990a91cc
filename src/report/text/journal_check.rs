//! Whether a journal is as it was written, in words.

use anstyle::Style;

use super::heading::moment;
use super::sheet::Sheet;
use super::{MAX_WIDTH, MIN_WIDTH, problem};
use crate::report::style::{BAD, FAINT, GOOD, Paint, WARN};
use crate::report::{GivenHead, JournalCheck};

/// Columns of the names at the left.
const NAMES: usize = 9;

/// The result of `oust journal verify`. `width` is the terminal's, in columns.
pub fn journal_check(check: &JournalCheck, paint: &Paint, width: usize) -> String {
    let mut sheet = Sheet::new(*paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    let (style, word, means) = match (check.sound, check.records) {
        (false, _) if check.fault.is_none() => (
            WARN.bold(),
            "NOT SIGNED",
            "every line follows from the line before it; the end is not signed by this key",
        ),
        (false, _) => (BAD, "BROKEN", "the journal is not as it was written"),
        (true, 0) => (WARN.bold(), "EMPTY", "no record was written: a crash came before the first"),
        (true, _) => (GOOD.bold(), "SOUND", "every line follows from the line before it"),
    };
    sheet.tagged(0, style, word, word.len() + 2, Style::new(), means);
    sheet.exact(0, "journal", NAMES, Style::new(), &check.path);
    if let Some(run) = &check.run_id {
        sheet.exact(0, "run", NAMES, Style::new(), run);
    }
    let mut fact = |name: &str, text: &str| sheet.tagged(0, FAINT, name, NAMES, Style::new(), text);
    if let (Some(first), Some(last)) = (check.first_at, check.last_at) {
        let sound = if check.fault.is_none() { "" } else { " sound before the fault" };
        fact("records", &format!("{}{sound}, from {} to {}", check.records, moment(first), moment(last)));
    }
    if check.unfinished_line {
        fact("tail", "the last line has no end yet: it is being written, or a crash cut it off");
    }
    if let [line, ..] = check.clock_went_back.as_slice() {
        let text = format!("set back before line {line}; the order of the lines is by number, not by time");
        fact("clock", &text);
    }
    if let Some(signature) = check.signature.as_ref().filter(|signature| signature.covers_all) {
        sheet.tagged(
            0,
            FAINT,
            "signed",
            NAMES,
            Style::new(),
            &format!("by this key, all {} records", signature.records),
        );
    }
    if let Some(head) = check.head.as_ref().filter(|_| check.fault.is_none()) {
        sheet.exact(0, "head", NAMES, Style::new(), head);
        if check.signature.is_none() || check.given_head.is_some() {
            sheet.tagged(0, FAINT, "", NAMES, FAINT, &compared(check.given_head.as_ref()));
        }
    }
    if let Some(error) = &check.error {
        sheet.gap();
        problem::write(&mut sheet, error);
    }
    sheet.finish()
}

fn compared(given: Option<&GivenHead>) -> String {
    match given {
        None => {
            "an edit of the last line shows only against the ticket (--head HASH) or a signature".to_owned()
        }
        Some(GivenHead { later: 0, .. }) => "this is the hash that was given".to_owned(),
        Some(GivenHead { line, later, .. }) => {
            let line = line.unwrap_or_default();
            let lines = if *later == 1 { "1 line was" } else { &format!("{later} lines were") };
            format!(
                "the hash that was given is that of line {line}; {lines} written since, and it says nothing of them"
            )
        }
    }
}
