//! Observing and deciding: every step of every user at once, reads only.

use futures::future::join_all;
use oust_actions::{AnyAction, ReadErrorKind, Target};
use serde_json::Value;

use super::observe::{Remembered, remember};
use super::secret::no_recipient;
use super::step_budgets::StepBudgets;
use super::{Engine, Observed, ObservedUser, Run};
use crate::failure::{Code, Failure, Result};
use crate::guard::{explain_denial, lacks};
use crate::journal::Planned;
use crate::playbook::{Stage, Step};

impl Engine {
    /// Observes and decides the steps of `stages` and records the plans.
    pub(super) async fn decide(&self, run: &mut Run, observed: &Observed, stages: &[Stage]) -> Result<()> {
        let budgets = run.budgets();
        let planned = self.stop.unless_signalled(self.look(observed, stages, &budgets)).await?;
        run.plan(self, planned)
    }

    /// Observes and decides the steps of `stages` for all users. A step that can't be observed gets an error
    /// instead of a plan; the others are not held up.
    pub(super) async fn look(
        &self,
        observed: &Observed,
        stages: &[Stage],
        budgets: &StepBudgets,
    ) -> Vec<Planned> {
        let wanted: Vec<_> = observed
            .users
            .iter()
            .flat_map(|user| steps(stages).map(move |(stage, step)| (user, stage, step)))
            .collect();
        self.look_at(observed, wanted, budgets).await
    }

    /// The same for what a run has no plan of yet.
    pub(super) async fn look_at_missing(&self, run: &Run, observed: &Observed) -> Vec<Planned> {
        let wanted: Vec<_> = observed
            .users
            .iter()
            .flat_map(|user| steps(&run.playbook().stages).map(move |(stage, step)| (user, stage, step)))
            .filter(|(user, _, step)| {
                run.ledger().step(&user.target.user.id, &step.id).is_none_or(|known| known.error.is_some())
            })
            .collect();
        self.look_at(observed, wanted, &run.budgets()).await
    }

    async fn look_at(
        &self,
        observed: &Observed,
        wanted: Vec<(&ObservedUser, &Stage, &Step)>,
        budgets: &StepBudgets,
    ) -> Vec<Planned> {
        let known = remember(&observed.users);
        let looks = wanted.into_iter().map(async |(user, stage, step)| {
            let budget = budgets.of(&user.target.user.id, &step.id);
            let graph = Remembered { graph: self.graph.within(&budget), known: &known };
            look_at_step(&graph, user, stage, step).await
        });
        let mut planned = join_all(looks).await;
        for step in planned.iter_mut().filter(|_| !observed.can_seal) {
            refuse_unsealed(step);
        }
        planned
    }
}

fn steps(stages: &[Stage]) -> impl Iterator<Item = (&Stage, &Step)> {
    stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)))
}

async fn look_at_step(graph: &Remembered<'_>, user: &ObservedUser, stage: &Stage, step: &Step) -> Planned {
    let mut planned = Planned {
        user_id: user.target.user.id.clone(),
        stage: stage.id.clone(),
        step: step.id.clone(),
        action: step.action.to_owned(),
        settings: step.with.clone(),
        state: Value::Null,
        plan: oust_actions::Plan::default(),
        error: None,
        lacks: Vec::new(),
    };
    let target = Target { settings: step.with.clone(), ..user.target.clone() };
    let failure = match oust_actions::find(step.action) {
        None => Failure::new(Code::Internal, format!("there is no action {}", step.action)),
        Some(action) => match observe(action, &target, graph).await {
            Ok((state, plan)) => {
                if !plan.changes.is_empty() {
                    let changes: Vec<_> = plan.changes.iter().collect();
                    planned.lacks = lacks(&action.about(), &target.operator, &user.held, &changes);
                }
                planned.state = state;
                planned.plan = plan;
                return planned;
            }
            Err(Trouble::Denied) => {
                explain_denial(&action.about(), &target.operator, &user.held, &step.id, &[])
            }
            Err(Trouble::Other(failure)) => failure.step(step.id.clone()),
        },
    };
    planned.error = Some(failure.problem(None));
    planned
}

/// Leaves a step out whose answer holds a secret that nobody could open.
fn refuse_unsealed(planned: &mut Planned) {
    if planned.plan.changes.iter().any(|change| change.call.seal.is_some()) {
        planned.plan.changes.clear();
        planned.error = Some(no_recipient().step(planned.step.clone()).problem(None));
    }
}

enum Trouble {
    Denied,
    Other(Failure),
}

async fn observe(
    action: &dyn AnyAction,
    target: &Target,
    graph: &Remembered<'_>,
) -> Result<(Value, oust_actions::Plan), Trouble> {
    let state = action.observe(target, graph).await.map_err(|e| match e.kind {
        ReadErrorKind::Forbidden => Trouble::Denied,
        _ => Trouble::Other(e.into()),
    })?;
    let plan = action
        .plan(target, &state)
        .map_err(|e| Trouble::Other(Failure::new(Code::Internal, e.to_string())))?;
    Ok((state, plan))
}
