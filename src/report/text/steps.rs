//! Stages, steps and their changes.

use anstyle::Style;
use oust_actions::Undo;

use super::problem;
use super::sheet::Sheet;
use crate::report::style::{FAINT, HEAD, Look, WARN, WORD_COLUMNS};
use crate::report::{ChangeDocument, RollbackState, State, StepDocument, UserDocument, call};

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What became of a run.
    Report,
    /// The same with every call.
    ReportWithCalls,
    /// What would be done.
    Plan,
}

/// Sign, space, word, two spaces.
const TAG: usize = 2 + WORD_COLUMNS + 2;
/// Where stages stand; steps stand under them.
const INDENT: usize = 2;

/// All stages in their order.
pub(super) fn all(sheet: &mut Sheet, user: &UserDocument, form: Form) {
    let mut stage = None;
    for step in &user.steps {
        if stage != Some(&step.stage) {
            stage = Some(&step.stage);
            sheet.gap();
            sheet.head(INDENT, HEAD, &step.stage);
        }
        one(sheet, user, step, form);
    }
}

fn one(sheet: &mut Sheet, user: &UserDocument, step: &StepDocument, form: Form) {
    for change in &step.changes {
        self::change(sheet, user, change, form);
    }
    if step.changes.is_empty() && step.error.is_none() {
        tagged(sheet, step.state.look(), &format!("{}: {}", title(step), nothing(step.state)));
    }
    if let Some(error) = &step.error {
        if step.changes.is_empty() {
            tagged(sheet, step.state.look(), &title(step));
        }
        problem::indented(sheet, INDENT + TAG, error);
    }
}

/// The step's action in words; its id, when it is of another version.
fn title(step: &StepDocument) -> String {
    oust_actions::find(&step.action)
        .map_or_else(|| step.action.clone(), |action| action.about().title.to_owned())
}

fn nothing(state: State) -> &'static str {
    match state {
        State::Skipped => "left out",
        _ => "nothing to do",
    }
}

fn tagged(sheet: &mut Sheet, look: Look, text: &str) {
    let tag = format!("{} {}", look.sign, look.word);
    sheet.tagged(INDENT, look.style, &tag, TAG, Style::new(), text);
}

fn change(sheet: &mut Sheet, user: &UserDocument, change: &ChangeDocument, form: Form) {
    let look = change.rollback.as_ref().map_or(change.state.look(), |rollback| rollback.state.look());
    tagged(sheet, look, &named(user, change));
    let under = INDENT + TAG;
    let effect = match &change.rollback {
        None => effect(&change.from, &change.to),
        Some(rollback) if was_undone(rollback.state) => effect(&change.to, &change.from),
        Some(_) => String::new(),
    };
    if !effect.is_empty() {
        sheet.text(under, Style::new(), &effect);
    }
    if form != Form::Report {
        let call = match (&change.rollback, &change.undo) {
            (Some(_), Undo::Call(undo)) => Some(undo),
            (Some(_), Undo::Never(_)) => None,
            (None, _) => Some(&change.call),
        };
        if let Some(call) = call {
            // Not wrapped: it has to be exact, and a terminal copies a soft wrap as one line.
            let line = sheet.paint.paint(FAINT, &call::one_line(call));
            sheet.line(&format!("{:under$}{line}", ""));
        }
    }
    notes(sheet, under, change);
}

fn was_undone(state: RollbackState) -> bool {
    matches!(state, RollbackState::Planned | RollbackState::Restored | RollbackState::Pending)
}

fn effect(from: &str, to: &str) -> String {
    match (from.is_empty(), to.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("→ {to}"),
        (false, true) => from.to_owned(),
        (false, false) => format!("{from} → {to}"),
    }
}

/// What is done, and to what, unless that is the user or is said already.
pub(in crate::report) fn named(user: &UserDocument, change: &ChangeDocument) -> String {
    let label = change.label.trim();
    if label.is_empty() || label == user.user_principal_name || change.say.contains(label) {
        change.say.clone()
    } else {
        format!("{}: {label}", change.say)
    }
}

/// Why it stands where it stands, and whether it can be taken back.
fn notes(sheet: &mut Sheet, under: usize, change: &ChangeDocument) {
    if let Some(rollback) = &change.rollback {
        if let Some(reason) = &rollback.reason {
            sheet.text(under, Style::new(), reason);
        }
        answer(sheet, under, rollback.http_status, None, rollback.request_id.as_deref());
        return;
    }
    if let Some(reason) = &change.reason {
        let style = if change.state > State::Effective { WARN } else { Style::new() };
        sheet.text(under, style, reason);
    }
    if matches!(change.state, State::Refused | State::InDoubt | State::Failed) {
        let request = change.request_id.as_deref();
        answer(sheet, under, change.http_status, change.graph_error.as_deref(), request);
    }
    if let (Undo::Never(why), State::Effective | State::Planned | State::WillRevert | State::Pending) =
        (&change.undo, change.state)
    {
        sheet.tagged(under, WARN, "no undo:", 9, Style::new(), why);
    }
}

/// `403 Authorization_RequestDenied: …`, `request-id …`
fn answer(sheet: &mut Sheet, under: usize, status: Option<u16>, error: Option<&str>, request: Option<&str>) {
    let status = status.map(|status| format!("HTTP {status}"));
    let said: Vec<_> = status.as_deref().into_iter().chain(error).collect();
    if !said.is_empty() {
        sheet.text(under, Style::new(), &said.join(" "));
    }
    if let Some(request) = request {
        sheet.text(under, FAINT, &format!("request-id {request}"));
    }
}
