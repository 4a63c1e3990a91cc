//! One stage: doubts settled by reading, intents on disk, calls, outcomes on disk.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use oust_actions::{Call, Change, Method, Repeat};

use super::event::What;
use super::observe::truncate;
use super::{Engine, Run};
use crate::failure::Result;
use crate::graph::{Answer, Secret, Sent};
use crate::journal::{ChangeLedger, Intent, Record, StepLedger, Told, ToldResult, UserLedger, note_issuer};
use crate::report::State;

/// Calls under way at once. Their intents share one sync.
pub(super) const AT_ONCE: usize = 16;
/// How often a change is sent when reading shows that it was not applied.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// A change that is due.
pub(super) struct Due {
    pub(super) user_id: String,
    pub(super) step: String,
    pub(super) attempt: u32,
    pub(super) change: Change,
}

impl Engine {
    /// Sends what a stage has due, until nothing is.
    pub(super) async fn run_stage(&self, run: &mut Run, stage: &str) -> Result<()> {
        if run.stage(stage).is_some_and(|stage| stage.after.is_some()) {
            self.settle_doubts(run, stage).await?;
            let lost = run.due_to_loss(stage);
            self.send_all(run, lost).await?;
            self.hold_back(run, stage).await?;
        }
        for user in run.users_with_work(stage) {
            self.tell(What::Stage { user, stage: stage.to_owned() });
        }
        loop {
            self.stop.check()?;
            self.settle_doubts(run, stage).await?;
            let due = run.due(stage);
            if due.is_empty() {
                break;
            }
            self.send_all(run, due).await?;
        }
        self.note_cut(run)
    }

    /// Sends what is due, so many at a time. Doubts wait until all of it left: to settle them is to look at everything
    /// once more.
    async fn send_all(&self, run: &mut Run, due: Vec<Due>) -> Result<()> {
        let mut due = due.into_iter();
        while due.len() > 0 {
            self.stop.check()?;
            self.send(run, due.by_ref().take(AT_ONCE).collect()).await?;
        }
        Ok(())
    }

    async fn send(&self, run: &mut Run, due: Vec<Due>) -> Result<()> {
        let mut bodies = Vec::with_capacity(due.len());
        for d in &due {
            if d.change.call.seal.is_some() {
                run.check_can_seal(&d.change.call)?;
                note_issuer(&self.store, run.tenant_id(), &d.user_id, &run.id())?;
            }
            bodies.push(run.fill(&d.user_id, &d.change.call)?);
        }
        let service_time = truncate(self.graph.service_time());
        let first = run.ledger().next_intent();
        let intents: Vec<Intent> = (first..)
            .zip(due)
            .map(|(intent, d)| Intent {
                intent,
                user_id: d.user_id,
                step: d.step,
                attempt: d.attempt,
                service_time,
                change: d.change,
            })
            .collect();
        let recorded = run.intend(intents.iter().map(|i| Record::Intent(Box::new(i.clone()))))?;
        let budgets = run.budgets();
        let calls: FuturesUnordered<_> = intents
            .iter()
            .zip(bodies)
            .map(|(intent, body)| {
                let (recorded, step) = (&recorded, budgets.of(&intent.user_id, &intent.step));
                async move { (intent, self.graph.write(&intent.change.call, body, &step, recorded).await) }
            })
            .collect();
        // An outcome that can't be written must not drop the calls in flight: they end first.
        let (mut calls, mut written) = (calls.ready_chunks(AT_ONCE), Ok(()));
        while let Some(answers) = calls.next().await {
            if written.is_ok() {
                written = self.note_outcomes(run, answers);
            }
        }
        written
    }

    /// Records answers that came together, with one sync.
    fn note_outcomes(&self, run: &mut Run, answers: Vec<(&Intent, Sent)>) -> Result<()> {
        let (mut records, mut intents, mut sealed) = (Vec::new(), Vec::new(), Ok(()));
        for (intent, mut sent) in answers {
            let secret = sent.take_secret();
            let mut told = told(&intent.change.call, sent);
            sealed = sealed.and(seal(run, intent, &mut told, secret));
            let denied = told.result == ToldResult::Refused && told.status == Some(403);
            records.push(Record::Outcome { intent: intent.intent, answer: told });
            if denied {
                let denial = run.denial(&intent.user_id, &intent.step, &intent.change);
                records.push(Record::Verified {
                    user_id: intent.user_id.clone(),
                    step: intent.step.clone(),
                    intent: intent.intent,
                    state: State::Refused,
                    code: denial.as_ref().map(|failure| failure.code.id().to_owned()),
                    reason: denial.map(|failure| failure.what),
                });
            }
            intents.push(intent.intent);
        }
        run.append_all(records)?;
        for intent in intents {
            self.tell_change(run, intent);
        }
        sealed
    }

