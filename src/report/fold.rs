//! From the sum of a journal to the result document: the same while a run goes and years later.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;
use oust_actions::{Decision, Finding};

use super::{
    ChangeDocument, FindingDocument, JournalDocument, OpenDocument, Outcome, Problem, RUN_SCHEMA,
    RollbackDocument, RollbackState, RunDocument, State, StepDocument, UserDocument, residual, verdict,
};
use crate::failure::{Code, Failure, Result};
use crate::journal::{ChangeLedger, Ledger, Phase, RunPath, StepLedger, ToldResult, UserLedger, load};
use crate::playbook::Playbook;

/// What a journal does not say of itself.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// The run's id, when it has no journal.
    pub run_id: Option<String>,
    /// The command that is running now.
    pub command: String,
    /// Whether it is kept from writing.
    pub dry_run: bool,
    /// The playbook, for what it does not cover.
    pub playbook: Option<Playbook>,
    /// Path and head of the journal.
    pub journal: Option<(PathBuf, String)>,
    /// Now.
    pub now: Option<Timestamp>,
    /// Whether the run is under way in this process.
    pub live: bool,
    /// Whether the command works on an earlier run and has written nothing to it.
    pub idle: bool,
    /// Ways in that came up after the plan, by user id.
    pub appeared: HashMap<String, Vec<OpenDocument>>,
}

/// Makes the document.
pub fn document(ledger: &Ledger, meta: &Meta, failure: Option<&Failure>) -> RunDocument {
    let began = ledger.began.as_ref();
    let mut users: Vec<UserDocument> = ledger.users.iter().map(|u| user(u, meta)).collect();
    let mut error = failure.map(|f| f.problem(meta.run_id.as_deref()));
    if error.is_none() {
        error = ledger.finished.as_ref().and_then(|(_, _, error)| error.clone());
    }
    let verdict = verdict::of(ledger, meta, error.as_ref(), &users);
    for (user, outcome) in users.iter_mut().zip(verdict.users) {
        user.outcome = outcome;
    }
    RunDocument {
        schema: RUN_SCHEMA.to_owned(),
        run_id: meta.run_id.clone().or_else(|| began.map(|b| b.run_id.clone())),
        command: meta.command.clone(),
        dry_run: meta.dry_run,
        outcome: verdict.outcome,
        exit_code: verdict.exit.status(),
        tenant_id: began.map(|b| b.tenant.id.clone()),
        tenant_name: began.map(|b| b.tenant.display_name.clone()),
        playbook: began.map(|b| b.playbook.clone()).or_else(|| meta.playbook.as_ref().map(|p| p.id.clone())),
        since: began.map(|b| b.since),
        started_at: ledger.began_at.or(meta.now),
        finished_at: ledger.last_at.or(meta.now),
        users,
        journal: meta
            .journal
            .as_ref()
            .map(|(path, head)| JournalDocument { path: path.display().to_string(), head: head.clone() }),
        sealed: ledger.sealed.iter().map(|(path, _)| path.clone()).collect(),
        error: verdict.error,
    }
}

/// The document of an earlier run, from its journal, and whether `oust resume` has something to do.
///
/// # Errors
/// [`Code::JournalBroken`], [`Code::JournalNewer`].
pub fn of_run(path: &RunPath) -> Result<(RunDocument, bool)> {
    let (chain, ledger) = load(path.journal())?;
    let meta = Meta {
        run_id: Some(path.id().to_owned()),
        command: ledger.began.as_ref().map(|b| b.command.clone()).unwrap_or_default(),
        playbook: ledger.began.as_ref().and_then(|b| Playbook::parse(&b.playbook_text).ok()),
        journal: Some((path.journal().to_owned(), chain.head)),
        ..Meta::default()
    };
    Ok((document(&ledger, &meta, None), is_resumable(&ledger)))
}

