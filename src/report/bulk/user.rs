//! One user of a bulk run: what the user's own run says of it, and whether a person has to look.

use super::BulkUser;
use crate::report::{ChangeDocument, Outcome, RunDocument, State, StepDocument, UserDocument};

impl BulkUser {
    /// What the run of one user comes to. The list's tenant and line are the caller's to add, and the name of a user
    /// that was never found.
    pub fn of(document: &RunDocument) -> Self {
        let user = document.users.first();
        let steps = || user.into_iter().flat_map(|user| &user.steps);
        Self {
            tenant: None,
            tenant_id: document.tenant_id.clone(),
            user_id: user.map(|user| user.id.clone()),
            user: user.map(|user| user.user_principal_name.clone()).unwrap_or_default(),
            line: None,
            run_id: document.run_id.clone().filter(|_| !document.dry_run && document.journal.is_some()),
            outcome: document.outcome,
            exit_code: document.exit_code,
            cut_at: user.and_then(|user| user.cut_at),
            cut_ms: user.and_then(|user| user.cut_ms),
            residual_access_until: user.and_then(|user| user.residual_access_until),
            changes: steps().map(|step| step.changes.len()).sum(),
            open: user.map_or(0, |user| user.open.iter().filter(|open| open.step.is_some()).count()),
            journal_head: document.journal.as_ref().map(|journal| journal.head.clone()),
            error: document.error.clone(),
            reason: user.filter(|_| document.error.is_none()).and_then(reason),
        }
    }

    /// Whether a person has to look at it. One that was interrupted is left to `oust resume`.
    pub fn needs_person(&self) -> bool {
        match self.outcome {
            Outcome::Failed | Outcome::Partial | Outcome::Refused | Outcome::Unverified => true,
            Outcome::Interrupted | Outcome::RolledBack => false,
            Outcome::Contained | Outcome::Recovered | Outcome::NothingToDo | Outcome::Planned => {
                self.open > 0
            }
        }
    }

    /// Whether the account may still be signed in to, as far as the run knows.
    pub(in crate::report) fn is_at_large(&self) -> bool {
        let unsettled = matches!(
            self.outcome,
            Outcome::Failed | Outcome::Partial | Outcome::Refused | Outcome::Interrupted
        );
        unsettled && self.cut_at.is_none()
    }

    /// Why a person has to look, in a few words; hostile until escaped.
    pub(in crate::report) fn why(&self) -> String {
        let ways = match self.open {
            0 => None,
            1 => Some("1 way in is left open".to_owned()),
            n => Some(format!("{n} ways in are left open")),
        };
        let error = self.error.as_ref().map(|error| format!("{}: {}", error.code, error.detail));
        [error, self.reason.clone(), ways].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What stands least well, in words.
fn reason(user: &UserDocument) -> Option<String> {
    if let Some((step, error)) = user.steps.iter().find_map(|step| Some((step, step.error.as_ref()?))) {
        return Some(format!("{}: {}: {}", step.step, error.code, error.detail));
    }
    let settled = |state| matches!(state, State::Already | State::Effective | State::Planned);
    let changes = user.steps.iter().flat_map(|step| step.changes.iter().map(move |change| (step, change)));
    let worst = changes.filter(|(_, change)| !settled(change.state)).max_by_key(|(_, change)| change.state);
    worst.map(|(step, change)| told(step, change))
}

/// `reset_password refused: HTTP 403, Authorization_RequestDenied: …`
fn told(step: &StepDocument, change: &ChangeDocument) -> String {
    let status = change.http_status.filter(|status| *status >= 400).map(|status| format!("HTTP {status}"));
    let why = change.reason.clone().or_else(|| change.graph_error.clone());
    let why: Vec<String> = status.into_iter().chain(why).collect();
    let word = change.state.look().word;
    let colon = if why.is_empty() { "" } else { ": " };
    format!("{} {word}{colon}{}", step.step, why.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_run_of_one_user_becomes_one_entry() {
        let document = sample::contained();
        let user = BulkUser::of(&document);
        assert_eq!(
            (user.user.as_str(), user.user_id.as_deref()),
            ("AdeleV@contoso.com", Some(sample::ADELE))
        );
        assert_eq!((user.changes, user.open, user.cut_ms), (4, 1, Some(843)));
        assert_eq!((user.run_id, user.journal_head), (document.run_id, document.journal.map(|j| j.head)));
        assert_eq!((user.outcome, user.exit_code, user.reason), (Outcome::Contained, 0, None));
    }

    #[test]
    fn what_is_not_in_force_has_its_reason_once() {
        let mut document = sample::partial();
        assert_eq!(
            BulkUser::of(&document).why(),
            "E0301: setting the password needs User-PasswordProfile.ReadWrite.All; 1 way in is left open"
        );
        document.error = None;
        assert!(
            BulkUser::of(&document).why().starts_with("reset_password: E0301: setting the password needs ")
        );
        document.users[0].steps[2].error = None;
        assert!(BulkUser::of(&document).why().starts_with("disable_user in doubt: no answer: "));
        document.users[0].steps.remove(1);
        document.users[0].open.clear();
        assert!(
            BulkUser::of(&document).why().starts_with("reset_password refused: HTTP 403, Authorization_")
        );
        assert_eq!(BulkUser::of(&sample::planned()).run_id, None);
    }

    #[test]
    fn a_run_that_found_nobody_has_its_error() {
        let mut document = sample::partial();
        document.users.clear();
        document.outcome = Outcome::Refused;
        let user = BulkUser::of(&document);
        assert_eq!((user.user.as_str(), user.user_id, user.changes), ("", None, 0));
        assert!(user.error.is_some());
    }
}
