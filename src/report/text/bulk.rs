//! A bulk run in words: first the counts, then those whom a person has to look at, then what to type next.

use anstyle::Style;

use super::sheet::Sheet;
use super::{MAX_WIDTH, MIN_WIDTH, closing, moment, problem};
use crate::playbook::Playbook;
use crate::report::bulk::{BulkDocument, BulkUser, words};
use crate::report::style::{BAD, FAINT, HEAD, INFO, Paint, WARN, WORD_COLUMNS};
use crate::report::{Outcome, escape};

/// Columns of the names at the left.
const NAMES: usize = 13;
/// Columns of a user's sign and word.
const TAG: usize = WORD_COLUMNS + 4;
/// The most columns of a reason.
const REASON: usize = 160;
/// The most names under a reason that isn't the only one.
const FEW: usize = 5;
/// The most names of a question.
const ASKED: usize = 10;

/// The summary of a bulk run. `width` is the terminal's, in columns.
pub fn bulk(document: &BulkDocument, paint: &Paint, width: usize) -> String {
    summary(document, *paint, width, false)
}

/// The summary with a line for each user (`-v`).
pub fn bulk_in_full(document: &BulkDocument, paint: &Paint, width: usize) -> String {
    summary(document, *paint, width, true)
}

/// What a person is asked about: whom, where, and what will be done. `document` has nothing but the users that were
/// found, and those that are left out.
pub fn bulk_question(document: &BulkDocument, playbook: &Playbook, paint: &Paint, width: usize) -> String {
    let mut sheet = sheet(*paint, width);
    let left_out = document.counts.users - document.counts.planned;
    let head = match left_out {
        0 => format!("{}; nothing was written yet", document.sentence()),
        _ => format!("{}, and left out; nothing was written yet", document.sentence()),
    };
    let look = Outcome::Planned.look();
    sheet.tagged(0, look.style, look.word, look.word.len() + 2, Style::new(), &head);
    tenants(&mut sheet, document);
    fact(&mut sheet, "playbook", &format!("{}: {}", playbook.id, playbook.title));
    stages(&mut sheet, playbook);
    let going = || document.users.iter().filter(|user| user.outcome == Outcome::Planned);
    sheet.gap();
    sheet.head(2, HEAD, "whom");
    for user in going().take(ASKED) {
        sheet.text(4, Style::new(), &named(document, user));
    }
    let more = going().count().saturating_sub(ASKED);
    if more > 0 {
        sheet.text(4, FAINT, &format!("and {more} more"));
    }
    needing(&mut sheet, document, "left out");
    sheet.gap();
    sheet.text(0, FAINT, "`oust plan --users FILE` shows the changes of each");
    sheet.finish()
}

fn sheet(paint: Paint, width: usize) -> Sheet {
    Sheet::new(paint, width.clamp(MIN_WIDTH, MAX_WIDTH))
}

fn summary(document: &BulkDocument, paint: Paint, width: usize, all: bool) -> String {
    let mut sheet = sheet(paint, width);
    let look = document.look();
    sheet.tagged(0, look.style, look.word, look.word.len() + 2, Style::new(), &document.sentence());
    if document.dry_run {
        sheet.text(2, WARN, "a dry run: nothing was sent");
    }
    fact(&mut sheet, "would do", &document.would_do());
    fact(&mut sheet, "cut off", &document.cuts());
    let at_large = document.at_large();
    if !at_large.is_empty() {
        sheet.tagged(2, BAD, "not cut off", NAMES, Style::new(), &at_large);
    }
    if let Some(until) = document.users.iter().filter_map(|user| user.residual_access_until).max() {
        let until = moment(until);
        let text = format!("access tokens that are already out, until {until} at the latest");
        fact(&mut sheet, "still works", &text);
    }
    tenants(&mut sheet, document);
    fact(&mut sheet, "playbook", document.playbook.as_deref().unwrap_or_default());
    if let (Some(from), Some(to)) = (document.started_at, document.finished_at) {
        fact(&mut sheet, "time", &format!("{} to {}", moment(from), moment(to)));
    }
    if let Some(error) = &document.error {
        sheet.gap();
        problem::write(&mut sheet, error);
    }
    needing(&mut sheet, document, "a person must look at these");
    if all {
        others(&mut sheet, document);
    }
    close(&mut sheet, document);
    sheet.finish()
}

fn fact(sheet: &mut Sheet, name: &str, value: &str) {
    if !value.is_empty() {
        sheet.tagged(2, FAINT, name, NAMES, Style::new(), value);
    }
}

