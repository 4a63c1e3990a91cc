//! How a bulk run ended, by its users: as [`crate::report::fold`] judges a run of several, plus what only a bulk run
//! has, an error above them all and users that were not begun.

use super::{BulkCounts, BulkDocument, BulkTenant, BulkUser};
use crate::failure::{Code, Exit};
use crate::report::Outcome;

impl BulkDocument {
    /// Fills counts, users and cuts of each tenant, outcome and exit status from the users and the error.
    pub fn conclude(&mut self) {
        self.counts = BulkCounts::of(&self.users);
        self.count_tenants();
        (self.outcome, self.exit_code) = match self.error.as_ref().and_then(|e| Code::of(&e.code)) {
            Some(code) => self.by_error(code),
            None => self.by_users(),
        };
    }

    /// Adds the tenants that are not listed yet, in the order of their users, and counts anew. What was counted of
    /// answers stays.
    fn count_tenants(&mut self) {
        for tenant in &mut self.tenants {
            (tenant.users, tenant.cut) = (0, 0);
        }
        for user in &self.users {
            let known = self.tenants.iter().position(|tenant| is_in(user, tenant));
            let at = known.unwrap_or(self.tenants.len());
            if known.is_none() {
                let name = user.tenant.clone();
                self.tenants.push(BulkTenant { tenant_id: None, name, users: 0, cut: 0, throttled: 0 });
            }
            let Some(tenant) = self.tenants.get_mut(at) else { continue };
            tenant.users += 1;
            tenant.cut += usize::from(user.cut_at.is_some());
            if tenant.tenant_id.is_none() {
                tenant.tenant_id.clone_from(&user.tenant_id);
            }
        }
    }

    fn by_error(&self, code: Code) -> (Outcome, u8) {
        match code {
            Code::Interrupted | Code::DeadlinePassed => (Outcome::Interrupted, Exit::Interrupted.status()),
            code if !self.users.iter().any(may_be_applied) => match code.exit() {
                exit @ (Exit::Denied | Exit::Guarded) => (Outcome::Refused, exit.status()),
                exit => (Outcome::Failed, exit.status()),
            },
            _ if self.counts.interrupted > 0 => (Outcome::Interrupted, Exit::Interrupted.status()),
            _ => (Outcome::Partial, Exit::Partial.status()),
        }
    }

    fn by_users(&self) -> (Outcome, u8) {
        let has = |wanted: &[Outcome]| self.users.iter().any(|user| wanted.contains(&user.outcome));
        let worst_exit = |wanted: &[Outcome]| {
            let exits =
                self.users.iter().filter(|user| wanted.contains(&user.outcome)).map(|user| user.exit_code);
            exits.max().unwrap_or_default()
        };
        let applied = [Outcome::Contained, Outcome::Recovered, Outcome::Unverified, Outcome::Partial];
        let refused = has(&[Outcome::Refused, Outcome::Failed]);
        if has(&[Outcome::Interrupted]) {
            (Outcome::Interrupted, Exit::Interrupted.status())
        } else if self.dry_run && has(&[Outcome::Planned]) {
            // Users without a plan don't make a plan of the others a failure, but the status tells of them.
            (Outcome::Planned, worst_exit(&[Outcome::Planned, Outcome::Refused, Outcome::Failed]))
        } else if has(&applied) {
            let back_and_forth = has(&[Outcome::RolledBack, Outcome::Planned]);
            if refused || back_and_forth || has(&[Outcome::Partial]) {
                (Outcome::Partial, Exit::Partial.status())
            } else if has(&[Outcome::Unverified]) {
                (Outcome::Unverified, Exit::Unverified.status())
            } else if has(&[Outcome::Contained]) {
                (Outcome::Contained, Exit::Done.status())
            } else {
                (Outcome::Recovered, Exit::Done.status())
            }
        } else if has(&[Outcome::RolledBack]) {
            if refused {
                (Outcome::Partial, Exit::Partial.status())
            } else {
                (Outcome::RolledBack, Exit::Done.status())
            }
        } else if has(&[Outcome::Failed]) {
            (Outcome::Failed, worst_exit(&[Outcome::Failed]).max(Exit::Failed.status()))
        } else if has(&[Outcome::Refused]) {
            (Outcome::Refused, worst_exit(&[Outcome::Refused]))
        } else if has(&[Outcome::Planned]) {
            (Outcome::Planned, Exit::Done.status())
        } else {
            (Outcome::NothingToDo, Exit::Done.status())
        }
    }
}

