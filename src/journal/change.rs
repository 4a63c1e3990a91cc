//! What the ledger of a change tells when it is asked.

use oust_actions::{Change, Lasts, Look};

use super::ChangeLedger;
use super::record::Result as Told;
use crate::report::{RollbackState, State};

impl ChangeLedger {
    pub(crate) fn new(change: Change) -> Self {
        Self {
            change,
            intent: None,
            attempts: 0,
            tries: 0,
            refusals: 0,
            sent: None,
            told: None,
            state: State::Planned,
            reason: None,
            code: None,
            status: None,
            error: None,
            request_id: None,
            issued: None,
            undo: None,
        }
    }

    /// Whether it may have changed the tenant, so that a rollback has to look at it.
    pub fn may_be_applied(&self) -> bool {
        self.attempts > 0 && !matches!(self.told, Some(Told::Refused | Told::NotSent))
    }

    /// How to see where it stands, with the id of what it created, where that is known.
    pub fn look(&self) -> Option<Look> {
        let look = self.change.look.as_ref()?;
        Some(self.issued.as_ref().map_or_else(|| look.clone(), |id| look.for_created(id)))
    }

    /// The same where an item of a collection is found by what it is rather than by its id.
    pub fn look_by_members(&self) -> Option<Look> {
        self.look().filter(|look| look.pick.is_some())
    }

    /// Whether it may have been made and its secret is lost: the answer that held it was not sealed. Reading can't
    /// mend that, so it never counts as done.
    pub fn is_secret_lost(&self) -> bool {
        self.change.call.seal.is_some() && self.may_be_applied() && self.told != Some(Told::Accepted)
    }

    /// Whether a rollback has put the old state back.
    pub fn is_undone(&self) -> bool {
        use RollbackState::{Already, Pending, Restored};
        matches!(self.undo.as_ref().and_then(|u| u.state), Some(Restored | Already | Pending))
    }

    /// The state of an accepted change that was read back.
    pub fn in_force(&self) -> (State, Option<String>) {
        match &self.change.lasts {
            Lasts::Stays => (State::Effective, None),
            Lasts::Reverts(why) => (State::WillRevert, Some(why.clone())),
        }
    }
}
