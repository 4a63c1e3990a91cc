//! Taking back: the recorded undo calls, last change first, each only where the object still is as the run left it.

use super::event::What;
use super::run::VERSION;
use super::undo::Undoing;
use super::{Consent, Engine, Run};
use crate::failure::{Code, Failure, Result};
use crate::journal::{Phase, Record, RunPath};
use crate::report::{RollbackState, RunDocument, fold};

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
        let sight = self.see_before_undo(&undoings).await?;
        planned.extend(undoings.iter().map(|undoing| {
            let (state, reason) = undoing.decide(&sight).err().unwrap_or((RollbackState::Planned, None));
            (undoing.intent, state, reason)
        }));
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
        let mut rest = undoings.as_slice();
        while let Some(first) = rest.first() {
            self.stop.check()?;
            let alike = rest.iter().take_while(|undoing| undoing.is_like(first)).count();
            rest = &rest[self.undo_some(run, &rest[..alike]).await?..];
        }
        let (outcome, exit) = fold::rollback_outcome(run.ledger());
        run.append(Record::RollbackFinished { outcome, exit_code: exit.status() })
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
                    look: change.look(),
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
