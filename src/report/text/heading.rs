//! The first lines, which must be enough for someone who reads no further.

use anstyle::Style;
use jiff::Timestamp;

use super::sheet::Sheet;
use super::steps::Form;
use crate::report::style::{FAINT, HEAD, WARN};
use crate::report::{Outcome, RunDocument, State, UserDocument};
use oust_actions::Undo;

/// Columns of the names at the left.
const NAMES: usize = 13;

/// `2026-11-24 02:14:07 UTC`
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `1 user`, `2 users`
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Outcome, cut, what remains.
pub(super) fn run(sheet: &mut Sheet, document: &RunDocument, form: Form) {
    let look = document.outcome.look();
    sheet.tagged(
        0,
        look.style,
        look.word,
        look.word.len() + 2,
        Style::new(),
        match document.outcome {
            _ if form == Form::Plan => "nothing has been changed",
            outcome => outcome.means(),
        },
    );
    if document.dry_run && document.outcome != Outcome::Planned {
        sheet.text(2, WARN, "a dry run: nothing was sent");
    }
    let mut where_ = document.tenant_name.clone().unwrap_or_default();
    if let Some(id) = &document.tenant_id {
        where_ = if where_.is_empty() { id.clone() } else { format!("{where_} ({id})") };
    }
    fact(sheet, "tenant", &where_);
    fact(sheet, "playbook", document.playbook.as_deref().unwrap_or_default());
    if let Some(since) = document.since {
        fact(sheet, "window", &format!("since {}", moment(since)));
    }
    if form == Form::Plan {
        fact(sheet, "would do", &tally(document));
    }
    for user in &document.users {
        cut(sheet, user, document.users.len() > 1);
    }
    let open: usize = document.users.iter().map(|user| user.open.len()).sum();
    if open > 0 {
        fact(sheet, "remains", &format!("{} that a person must look at, below", count(open, "way") + " in"));
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
        fact(
            sheet,
            "still works",
            &format!("{whose}access tokens that are already out, until {until} at the latest"),
        );
    }
}

/// `0.84 s`
#[allow(clippy::cast_precision_loss)]
pub(super) fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}

/// `5 changes to 1 user; 2 can't be undone, 1 will be put back`
fn tally(document: &RunDocument) -> String {
    let changes: Vec<_> = document.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes).collect();
    let never = changes.iter().filter(|change| matches!(change.undo, Undo::Never(_))).count();
    let reverts = changes.iter().filter(|change| change.state == State::WillRevert).count();
    let mut notes = vec![];
    if never > 0 {
        notes.push(format!("{never} can't be undone"));
    }
    if reverts > 0 {
        notes.push(format!("{reverts} will be put back"));
    }
    let of = format!("{} to {}", count(changes.len(), "change"), count(document.users.len(), "user"));
    if notes.is_empty() { of } else { format!("{of}; {}", notes.join(", ")) }
}

/// The user's own heading.
pub(super) fn user(sheet: &mut Sheet, user: &UserDocument) {
    sheet.gap();
    let look = user.outcome.look();
    let tag = look.word;
    sheet.tagged(0, look.style, tag, tag.len() + 2, HEAD, &user.user_principal_name);
    let mut about = vec![];
    about.extend(user.display_name.clone());
    about.extend(user.traits.iter().cloned());
    about.push(user.id.clone());
    sheet.text(2, FAINT, &about.join(" · "));
}
