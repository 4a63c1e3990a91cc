//! What a journal adds up to: every user, step and change with where it stands.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use oust_actions::{Change, Plan, Target, Write};
use serde_json::Value;

use super::record::{Began, Intent, Line, Phase, Record, Result as Told};
use crate::report::{Lack, Outcome, Problem, RollbackState, State};

/// The sum of a journal so far. Records are applied one by one, as they are written or read back.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// How it began.
    pub began: Option<Began>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// Where the journal stands.
    pub phase: Phase,
    /// The users, in order.
    pub users: Vec<UserLedger>,
    /// Sealed files, each with the intent whose answer brought the secret.
    pub sealed: Vec<(String, Option<u32>)>,
    /// Who confirmed it, if anyone has.
    pub confirmed: Option<String>,
    /// How it ended, if it did.
    pub finished: Option<(Outcome, u8, Option<Problem>)>,
    /// When its last record was written.
    pub last_at: Option<Timestamp>,
    /// How the last rollback ended.
    pub rolled_back: Option<(Outcome, u8)>,
    /// Where the change of each intent is, by its number.
    intents: Vec<Place>,
    /// Where the change of each write is.
    writes: HashMap<(usize, usize, Write), usize>,
}

/// A change by its user, its step and its own number.
#[derive(Debug, Clone, Copy)]
struct Place {
    user: usize,
    step: usize,
    change: usize,
}

/// One user.
#[derive(Debug, Clone)]
pub struct UserLedger {
    /// All that actions decide by.
    pub target: Target,
    /// For people.
    pub traits: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<StepLedger>,
    /// When revoke and disable were both acknowledged, by the service's clock, and after how many ms of the process.
    pub cut: Option<(Timestamp, u64)>,
}

/// One step of one user.
#[derive(Debug, Clone)]
pub struct StepLedger {
    /// The stage.
    pub stage: String,
    /// The step.
    pub step: String,
    /// The action.
    pub action: String,
    /// Its settings.
    pub settings: Value,
    /// What was seen when it was planned.
    pub state: Value,
    /// What is kept and what stays open; the changes are in `changes`.
    pub plan: Plan,
    /// Why there is no plan.
    pub error: Option<Problem>,
    /// What the operator does not seem to have for it.
    pub lacks: Vec<Lack>,
    /// Its changes with where they stand.
    pub changes: Vec<ChangeLedger>,
}

/// One change.
#[derive(Debug, Clone)]
pub struct ChangeLedger {
    /// The change.
    pub change: Change,
    /// The last intent that sent it.
    pub intent: Option<u32>,
    /// How often it was sent.
    pub attempts: u32,
    /// How often since the run was last resumed.
    pub tries: u32,
    /// How often the service refused it.
    pub refusals: u32,
    /// Service time of the first and of the last intent.
    pub sent: Option<(Timestamp, Timestamp)>,
    /// What became of the last call; `None` while there is no outcome.
    pub told: Option<Told>,
    /// Where it stands.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// The code that explains it.
    pub code: Option<String>,
    /// Of the last answer.
    pub status: Option<u16>,
    /// Of the last answer; hostile.
    pub error: Option<String>,
    /// Of the last answer.
    pub request_id: Option<String>,
    /// Id of the object that the last call created, where its answer was sealed.
    pub issued: Option<String>,
    /// What a rollback made of it.
    pub undo: Option<UndoLedger>,
}

/// What a rollback made of a change.
#[derive(Debug, Clone, Default)]
pub struct UndoLedger {
    /// Whether an undo call may be under way: an intent without an outcome.
    pub sent: bool,
    /// Where it stands.
    pub state: Option<RollbackState>,
    /// Why.
    pub reason: Option<String>,
    /// Of the last answer.
    pub status: Option<u16>,
    /// Of the last answer.
    pub request_id: Option<String>,
}

impl Ledger {
    /// The number of the next intent.
    pub fn next_intent(&self) -> u32 {
        u32::try_from(self.intents.len()).unwrap_or(u32::MAX)
    }

    /// A user by object id.
    pub fn user(&self, id: &str) -> Option<&UserLedger> {
        self.users.iter().find(|u| u.target.user.id == id)
    }

    /// A step of a user.
    pub fn step(&self, user_id: &str, step: &str) -> Option<&StepLedger> {
        self.user(user_id)?.steps.iter().find(|s| s.step == step)
    }

