//! Taking back: the recorded undo calls, last change first, each only where the object still is as the run left it.

use std::time::Duration;

use oust_actions::{Call, Get, Look, Read, ReadErrorKind, Seen, Undo};
use serde_json::Value;

use super::event::What;
use super::run::VERSION;
use super::stage::told;
use super::{Consent, Engine, Run};
use crate::failure::{Code, Failure, Result};
use crate::journal::{ChangeLedger, Phase, Record, RunPath, ToldResult};
use crate::report::{RollbackState, RunDocument, fold};

/// A change to take back.
struct Undoing {
    user: String,
    step: String,
    intent: u32,
    change: ChangeLedger,
}

impl Undoing {
    /// How to see whether it may be undone; with the id of what it created, where that is known.
    fn look(&self) -> Option<Look> {
        let look = self.change.change.look.as_ref()?;
        Some(self.change.issued.as_ref().map_or_else(|| look.clone(), |id| look.for_created(id)))
    }
}

/// What a look saw.
enum Stands {
    Before,
    /// With the object, when there is one.
    After(Value),
    Moved(String),
    Unknown(String),
}

impl Engine {
    /// Takes back what a run did, all of it or some steps.
    pub async fn rollback(
        &self,
        path: &RunPath,
        steps: &[String],
        consent: &Consent<'_>,
        dry_run: bool,
    ) -> RunDocument {
        let mut run = match Run::open(path, self.clock.clone()) {
            Ok(run) => run,
            Err(failure) => return Run::never_opened(path, "rollback", &failure),
        };
        run.set_command("rollback", dry_run);
        self.tell(What::Began { run_id: run.id(), command: "rollback".into(), dry_run });
        let mut planned = Vec::new();
        let result = self.try_rollback(&mut run, steps, consent, dry_run, &mut planned).await;
        let mut document = self.end(run, result);
        fold::show_rollback_plan(&mut document, &planned);
        document
    }

    async fn try_rollback(
        &self,
        run: &mut Run,
        steps: &[String],
        consent: &Consent<'_>,
        dry_run: bool,
        planned: &mut Vec<(u32, RollbackState, Option<String>)>,
    ) -> Result<()> {
        check_steps(run, steps)?;
        let (tenant, operator) = futures::future::try_join(self.read_tenant(), self.read_operator()).await?;
        self.guards.check_tenant(&tenant)?;
        run.check_same_tenant(&tenant)?;
        let undoings = undoings(run, steps);
        for undoing in &undoings {
            let (state, reason) = self.foresee(undoing).await;
            planned.push((undoing.intent, state, reason));
        }
        if dry_run {
            return Ok(());
        }
        let mut preview = run.document();
        fold::show_rollback_plan(&mut preview, planned);
        let _how = match consent {
            Consent::Given(how) => how.clone(),
            Consent::Ask(ask) => ask.ask(&preview)?,
        };
        run.lock_known_users(&self.store)?;
        run.append(Record::RollbackBegan { version: VERSION.to_owned(), operator, steps: steps.to_vec() })?;
        for undoing in &undoings {
            self.stop.check()?;
            self.undo(run, undoing).await?;
        }
        let (outcome, exit) = fold::rollback_outcome(run.ledger());
        run.append(Record::RollbackFinished { outcome, exit_code: exit.status() })
    }

    /// What taking back would do, by reading only.
    async fn foresee(&self, undoing: &Undoing) -> (RollbackState, Option<String>) {
        let (Undo::Call(_), Some(look)) = (&undoing.change.change.undo, undoing.look()) else {
            return never(&undoing.change);
        };
        match self.see(&look).await {
            Stands::Before => (RollbackState::Already, Some("it is back already".into())),
            Stands::After(_) => (RollbackState::Planned, None),
            Stands::Moved(what) => (RollbackState::Moved, Some(what)),
            Stands::Unknown(why) => (RollbackState::Skipped, Some(why)),
        }
    }

    async fn undo(&self, run: &mut Run, undoing: &Undoing) -> Result<()> {
        let change = &undoing.change.change;
        let (state, reason) = match (&change.undo, undoing.look()) {
            (Undo::Call(call), Some(look)) => match self.see(&look).await {
                Stands::Before => (RollbackState::Already, Some("it is back already".to_owned())),
                Stands::Moved(what) => (RollbackState::Moved, Some(what)),
                Stands::Unknown(why) => (RollbackState::Skipped, Some(why)),
                Stands::After(object) => match call.found(&object) {
                    Some(call) => self.send_undo(run, undoing, &call, &look).await?,
                    None => (RollbackState::Skipped, Some("what was created can't be found by an id".into())),
                },
            },
            _ => never(&undoing.change),
        };
        run.append(Record::UndoSettled { intent: undoing.intent, state, reason: reason.clone() })?;
        self.tell(What::RolledBack {
            user: undoing.user.clone(),
            step: undoing.step.clone(),
            say: change.say.clone(),
            label: change.label.clone(),
            state,
            reason,
        });
        Ok(())
    }

