//! Reading back: a change is in force when its action, looking again, no longer wants it.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use oust_actions::{Change, Lasts, Look, Plan, Read as _, ReadErrorKind, Repeat, Target, User, Write};

use super::event::What;
use super::sight::{Sight, Stands};
use super::stage::MAX_ATTEMPTS;
use super::{Engine, Run};
use crate::failure::{Failure, Result};
use crate::journal::{ChangeLedger, Record, RunPath, StepLedger, UserLedger};
use crate::report::{RunDocument, State};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// What can be done about a secret that came and was not kept.
const LOST: &str =
    "made or not, its secret is lost: `oust resume RUN` removes what was made and issues another";

/// A step that was looked at again.
pub(super) struct Again {
    pub(super) user_id: String,
    pub(super) step: String,
    pub(super) plan: Result<Wanted>,
}

/// What an action, looking again, still wants.
pub(super) struct Wanted {
    pub(super) plan: Plan,
    writes: HashSet<Write>,
}

impl Wanted {
    fn by(plan: Plan) -> Self {
        Self { writes: plan.changes.iter().map(Change::write).collect(), plan }
    }

    pub(super) fn has(&self, change: &ChangeLedger) -> bool {
        self.writes.contains(&change.change.write())
    }
}

impl Engine {
    /// Reads every accepted change back until it is in force or the patience ends.
    pub(super) async fn verify(&self, run: &mut Run) -> Result<()> {
        self.read_back(run).await?;
        self.settle_refusals(run).await?;
        self.note_lasting(run)
    }

    /// What the service refused may be in force all the same: another run or a person was faster. Only a look at the
    /// object itself shows that, and one that was forbidden stays a thing to be told.
    async fn settle_refusals(&self, run: &mut Run) -> Result<()> {
        let refused =
            |c: &ChangeLedger| c.state == State::Refused && c.status != Some(403) && c.change.look.is_some();
        let again = self.look_again(run, |_, _| true, refused);
        for looked in self.stop.unless_signalled(again).await? {
            self.note_by_hand(run, &looked, refused).await?;
        }
        Ok(())
    }

