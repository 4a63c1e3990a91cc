//! One user of many: a bulk run first cuts all users off, then does the rest for each. Between the two parts
//! nothing of the user's run is kept open, so that their number costs neither memory nor open files.

use super::event::What;
use super::{Consent, Engine, Found, Observed, Order, Place, Run};
use crate::failure::{Code, Failure, Result};
use crate::journal::RunPath;
use crate::report::RunDocument;

impl Engine {
    /// Reads the tenant and who this is, and checks that it is the tenant that was meant.
    ///
    /// # Errors
    /// Sign-in and permission failures; [`crate::failure::Code::WrongTenant`].
    pub async fn place(&self) -> Result<Place> {
        let place = self.stop.unless_signalled(self.read_place()).await??;
        self.guards.check_tenant(&place.tenant)?;
        Ok(place)
    }

    /// Finds the user of an order of one.
    ///
    /// # Errors
    /// The user can't be found or read.
    pub async fn find(&self, order: &Order) -> Result<Found> {
        let found = self.stop.unless_signalled(self.find_users(order)).await?;
        found.into_iter().next().unwrap_or_else(|| Err(Failure::new(Code::Internal, "an order of nobody")))
    }

    /// Applies the guards to a user that was found.
    ///
    /// # Errors
    /// A guard says no.
    pub fn check(&self, place: &Place, order: &Order, found: Found) -> Result<Found> {
        let observed = self.observed(place.clone(), vec![Ok(found.clone())], order)?;
        self.guard(order, &observed)?;
        self.tell_resolved(&observed);
        Ok(found)
    }

    /// The first part of a user's run: its first stage. `Ok`: whether revoke and disable are acknowledged; the rest
    /// is for [`Engine::go_on`].
    ///
    /// # Errors
    /// The document of a run that ended with this part.
    pub async fn cut_off(
        &self,
        order: &Order,
        place: &Place,
        found: Option<Found>,
        how: &str,
    ) -> std::result::Result<bool, Box<RunDocument>> {
        let mut run = Run::new(order, self.clock.clone(), false);
        self.tell(What::Began { run_id: run.id(), command: order.command.clone(), dry_run: false });
        match self.try_cut_off(&mut run, order, place, found, how).await {
            Ok(()) => Ok(run.ledger().users.iter().all(|user| user.cut.is_some())),
            Err(failure) => Err(Box::new(self.end(run, Err(failure)))),
        }
    }

    async fn try_cut_off(
        &self,
        run: &mut Run,
        order: &Order,
        place: &Place,
        found: Option<Found>,
        how: &str,
    ) -> Result<()> {
        let observed = self.observed_in(place, order, found).await?;
        run.lock(&self.store, &observed)?;
        run.begin(&self.store, order, &observed)?;
        let first = &order.playbook.stages[..1];
        self.decide(run, &observed, first).await?;
        run.confirm(how)?;
        self.run_stage(run, &first[0].id).await
    }

    /// The second part: all that is left, and reading it back.
    pub async fn go_on(&self, path: &RunPath, place: &Place) -> RunDocument {
        let mut run = match Run::open(path, self.clock.clone()) {
            Ok(run) => run,
            Err(failure) => return Run::never_opened(path, "resume", &failure),
        };
        let consent = Consent::Given("the bulk run was confirmed".into());
        let result = self.try_resume(&mut run, &consent, Some(place)).await;
        self.end(run, result)
    }

    /// The plan of one user. Nothing is written.
    pub async fn plan_for(&self, order: &Order, place: &Place, found: Option<Found>) -> RunDocument {
        let mut run = Run::new(order, self.clock.clone(), true);
        let result = async {
            let observed = self.observed_in(place, order, found).await?;
            run.begin_dry(order, &observed)?;
            self.decide(&mut run, &observed, &order.playbook.stages).await
        };
        let result = result.await;
        self.end(run, result)
    }

    /// What is known of the user of an order: from a look that was had already, or by another one.
    pub(super) async fn observed_in(
        &self,
        place: &Place,
        order: &Order,
        found: Option<Found>,
    ) -> Result<Observed> {
        let found = match found {
            Some(found) => vec![Ok(found)],
            None => vec![self.find(order).await],
        };
        let observed = self.observed(place.clone(), found, order)?;
        self.guard(order, &observed)?;
        Ok(observed)
    }
}
