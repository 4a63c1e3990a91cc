//! Undoing changes that leave together: one look at all of them, the intents with one sync, the calls, and one look
//! for what came of them.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use oust_actions::{Call, Look, Undo};

use super::event::What;
use super::sight::{Sight, Stands};
use super::stage::{AT_ONCE, told};
use super::{Engine, Run};
use crate::failure::Result;
use crate::journal::{ChangeLedger, Record, Told, ToldResult};
use crate::report::RollbackState;

/// One of so many items of a collection may be undone by one look at it. Pages have a hundred items, so a page that
/// is read again serves four undos, however long the collection is; and the look stays fresh.
const ITEMS_PER_UNDO: usize = 25;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// A shorter wait is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// Where an undo stands, and why.
pub(super) type Standing = (RollbackState, Option<String>);

/// A change to take back.
pub(super) struct Undoing {
    pub(super) user: String,
    pub(super) step: String,
    pub(super) intent: u32,
    pub(super) change: ChangeLedger,
    /// How to see whether it may be undone; with the id of what it created, where that is known.
    pub(super) look: Option<Look>,
}

impl Undoing {
    /// Whether two changes left together, so that they may go back together.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let turn = |undoing: &Self| (undoing.change.change.call.turn.wave, undoing.change.refusals > 0);
        self.user == other.user && self.step == other.step && turn(self) == turn(other)
    }

    /// Whether a replica may not know the change yet, so that what was there before proves nothing.
    fn is_young(&self, now: Timestamp, patience: Duration) -> bool {
        let age = |(_, last): (Timestamp, Timestamp)| Duration::try_from(now.duration_since(last));
        self.change.sent.is_some_and(|sent| age(sent).unwrap_or_default() < patience)
    }

    fn shows_before(&self, sight: &Sight) -> bool {
        self.look.as_ref().is_some_and(|look| matches!(sight.of(look), Stands::Before))
    }

    /// What there is to send by what was seen, or where it stands without that.
    pub(super) fn decide(&self, sight: &Sight) -> std::result::Result<Call, Standing> {
        let (Undo::Call(call), Some(look)) = (&self.change.change.undo, &self.look) else {
            let why = match &self.change.change.undo {
                Undo::Never(why) => why.clone(),
                Undo::Call(_) => "there is no way to see whether it is safe to undo".into(),
            };
            return Err((RollbackState::Never, Some(why)));
        };
        let lost = || (RollbackState::Skipped, Some("what was created can't be found by an id".to_owned()));
        match sight.of(look) {
            Stands::Before => Err((RollbackState::Already, Some("it is back already".into()))),
            Stands::After(object) => call.found(&object).ok_or_else(lost),
            Stands::Moved(what) => Err((RollbackState::Moved, Some(what))),
            Stands::Unknown(why) => Err((RollbackState::Skipped, Some(why))),
        }
    }
}

