//! Going on with a run that was stopped, that crashed or that ended with work left.

use oust_actions::{Operator, Tenant};
use uuid::Uuid;

use super::event::What;
use super::{Consent, Engine, Order, Part, Place, Run, Since, VERSION};
use crate::failure::{Code, Failure, Result};
use crate::journal::{Phase, Record, RunPath};
use crate::report::{RunDocument, fold};
use crate::target_name::TargetName;

impl Engine {
    /// Goes on with a run that was stopped, that crashed or that ended with work left.
    pub async fn resume(&self, path: &RunPath, consent: &Consent<'_>) -> RunDocument {
        let mut run = match Run::open(path, self.clock.clone()) {
            Ok(run) => run,
            Err(failure) => return Run::never_opened(path, "resume", &failure),
        };
        self.tell(What::Began { run_id: run.id(), command: "resume".into(), dry_run: false });
        let result = self.try_resume(&mut run, consent, None).await;
        self.end(run, result)
    }

    pub(super) async fn try_resume(
        &self,
        run: &mut Run,
        consent: &Consent<'_>,
        place: Option<&Place>,
    ) -> Result<()> {
        run.check_resumable()?;
        let order = run.order()?;
        let observed = match place {
            Some(place) => self.observed_in(place, &order, None).await?,
            None => self.observe_guarded(&order).await?,
        };
        run.check_same_tenant(&observed.tenant)?;
        run.lock(&self.store, &observed)?;
        run.resumed(&observed.operator)?;
        run.add_targets(&observed)?;
        let planned = self.look_at_missing(run, &observed);
        let planned = self.stop.unless_signalled(planned).await?;
        run.plan(self, planned)?;
        if run.ledger().confirmed.is_none() {
            let how = match consent {
                Consent::Given(how) => how.clone(),
                Consent::Ask(ask) => ask.ask(&run.document())?,
            };
            run.confirm(&how)?;
        }
        run.retry_unsent()?;
        self.finish_stages(run).await
    }
}

impl Run {
    /// Whether there is something to go on with.
    pub(super) fn check_resumable(&self) -> Result<()> {
        let done = || Failure::new(Code::NotResumable, "the run ended and nothing of it is left to do");
        match self.ledger().phase {
            Phase::Undoing | Phase::Undone => Err(Failure::new(
                Code::NotResumable,
                "the run was rolled back, at least in part",
            )
            .next(
                "contain the user anew: `oust contain USER`; to go on with the rollback: `oust rollback RUN`",
            )),
            Phase::Finished if !fold::is_resumable(self.ledger()) => {
                Err(done().next("`oust verify RUN` looks again"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_same_tenant(&self, tenant: &Tenant) -> Result<()> {
        let meant = self.ledger().began.as_ref().map(|b| &b.tenant);
        match meant {
            Some(meant) if meant.id != tenant.id => Err(Failure::new(
                Code::WrongTenant,
                format!("the run is of tenant {}, and the token is for {}", meant.id, tenant.id),
            )
            .next("sign in to the tenant of the run")),
            _ => Ok(()),
        }
    }

    /// The order that began it, for reading everything again.
    pub(super) fn order(&self) -> Result<Order> {
        let began = self.ledger().began.as_ref();
        let began =
            began.ok_or_else(|| Failure::new(Code::NotResumable, "the journal does not say how it began"))?;
        Ok(Order {
            command: began.command.clone(),
            run_id: self.id,
            names: began.users.iter().cloned().map(TargetName::Id).collect(),
            playbook: self.playbook().clone(),
            since: Since::At(began.since),
            password_recipient: began.password_recipient.clone(),
            part_of: began.part_of.as_deref().and_then(|id| Uuid::try_parse(id).ok()).map(|bulk_id| Part {
                bulk_id,
                companions: self.ledger().users.first().map_or(0, |user| user.target.companions),
            }),
        })
    }

    pub(super) fn resumed(&mut self, operator: &Operator) -> Result<()> {
        self.append(Record::Resumed { version: VERSION.to_owned(), operator: operator.clone() })
    }

    pub(super) fn reverified(&mut self) -> Result<()> {
        if self.ledger().phase == Phase::Deciding {
            return Err(Failure::new(
                Code::NotResumable,
                "nothing was sent in that run, so there is nothing to verify",
            )
            .next("`oust resume RUN` goes on with it"));
        }
        self.append(Record::Reverified { version: VERSION.to_owned() })
    }
}
