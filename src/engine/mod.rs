//! A run from start to end.
//!
//! observe → guards → decide → consent → per stage: intents on disk, calls, outcomes → verify → report. With
//! consent given beforehand the cut leaves as soon as its own reads are in, while the other reads travel.

mod agenda;
mod decide;
mod due;
pub mod event;
mod gate;
mod many;
mod observe;
mod resume;
mod rollback;
mod run;
mod saved;
mod secret;
mod sight;
mod stage;
mod step_budgets;
mod stop;
mod undo;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oust_actions::{Operator, Tenant};
use uuid::Uuid;

use crate::clock::Clock;
use crate::failure::Result;
use crate::graph::{Claims, Graph};
use crate::guard::Guards;
use crate::journal::{Signer, Store};
use crate::playbook::Playbook;
use crate::report::RunDocument;
use crate::target_name::TargetName;
use event::{Event, Watch, What};

pub use observe::{Found, Observed, ObservedUser, Place};
pub use run::{Run, VERSION};
pub use saved::{PLAN_SCHEMA, SavedPlan};
pub use secret::parse_recipient;
pub use stop::Stop;

/// Everything that runs share.
pub struct Engine {
    /// The service.
    pub graph: Arc<Graph>,
    /// Time.
    pub clock: Clock,
    /// Who watches.
    pub watch: Arc<dyn Watch>,
    /// Asked before each call.
    pub stop: Stop,
    /// Where runs are kept.
    pub store: Store,
    /// Signs the end of each journal, at the end of each command that wrote to it.
    pub signer: Option<Arc<Signer>>,
    /// What may not be touched.
    pub guards: Guards,
    /// When the process started, for `elapsed_ms`.
    pub started: tokio::time::Instant,
    /// How long a change may take to become visible before it is reported as pending.
    pub patience: Duration,
}

/// What a caller wants.
#[derive(Debug, Clone)]
pub struct Order {
    /// The command, for the record.
    pub command: String,
    /// UUID v7 of the run.
    pub run_id: Uuid,
    /// Whom.
    pub names: Vec<TargetName>,
    /// By which playbook.
    pub playbook: Playbook,
    /// Start of the compromise window.
    pub since: Since,
    /// Public key of age for what is secret: new passwords, access passes.
    pub password_recipient: Option<String>,
    /// The bulk run that it is a part of.
    pub part_of: Option<Part>,
}

/// What a run knows of the bulk run that it is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// UUID v7 of the bulk run.
    pub bulk_id: Uuid,
    /// How many other users it contains in the tenant.
    pub companions: u32,
}

/// Start of the compromise window, as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A moment.
    At(Timestamp),
    /// So long ago by the service's clock: this machine's may be wrong, and with it what counts as new.
    Ago(SignedDuration),
}

impl Since {
    /// The moment, when it is `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(age) => now.checked_sub(age).unwrap_or(Timestamp::MIN),
        }
    }
}

/// Whether a plan may be carried out.
pub enum Consent<'a> {
    /// Yes, by what: `--yes`, a saved plan.
    Given(String),
    /// To be asked once the plan is known.
    Ask(&'a (dyn Ask + Sync)),
}

/// Asks a person.
pub trait Ask {
    /// By what it was confirmed.
    ///
    /// # Errors
    /// [`crate::failure::Code::NotConfirmed`].
    fn ask(&self, plan: &RunDocument) -> Result<String>;
}

impl Engine {
    /// Contains the users of an order.
    pub async fn contain(
        &self,
        order: &Order,
        consent: &Consent<'_>,
        saved: Option<&SavedPlan>,
    ) -> RunDocument {
        let mut run = Run::new(order, self.clock.clone(), false);
        self.tell(What::Began { run_id: run.id(), command: order.command.clone(), dry_run: false });
        let result = self.try_contain(&mut run, order, consent, saved).await;
        self.end(run, result)
    }

