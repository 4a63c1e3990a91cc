//! What is done for each user of a bulk run, tenant by tenant at the same time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use futures::future::join_all;

use super::Bulk;
use super::board::{Board, Tally};
use super::list::{BulkEntry, BulkList};
use super::queue::{self, Job};
use crate::engine::event::What;
use crate::engine::{Consent, Engine, Found, Order, Place};
use crate::failure::{Code, Failure, Result};
use crate::journal::RunPath;
use crate::playbook::Playbook;
use crate::report::RunDocument;
use crate::report::bulk::{BulkDocument, BulkTenant, BulkUser, Estimate};

/// What is wanted of every user.
pub(super) enum Task {
    /// Contain, or go on with it.
    Contain,
    /// Plan only.
    Plan,
    /// Look again.
    Verify,
    /// Take back.
    Rollback {
        /// Only these steps; empty: all.
        steps: Vec<String>,
        /// Only say what it would do.
        dry_run: bool,
    },
}

/// The users of a list, and what is known of them.
pub(super) struct Work<'a> {
    bulk: &'a Bulk,
    list: &'a BulkList,
    playbook: &'a Playbook,
    board: &'a Board,
    places: BTreeMap<Option<String>, Place>,
    /// The first look at users, by their place in the list, until it is used.
    found: Mutex<HashMap<usize, Found>>,
    /// How fast it goes.
    estimate: Mutex<Estimate>,
    /// What was told last.
    told: Mutex<Option<Tally>>,
}

/// What a job came to.
enum Step {
    /// The first part of a run; the rest is to come.
    Cut { acknowledged: bool },
    /// The end of a run.
    Ended(Box<RunDocument>),
}

impl<'a> Work<'a> {
    pub fn new(
        bulk: &'a Bulk,
        (list, playbook): (&'a BulkList, &'a Playbook),
        board: &'a Board,
        places: BTreeMap<Option<String>, Place>,
        found: HashMap<usize, Found>,
    ) -> Self {
        let (estimate, told) = (Mutex::default(), Mutex::default());
        Self { bulk, list, playbook, board, places, found: Mutex::new(found), estimate, told }
    }

    /// Does what is wanted, for all, and says how it stands then.
    pub async fn all(&self, task: &Task, document: &mut BulkDocument) {
        let tenants = self.places.iter().filter_map(|(name, place)| {
            let engine = self.bulk.engines.get(name)?;
            let here = self.list.users.iter().enumerate().filter(move |(_, entry)| entry.tenant == *name);
            let jobs: Vec<Job> = here.filter_map(|(at, _)| self.job(task, at)).collect();
            let start = move |job| -> queue::Working<'_> { Box::pin(self.work(task, engine, place, job)) };
            let may_go_on = || self.bulk.stop.check().is_ok();
            Some(queue::work(jobs, self.bulk.at_once(), may_go_on, start))
        });
        join_all(tenants).await;
        // Who was cut off and then left because of a stop stands where the journal says.
        self.board.read(&self.bulk.store, self.list);
        self.tell_tally();
        document.users = self.board.users();
        document.tenants = self.tenants();
    }

    /// How the tenants answered. Their users are counted with the document.
    fn tenants(&self) -> Vec<BulkTenant> {
        let throttled =
            |name: &Option<String>| self.bulk.engines.get(name).map_or(0, |engine| engine.graph.throttled());
        let tenant = |(name, place): (&Option<String>, &Place)| BulkTenant {
            tenant_id: Some(place.tenant.id.clone()),
            name: name.clone(),
            users: 0,
            cut: 0,
            throttled: throttled(name),
        };
        self.places.iter().map(tenant).collect()
    }

    /// The job to begin with for a user, if there is one.
    fn job(&self, task: &Task, at: usize) -> Option<Job> {
        match task {
            _ if self.board.is_done(at) => None,
            Task::Contain if !self.board.is_cut(at) => Some(Job::Urgent(at)),
            _ => Some(Job::Later(at)),
        }
    }

    async fn work(&self, task: &Task, engine: &Engine, place: &Place, job: Job) -> (Job, Option<Job>) {
        let (Job::Urgent(at) | Job::Later(at)) = job;
        let next = match self.step(task, engine, place, at).await {
            Ok(Step::Cut { acknowledged }) => {
                self.board.cut(at, acknowledged);
                Some(Job::Later(at))
            }
            Ok(Step::Ended(document)) => {
                if let Some(error) = &document.error {
                    self.tell_problem(at, &error.detail);
                }
                self.board.ended(at, BulkUser::of(&document));
                None
            }
            Err(failure) => {
                self.tell_problem(at, &failure.what);
                self.board.failed(at, &failure);
                None
            }
        };
        self.tell_tally();
        (job, next)
    }

    async fn step(&self, task: &Task, engine: &Engine, place: &Place, at: usize) -> Result<Step> {
        let entry = &self.list.users[at];
        let run = self.bulk.store.run_of(&entry.run_id);
        let document = match (task, run) {
            (Task::Contain, run) if run.as_ref().is_none_or(RunPath::is_blank) => {
                run.as_ref().map_or(Ok(()), RunPath::clear)?;
                let order = self.order(entry)?;
                let cut = engine.cut_off(&order, place, self.first_look(at), &self.list.confirmed).await;
                return Ok(match cut {
                    Ok(acknowledged) => Step::Cut { acknowledged },
                    Err(document) => Step::Ended(document),
                });
            }
            (Task::Contain, Some(run)) => engine.go_on(&run, place).await,
            (Task::Plan, _) => engine.plan_for(&self.order(entry)?, place, self.first_look(at)).await,
            (Task::Verify, Some(run)) => engine.reverify(&run).await,
            (Task::Rollback { steps, dry_run }, Some(run)) => {
                let consent = Consent::Given("the rollback of the bulk run was confirmed".into());
                engine.rollback(&run, steps, &consent, *dry_run).await
            }
            (_, None) => {
                return Err(Failure::new(Code::NoSuchRun, format!("the run {} is gone", entry.run_id)));
            }
        };
        Ok(Step::Ended(Box::new(document)))
    }

    fn order(&self, entry: &BulkEntry) -> Result<Order> {
        self.list.order(entry, self.playbook)
    }

    fn first_look(&self, at: usize) -> Option<Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).remove(&at)
    }

    fn tell_problem(&self, at: usize, what: &str) {
        let text = format!("{}: {what}", self.list.users[at].user);
        self.bulk.tell(What::Note { text });
    }

    /// Tells how it stands, when that is news.
    fn tell_tally(&self) {
        let tally = self.board.tally();
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).replace(tally) == Some(tally) {
            return;
        }
        let Tally { users, cut, done, failed } = tally;
        let (at, elapsed_ms) = (self.bulk.clock.now(), self.bulk.elapsed_ms());
        let held = self.places.keys().filter_map(|name| {
            let (_, until) = self.bulk.engines.get(name)?.graph.throttled_until()?;
            Some((until, name.clone().or_else(|| Some(self.places.get(name)?.tenant.id.clone()))))
        });
        let (throttled_until, throttled_tenant) =
            held.max().map_or((None, None), |(at, who)| (Some(at), who));
        let mut estimate = self.estimate.lock().unwrap_or_else(PoisonError::into_inner);
        estimate.saw(elapsed_ms, done);
        let estimated_end = estimate.end(at, elapsed_ms, users - done - failed, throttled_until);
        drop(estimate);
        self.bulk.tell(What::Tally {
            users,
            cut,
            done,
            failed,
            throttled_until,
            throttled_tenant,
            estimated_end,
        });
    }
}