    async fn read_back(&self, run: &mut Run) -> Result<()> {
        let until = self.clock.steady() + jiff::SignedDuration::try_from(self.patience).unwrap_or_default();
        let mut wait = FIRST_WAIT;
        loop {
            let unsettled = |c: &ChangeLedger| {
                c.attempts > 0 && matches!(c.state, State::Pending | State::InDoubt) && !c.is_secret_lost()
            };
            let again = self.look_again(run, |_, _| true, unsettled);
            let mut again = self.stop.unless_signalled(again).await?;
            // What makes another change last is noted before that one.
            again.sort_by_key(|looked| {
                let step = run.ledger().step(&looked.user_id, &looked.step);
                !step.is_some_and(StepLedger::is_disable_at_the_source)
            });
            if again.is_empty() {
                return Ok(());
            }
            let last = self.clock.steady() >= until;
            for looked in again {
                self.note_again(run, &looked, unsettled, last).await?;
            }
            if last || !run.any_change(unsettled) {
                return Ok(());
            }
            if !self.stop.sleep(wait).await {
                self.stop.check()?;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Settles the doubts of a stage by reading, once each: in force, or not applied and due again.
    pub(super) async fn settle_doubts(&self, run: &mut Run, stage: &str) -> Result<()> {
        let doubtful = |c: &ChangeLedger| c.attempts > 0 && c.state == State::InDoubt && c.reason.is_none();
        let again = self.look_again(run, |_, step| step.stage == stage, doubtful).await;
        for looked in again {
            let changes = run.changes(&looked.user_id, &looked.step, doubtful);
            let sight = self.look_at_lost_interest(&looked, &changes).await;
            for change in changes {
                let Some(intent) = change.intent else { continue };
                if let (true, Ok(wanted)) = (change.is_secret_lost(), &looked.plan) {
                    self.issue_again(run, &looked, &change, intent, &wanted.plan)?;
                    continue;
                }
                let wanted = match &looked.plan {
                    Ok(wanted) => wanted.has(&change) || sight.denies(&change),
                    Err(_) => false,
                };
                let may_duplicate = change.change.call.repeat == Repeat::Duplicates;
                let (state, reason) = match &looked.plan {
                    Err(failure) => {
                        (State::InDoubt, Some(format!("could not be read back yet: {}", failure.what)))
                    }
                    Ok(_) if !wanted => run.ledger().in_force(&looked.user_id, &looked.step, &change),
                    Ok(_) if may_duplicate && !self.is_still_denied(&change).await => (
                        State::InDoubt,
                        Some("not visible; a second call could duplicate it, so none is sent".into()),
                    ),
                    Ok(_) if change.tries >= MAX_ATTEMPTS => {
                        (State::InDoubt, Some(format!("not in force after {MAX_ATTEMPTS} calls")))
                    }
                    Ok(_) => (State::Planned, Some("read back: not applied; sent again".into())),
                };
                self.note(run, &looked, intent, state, reason)?;
            }
        }
        Ok(())
    }

    /// What was made with a secret that nobody has goes, and the call is sent again: only the plan of a fresh look
    /// says what is there.
    fn issue_again(
        &self,
        run: &mut Run,
        looked: &Again,
        change: &ChangeLedger,
        intent: u32,
        plan: &Plan,
    ) -> Result<()> {
        if change.tries >= MAX_ATTEMPTS {
            return self.note(run, looked, intent, State::InDoubt, Some(LOST.into()));
        }
        run.add_to_plan(&looked.user_id, &looked.step, plan)?;
        let reason = "its secret is lost: what is there goes, and another is issued";
        self.note(run, looked, intent, State::Planned, Some(reason.into()))
    }

    async fn note_again(
        &self,
        run: &mut Run,
        looked: &Again,
        unsettled: impl Fn(&ChangeLedger) -> bool,
        last: bool,
    ) -> Result<()> {
        let changes = run.changes(&looked.user_id, &looked.step, unsettled);
        let sight = self.look_at_lost_interest(looked, &changes).await;
        for change in changes {
            let Some(intent) = change.intent else { continue };
            match &looked.plan {
                Ok(wanted) if !wanted.has(&change) && !sight.denies(&change) => {
                    let (state, reason) = run.ledger().in_force(&looked.user_id, &looked.step, &change);
                    self.note(run, looked, intent, state, reason)?;
                }
                Ok(_) if last => {
                    let reason = format!("not visible after {} s", self.patience.as_secs());
                    self.note(run, looked, intent, change.state, Some(reason))?;
                }
                Err(failure) if last => {
                    let reason = format!("could not be read back: {}", failure.what);
                    self.note(run, looked, intent, change.state, Some(reason))?;
                }
                _ => {}
            }
        }
        if let Ok(wanted) = &looked.plan {
            run.note_appeared(&looked.user_id, &looked.step, &wanted.plan);
        }
        Ok(())
    }

    /// Whether a look shows it absent a while later too, when replicas have caught up.
    async fn is_still_denied(&self, change: &ChangeLedger) -> bool {
        let Some(look) = &change.change.look else { return false };
        self.stop.sleep(LONGEST_WAIT).await && self.shows_before(look).await
    }

    /// Looks at the changes in doubt that the action, looking again, no longer wants.
    async fn look_at_lost_interest(&self, looked: &Again, changes: &[ChangeLedger]) -> Sight {
        let wanted = looked.plan.as_ref().ok();
        let lost = |c: &&ChangeLedger| wanted.is_some_and(|wanted| !wanted.has(c)) && !c.is_secret_lost();
        self.look_at_doubts(changes.iter().filter(lost)).await
    }

    pub(super) fn note(
        &self,
        run: &mut Run,
        looked: &Again,
        intent: u32,
        state: State,
        reason: Option<String>,
    ) -> Result<()> {
        run.append(Record::Verified {
            user_id: looked.user_id.clone(),
            step: looked.step.clone(),
            intent,
            state,
            reason,
            code: None,
        })?;
        self.tell_change(run, intent);
        Ok(())
    }

    /// Observes again every step that has a change of that kind, with nothing remembered.
    async fn look_again(
        &self,
        run: &Run,
        wanted: impl Fn(&UserLedger, &StepLedger) -> bool,
        of_kind: impl Fn(&ChangeLedger) -> bool,
    ) -> Vec<Again> {
        let mut looks = Vec::new();
        for user in &run.ledger().users {
            for step in user.steps.iter().filter(|step| wanted(user, step)) {
                let sent = step
                    .changes
                    .iter()
                    .filter(|c| of_kind(c))
                    .filter_map(|c| c.sent)
                    .map(|(first, _)| first)
                    .max();
                let Some(sent) = sent else { continue };
                looks.push(self.look_once(run, run.target(user, step, sent), step));
            }
        }
        join_all(looks).await
    }

    async fn is_gone(&self, target: &Target) -> bool {
        let user = self.graph.one(&User::get(&target.user.id)).await;
        user.is_err_and(|e| e.kind == ReadErrorKind::NotFound)
    }

    pub(super) async fn look_once(&self, run: &Run, target: Target, step: &StepLedger) -> Again {
        let budget = run.budgets().of(&target.user.id, &step.step);
        let plan = match oust_actions::find(&step.action) {
            None => Err(crate::failure::Failure::new(
                crate::failure::Code::Internal,
                format!("this version has no action {}", step.action),
            )),
            Some(action) => match action.observe(&target, &self.graph.within(&budget)).await {
                Ok(state) => action
                    .plan(&target, &state)
                    .map_err(|e| Failure::new(crate::failure::Code::Internal, e.to_string())),
                // Nothing is left to contain of a user who is gone. Else a replica does not know an object yet.
                Err(e) if e.kind == ReadErrorKind::NotFound && self.is_gone(&target).await => {
                    Ok(Plan::default())
                }
                Err(e) => Err(e.into()),
            },
        };
        Again { user_id: target.user.id, step: step.step.clone(), plan: plan.map(Wanted::by) }
    }

    /// Looks again at a run that ended: is all of it still in force?
    pub async fn reverify(&self, path: &RunPath) -> RunDocument {
        let mut run = match Run::open(path, self.clock.clone()) {
            Ok(run) => run,
            Err(failure) => return Run::never_opened(path, "verify", &failure),
        };
        self.tell(What::Began { run_id: run.id(), command: "verify".into(), dry_run: false });
        let result = self.try_reverify(&mut run).await;
        self.end(run, result)
    }

    async fn try_reverify(&self, run: &mut Run) -> Result<()> {
        let tenant = self.read_tenant().await?;
        self.guards.check_tenant(&tenant)?;
        run.check_same_tenant(&tenant)?;
        run.reverified()?;
        let applied = |c: &ChangeLedger| c.may_be_applied() && !c.is_undone();
        for looked in self.look_again(run, |_, _| true, applied).await {
            let changes = run.changes(&looked.user_id, &looked.step, applied);
            // What was made anew has another id, and the action wants another call for it.
            let by_members: Vec<Look> = changes.iter().filter_map(ChangeLedger::look_by_members).collect();
            let sight = self.see(by_members.iter()).await;
            for change in changes {
                let Some(intent) = change.intent else { continue };
                let is_back = |look: &Look| matches!(sight.of(look), Stands::Before);
                let is_back = change.look_by_members().is_some_and(|look| is_back(&look));
                let (state, reason) = match &looked.plan {
                    Err(failure) => (change.state, Some(format!("could not be read back: {}", failure.what))),
                    Ok(_) if change.is_secret_lost() => (State::InDoubt, Some(LOST.into())),
                    Ok(wanted) if !wanted.has(&change) && !is_back => {
                        run.ledger().in_force(&looked.user_id, &looked.step, &change)
                    }
                    Ok(_) if matches!(change.state, State::Pending | State::InDoubt) => {
                        (State::Pending, Some("still not visible".into()))
                    }
                    Ok(_) => (State::Failed, Some(came_back(&change))),
                };
                self.note(run, &looked, intent, state, reason)?;
            }
            if let Ok(wanted) = &looked.plan {
                run.note_appeared(&looked.user_id, &looked.step, &wanted.plan);
            }
        }
        self.note_lasting(run)
    }

    /// What the account's source holds too stays in force, whichever of the two was read back first.
    fn note_lasting(&self, run: &mut Run) -> Result<()> {
        for (user_id, step, intent) in run.ledger().lasting_after_all() {
            let (state, reason, code) = (State::Effective, None, None);
            run.append(Record::Verified { user_id, step, intent, state, reason, code })?;
            self.tell_change(run, intent);
        }
        Ok(())
    }
}

fn came_back(change: &ChangeLedger) -> String {
    match &change.change.lasts {
        Lasts::Reverts(why) => format!("it was undone since, as announced: {why}"),
        Lasts::Stays => "it was in force and somebody undid it since: look who, then contain again".into(),
    }
}
