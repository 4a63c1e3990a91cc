//! What a run still has to do, asked of its ledger.

use std::collections::HashSet;

use jiff::Timestamp;
use oust_actions::{Change, Plan, Target, Write};

use super::due::Standing;
use super::run::Run;
use super::stage::Due;
use crate::failure::{Failure, Result};
use crate::guard::explain_denial;
use crate::journal::{ChangeLedger, Planned, Record, StepLedger, ToldResult, UserLedger};
use crate::playbook::Stage;
use crate::report::{OpenDocument, State};

impl Run {
    /// A stage by its id.
    pub(super) fn stage(&self, id: &str) -> Option<&Stage> {
        self.playbook().stages.iter().find(|stage| stage.id == id)
    }

    /// The target of a step for another look: with all that was issued to it, also by this run.
    pub(super) fn target(&self, user: &UserLedger, step: &StepLedger, cut_after: Timestamp) -> Target {
        let mut target = Target { settings: step.settings.clone(), cut_after, ..user.target.clone() };
        target.issued.extend(self.ledger().issued(&user.target.user.id).map(str::to_owned));
        target
    }

    /// The plans of a run, as they were recorded.
    pub(super) fn planned(&self) -> Vec<Planned> {
        let steps = self.ledger().users.iter().flat_map(|u| u.steps.iter().map(move |s| (u, s)));
        steps
            .map(|(user, step)| Planned {
                user_id: user.target.user.id.clone(),
                stage: step.stage.clone(),
                step: step.step.clone(),
                action: step.action.clone(),
                settings: step.settings.clone(),
                state: step.state.clone(),
                plan: Plan {
                    changes: step.changes.iter().map(|c| c.change.clone()).collect(),
                    ..step.plan.clone()
                },
                error: step.error.clone(),
                lacks: step.lacks.clone(),
            })
            .collect()
    }

    /// What a stage has to send now.
    pub(super) fn due(&self, stage: &str) -> Vec<Due> {
        self.due_where(stage, Standing::is_due)
    }

    /// What a stage has to remove because its secret is lost: that needs no proof of anything, and until it is gone
    /// a review takes it for the intruder's.
    pub(super) fn due_to_loss(&self, stage: &str) -> Vec<Due> {
        self.due_where(stage, Standing::clears_a_loss)
    }

    fn due_where(&self, stage: &str, wanted: impl Fn(&Standing, &ChangeLedger) -> bool + Copy) -> Vec<Due> {
        let steps = self.ledger().users.iter().flat_map(|u| u.steps.iter().map(move |s| (u, s)));
        steps
            .filter(|(_, step)| step.stage == stage)
            .flat_map(|(user, step)| {
                let standing = Standing::of(step);
                let due = step.changes.iter().filter(move |change| wanted(&standing, change));
                due.map(move |change| (user, step, change))
            })
            .map(|(user, step, change)| Due {
                user_id: user.target.user.id.clone(),
                step: step.step.clone(),
                attempt: change.attempts + 1,
                change: change.change.clone(),
            })
            .collect()
    }

    /// Sign-in names of users for whom a stage has something to do.
    pub(super) fn users_with_work(&self, stage: &str) -> Vec<String> {
        let has_work = |s: &&StepLedger| {
            s.stage == stage && s.changes.iter().any(|c| matches!(c.state, State::Planned | State::InDoubt))
        };
        let users = self.ledger().users.iter().filter(|u| u.steps.iter().any(|s| has_work(&s)));
        users.map(|u| u.target.user.user_principal_name.clone()).collect()
    }

    /// The changes of a step that are of a kind.
    pub(super) fn changes(
        &self,
        user_id: &str,
        step: &str,
        of_kind: impl Fn(&ChangeLedger) -> bool,
    ) -> Vec<ChangeLedger> {
        let step = self.ledger().step(user_id, step);
        step.map(|s| s.changes.iter().filter(|c| of_kind(c)).cloned().collect()).unwrap_or_default()
    }

