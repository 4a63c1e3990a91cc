//! What `journal verify` and `export` say of a bulk run, in words.

use anstyle::Style;

use super::closing::quoted;
use super::journal_check::journal_check;
use super::sheet::Sheet;
use super::{MAX_WIDTH, MIN_WIDTH};
use crate::bundle::BulkBundle;
use crate::report::bulk::BulkJournalCheck;
use crate::report::style::{BAD, FAINT, GOOD, HEAD, Paint, WARN};

/// Columns of the names at the left.
const NAMES: usize = 10;

/// The result of `oust journal verify BULK`. Only journals with something wrong are shown one by one.
pub fn bulk_journal_check(check: &BulkJournalCheck, paint: &Paint, width: usize) -> String {
    let mut sheet = Sheet::new(*paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    let wrong: Vec<_> = check.checks.iter().filter(|check| !check.sound).collect();
    let all = check.checks.len();
    if wrong.is_empty() {
        let means = format!("{}, every line follows from the line before it", journals(all));
        sheet.tagged(0, GOOD.bold(), "SOUND", 7, Style::new(), &means);
    } else if wrong.iter().all(|check| check.fault.is_none()) {
        let means = format!("the end of {} of {} is not signed by this key", wrong.len(), journals(all));
        sheet.tagged(0, WARN.bold(), "NOT SIGNED", 12, Style::new(), &means);
    } else {
        let means = format!("{} of {} can't be relied on to the end", wrong.len(), journals(all));
        sheet.tagged(0, BAD, "BROKEN", 8, Style::new(), &means);
    }
    sheet.exact(0, "bulk run", NAMES, Style::new(), &check.bulk_id);
    if check.not_begun > 0 {
        let text = format!("{} of the list: not begun, or removed since", check.not_begun);
        sheet.tagged(0, WARN, "without", NAMES, Style::new(), &text);
    }
    let records: u64 = check.checks.iter().map(|check| check.records).sum();
    sheet.tagged(0, FAINT, "records", NAMES, Style::new(), &records.to_string());
    let heads =
        "oust journal verify RUN --head HASH compares one with the ticket; --output json lists all of them";
    sheet.tagged(0, FAINT, "heads", NAMES, FAINT, heads);
    let mut text = sheet.finish();
    for check in wrong {
        text.push('\n');
        text += &journal_check(check, paint, width);
    }
    text
}

/// The result of `oust export BULK`.
pub fn bulk_export(path: &str, sha256: &str, bundle: &BulkBundle, paint: &Paint, width: usize) -> String {
    let mut sheet = Sheet::new(*paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    let means = "the summary and all runs of the list, each with all it takes to check it, in one file";
    sheet.tagged(0, GOOD.bold(), "EXPORTED", 10, Style::new(), means);
    sheet.exact(0, "file", NAMES, Style::new(), path);
    sheet.exact(0, "sha256", NAMES, Style::new(), &format!("{sha256} (for the ticket)"));
    sheet.exact(0, "bulk run", NAMES, Style::new(), &bundle.bulk_id);
    let users = bundle.runs.len() + bundle.broken.len() + bundle.not_begun;
    let runs = format!("{} of {users} users", bundle.runs.len());
    sheet.tagged(0, FAINT, "runs", NAMES, Style::new(), &runs);
    for broken in &bundle.broken {
        let text = format!("{}: {}", broken.run_id, broken.error.detail);
        sheet.tagged(0, BAD, "broken", NAMES, Style::new(), &text);
    }
    let command = format!("tar -xf {} && cat oust-{}/README.txt", quoted(path), bundle.bulk_id);
    sheet.exact(0, "check", NAMES, HEAD, &command);
    sheet.finish()
}

fn journals(many: usize) -> String {
    if many == 1 { "1 journal".to_owned() } else { format!("{many} journals") }
}
