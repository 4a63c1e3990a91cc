//! The time that each step of a run may lose to a service that fails or throttles, over all that is done for it: looking,
//! sending, reading back. A resume counts anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::graph::StepBudget;

/// The budgets of a run's steps, each made when it is first asked for.
#[derive(Debug, Default)]
pub(super) struct StepBudgets(Mutex<HashMap<(String, String), Arc<StepBudget>>>);

impl StepBudgets {
    /// The budget of one step of one user.
    pub(super) fn of(&self, user: &str, step: &str) -> Arc<StepBudget> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry((user.to_owned(), step.to_owned())).or_default())
    }
}