/// A line a tenant.
fn tenants(sheet: &mut Sheet, document: &BulkDocument) {
    for (at, tenant) in document.tenants.iter().enumerate() {
        let name = match (at, document.tenants.len()) {
            (0, 1) => "tenant",
            (0, _) => "tenants",
            _ => "",
        };
        fact(sheet, name, &format!("{}: {}", tenant.called(), tenant.tally()));
    }
}

/// What is done, a line a stage, and what isn't looked at.
fn stages(sheet: &mut Sheet, playbook: &Playbook) {
    sheet.gap();
    sheet.head(2, HEAD, "what is done to each");
    for (at, stage) in playbook.stages.iter().enumerate() {
        let number = format!("{}.", at + 1);
        let title = |action| oust_actions::find(action).map_or(action, |known| known.about().title);
        let steps: Vec<&str> = stage.steps.iter().map(|step| title(step.action)).collect();
        sheet.tagged(4, FAINT, &number, 4, Style::new(), &format!("{}: {}", stage.title, steps.join("; ")));
    }
    let not_covered: Vec<&str> = playbook.not_covered.iter().map(|item| item.label.as_str()).collect();
    if !not_covered.is_empty() {
        sheet.tagged(4, WARN, "-", 4, Style::new(), &format!("not looked at: {}", not_covered.join(", ")));
    }
}

/// The user, with the tenant where there are several.
fn named(document: &BulkDocument, user: &BulkUser) -> String {
    match user.tenant.as_ref().or(user.tenant_id.as_ref()).filter(|_| document.tenants.len() > 1) {
        Some(tenant) => format!("{}  [{tenant}]", user.user),
        None => user.user.clone(),
    }
}

/// Those whom a person has to look at, with why and where it is written down. A reason that many share is told once,
/// with a few of them.
fn needing(sheet: &mut Sheet, document: &BulkDocument, title: &str) {
    let groups = document.needing();
    if groups.is_empty() {
        return;
    }
    sheet.gap();
    sheet.head(2, HEAD, title);
    let few = if groups.len() == 1 { words::NAMED } else { FEW };
    let mut left = words::NAMED;
    let mut unseen = 0;
    for group in &groups {
        let Some(first) = group.first().filter(|_| left > 0) else {
            unseen += group.len();
            continue;
        };
        let why = escape::terminal_within(&first.why(), REASON);
        let shown = group.len().min(few).min(left);
        left -= shown;
        if group.len() == 1 {
            line(sheet, document, first);
            if !why.is_empty() {
                sheet.text(2 + TAG, Style::new(), &why);
            }
        } else {
            tagged(sheet, first, &format!("{} users: {why}", group.len()));
        }
        for user in &group[..shown] {
            if group.len() > 1 {
                sheet.text(4 + TAG, Style::new(), &named(document, user));
            }
            if let Some(run) = &user.run_id {
                let indent = if group.len() > 1 { 4 } else { 2 };
                sheet.exact(indent + TAG, "run ", 4, FAINT, run);
            }
        }
        if group.len() > shown {
            sheet.text(4 + TAG, INFO, &format!("and {} more", group.len() - shown));
        }
    }
    if unseen > 0 {
        sheet.text(2, INFO, &format!("and {unseen} more"));
    }
}

fn tagged(sheet: &mut Sheet, user: &BulkUser, text: &str) {
    let look = words::look(user);
    let tag = format!("{} {}", look.sign, look.word);
    sheet.tagged(2, look.style, &tag, TAG, Style::new(), text);
}

fn line(sheet: &mut Sheet, document: &BulkDocument, user: &BulkUser) {
    tagged(sheet, user, &named(document, user));
}

/// All others, a line each.
fn others(sheet: &mut Sheet, document: &BulkDocument) {
    let mut others = document.users.iter().filter(|user| !user.needs_person()).peekable();
    if others.peek().is_some() {
        sheet.gap();
        sheet.head(2, HEAD, "all others");
    }
    others.for_each(|user| line(sheet, document, user));
}

fn close(sheet: &mut Sheet, document: &BulkDocument) {
    sheet.gap();
    if let Some(run) = document.run_id.as_ref().filter(|_| !document.dry_run) {
        sheet.exact(0, "run", closing::NAMES, Style::new(), run);
    }
    if let Some(hash) = document.list_sha256.as_ref().filter(|_| !document.dry_run) {
        sheet.exact(0, "list", closing::NAMES, Style::new(), &format!("{hash} (SHA-256, for the ticket)"));
    }
    closing::commands(sheet, &document.next());
}

#[cfg(test)]
mod tests;