/// Whether something was, or may have been, changed for it.
fn may_be_applied(user: &BulkUser) -> bool {
    match user.outcome {
        Outcome::Contained
        | Outcome::Recovered
        | Outcome::Partial
        | Outcome::Unverified
        | Outcome::RolledBack => true,
        Outcome::Interrupted => user.run_id.is_some(),
        Outcome::NothingToDo | Outcome::Planned | Outcome::Refused | Outcome::Failed => false,
    }
}

/// Whether a user is one of the tenant: by its name in the configuration, and by its id as soon as both are known.
fn is_in(user: &BulkUser, tenant: &BulkTenant) -> bool {
    let same_id = match (&user.tenant_id, &tenant.tenant_id) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    user.tenant == tenant.name && same_id
}

impl BulkCounts {
    fn of(users: &[BulkUser]) -> Self {
        let mut counts = Self { users: users.len(), ..Self::default() };
        for user in users {
            counts.cut += usize::from(user.cut_at.is_some());
            *match user.outcome {
                Outcome::Contained => &mut counts.contained,
                Outcome::Recovered => &mut counts.recovered,
                Outcome::NothingToDo => &mut counts.nothing_to_do,
                Outcome::Planned => &mut counts.planned,
                Outcome::Partial => &mut counts.partial,
                Outcome::Unverified => &mut counts.unverified,
                Outcome::Refused => &mut counts.refused,
                Outcome::Failed => &mut counts.failed,
                Outcome::Interrupted => &mut counts.interrupted,
                Outcome::RolledBack => &mut counts.rolled_back,
            } += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::failure::Failure;
    use Outcome::{
        Contained, Failed, Interrupted, NothingToDo, Partial, Planned, Recovered, Refused, RolledBack,
        Unverified,
    };

    /// Outcome and exit status of users that ended so.
    fn judged(outcomes: &[(Outcome, u8)], dry_run: bool, error: Option<Code>) -> (Outcome, u8) {
        let users = outcomes.iter().map(|(outcome, exit_code)| BulkUser {
            outcome: *outcome,
            exit_code: *exit_code,
            ..sample::user("AdeleV@contoso.com")
        });
        let mut document = BulkDocument {
            users: users.collect(),
            dry_run,
            error: error.map(|code| Failure::new(code, "x").problem(None)),
            ..sample::empty()
        };
        document.conclude();
        (document.outcome, document.exit_code)
    }

    #[test]
    fn all_good_is_good_and_one_that_is_not_makes_it_partial() {
        type Ended = (Outcome, u8);
        const CASES: &[(&[Ended], Ended)] = &[
            (&[], (NothingToDo, 0)),
            (&[(NothingToDo, 0), (NothingToDo, 0)], (NothingToDo, 0)),
            (&[(NothingToDo, 0), (Contained, 0)], (Contained, 0)),
            (&[(Recovered, 0), (NothingToDo, 0)], (Recovered, 0)),
            (&[(Recovered, 0), (Contained, 0)], (Contained, 0)),
            (&[(Contained, 0), (Unverified, 4), (NothingToDo, 0)], (Unverified, 4)),
            (&[(Contained, 0), (Failed, 1)], (Partial, 3)),
            (&[(Unverified, 4), (Refused, 6)], (Partial, 3)),
            (&[(Contained, 0), (Partial, 3)], (Partial, 3)),
            (&[(Partial, 3), (NothingToDo, 0)], (Partial, 3)),
            (&[(Contained, 0), (RolledBack, 0)], (Partial, 3)),
            (&[(Contained, 0), (Failed, 1), (Interrupted, 7)], (Interrupted, 7)),
            (&[(Refused, 5), (NothingToDo, 0)], (Refused, 5)),
            (&[(Refused, 5), (Refused, 6)], (Refused, 6)),
            (&[(Refused, 6), (Failed, 1)], (Failed, 1)),
            (&[(Failed, 1), (Failed, 8)], (Failed, 8)),
            (&[(RolledBack, 0), (NothingToDo, 0)], (RolledBack, 0)),
            (&[(RolledBack, 0), (Failed, 1)], (Partial, 3)),
        ];
        for (users, wanted) in CASES {
            assert_eq!(judged(users, false, None), *wanted, "{users:?}");
        }
    }

    #[test]
    fn a_plan_of_most_is_a_plan_whose_status_tells_of_the_others() {
        assert_eq!(judged(&[(Planned, 0), (NothingToDo, 0)], true, None), (Planned, 0));
        assert_eq!(judged(&[(NothingToDo, 0)], true, None), (NothingToDo, 0));
        assert_eq!(judged(&[(Planned, 0), (Refused, 6)], true, None), (Planned, 6));
        assert_eq!(judged(&[(Refused, 6)], true, None), (Refused, 6));
    }

    #[test]
    fn an_error_above_all_counts_by_what_was_changed_before_it() {
        let begun = [(Contained, 0), (Interrupted, 7)];
        assert_eq!(judged(&begun, false, Some(Code::DeadlinePassed)), (Interrupted, 7));
        assert_eq!(judged(&begun, false, Some(Code::StateUnwritable)), (Interrupted, 7));
        assert_eq!(judged(&begun[..1], false, Some(Code::StateUnwritable)), (Partial, 3));
        assert_eq!(judged(&[(Planned, 0)], false, Some(Code::NotConfirmed)), (Refused, 6));
        assert_eq!(judged(&[], false, Some(Code::SecretRefused)), (Refused, 5));
        assert_eq!(judged(&[], false, Some(Code::InvalidUserList)), (Failed, 64));
        assert_eq!(judged(&[(NothingToDo, 0)], false, Some(Code::Interrupted)), (Interrupted, 7));
    }

    #[test]
    fn every_user_counts_once_by_outcome_and_once_in_a_tenant() {
        let document = sample::mixed();
        let c = document.counts;
        let sum = c.contained + c.recovered + c.nothing_to_do + c.planned + c.partial + c.unverified;
        assert_eq!(sum + c.refused + c.failed + c.interrupted + c.rolled_back, c.users);
        assert_eq!(document.tenants.iter().map(|tenant| tenant.users).sum::<usize>(), c.users);
        assert_eq!(document.tenants.iter().map(|tenant| tenant.cut).sum::<usize>(), c.cut);
        let mut again = document.clone();
        again.conclude();
        assert_eq!(again, document);
    }

    #[test]
    fn a_tenant_is_known_by_its_name_before_its_id_is() {
        let named = |tenant: Option<&str>, id: Option<&str>| BulkUser {
            tenant: tenant.map(str::to_owned),
            tenant_id: id.map(str::to_owned),
            cut_at: None,
            ..sample::user("AdeleV@contoso.com")
        };
        let mut document = BulkDocument {
            users: vec![
                named(Some("contoso"), None),
                named(Some("contoso"), Some("t1")),
                named(None, Some("t2")),
                named(None, Some("t3")),
            ],
            tenants: vec![BulkTenant {
                tenant_id: Some("t3".into()),
                name: None,
                users: 9,
                cut: 9,
                throttled: 4,
            }],
            ..sample::empty()
        };
        document.conclude();
        let told: Vec<_> = document
            .tenants
            .iter()
            .map(|t| (t.tenant_id.as_deref().unwrap(), t.users, t.cut, t.throttled))
            .collect();
        assert_eq!(told, [("t3", 1, 0, 4), ("t1", 2, 0, 0), ("t2", 1, 0, 0)]);
    }
}
