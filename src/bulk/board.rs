//! Where every user stands while a bulk run goes, and the telling of it.

use std::sync::{Mutex, PoisonError};

use super::list::{BulkEntry, BulkList};
use crate::failure::{Code, Exit, Failure};
use crate::journal::Store;
use crate::report::bulk::BulkUser;
use crate::report::{Outcome, fold};

/// One row a user, in the order of the list.
#[derive(Debug)]
pub(super) struct Board(Mutex<Vec<Row>>);

#[derive(Debug)]
struct Row {
    user: BulkUser,
    is_cut: bool,
    is_done: bool,
}

/// How many are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub users: usize,
    pub cut: usize,
    /// Through with everything.
    pub done: usize,
    /// Ended otherwise.
    pub failed: usize,
}

impl Tally {
    /// Whether nobody is left.
    pub fn is_done(self) -> bool {
        self.done + self.failed == self.users
    }
}

impl Board {
    /// Nobody has begun.
    pub fn new(entries: &[BulkEntry]) -> Self {
        let row = |entry: &BulkEntry| Row {
            user: not_begun(entry),
            is_cut: false,
            is_done: entry.problem.is_some(),
        };
        Self(Mutex::new(entries.iter().map(row).collect()))
    }

    /// Takes over what the journals say of users whose run has not ended here. A journal that can't be read stands in
    /// the row of its user.
    pub fn read(&self, store: &Store, list: &BulkList) {
        for (at, entry) in list.users.iter().enumerate().filter(|(at, _)| !self.is_done(*at)) {
            let Some(run) = store.run_of(&entry.run_id).filter(|run| !run.is_blank()) else { continue };
            match fold::of_run(&run) {
                Ok((document, resumable)) => {
                    self.note(at, BulkUser::of(&document), !resumable);
                }
                Err(failure) => self.failed(at, &failure),
            }
        }
    }

    /// Every run is looked at anew. Who has none needs nothing.
    pub fn reopen(&self) {
        self.with(|rows| {
            for row in rows {
                row.is_done = row.user.run_id.is_none();
                if row.is_done {
                    (row.user.outcome, row.user.exit_code) = (Outcome::NothingToDo, Exit::Done.status());
                }
            }
        });
    }

    /// Whether a user's run has ended.
    pub fn is_done(&self, at: usize) -> bool {
        self.with(|rows| rows[at].is_done)
    }

    /// Whether a user is cut off.
    pub fn is_cut(&self, at: usize) -> bool {
        self.with(|rows| rows[at].is_cut)
    }

    /// A user's first part has ended.
    pub fn cut(&self, at: usize, acknowledged: bool) {
        self.with(|rows| rows[at].is_cut |= acknowledged);
    }

    /// A user's run has ended.
    pub fn ended(&self, at: usize, ended: BulkUser) {
        self.note(at, ended, true);
    }

    /// Nothing could be done for a user.
    pub fn failed(&self, at: usize, failure: &Failure) {
        self.with(|rows| {
            let row = &mut rows[at];
            (row.user.outcome, row.user.exit_code) = (outcome_of(failure.exit()), failure.exit().status());
            (row.user.error, row.is_done) = (Some(failure.problem(None)), true);
        });
    }

    fn note(&self, at: usize, stands: BulkUser, is_done: bool) {
        self.with(|rows| {
            let row = &mut rows[at];
            row.is_cut |= stands.cut_at.is_some();
            row.is_done = is_done;
            let BulkUser { tenant, line, tenant_id, user_id, user, .. } = row.user.clone();
            let (tenant_id, user_id) = (tenant_id.or(stands.tenant_id), user_id.or(stands.user_id));
            row.user = BulkUser { tenant, tenant_id, user_id, user, line, ..stands };
        });
    }

    /// How many are how far.
    pub fn tally(&self) -> Tally {
        let is_well = |row: &Row| {
            use Outcome::{Failed, Interrupted, Partial, Refused};
            !matches!(row.user.outcome, Failed | Refused | Partial | Interrupted)
        };
        self.with(|rows| {
            let count = |of_kind: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of_kind(row)).count();
            Tally {
                users: rows.len(),
                cut: count(&|row| row.is_cut),
                done: count(&|row| row.is_done && is_well(row)),
                failed: count(&|row| row.is_done && !is_well(row)),
            }
        })
    }

    /// The rows.
    pub fn users(&self) -> Vec<BulkUser> {
        self.with(|rows| rows.iter().map(|row| row.user.clone()).collect())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Row>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A user for whom nothing was done. One who was not found has failed; all others are still to come.
fn not_begun(entry: &BulkEntry) -> BulkUser {
    let exit = entry.problem.as_ref().map(|problem| Code::of(&problem.code).map_or(Exit::Failed, Code::exit));
    BulkUser {
        tenant: entry.tenant.clone(),
        tenant_id: entry.tenant_id.clone(),
        user_id: entry.user_id.clone(),
        user: entry.user.clone(),
        line: Some(entry.line),
        run_id: None,
        outcome: exit.map_or(Outcome::Interrupted, outcome_of),
        exit_code: exit.unwrap_or(Exit::Interrupted).status(),
        cut_at: None,
        cut_ms: None,
        residual_access_until: None,
        changes: 0,
        open: 0,
        journal_head: None,
        reason: None,
        error: entry.problem.clone(),
    }
}

/// How it ended for a user for whom an error came before anything was changed.
fn outcome_of(exit: Exit) -> Outcome {
    match exit {
        Exit::Denied | Exit::Guarded => Outcome::Refused,
        Exit::Interrupted => Outcome::Interrupted,
        _ => Outcome::Failed,
    }
}
