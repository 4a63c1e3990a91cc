//! How a run ended, by where its changes stand, and the exit status that goes with it.

use oust_actions::Undo;

use super::fold::{Meta, step_state};
use super::{Outcome, Problem, RollbackState, State, UserDocument};
use crate::failure::{Code, Exit, Failure};
use crate::journal::{ChangeLedger, Ledger, Phase, StepLedger, UserLedger};

/// How a run ended.
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) exit: Exit,
    /// One for each user.
    pub(super) users: Vec<Outcome>,
    /// The error, also where the service's refusals are the error.
    pub(super) error: Option<Problem>,
}

/// Judges a run.
pub(super) fn of(ledger: &Ledger, meta: &Meta, error: Option<&Problem>, users: &[UserDocument]) -> Verdict {
    let each: Vec<Outcome> = ledger.users.iter().map(|u| of_user(u, ledger, meta, error)).collect();
    let code = error.and_then(|e| code_of(&e.code));
    let touched =
        ledger.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes).any(ChangeLedger::may_be_applied);
    let rolled_back = matches!(ledger.phase, Phase::Undone) && meta.command != "verify";
    if rolled_back && error.is_none() {
        let (outcome, exit) = of_rollback(ledger);
        return Verdict { outcome, exit, users: vec![outcome; users.len()], error: None };
    }
    let outcome = match code {
        // The command ended before it did anything: the run stands where it stood.
        Some(_) if meta.idle && touched => all_of(&each),
        Some(Code::Interrupted | Code::DeadlinePassed) => Outcome::Interrupted,
        Some(code) if !touched => match code.exit() {
            Exit::Denied | Exit::Guarded => Outcome::Refused,
            _ => Outcome::Failed,
        },
        Some(_) => Outcome::Partial,
        None => all_of(&each),
    };
    let mut error = error.cloned();
    if error.is_none() && outcome == Outcome::Refused {
        error = refusal(ledger, users);
    }
    let exit = match code {
        Some(code) if meta.idle => code.exit(),
        _ => exit_of(outcome, error.as_ref().and_then(|e| code_of(&e.code)), touched),
    };
    let each = if code.is_some() && !meta.idle { vec![outcome; users.len()] } else { each };
    Verdict { outcome, exit, users: each, error }
}

/// How a rollback ended.
pub(super) fn of_rollback(ledger: &Ledger) -> (Outcome, Exit) {
    let states: Vec<RollbackState> = ledger
        .users
        .iter()
        .flat_map(|u| &u.steps)
        .flat_map(|s| &s.changes)
        .filter_map(|c| c.undo.as_ref()?.state)
        .collect();
    use RollbackState::{Already, InDoubt, Moved, Never, Pending, Refused, Restored, Skipped};
    let any = |wanted: &[RollbackState]| states.iter().any(|s| wanted.contains(s));
    if any(&[Moved, Refused, InDoubt, Skipped]) {
        (Outcome::Partial, Exit::Partial)
    } else if any(&[Pending]) {
        (Outcome::Unverified, Exit::Unverified)
    } else if any(&[Restored, Already, Never]) {
        (Outcome::RolledBack, Exit::Done)
    } else {
        (Outcome::NothingToDo, Exit::Done)
    }
}

fn of_user(user: &UserLedger, ledger: &Ledger, meta: &Meta, error: Option<&Problem>) -> Outcome {
    let states: Vec<State> = user
        .steps
        .iter()
        .flat_map(|step| {
            let standing = step.changes.iter().filter(|c| !c.is_undone()).map(|c| c.state);
            if step.error.is_some() { vec![step_state(step)] } else { standing.collect() }
        })
        .collect();
    let changes = || user.steps.iter().flat_map(|s| &s.changes);
    if changes().any(ChangeLedger::is_undone) {
        // What can't be taken back stays in force: that does not make the account contained again.
        let settled = |c: &ChangeLedger| c.is_undone() || !c.may_be_applied() || stays_for_good(c);
        return if changes().all(settled) { Outcome::RolledBack } else { Outcome::Partial };
    }
    let any = |wanted: &[State]| states.iter().any(|s| wanted.contains(s));
    if meta.dry_run {
        return match (any(&[State::Planned]), any(&[State::Refused, State::Failed])) {
            (false, true) => Outcome::Refused,
            (true, _) => Outcome::Planned,
            (false, false) => Outcome::NothingToDo,
        };
    }
    // A journal that ends in the middle and that nobody is writing: it was killed.
    let in_the_middle = matches!(ledger.phase, Phase::Deciding | Phase::Acting | Phase::Stopped);
    if in_the_middle && !meta.live && error.is_none() {
        return Outcome::Interrupted;
    }
    let applied = any(&[State::Effective, State::WillRevert, State::Pending]);
    let undecided = any(&[State::InDoubt]);
    let not_applied = any(&[State::Refused, State::Failed, State::Planned, State::Skipped]);
    let gives_back =
        |s: &StepLedger| oust_actions::find(&s.action).is_some_and(oust_actions::AnyAction::gives_back);
    match (applied, undecided, not_applied) {
        (false, false, false) => Outcome::NothingToDo,
        (false, false, true) if any(&[State::Refused, State::Skipped]) => Outcome::Refused,
        (false, false, true) => Outcome::Failed,
        (true, false, false) if any(&[State::WillRevert, State::Pending]) => Outcome::Unverified,
        (true, false, false) if user.steps.iter().any(gives_back) => Outcome::Recovered,
        (true, false, false) => Outcome::Contained,
        _ => Outcome::Partial,
    }
}

