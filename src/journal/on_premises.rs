//! Whether a synchronised account is disabled at its source, so that disabling it in the cloud lasts.

use super::{ChangeLedger, Ledger, StepLedger, UserLedger};
use crate::report::State;

const AT_THE_SOURCE: &str = "disable_on_premises";
const IN_THE_CLOUD: &str = "disable_user";

impl UserLedger {
    /// On-premises AD has the account disabled: it was seen there, before the run or by it.
    pub fn is_disabled_on_premises(&self) -> bool {
        self.at_the_source().any(|step| step.is_kept() || step.all_are(&[State::Effective]))
    }

    /// The same, or the plan does it.
    pub fn is_to_be_disabled_on_premises(&self) -> bool {
        self.is_disabled_on_premises() || self.at_the_source().any(|step| step.all_are(&[State::Planned]))
    }

    fn at_the_source(&self) -> impl Iterator<Item = &StepLedger> {
        self.steps.iter().filter(|step| step.is_disable_at_the_source() && step.error.is_none())
    }
}

impl StepLedger {
    /// Whether it disables in the cloud what on-premises AD may put back.
    pub fn is_disable_in_the_cloud(&self) -> bool {
        self.action == IN_THE_CLOUD
    }

    /// Whether it disables the account in on-premises AD.
    pub fn is_disable_at_the_source(&self) -> bool {
        self.action == AT_THE_SOURCE
    }

    /// Nothing to change: it was seen to be so.
    fn is_kept(&self) -> bool {
        self.changes.is_empty() && self.plan.open.is_empty() && !self.plan.kept.is_empty()
    }

    fn all_are(&self, states: &[State]) -> bool {
        !self.changes.is_empty() && self.changes.iter().all(|c| !c.is_undone() && states.contains(&c.state))
    }
}

impl Ledger {
    /// The state of a change that is in force: whether it will stay so depends on what else the run did.
    pub fn in_force(&self, user_id: &str, step: &str, change: &ChangeLedger) -> (State, Option<String>) {
        let in_the_cloud = self.step(user_id, step).is_some_and(StepLedger::is_disable_in_the_cloud);
        let lasts = in_the_cloud && self.user(user_id).is_some_and(UserLedger::is_disabled_on_premises);
        if lasts { (State::Effective, None) } else { change.in_force() }
    }

    /// Changes in the cloud that were said to be put back and won't be: user id, step and intent of each.
    pub fn lasting_after_all(&self) -> Vec<(String, String, u32)> {
        let users = self.users.iter().filter(|user| user.is_disabled_on_premises());
        let steps = users.flat_map(|u| u.steps.iter().map(move |s| (u, s)));
        steps
            .filter(|(_, step)| step.is_disable_in_the_cloud())
            .flat_map(|(user, step)| step.changes.iter().map(move |change| (user, step, change)))
            .filter(|(_, _, change)| change.state == State::WillRevert && !change.is_undone())
            .filter_map(|(user, step, change)| {
                Some((user.target.user.id.clone(), step.step.clone(), change.intent?))
            })
            .collect()
    }
}
