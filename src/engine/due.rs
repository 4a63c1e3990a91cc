//! Which changes of a step may leave now: wave after wave, and last what the service refused until the others
//! were gone.

use crate::journal::{ChangeLedger, StepLedger, ToldResult};
use crate::report::State;

/// Where the changes of a step stand together.
pub(super) struct Standing {
    /// The first wave that has not left yet.
    wave: Option<u8>,
    /// Whether one of them went through.
    any_done: bool,
    /// The last wave that sends a call again because its secret is lost.
    lost: Option<u8>,
}

impl Standing {
    /// One look at each change.
    pub(super) fn of(step: &StepLedger) -> Self {
        let planned = step.changes.iter().filter(|c| c.state == State::Planned);
        let lost = step.changes.iter().filter(|c| c.is_secret_lost());
        let is_done = |c: &ChangeLedger| c.told == Some(ToldResult::Accepted) || c.state == State::Effective;
        Self {
            wave: planned.map(|c| c.change.call.turn.wave).min(),
            any_done: step.changes.iter().any(is_done),
            lost: lost.map(|c| c.change.call.turn.wave).max(),
        }
    }

    /// Whether a change of the step may leave.
    pub(super) fn is_due(&self, change: &ChangeLedger) -> bool {
        match change.state {
            State::Planned => self.wave == Some(change.change.call.turn.wave),
            State::Refused => self.is_last(change),
            _ => false,
        }
    }

    /// Whether a change has to go before a call that is sent again because its secret is lost.
    pub(super) fn clears_a_loss(&self, change: &ChangeLedger) -> bool {
        self.is_due(change) && self.lost > Some(change.change.call.turn.wave)
    }

    /// Whether a refused change is to be sent once more: the service wanted the others gone first, and now some
    /// are, and none is waiting.
    fn is_last(&self, change: &ChangeLedger) -> bool {
        let waits = change.error.as_deref().is_some_and(|error| change.change.call.turn.waits_after(error));
        waits
            && change.told == Some(ToldResult::Refused)
            && change.refusals == 1
            && self.wave.is_none()
            && self.any_done
    }
}

#[cfg(test)]
mod tests {
    use oust_actions::{Call, Change, Lasts, Method, Plan, Undo};
    use serde_json::Value;

    use super::*;

    fn change(id: &str, wave: u8) -> ChangeLedger {
        ChangeLedger::new(Change {
            object_id: id.to_owned(),
            label: id.to_owned(),
            say: String::new(),
            from: String::new(),
            to: String::new(),
            call: Call::new(Method::Delete, ["methods", id]).wave(wave).last_when_told(&["default method"]),
            undo: Undo::Never(String::new()),
            look: None,
            lasts: Lasts::Stays,
            risk: None,
            reasons: vec![],
        })
    }

    fn answered(mut change: ChangeLedger, intent: u32, told: ToldResult) -> ChangeLedger {
        change.intent = Some(intent);
        change.attempts += 1;
        change.told = Some(told);
        change.state = if told == ToldResult::Accepted { State::Pending } else { State::Refused };
        change.refusals += u32::from(told == ToldResult::Refused);
        change.error = Some("badRequest: Cannot delete default method with other methods configured.".into());
        change
    }

    fn due(changes: Vec<ChangeLedger>) -> Vec<String> {
        let step = StepLedger {
            stage: String::new(),
            step: String::new(),
            action: String::new(),
            settings: Value::Null,
            state: Value::Null,
            plan: Plan::default(),
            error: None,
            lacks: vec![],
            changes,
        };
        let due = step.changes.iter().filter(|change| Standing::of(&step).is_due(change));
        due.map(|change| change.change.object_id.clone()).collect()
    }

    #[test]
    fn a_wave_waits_until_the_one_before_it_has_left() {
        assert_eq!(due(vec![change("b", 1), change("a", 0), change("c", 0)]), ["a", "c"]);
        let sent = |told| answered(change("a", 0), 0, told);
        assert_eq!(due(vec![change("b", 1), sent(ToldResult::Accepted)]), ["b"]);
        assert_eq!(due(vec![change("b", 1), sent(ToldResult::Refused)]), ["b"], "a failure holds nothing up");
    }

    #[test]
    fn what_was_refused_for_the_sake_of_the_others_goes_last_and_once() {
        let refused = || answered(change("default", 0), 0, ToldResult::Refused);
        let gone = || answered(change("other", 0), 1, ToldResult::Accepted);
        assert_eq!(due(vec![refused(), change("other", 0)]), ["other"]);
        assert_eq!(due(vec![refused(), gone()]), ["default"]);
        let twice = answered(refused(), 2, ToldResult::Refused);
        assert!(due(vec![twice, gone()]).is_empty());
        assert!(due(vec![refused()]).is_empty(), "nothing else went, so the answer would be the same");
        let mut denied = refused();
        denied.error = Some("Authorization_RequestDenied".into());
        assert!(due(vec![denied, gone()]).is_empty());
    }
}
