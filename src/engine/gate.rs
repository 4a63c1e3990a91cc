//! A stage that waits for proof: sent for a user only when all before it is in force, looking again finds nothing to
//! do, and no object waits for a person. Otherwise it is held back, with what is still open.

use std::collections::HashSet;

use futures::future::join_all;
use oust_actions::{Finding, Plan, Target};

use super::event::What;
use super::stage::changed;
use super::verify::Again;
use super::{Engine, Run};
use crate::failure::Result;
use crate::journal::{ChangeLedger, Record, StepLedger, UserLedger};
use crate::playbook::{OpenFindings, Stage};
use crate::report::State;

/// So many of the things that are open are named; the report lists all.
const NAMED: usize = 3;

impl Engine {
    /// Holds a stage back for every user for whom what comes before it is not proven.
    pub(super) async fn hold_back(&self, run: &mut Run, stage: &str) -> Result<()> {
        let waiting = run.waiting(stage);
        let Some(stage) = run.stage(stage).cloned().filter(|_| !waiting.is_empty()) else { return Ok(()) };
        self.verify(run).await?;
        let again = self.stop.unless_signalled(self.look_at_earlier(run, &waiting, &stage.id)).await?;
        for looked in &again {
            self.note_by_hand(run, looked, is_undone).await?;
        }
        for user_id in &waiting {
            let mut open = run.unproven(user_id, &stage.id);
            for looked in again.iter().filter(|looked| looked.user_id == *user_id) {
                open.extend(self.still_open(run, looked, &stage));
            }
            if let Some(reason) = told(&open) {
                let (user_id, stage_id) = (user_id.clone(), stage.id.clone());
                run.append(Record::HeldBack { user_id, stage: stage_id, reason })?;
                self.tell_held_back(run, &stage.id);
            }
        }
        Ok(())
    }

    /// What was not done, and is in force by now all the same: a person did it by hand.
    pub(super) async fn note_by_hand(
        &self,
        run: &mut Run,
        looked: &Again,
        of_kind: impl Fn(&ChangeLedger) -> bool,
    ) -> Result<()> {
        let Ok(wanted) = &looked.plan else { return Ok(()) };
        let open = |c: &ChangeLedger| of_kind(c) && !c.is_secret_lost() && !wanted.has(c);
        let changes = run.changes(&looked.user_id, &looked.step, open);
        let sight = self.look_at_doubts(changes.iter()).await;
        for change in changes {
            let Some(intent) = change.intent else { continue };
            if !sight.denies(&change) {
                let (state, why) = run.ledger().in_force(&looked.user_id, &looked.step, &change);
                let reason = why.or_else(|| Some("read back: in force by now, by another hand".into()));
                self.note(run, looked, intent, state, reason)?;
            }
        }
        Ok(())
    }

    /// What a fresh look at an earlier step found open. What the stage lets a person settle later is only told.
    fn still_open(&self, run: &mut Run, looked: &Again, stage: &Stage) -> Vec<String> {
        let plan = match &looked.plan {
            Ok(wanted) => &wanted.plan,
            Err(failure) => return vec![format!("{} could not look again: {}", looked.step, failure.what)],
        };
        run.note_appeared(&looked.user_id, &looked.step, plan);
        let issued: HashSet<&str> = run.ledger().issued(&looked.user_id).collect();
        let wanted = plan.changes.iter().filter(|c| !issued.contains(c.object_id.as_str()));
        let mut open: Vec<String> = wanted.map(|change| format!("looking again: {}", change.say)).collect();
        for label in to_judge(plan, &looked.user_id) {
            match stage.open {
                OpenFindings::Hold => open.push(format!("{label} waits for a person to judge it")),
                OpenFindings::Tell => self.tell(What::Note {
                    text: format!("before {}: {label} still waits for a person to judge it", stage.id),
                }),
            }
        }
        open
    }

    /// Observes the steps of all earlier stages again, with nothing remembered.
    async fn look_at_earlier(&self, run: &Run, waiting: &[String], stage: &str) -> Vec<Again> {
        let earlier = run.stages_before(stage);
        let users = run.ledger().users.iter().filter(|u| waiting.contains(&u.target.user.id));
        let steps = users.flat_map(|u| u.steps.iter().map(move |s| (u, s)));
        let steps = steps.filter(|(_, s)| earlier.contains(&s.stage) && s.error.is_none());
        join_all(steps.map(|(user, step)| self.look_once(run, target(run, user, step), step))).await
    }

    fn tell_held_back(&self, run: &Run, stage: &str) {
        let steps = run.ledger().users.iter().flat_map(|u| u.steps.iter().map(move |s| (u, s)));
        for (user, step) in steps.filter(|(_, s)| s.stage == stage) {
            for change in step.changes.iter().filter(|c| c.state == State::Skipped) {
                self.tell(changed(user, step, change));
            }
        }
    }
}

fn is_undone(change: &ChangeLedger) -> bool {
    matches!(change.state, State::Failed | State::InDoubt | State::Pending | State::Refused)
}

impl Run {
    /// The users for whom a stage has something that was not sent yet.
    fn waiting(&self, stage: &str) -> Vec<String> {
        let has = |s: &&StepLedger| s.stage == stage && s.changes.iter().any(|c| c.state == State::Planned);
        let users = self.ledger().users.iter().filter(|u| u.steps.iter().any(|s| has(&s)));
        users.map(|u| u.target.user.id.clone()).collect()
    }

    fn stages_before(&self, stage: &str) -> Vec<String> {
        self.stages().into_iter().take_while(|id| id != stage).collect()
    }

    /// What the journal shows of earlier stages that is not in force, and steps of this one that have no plan.
    fn unproven(&self, user_id: &str, stage: &str) -> Vec<String> {
        let earlier = self.stages_before(stage);
        let mut open = Vec::new();
        for step in self.ledger().user(user_id).into_iter().flat_map(|u| &u.steps) {
            let before = earlier.contains(&step.stage);
            if let Some(error) = step.error.as_ref().filter(|_| before || step.stage == stage) {
                open.push(format!("{} could not be done: {}", step.step, error.detail));
            }
            let unproven = |state: State| !matches!(state, State::Effective | State::Already);
            for change in step.changes.iter().filter(|c| before && unproven(c.state)) {
                open.push(format!("{}: {}", change.change.say, change.state.look().word));
            }
        }
        open
    }
}

fn target(run: &Run, user: &UserLedger, step: &StepLedger) -> Target {
    let sent = step.changes.iter().filter_map(|c| c.sent).map(|(first, _)| first).max();
    run.target(user, step, sent.unwrap_or(user.target.cut_after))
}

/// The objects that a person has to judge. What nobody can see through Graph is about the account as a whole, and
/// is no object.
fn to_judge<'a>(plan: &'a Plan, user_id: &'a str) -> impl Iterator<Item = &'a str> {
    let is_object = move |f: &&Finding| !f.object_id.is_empty() && f.object_id != user_id;
    plan.open.iter().filter(is_object).map(|finding| finding.label.as_str())
}

/// The reason, when there is one: the first things that are open, and how many more there are.
fn told(open: &[String]) -> Option<String> {
    if open.is_empty() {
        return None;
    }
    let named = open.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = open.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("held back: {named}{more}"))
}