/// Whether `oust resume` has something to do.
pub fn is_resumable(ledger: &Ledger) -> bool {
    let unfinished = |c: &ChangeLedger| {
        matches!(c.state, State::Planned | State::InDoubt | State::Skipped)
            || c.told == Some(ToldResult::NotSent)
    };
    match ledger.phase {
        Phase::Deciding | Phase::Acting | Phase::Stopped => true,
        Phase::Finished | Phase::Reverifying => {
            ledger.confirmed.is_some()
                && ledger
                    .users
                    .iter()
                    .flat_map(|u| &u.steps)
                    .any(|s| s.error.is_some() || s.changes.iter().any(unfinished))
        }
        Phase::Empty | Phase::Undoing | Phase::Undone => false,
    }
}

/// How a rollback ended.
pub fn rollback_outcome(ledger: &Ledger) -> (Outcome, crate::failure::Exit) {
    verdict::of_rollback(ledger)
}

/// Puts what a rollback would do beside each change.
pub fn show_rollback_plan(document: &mut RunDocument, planned: &[(u32, RollbackState, Option<String>)]) {
    if document.dry_run && document.error.is_none() {
        let wanted = planned.iter().any(|(_, state, _)| *state == RollbackState::Planned);
        document.outcome = if wanted { Outcome::Planned } else { Outcome::NothingToDo };
        document.users.iter_mut().for_each(|user| user.outcome = document.outcome);
    }
    let planned: HashMap<u32, _> =
        planned.iter().map(|(intent, state, reason)| (*intent, (state, reason))).collect();
    let changes = document.users.iter_mut().flat_map(|u| &mut u.steps).flat_map(|s| &mut s.changes);
    for change in changes {
        let Some((state, reason)) = change.intent.and_then(|intent| planned.get(&intent)) else { continue };
        if change.rollback.is_none() {
            change.rollback = Some(RollbackDocument {
                state: **state,
                reason: (*reason).clone(),
                http_status: None,
                request_id: None,
            });
        }
    }
}

fn user(user: &UserLedger, meta: &Meta) -> UserDocument {
    let cut_at = user.cut.map(|(at, _)| at);
    let residual = cut_at.map(|at| residual::access(at, &user.target.user)).unwrap_or_default();
    UserDocument {
        id: user.target.user.id.clone(),
        user_principal_name: user.target.user.user_principal_name.clone(),
        display_name: user.target.user.display_name.clone(),
        traits: user.traits.clone(),
        outcome: Outcome::Planned,
        cut_at,
        cut_ms: user.cut.map(|(_, ms)| ms),
        residual_access_until: residual.iter().map(|r| r.until).max(),
        residual_access: residual,
        steps: user.steps.iter().map(|s| step(s, meta)).collect(),
        open: open(user, meta),
    }
}

fn step(step: &StepLedger, meta: &Meta) -> StepDocument {
    let stages = meta.playbook.as_ref().map(|p| p.stages.as_slice()).unwrap_or_default();
    let removed = step.changes.iter().filter(|c| !c.change.reasons.is_empty()).map(|c| FindingDocument {
        object_id: c.change.object_id.clone(),
        label: c.change.label.clone(),
        decision: Decision::Remove,
        reasons: c.change.reasons.clone(),
        risk: c.change.risk,
    });
    let judged = step.plan.kept.iter().chain(&step.plan.open).map(|f: &Finding| FindingDocument {
        object_id: f.object_id.clone(),
        label: f.label.clone(),
        decision: f.decision,
        reasons: f.reasons.clone(),
        risk: f.risk,
    });
    StepDocument {
        stage: step.stage.clone(),
        step: step.step.clone(),
        action: step.action.clone(),
        state: step_state(step),
        changes: step.changes.iter().map(change).collect(),
        findings: removed.chain(judged).collect(),
        after: stages.iter().find(|stage| stage.id == step.stage).and_then(|stage| stage.after),
        error: step.error.clone(),
        lacks: step.lacks.clone(),
    }
}

/// The least good state of a step's changes.
pub(super) fn step_state(step: &StepLedger) -> State {
    if let Some(error) = &step.error {
        let refused = error.code.starts_with("E03") || error.code == Code::RecipientMissing.id();
        return if refused { State::Refused } else { State::Failed };
    }
    let empty = if step.plan.open.is_empty() { State::Already } else { State::Skipped };
    step.changes.iter().map(|c| c.state).max().unwrap_or(empty)
}