impl Engine {
    /// Looks at what is to be taken back, until no replica can still show what was there before a change.
    ///
    /// # Errors
    /// It was stopped before that: then nothing is known.
    pub(super) async fn see_before_undo(&self, alike: &[Undoing]) -> Result<Sight> {
        let mut wait = FIRST_WAIT;
        loop {
            let sight = self.see(alike.iter().filter_map(|undoing| undoing.look.as_ref())).await;
            let now = self.graph.service_time();
            let doubtful =
                |undoing: &Undoing| undoing.is_young(now, self.patience) && undoing.shows_before(&sight);
            if !alike.iter().any(doubtful) {
                return Ok(sight);
            }
            if wait >= WORTH_TELLING {
                let why =
                    "what shows as back may be a replica that has not heard of the change yet".to_owned();
                self.tell(What::Waiting { why, seconds: wait.as_secs_f64() });
            }
            if !self.stop.sleep(wait).await {
                self.stop.check()?;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Takes the first of some changes back that left together, and says how many.
    pub(super) async fn undo_some(&self, run: &mut Run, alike: &[Undoing]) -> Result<usize> {
        let mut many = alike.len().min(AT_ONCE);
        let sight = self.see_before_undo(&alike[..many]).await?;
        let covered = |undoing: &&Undoing| undoing.look.as_ref().is_some_and(|look| sight.covers(look));
        many += alike[many..].iter().take_while(covered).take(sight.items() / ITEMS_PER_UNDO).count();

        let (mut due, mut settled) = (Vec::new(), Vec::new());
        for undoing in &alike[..many] {
            match undoing.decide(&sight) {
                Ok(call) => due.push((undoing, call)),
                Err(standing) => settled.push((undoing, standing)),
            }
        }
        self.note_undone(run, settled)?;
        let (mut sent, mut stopped) = (Vec::new(), Ok(()));
        for due in due.chunks(AT_ONCE) {
            stopped = self.stop.check();
            if stopped.is_err() {
                break;
            }
            sent.extend(self.send_undos(run, due).await?);
        }
        self.see_undone(run, sent).await?;
        stopped.map(|()| many)
    }

    async fn send_undos<'a>(
        &self,
        run: &mut Run,
        due: &[(&'a Undoing, Call)],
    ) -> Result<Vec<(&'a Undoing, Told)>> {
        let mut bodies = Vec::with_capacity(due.len());
        for (undoing, call) in due {
            bodies.push(run.fill(&undoing.user, call)?);
        }
        let intent = |(undoing, call): &(&Undoing, Call)| Record::UndoIntent {
            intent: undoing.intent,
            call: call.clone(),
        };
        let recorded = run.intend(due.iter().map(intent))?;
        let budgets = run.budgets();
        let calls = due.iter().zip(bodies).map(|((undoing, call), body)| {
            let (recorded, step) = (&recorded, budgets.of(&undoing.user, &undoing.step));
            async move { (*undoing, told(call, self.graph.write(call, body, &step, recorded).await)) }
        });
        let mut calls = calls.collect::<FuturesUnordered<_>>().ready_chunks(AT_ONCE);
        // As with the calls of a stage: those in flight end first.
        let (mut sent, mut written) = (Vec::with_capacity(due.len()), Ok(()));
        while let Some(answers) = calls.next().await {
            if written.is_ok() {
                let outcome = |(undoing, answer): &(&Undoing, Told)| Record::UndoOutcome {
                    intent: undoing.intent,
                    answer: answer.clone(),
                };
                written = run.append_all(answers.iter().map(outcome));
            }
            sent.extend(answers);
        }
        written.map(|()| sent)
    }

    /// Waits until what was sent shows what was before, or the patience ends.
    async fn see_undone(&self, run: &mut Run, sent: Vec<(&Undoing, Told)>) -> Result<()> {
        let (open, closed): (Vec<_>, Vec<_>) = sent
            .into_iter()
            .partition(|(_, told)| matches!(told.result, ToldResult::Accepted | ToldResult::InDoubt));
        let refused = closed.into_iter().map(|(undoing, told)| match told.result {
            ToldResult::Refused => (undoing, (RollbackState::Refused, told.error)),
            _ => (undoing, (RollbackState::Skipped, told.error)),
        });
        self.note_undone(run, refused.collect())?;

        let until = self.clock.steady() + jiff::SignedDuration::try_from(self.patience).unwrap_or_default();
        let (mut open, mut wait) = (open, FIRST_WAIT);
        while !open.is_empty() {
            let sight = self.see(open.iter().filter_map(|(undoing, _)| undoing.look.as_ref())).await;
            let now = self.graph.service_time();
            let is_back = |(undoing, told): &(&Undoing, Told)| {
                let proves = told.result == ToldResult::Accepted || !undoing.is_young(now, self.patience);
                proves && undoing.shows_before(&sight)
            };
            let (back, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(is_back);
            let restored = |(undoing, _)| (undoing, (RollbackState::Restored, None));
            self.note_undone(run, back.into_iter().map(restored).collect())?;
            open = rest;
            if open.is_empty() || self.clock.steady() >= until || !self.stop.sleep(wait).await {
                break;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        let unseen = open.into_iter().map(|(undoing, told)| {
            let standing = if told.result == ToldResult::Accepted {
                (RollbackState::Pending, Some("accepted, not visible yet".into()))
            } else {
                let why = told.error.unwrap_or_else(|| "no answer, and not visible yet".into());
                (RollbackState::InDoubt, Some(why))
            };
            (undoing, standing)
        });
        self.note_undone(run, unseen.collect())
    }

    fn note_undone(&self, run: &mut Run, settled: Vec<(&Undoing, Standing)>) -> Result<()> {
        run.append_all(settled.iter().map(|(undoing, (state, reason))| Record::UndoSettled {
            intent: undoing.intent,
            state: *state,
            reason: reason.clone(),
        }))?;
        for (undoing, (state, reason)) in settled {
            self.tell(What::RolledBack {
                user: undoing.user.clone(),
                step: undoing.step.clone(),
                say: undoing.change.change.say.clone(),
                label: undoing.change.change.label.clone(),
                state,
                reason,
            });
        }
        Ok(())
    }
}
