//! The first lines, which must be enough for someone who reads no further.

use std::fmt::Write as _;

use anstyle::Style;
use jiff::Timestamp;

use super::is_rollback;
use super::sheet::Sheet;
use super::steps::{self, Form};
use crate::report::style::{FAINT, HEAD, WARN};
use crate::report::{Outcome, RunDocument, UserDocument};

/// Columns of the names at the left.
const NAMES: usize = 13;

/// `2026-11-24 02:14:07 UTC`
pub(in crate::report) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Outcome, cut, what remains.
pub(super) fn run(sheet: &mut Sheet, document: &RunDocument, form: Form) {
    let look = document.look();
    let tag = look.word;
    sheet.tagged(0, look.style, tag, tag.len() + 2, Style::new(), document.outcome.means());
    if document.dry_run && document.outcome != Outcome::Planned {
        sheet.text(2, WARN, "a dry run: nothing was sent");
    }
    let mut tenant = document.tenant_name.clone().unwrap_or_default();
    if let Some(id) = &document.tenant_id {
        tenant = if tenant.is_empty() { id.clone() } else { format!("{tenant} ({id})") };
    }
    if form != Form::Verdict {
        fact(sheet, "tenant", &tenant);
        fact(sheet, "playbook", document.playbook.as_deref().unwrap_or_default());
        if let Some(since) = document.since {
            fact(sheet, "window", &format!("since {}", moment(since)));
        }
    }
    if is_rollback(document) {
        fact(sheet, "changes", &tally(document));
        return;
    }
    for user in &document.users {
        cut(sheet, user, document.users.len() > 1);
    }
    let name =
        if document.outcome == Outcome::Planned || form == Form::Plan { "would do" } else { "changes" };
    fact(sheet, name, &tally(document));
    let open: usize = document.users.iter().map(|user| user.open.len()).sum();
    if open > 0 {
        let ways = if open == 1 { "1 way in" } else { &format!("{open} ways in") };
        let place = if form == Form::Verdict { "above" } else { "below" };
        fact(sheet, "remains", &format!("{ways} for a person to look at, listed {place}"));
    }
}

fn fact(sheet: &mut Sheet, name: &str, value: &str) {
    if !value.is_empty() {
        sheet.tagged(2, FAINT, name, NAMES, Style::new(), value);
    }
}

fn cut(sheet: &mut Sheet, user: &UserDocument, named: bool) {
    let whose = if named { format!("{}: ", user.user_principal_name) } else { String::new() };
    if let Some(at) = user.cut_at {
        let after = user.cut_ms.map(seconds).map(|s| format!(", {s} after the start")).unwrap_or_default();
        fact(sheet, "cut off", &format!("{whose}{}{after}", moment(at)));
    }
    if let Some(until) = user.residual_access_until {
        let until = moment(until);
        let sooner = match user.residual_access.as_slice() {
            [first, _, _, ..] => {
                format!("; where access is evaluated continuously, until {}", moment(first.until))
            }
            _ => String::new(),
        };
        let text = format!("{whose}access tokens that are already out, until {until} at the latest{sooner}");
        fact(sheet, "still works", &text);
    }
}

/// `0.84 s`
#[allow(clippy::cast_precision_loss)]
pub(in crate::report) fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}

/// `3 done, 1 refused; 2 can't be undone`
pub(in crate::report) fn tally(document: &RunDocument) -> String {
    let changes: Vec<_> = document.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes).collect();
    let rollback = is_rollback(document);
    let mut counts: Vec<(&str, usize)> = vec![];
    for change in &changes {
        let word = match &change.rollback {
            Some(rollback) => rollback.state.look().word,
            None if rollback => continue,
            None => change.state.look().word,
        };
        match counts.iter_mut().find(|(counted, _)| *counted == word) {
            Some((_, n)) => *n += 1,
            None => counts.push((word, 1)),
        }
    }
    let mut told = counts.iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ");
    let never = changes.iter().filter(|change| steps::stays_for_good(change)).count();
    if never > 0 && !rollback {
        let _ = write!(told, "; {never} can't be undone");
    }
    told
}

/// The user's own heading, with the outcome when there are several.
pub(super) fn user(sheet: &mut Sheet, user: &UserDocument, many: bool) {
    sheet.gap();
    let look = user.outcome.look();
    let (tag, columns) = if many { (look.word, look.word.len() + 2) } else { ("", 0) };
    sheet.tagged(0, look.style, tag, columns, HEAD, &user.user_principal_name);
    let mut about = vec![];
    about.extend(user.display_name.clone());
    about.extend(user.traits.iter().cloned());
    about.push(user.id.clone());
    sheet.text(2, FAINT, &about.join(" · "));
}