/// Whether a rollback left it in force because it can't be taken back.
fn stays_for_good(change: &ChangeLedger) -> bool {
    change.undo.as_ref().and_then(|undo| undo.state) == Some(RollbackState::Never)
        || matches!(change.change.undo, Undo::Never(_))
}

/// The outcome of a run of several users: theirs, where all are alike or harmless, else partial.
fn all_of(each: &[Outcome]) -> Outcome {
    let mut rest = each.iter().copied().filter(|o| *o != Outcome::NothingToDo);
    let Some(first) = rest.next() else { return Outcome::NothingToDo };
    let others: Vec<Outcome> = rest.collect();
    if others.iter().all(|o| *o == first) {
        return first;
    }
    let good = |o: &Outcome| matches!(o, Outcome::Contained | Outcome::Recovered | Outcome::Unverified);
    let all_good = others.iter().chain([&first]).all(good);
    if all_good {
        return Outcome::Unverified;
    }
    if others.iter().chain([&first]).any(|o| *o == Outcome::Interrupted) {
        return Outcome::Interrupted;
    }
    Outcome::Partial
}

/// The refusal of the service as the error of the run.
fn refusal(ledger: &Ledger, users: &[UserDocument]) -> Option<Problem> {
    let steps = || users.iter().flat_map(|u| &u.steps);
    if let Some(error) = steps().find_map(|s| s.error.clone()) {
        return Some(error);
    }
    let first = |state: State| steps().find_map(|s| Some((s, s.changes.iter().find(|c| c.state == state)?)));
    let Some((step, change)) = first(State::Refused) else {
        let (step, change) = first(State::Skipped)?;
        let what = change.reason.clone().unwrap_or_default();
        let failure = Failure::new(Code::HeldBack, what).step(step.step.clone());
        return Some(failure.next("settle what is open, then `oust resume RUN`").problem(None));
    };
    let explained = change.intent.and_then(|intent| code_of(ledger.change(intent)?.2.code.as_deref()?));
    let denied = change.http_status == Some(403);
    let code = explained.unwrap_or(if denied { Code::PermissionMissing } else { Code::Refused });
    let what = change
        .reason
        .clone()
        .or_else(|| change.graph_error.clone())
        .unwrap_or_else(|| "no reason given".into());
    let mut failure =
        Failure::new(code, what).step(step.step.clone()).next("`oust doctor` shows what is missing");
    failure.status = change.http_status;
    failure.request_id.clone_from(&change.request_id);
    Some(failure.problem(None))
}

fn exit_of(outcome: Outcome, code: Option<Code>, touched: bool) -> Exit {
    match outcome {
        Outcome::Contained
        | Outcome::Recovered
        | Outcome::NothingToDo
        | Outcome::Planned
        | Outcome::RolledBack => Exit::Done,
        Outcome::Unverified => Exit::Unverified,
        Outcome::Interrupted => Exit::Interrupted,
        Outcome::Refused | Outcome::Failed if !touched => code.map_or(Exit::Failed, Code::exit),
        Outcome::Partial | Outcome::Refused | Outcome::Failed => Exit::Partial,
    }
}

/// The code of that id.
pub(super) fn code_of(id: &str) -> Option<Code> {
    Code::ALL.iter().copied().find(|code| code.id() == id)
}