    async fn try_contain(
        &self,
        run: &mut Run,
        order: &Order,
        consent: &Consent<'_>,
        saved: Option<&SavedPlan>,
    ) -> Result<()> {
        let observed = self.observe_guarded(order).await?;
        run.lock(&self.store, &observed)?;
        if let (Consent::Given(how), None) = (consent, saved) {
            run.begin(&self.store, order, &observed)?;
            let (cut, later) = order.playbook.stages.split_at(1);
            self.decide(run, &observed, cut).await?;
            run.confirm(how)?;
            let budgets = run.budgets();
            let later = self.stop.unless_signalled(self.look(&observed, later, &budgets));
            let (planned, sent) = futures::future::join(later, self.run_stage(run, &cut[0].id)).await;
            sent?;
            run.plan(self, planned?)?;
        } else {
            // Decided before there is a journal: a plan that nobody confirms leaves nothing behind.
            let budgets = run.budgets();
            let planned = self.look(&observed, &order.playbook.stages, &budgets);
            let planned = self.stop.unless_signalled(planned).await?;
            if let Some(saved) = saved {
                saved.check_drift(&planned)?;
            }
            let how = match consent {
                Consent::Given(how) => how.clone(),
                Consent::Ask(ask) => ask.ask(&run.preview(order, &observed, &planned)?)?,
            };
            run.begin(&self.store, order, &observed)?;
            run.plan(self, planned)?;
            run.confirm(&how)?;
        }
        self.finish_stages(run).await
    }

    /// Plans and writes nothing, not even a journal.
    pub async fn plan(&self, order: &Order) -> (RunDocument, Option<SavedPlan>) {
        let mut run = Run::new(order, self.clock.clone(), true);
        self.tell(What::Began { run_id: run.id(), command: order.command.clone(), dry_run: true });
        let result = self.try_plan(&mut run, order).await;
        let saved = result.is_ok().then(|| SavedPlan::new(order, run.ledger(), self.clock.now()));
        (self.end(run, result), saved)
    }

    async fn try_plan(&self, run: &mut Run, order: &Order) -> Result<()> {
        let observed = self.observe_guarded(order).await?;
        run.begin_dry(order, &observed)?;
        self.decide(run, &observed, &order.playbook.stages).await
    }

    /// What carrying out a saved plan would do: whether the tenant is as it was, and nothing written.
    pub async fn check_saved(&self, order: &Order, saved: &SavedPlan) -> RunDocument {
        let mut run = Run::new(order, self.clock.clone(), true);
        let result = match self.try_plan(&mut run, order).await {
            Ok(()) => saved.check_drift(&run.planned()),
            Err(failure) => Err(failure),
        };
        self.end(run, result)
    }

    /// Carries out what is left, stage by stage, then reads it all back.
    async fn finish_stages(&self, run: &mut Run) -> Result<()> {
        for stage in run.stages() {
            self.run_stage(run, &stage).await?;
        }
        self.verify(run).await
    }

    /// Signs in and says who this is and where: for `doctor`.
    ///
    /// # Errors
    /// Sign-in and permission failures.
    pub async fn who(&self) -> Result<(Claims, Tenant, Operator)> {
        let claims = self.graph.claims().await?;
        let (tenant, operator) = futures::future::try_join(self.read_tenant(), self.read_operator()).await?;
        self.guards.check_tenant(&tenant)?;
        Ok((claims, tenant, operator))
    }

    /// Writes the last record, signs the journal and gives the document.
    fn end(&self, run: Run, result: Result<()>) -> RunDocument {
        run.end(result, self.signer.as_deref())
    }

    async fn observe_guarded(&self, order: &Order) -> Result<Observed> {
        self.guards.check_count(order.names.len())?;
        let observed = self.stop.unless_signalled(self.observe(order)).await??;
        self.guards.check_tenant(&observed.tenant)?;
        self.guard(order, &observed)?;
        self.tell_resolved(&observed);
        Ok(observed)
    }

    fn guard(&self, order: &Order, observed: &Observed) -> Result<()> {
        for user in &observed.users {
            self.guards.check_user(&user.target, &user.group_ids)?;
            self.guards.check_roles(&order.playbook, &user.target, &user.held)?;
        }
        Ok(())
    }

    fn tell_resolved(&self, observed: &Observed) {
        for user in &observed.users {
            self.tell(What::Resolved {
                user_id: user.target.user.id.clone(),
                user: user.target.user.user_principal_name.clone(),
                traits: user.traits(),
            });
        }
    }

    fn tell(&self, what: What) {
        self.watch.saw(&Event::new(&self.clock, self.started, what));
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