    pub(super) fn any_change(&self, of_kind: impl Fn(&ChangeLedger) -> bool) -> bool {
        self.ledger().users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes).any(of_kind)
    }

    /// What a later plan wants that the plan of the run has not. What the run issued itself is no news.
    pub(super) fn not_in_plan(&self, user_id: &str, step: &str, plan: &Plan) -> Vec<Change> {
        let known = self.ledger().step(user_id, step).into_iter().flat_map(|s| &s.changes);
        let known: HashSet<Write> = known.map(|c| c.change.write()).collect();
        let issued: HashSet<&str> = self.ledger().issued(user_id).collect();
        let is_news = |c: &&Change| !known.contains(&c.write()) && !issued.contains(c.object_id.as_str());
        plan.changes.iter().filter(is_news).cloned().collect()
    }

    /// Adds to the plan of a step what a later look wants besides.
    pub(super) fn add_to_plan(&mut self, user_id: &str, step: &str, plan: &Plan) -> Result<()> {
        let new = self.not_in_plan(user_id, step, plan);
        let planned = self.planned().into_iter().find(|p| p.user_id == user_id && p.step == step);
        let Some(mut planned) = planned.filter(|_| !new.is_empty()) else { return Ok(()) };
        planned.plan.changes.extend(new);
        self.append(Record::Planned(Box::new(planned)))
    }

    /// Notes the ways in that a later plan wants closed and the plan of the run does not know.
    pub(super) fn note_appeared(&mut self, user_id: &str, step: &str, plan: &Plan) {
        let new = self.not_in_plan(user_id, step, plan);
        let open = self.appeared.entry(user_id.to_owned()).or_default();
        let noted = open.iter().filter(|entry| entry.step.as_deref() == Some(step));
        let mut noted: HashSet<String> = noted.map(|entry| entry.label.clone()).collect();
        for change in new {
            if noted.insert(change.label.clone()) {
                open.push(OpenDocument {
                    step: Some(step.to_owned()),
                    label: change.label,
                    reasons: vec![
                        "it appeared after the plan was made, so the intruder may still be active".into(),
                    ],
                    next: Some("contain the user again".into()),
                });
            }
        }
    }

    /// Users whose revocation and disabling are both acknowledged and not yet noted: id and name.
    pub(super) fn newly_cut(&self) -> Vec<(String, String)> {
        let acknowledged =
            |c: &ChangeLedger| c.told == Some(ToldResult::Accepted) || c.state == State::Effective;
        let users = self.ledger().users.iter().filter(|u| u.cut.is_none());
        users
            .filter(|user| {
                let mut steps = user
                    .steps
                    .iter()
                    .filter(|s| matches!(s.action.as_str(), "revoke_sessions" | "disable_user"));
                let stage = self.playbook().stages.first().map(|s| &s.id);
                steps.clone().any(|s| Some(&s.stage) == stage && !s.changes.is_empty())
                    && steps
                        .by_ref()
                        .filter(|s| Some(&s.stage) == stage)
                        .all(|s| s.error.is_none() && s.changes.iter().all(acknowledged))
            })
            .map(|u| (u.target.user.id.clone(), u.target.user.user_principal_name.clone()))
            .collect()
    }

    /// Why the service said 403 for a change of a step.
    pub(super) fn denial(&self, user_id: &str, step: &str, change: &Change) -> Option<Failure> {
        let user = self.ledger().user(user_id)?;
        let action = oust_actions::find(&self.ledger().step(user_id, step)?.action)?;
        let held = self.held.get(user_id).cloned().unwrap_or_default();
        Some(explain_denial(&action.about(), &user.target.operator, &held, step, &[change]))
    }

    /// What never left is due again.
    pub(super) fn retry_unsent(&mut self) -> Result<()> {
        let unsent: Vec<(String, String, u32)> = self
            .ledger()
            .users
            .iter()
            .flat_map(|u| u.steps.iter().map(move |s| (u, s)))
            .flat_map(|(u, s)| s.changes.iter().map(move |c| (u, s, c)))
            .filter(|(_, _, c)| c.told == Some(ToldResult::NotSent) && c.state == State::Failed)
            .filter_map(|(u, s, c)| Some((u.target.user.id.clone(), s.step.clone(), c.intent?)))
            .collect();
        for (user_id, step, intent) in unsent {
            let reason = Some("it never left; sent again".to_owned());
            let (state, code) = (State::Planned, None);
            self.append(Record::Verified { user_id, step, intent, state, reason, code })?;
        }
        Ok(())
    }
}