    /// Ids of what calls with a sealed answer created for a user.
    pub fn issued<'a>(&'a self, user_id: &str) -> impl Iterator<Item = &'a str> {
        let steps = self.user(user_id).into_iter().flat_map(|u| &u.steps);
        steps.flat_map(|s| &s.changes).filter_map(|c| c.issued.as_deref())
    }

    /// The change that an intent made.
    pub fn change(&self, intent: u32) -> Option<(&UserLedger, &StepLedger, &ChangeLedger)> {
        let place = self.intents.get(usize::try_from(intent).ok()?)?;
        let user = self.users.get(place.user)?;
        let step = user.steps.get(place.step)?;
        // A later intent may have sent the same change again.
        let change = step.changes.get(place.change).filter(|c| c.intent == Some(intent))?;
        Some((user, step, change))
    }

    fn change_mut(&mut self, intent: u32) -> Option<&mut ChangeLedger> {
        let place = self.intents.get(usize::try_from(intent).ok()?)?;
        let step = self.users.get_mut(place.user)?.steps.get_mut(place.step)?;
        step.changes.get_mut(place.change).filter(|c| c.intent == Some(intent))
    }

    fn place_of(&self, user_id: &str, step: &str) -> Option<(usize, usize)> {
        let user = self.users.iter().position(|u| u.target.user.id == user_id)?;
        Some((user, self.users[user].steps.iter().position(|s| s.step == step)?))
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Why it may not come here.
    pub fn apply(&mut self, line: &Line) -> Result<(), String> {
        let Some(phase) = self.phase.after(&line.record) else {
            return Err(format!("this record may not follow while the journal is {:?}", self.phase));
        };
        self.fold(line)?;
        self.phase = phase;
        self.last_at = Some(line.at);
        Ok(())
    }

    fn fold(&mut self, line: &Line) -> Result<(), String> {
        let unknown = |intent: u32| format!("there is no intent {intent} before it");
        match &line.record {
            Record::Began(began) => {
                self.began = Some((**began).clone());
                self.began_at = Some(line.at);
            }
            Record::Target(found) => {
                if self.user(&found.target.user.id).is_some() {
                    return Err("the user is there already".into());
                }
                self.users.push(UserLedger {
                    target: found.target.clone(),
                    traits: found.traits.clone(),
                    steps: Vec::new(),
                    cut: None,
                });
            }
            Record::Planned(planned) => self.planned(planned)?,
            Record::Confirmed { how } => self.confirmed = Some(how.clone()),
            Record::Intent(intent) => self.intent(intent)?,
            Record::Outcome { intent, answer } => {
                let change = self.change_mut(*intent).ok_or_else(|| unknown(*intent))?;
                change.told = Some(answer.result);
                change.refusals += u32::from(answer.result == Told::Refused);
                change.state = match answer.result {
                    Told::Accepted => State::Pending,
                    Told::Refused => State::Refused,
                    Told::InDoubt => State::InDoubt,
                    Told::NotSent => State::Failed,
                };
                change.reason = None;
                change.code = None;
                change.status = answer.status;
                change.error.clone_from(&answer.error);
                change.request_id.clone_from(&answer.request_id);
                change.issued.clone_from(&answer.issued);
            }
            Record::Verified { intent, state, reason, code, .. } => {
                let change = self.change_mut(*intent).ok_or_else(|| unknown(*intent))?;
                change.state = *state;
                change.reason.clone_from(reason);
                change.code.clone_from(code);
            }
            Record::Cut { user_id, elapsed_ms, service_time } => {
                let user = self.users.iter_mut().find(|u| u.target.user.id == *user_id);
                user.ok_or("there is no such user before it")?.cut =
                    Some((service_time.unwrap_or(line.at), *elapsed_ms));
            }
            Record::Sealed { path, intent, .. } => self.sealed.push((path.clone(), *intent)),
            Record::HeldBack { user_id, stage, reason } => self.held_back(user_id, stage, reason),
            Record::Stopped { .. } => {}
            Record::Resumed { .. } => {
                self.finished = None;
                self.try_again();
            }
            Record::Reverified { .. } => self.finished = None,
            Record::Finished { outcome, exit_code, error } => {
                self.finished = Some((*outcome, *exit_code, error.clone()));
            }
            Record::RollbackBegan { .. } => self.rolled_back = None,
            Record::UndoIntent { intent, .. } => {
                let change = self.change_mut(*intent).ok_or_else(|| unknown(*intent))?;
                change.undo = Some(UndoLedger { sent: true, ..UndoLedger::default() });
            }
            Record::UndoOutcome { intent, answer } => {
                let change = self.change_mut(*intent).ok_or_else(|| unknown(*intent))?;
                let undo = change.undo.get_or_insert_default();
                undo.state = Some(match answer.result {
                    Told::Accepted => RollbackState::Pending,
                    Told::Refused => RollbackState::Refused,
                    Told::InDoubt | Told::NotSent => RollbackState::InDoubt,
                });
                undo.reason.clone_from(&answer.error);
                undo.status = answer.status;
                undo.request_id.clone_from(&answer.request_id);
            }
            Record::UndoSettled { intent, state, reason } => {
                let change = self.change_mut(*intent).ok_or_else(|| unknown(*intent))?;
                let undo = change.undo.get_or_insert_default();
                undo.state = Some(*state);
                undo.reason.clone_from(reason);
            }
            Record::RollbackFinished { outcome, exit_code } => {
                self.rolled_back = Some((*outcome, *exit_code));
            }
        }
        Ok(())
    }

    /// A doubt that was given up is settled anew, and its call may be sent as often again. What was held back
    /// waits for the proof once more.
    fn try_again(&mut self) {
        for change in self.users.iter_mut().flat_map(|u| &mut u.steps).flat_map(|s| &mut s.changes) {
            change.tries = 0;
            if change.state == State::InDoubt {
                change.reason = None;
            }
            if change.state == State::Skipped {
                (change.state, change.reason) = (State::Planned, None);
            }
        }
    }

    fn held_back(&mut self, user_id: &str, stage: &str, reason: &str) {
        let user = self.users.iter_mut().find(|u| u.target.user.id == user_id);
        let steps = user.into_iter().flat_map(|u| &mut u.steps).filter(|s| s.stage == stage);
        for change in steps.flat_map(|s| &mut s.changes).filter(|c| c.state == State::Planned) {
            // What may exist with a secret that nobody has is not left out: it stays in doubt.
            let lost = change.is_secret_lost();
            change.state = if lost { State::InDoubt } else { State::Skipped };
            change.reason = Some(reason.to_owned());
        }
    }

    /// A second plan of the same step replaces what was not sent of the first.
    fn planned(&mut self, planned: &super::record::Planned) -> Result<(), String> {
        let at = self.users.iter().position(|u| u.target.user.id == planned.user_id);
        let at = at.ok_or("there is no such user before it")?;
        let mut plan = planned.plan.clone();
        let fresh = std::mem::take(&mut plan.changes);
        let mut step = StepLedger {
            stage: planned.stage.clone(),
            step: planned.step.clone(),
            action: planned.action.clone(),
            settings: planned.settings.clone(),
            state: planned.state.clone(),
            plan,
            error: planned.error.clone(),
            lacks: planned.lacks.clone(),
            changes: Vec::new(),
        };
        let user = &mut self.users[at];
        let place = user.steps.iter().position(|s| s.step == planned.step).unwrap_or(user.steps.len());
        if let Some(earlier) = user.steps.get_mut(place) {
            for change in std::mem::take(&mut earlier.changes) {
                let write = (at, place, change.change.write());
                if change.attempts == 0 {
                    self.writes.remove(&write);
                    continue;
                }
                let number = step.changes.len();
                if let Some(intent) = change.intent.and_then(|intent| usize::try_from(intent).ok()) {
                    self.intents[intent].change = number;
                }
                self.writes.insert(write, number);
                step.changes.push(change);
            }
        }
        for change in fresh {
            if let Entry::Vacant(free) = self.writes.entry((at, place, change.write())) {
                free.insert(step.changes.len());
                step.changes.push(ChangeLedger::new(change));
            }
        }
        if place == user.steps.len() {
            user.steps.push(step);
        } else {
            user.steps[place] = step;
        }
        Ok(())
    }

    fn intent(&mut self, intent: &Intent) -> Result<(), String> {
        let next = self.next_intent();
        if intent.intent != next {
            return Err(format!("the next intent is {next}, not {}", intent.intent));
        }
        let (user, step) =
            self.place_of(&intent.user_id, &intent.step).ok_or("there is no such step before it")?;
        let number = self.writes.get(&(user, step, intent.change.write()));
        let number = *number.ok_or("the change is not in the plan of the step")?;
        let change = &mut self.users[user].steps[step].changes[number];
        let earlier = change.intent;
        change.intent = Some(intent.intent);
        change.attempts = intent.attempt;
        change.tries += 1;
        let first = change.sent.map_or(intent.service_time, |(first, _)| first);
        change.sent = Some((first, intent.service_time));
        change.told = None;
        change.issued = None;
        change.state = State::InDoubt;
        // A secret that came before is worth nothing once the call is sent again.
        self.sealed.retain(|(_, intent)| intent.is_none() || *intent != earlier);
        self.intents.push(Place { user, step, change: number });
        Ok(())
    }
}
