//! Stages, steps and their changes.

use anstyle::Style;
use oust_actions::{Decision, Undo};

use super::problem;
use super::sheet::Sheet;
use crate::playbook::After;
use crate::report::style::{FAINT, HEAD, Look, WARN, WORD_COLUMNS};
use crate::report::{
    ChangeDocument, FindingDocument, RollbackState, State, StepDocument, UserDocument, call,
};

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What became of a run.
    Report,
    /// The same with every call.
    ReportWithCalls,
    /// What would be done.
    Plan,
    /// What would be done, a line for each change.
    Brief,
    /// Only the first lines.
    Verdict,
}

/// Sign, space, word, two spaces.
const TAG: usize = 2 + WORD_COLUMNS + 2;
/// Where stages stand; steps stand under them.
const INDENT: usize = 2;

/// All stages in their order. A rollback tells only of steps that had changes.
pub(super) fn all(sheet: &mut Sheet, user: &UserDocument, form: Form, rollback: bool) {
    let mut stage = None;
    for step in user.steps.iter().filter(|step| !rollback || !step.changes.is_empty()) {
        if stage != Some(&step.stage) && form != Form::Brief {
            stage = Some(&step.stage);
            sheet.gap();
            sheet.head(INDENT, HEAD, &step.stage);
            if step.after == Some(After::Verified) && form != Form::Report {
                sheet.text(INDENT + 2, FAINT, "only once all above is in force and read back");
            }
        }
        one(sheet, user, step, form);
    }
}

fn one(sheet: &mut Sheet, user: &UserDocument, step: &StepDocument, form: Form) {
    let mut told = vec![];
    for change in &step.changes {
        self::change(sheet, user, step, change, form, &mut told);
    }
    if step.changes.is_empty() {
        tagged(sheet, step.look(), &title(step));
    }
    if let Some(error) = &step.error {
        let mut error = error.clone();
        error.step = None;
        if step.changes.iter().any(|change| change.request_id == error.graph_request_id) {
            error.graph_request_id = None;
        }
        problem::indented(sheet, INDENT + 2, &error);
    }
}

/// The step's action in words; its id, when it is of another version.
pub(in crate::report) fn title(step: &StepDocument) -> String {
    oust_actions::find(&step.action)
        .map_or_else(|| step.action.clone(), |action| action.about().title.to_owned())
}

fn tagged(sheet: &mut Sheet, look: Look, text: &str) {
    let tag = format!("{} {}", look.sign, look.word);
    sheet.tagged(INDENT, look.style, &tag, TAG, Style::new(), text);
}

fn change<'a>(
    sheet: &mut Sheet,
    user: &UserDocument,
    step: &'a StepDocument,
    change: &ChangeDocument,
    form: Form,
    told: &mut Vec<&'a FindingDocument>,
) {
    let look = change.rollback.as_ref().map_or(change.state.look(), |rollback| rollback.state.look());
    let finding = judged(step, change).filter(|_| change.rollback.is_none());
    if form == Form::Brief {
        let risk = finding.and_then(|finding| finding.risk);
        let risk = risk.map(|risk| format!("; risk {risk}")).unwrap_or_default();
        let waits = if step.after.is_some() { ", once all above is proven" } else { "" };
        let why = format!("{risk}{waits}");
        return tagged(sheet, look, &format!("{}{why}{}", named(user, change), for_good(change)));
    }
    if form == Form::Report && is_settled(change) {
        return tagged(sheet, look, &format!("{}{}", named(user, change), for_good(change)));
    }
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
            sheet.exact(under, "", 0, FAINT, &call::one_line(call));
        }
    }
    if let Some(finding) = finding {
        let risk = finding.risk.map(|risk| format!("risk {risk}"));
        let mut why: Vec<_> = risk.iter().map(String::as_str).collect();
        let above = told.iter().find(|above| says_more(finding, above));
        if above.is_some() {
            why.push("for the same reasons as above");
        }
        let new = |reason: &&String| above.is_none_or(|above| !above.reasons.contains(reason));
        why.extend(finding.reasons.iter().filter(new).map(String::as_str));
        told.push(finding);
        if !why.is_empty() {
            sheet.text(under, Style::new(), &why.join("; "));
        }
    }
    notes(sheet, under, change);
}

/// Whether a judgement holds all that an earlier one of the same name told.
fn says_more(finding: &FindingDocument, above: &FindingDocument) -> bool {
    let has_all = || above.reasons.iter().all(|reason| finding.reasons.contains(reason));
    above.reasons.len() > 1 && finding.label == above.label && finding.risk == above.risk && has_all()
}

/// Whether there is nothing more to tell of it than that it is done: the plan told the rest.
fn is_settled(change: &ChangeDocument) -> bool {
    change.rollback.is_none() && matches!(change.state, State::Effective | State::Already)
}

fn for_good(change: &ChangeDocument) -> &'static str {
    if stays_for_good(change) { " (can't be undone)" } else { "" }
}

/// The judgement that led to a change.
pub(in crate::report) fn judged<'a>(
    step: &'a StepDocument,
    change: &ChangeDocument,
) -> Option<&'a FindingDocument> {
    let removed = || step.findings.iter().filter(|finding| finding.decision == Decision::Remove);
    removed()
        .find(|finding| !finding.object_id.is_empty() && finding.object_id == change.object_id)
        .or_else(|| removed().find(|finding| !finding.label.is_empty() && finding.label == change.label))
}

/// Whether it is or would be in force and can't be taken back.
pub(super) fn stays_for_good(change: &ChangeDocument) -> bool {
    let applied = matches!(
        change.state,
        State::Effective | State::Planned | State::WillRevert | State::Pending | State::InDoubt
    );
    applied && matches!(change.undo, Undo::Never(_))
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
        if !matches!(rollback.state, RollbackState::Restored | RollbackState::Already) {
            answer(sheet, under, rollback.http_status, None, rollback.request_id.as_deref());
        }
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
    if let (Undo::Never(why), true) = (&change.undo, stays_for_good(change)) {
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