fn change(change: &ChangeLedger) -> ChangeDocument {
    let undone = change.undo.as_ref().and_then(|undo| {
        Some(RollbackDocument {
            state: undo.state.unwrap_or(if undo.sent { RollbackState::InDoubt } else { return None }),
            reason: undo.reason.clone(),
            http_status: undo.status,
            request_id: undo.request_id.clone(),
        })
    });
    ChangeDocument {
        intent: change.intent,
        object_id: change.change.object_id.clone(),
        label: change.change.label.clone(),
        say: change.change.say.clone(),
        from: change.change.from.clone(),
        to: change.change.to.clone(),
        call: change.change.call.clone(),
        undo: change.change.undo.clone(),
        state: change.state,
        reason: change.reason.clone(),
        http_status: change.status,
        graph_error: change.error.clone(),
        request_id: change.request_id.clone(),
        rollback: undone,
    }
}

/// Every way back in that is not closed: what the actions saw, what didn't work, what nobody looked at.
fn open(user: &UserLedger, meta: &Meta) -> Vec<OpenDocument> {
    let mut open = Vec::new();
    for step in &user.steps {
        // Its only finding is that AD puts back what the cloud disables: another step sees to that.
        let is_closed = step.is_disable_in_the_cloud()
            && step.plan.open.len() == 1
            && user.is_to_be_disabled_on_premises();
        let found = step.plan.open.iter().filter(|_| !is_closed);
        open.extend(found.map(|finding| OpenDocument {
            step: Some(step.step.clone()),
            label: finding.label.clone(),
            reasons: finding.reasons.clone(),
            next: finding.next.clone(),
        }));
        if let Some(error) = &step.error {
            open.push(not_looked_at(step, error));
        }
        let said: HashSet<&str> = step.plan.open.iter().map(|finding| finding.object_id.as_str()).collect();
        open.extend(step.changes.iter().filter_map(|change| not_closed(step, change, &said)));
    }
    open.extend(meta.appeared.get(&user.target.user.id).into_iter().flatten().cloned());
    let uncovered = meta.playbook.as_ref().map(|p| p.not_covered.as_slice()).unwrap_or_default();
    open.extend(uncovered.iter().map(|item| OpenDocument {
        step: None,
        label: item.label.clone(),
        reasons: vec![item.why.clone()],
        next: Some(item.next.replace("{id}", &user.target.user.id)),
    }));
    open
}

fn not_looked_at(step: &StepLedger, error: &Problem) -> OpenDocument {
    OpenDocument {
        step: Some(step.step.clone()),
        label: format!("{} was not done", step.action),
        reasons: vec![error.detail.clone()],
        next: error.next.clone(),
    }
}

/// `said`: the objects of which the action says itself that they stay.
fn not_closed(step: &StepLedger, change: &ChangeLedger, said: &HashSet<&str>) -> Option<OpenDocument> {
    let next = match change.state {
        State::Refused => change
            .change
            .call
            .by_hand
            .as_deref()
            .unwrap_or("do it by hand, or mend what the service refused and run `oust contain` again"),
        State::InDoubt => "look whether it took effect: `oust verify RUN`, then `oust resume RUN`",
        State::Failed => "run `oust contain` again",
        State::Skipped => "settle what is open, then `oust resume RUN`: everything is looked at again",
        State::WillRevert => {
            return (!said.contains(change.change.object_id.as_str())).then(|| revert(step, change));
        }
        _ => return None,
    };
    let reason = change.reason.clone().or_else(|| change.error.clone());
    Some(OpenDocument {
        step: Some(step.step.clone()),
        label: format!("not done: {} ({})", change.change.say, change.change.label),
        reasons: reason.into_iter().collect(),
        next: Some(next.to_owned()),
    })
}

fn revert(step: &StepLedger, change: &ChangeLedger) -> OpenDocument {
    OpenDocument {
        step: Some(step.step.clone()),
        label: format!("will be undone: {}", change.change.say),
        reasons: change.reason.iter().cloned().collect(),
        next: Some("run `oust verify RUN` after the next directory sync".into()),
    }
}