    async fn send_undo(
        &self,
        run: &mut Run,
        undoing: &Undoing,
        call: &Call,
        look: &Look,
    ) -> Result<(RollbackState, Option<String>)> {
        let intent = undoing.intent;
        let recorded = run.intend([Record::UndoIntent { intent, call: call.clone() }])?;
        let body = run.fill(&undoing.user, call)?;
        let answer = told(call, self.graph.write(call, body, &recorded).await);
        let (result, error) = (answer.result, answer.error.clone());
        run.append(Record::UndoOutcome { intent, answer })?;
        match result {
            ToldResult::Refused => return Ok((RollbackState::Refused, error)),
            ToldResult::NotSent => return Ok((RollbackState::Skipped, error)),
            ToldResult::Accepted | ToldResult::InDoubt => {}
        }
        let until = self.clock.steady() + jiff::SignedDuration::try_from(self.patience).unwrap_or_default();
        let mut wait = Duration::from_millis(250);
        loop {
            if matches!(self.see(look).await, Stands::Before) {
                return Ok((RollbackState::Restored, None));
            }
            if self.clock.steady() >= until || !self.stop.sleep(wait).await {
                break;
            }
            wait = (wait * 2).min(Duration::from_secs(15));
        }
        Ok(match result {
            ToldResult::Accepted => (RollbackState::Pending, Some("accepted, not visible yet".into())),
            _ => (RollbackState::InDoubt, error.or_else(|| Some("no answer, and not visible yet".into()))),
        })
    }

    /// Whether a look shows that a change is not in force.
    pub(super) async fn denies(&self, look: &Look) -> bool {
        matches!(self.see(look).await, Stands::Before | Stands::Unknown(_))
    }

    /// Whether a look shows what was before a change.
    pub(super) async fn shows_before(&self, look: &Look) -> bool {
        matches!(self.see(look).await, Stands::Before)
    }

    async fn see(&self, look: &Look) -> Stands {
        if look.needs_created() {
            return Stands::Unknown(
                "the answer that held the id of what it created is lost: look what is there, and delete it"
                    .into(),
            );
        }
        let seen = match self.read_seen(&look.get, look.pick.as_ref()).await {
            Ok(seen) => seen,
            Err(failure) => return Stands::Unknown(format!("its state can't be read: {}", failure.what)),
        };
        if matches(&look.before, seen.as_ref()) {
            Stands::Before
        } else if matches(&look.after, seen.as_ref()) {
            Stands::After(seen.unwrap_or_default())
        } else {
            Stands::Moved(format!(
                "somebody changed it since: it is {}",
                seen.map_or_else(|| "gone".to_owned(), |value| describe(&value, &look.before, &look.after))
            ))
        }
    }

    async fn read_seen(&self, get: &Get, pick: Option<&Value>) -> Result<Option<Value>> {
        match pick {
            None => match self.graph.one(get).await {
                Ok(value) => Ok(Some(value)),
                Err(e) if e.kind == ReadErrorKind::NotFound => Ok(None),
                Err(e) => Err(e.into()),
            },
            Some(pick) => Ok(self.graph.all(get).await?.into_iter().find(|item| has(item, pick))),
        }
    }
}

fn check_steps(run: &Run, steps: &[String]) -> Result<()> {
    if run.ledger().phase == Phase::Deciding {
        return Err(Failure::new(
            Code::NotResumable,
            "nothing was sent in that run, so there is nothing to take back",
        ));
    }
    for step in steps {
        if !run.ledger().users.iter().any(|u| u.steps.iter().any(|s| s.step == *step)) {
            let known = run.playbook().steps().map(|(_, s)| s.id.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(Code::UnknownName, format!("the run has no step {step:?}"))
                .next(format!("it has: {known}")));
        }
    }
    Ok(())
}

/// What may have been applied and isn't back, the last first.
fn undoings(run: &Run, steps: &[String]) -> Vec<Undoing> {
    let mut all: Vec<Undoing> = Vec::new();
    for user in &run.ledger().users {
        for step in user.steps.iter().filter(|s| steps.is_empty() || steps.contains(&s.step)) {
            for change in step.changes.iter().filter(|c| c.may_be_applied()) {
                let back = change.undo.as_ref().and_then(|u| u.state);
                if matches!(back, Some(RollbackState::Restored | RollbackState::Already)) {
                    continue;
                }
                let Some(intent) = change.intent else { continue };
                all.push(Undoing {
                    user: user.target.user.user_principal_name.clone(),
                    step: step.step.clone(),
                    intent,
                    change: change.clone(),
                });
            }
        }
    }
    all.sort_by_key(|u| std::cmp::Reverse(u.intent));
    all
}

fn never(change: &ChangeLedger) -> (RollbackState, Option<String>) {
    let why = match &change.change.undo {
        Undo::Never(why) => why.clone(),
        Undo::Call(_) => "there is no way to see whether it is safe to undo".into(),
    };
    (RollbackState::Never, Some(why))
}

fn matches(seen: &Seen, value: Option<&Value>) -> bool {
    match (seen, value) {
        (Seen::Any, _) | (Seen::Absent, None) => true,
        (Seen::With(members), Some(value)) => has(value, members),
        (Seen::Without(members), found) => found.is_none_or(|value| !has(value, members)),
        _ => false,
    }
}

/// Whether `value` has all members of `part` with equal values; a list has the same items in any order.
fn has(value: &Value, part: &Value) -> bool {
    match part {
        Value::Object(members) => {
            members.iter().all(|(name, wanted)| value.get(name).is_some_and(|v| has(v, wanted)))
        }
        Value::Array(wanted) => value.as_array().is_some_and(|items| {
            items.len() == wanted.len()
                && wanted.iter().all(|wanted| items.iter().any(|item| has(item, wanted)))
        }),
        wanted => value == wanted,
    }
}

/// The members of `value` that the look compares.
fn describe(value: &Value, before: &Seen, after: &Seen) -> String {
    let names = [before, after].into_iter().filter_map(|seen| match seen {
        Seen::With(Value::Object(members)) | Seen::Without(Value::Object(members)) => Some(members.keys()),
        _ => None,
    });
    let parts: Vec<String> = names
        .flatten()
        .map(|name| format!("{name} {}", value.get(name).unwrap_or(&Value::Null)))
        .take(4)
        .collect();
    if parts.is_empty() { "there".into() } else { parts.join(", ") }
}