    /// Tells where the change of an intent stands.
    pub(super) fn tell_change(&self, run: &Run, intent: u32) {
        if let Some((user, step, change)) = run.ledger().change(intent) {
            self.tell(changed(user, step, change));
        }
    }

    /// Records the moment at which revoke and disable are both acknowledged.
    fn note_cut(&self, run: &mut Run) -> Result<()> {
        for (user_id, user) in run.newly_cut() {
            let service_time = Some(self.graph.service_time());
            run.append(Record::Cut { user_id, elapsed_ms: self.elapsed_ms(), service_time })?;
            self.tell(What::Cut { user });
        }
        Ok(())
    }
}

/// Where a change stands.
pub(super) fn changed(user: &UserLedger, step: &StepLedger, change: &ChangeLedger) -> What {
    What::Changed {
        user: user.target.user.user_principal_name.clone(),
        step: step.step.clone(),
        say: change.change.say.clone(),
        label: change.change.label.clone(),
        state: change.state,
        http_status: change.status,
        reason: change.reason.clone().or_else(|| change.error.clone()),
    }
}

/// Seals what an accepted answer brought. Without that the call is in doubt: its secret is lost.
fn seal(run: &mut Run, intent: &Intent, told: &mut Told, secret: Option<Secret>) -> Result<()> {
    let Some(name) = intent.change.call.seal.as_deref().filter(|_| told.result == ToldResult::Accepted)
    else {
        return Ok(());
    };
    let sealed = match secret {
        Some(secret) if told.issued.is_some() => run.seal(intent, name, &secret),
        _ => {
            (told.result, told.error) = (ToldResult::InDoubt, Some("the answer held no secret".into()));
            return Ok(());
        }
    };
    if let Err(failure) = &sealed {
        (told.result, told.issued) = (ToldResult::InDoubt, None);
        told.error = Some(format!("its secret could not be sealed: {}", failure.what));
    }
    sealed
}

/// What an answer means for a call. There already is done. Gone already is to be seen: the replica that was
/// asked may not know the object yet. A 200 or 201 without JSON is not Graph's: something in between answered.
pub(super) fn told(call: &Call, sent: Sent) -> Told {
    let (result, answer) = match sent {
        Sent::Accepted(answer) if matches!(answer.status, Some(200 | 201)) && answer.body.is_none() => {
            let message = Some("the answer is not Graph's: it has no JSON".to_owned());
            (ToldResult::InDoubt, Answer { message, ..answer })
        }
        Sent::Accepted(answer) => (ToldResult::Accepted, answer),
        Sent::Refused(answer) if is_there_already(call, &answer) => (ToldResult::Accepted, answer),
        Sent::Refused(answer) if call.method == Method::Delete && answer.status == Some(404) => {
            (ToldResult::InDoubt, answer)
        }
        Sent::Refused(answer) => (ToldResult::Refused, answer),
        Sent::InDoubt(answer) => (ToldResult::InDoubt, answer),
        Sent::NotSent(answer) => (ToldResult::NotSent, answer),
    };
    let error = match (&answer.code, &answer.message) {
        (Some(code), Some(message)) if !message.is_empty() => Some(format!("{code}: {message}")),
        (Some(code), _) => Some(code.clone()),
        (None, message) => message.clone(),
    };
    let error = if result == ToldResult::Accepted { None } else { error };
    let created = || answer.body.as_ref()?["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let issued = call.seal.as_ref().and_then(|_| created());
    Told { result, status: answer.status, error, issued, request_id: answer.request_id }
}

fn is_there_already(call: &Call, answer: &Answer) -> bool {
    let says_exists = || {
        let message = answer.message.as_deref().unwrap_or_default().to_ascii_lowercase();
        message.contains("already exist") || message.contains("conflicting object")
    };
    call.repeat == Repeat::Conflicts
        && (answer.status == Some(409) || answer.status == Some(400) && says_exists())
}
