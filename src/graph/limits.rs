//! Keeps all requests to a tenant within Graph's quotas, and within what its answers ask for.

mod book;
mod bucket;
mod load;
mod shared;
mod told;
mod window;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use load::{Load, Scope, TenantSize};
pub use told::TellWait;

use self::book::{Book, Turn};
use self::shared::{Locked, Shared};
use self::told::Told;
use super::family::Family;
use super::request_time::RequestTime;
use super::retry::{Budget, LONGEST_WAIT, Over, RetryAfter, TooLong};
use super::{Claims, Reply};
use crate::clock::Clock;

/// How often a file that another process has is asked for again, a millisecond apart. A process that was stopped
/// while it had the file must not stop this one, which goes on without.
const MOST_BUSY: u32 = 500;

/// The quotas of one application in one tenant. One for each [`super::Graph`]; through files also for all processes
/// of the machine.
#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    /// Whether requests wait for their turn before the service asks for it.
    paced: bool,
    size: TenantSize,
    folder: Option<PathBuf>,
    joined: OnceLock<Joined>,
    lanes: Mutex<HashMap<(Scope, String), Arc<Lane>>>,
    throttled: AtomicU64,
    /// What the latest answers of 429 asked for.
    asked: Mutex<Option<(Family, u64)>>,
    /// Who is told of waits.
    pub(super) told: Told,
}

/// What the first token told.
#[derive(Debug)]
struct Joined {
    shared: Option<Shared>,
    delegated: bool,
}

/// The requests that count together.
#[derive(Debug, Default)]
struct Lane {
    /// Reads, writes and writes to devices queue apart: each has a quota that the others don't wait for.
    queues: [tokio::sync::Mutex<()>; 3],
    /// Places among those that may run at once.
    places: Option<Arc<Semaphore>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    book: Book,
    file: Copied,
}

/// The book's file.
#[derive(Debug, Default)]
enum Copied {
    #[default]
    NotOpened,
    To(File),
    Nowhere,
}

/// May be sent. Keep it until the answer is there.
#[derive(Debug)]
pub struct Permit(#[allow(dead_code)] Option<OwnedSemaphorePermit>);

impl Limits {
    /// No request has been made yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            paced: true,
            size: TenantSize::default(),
            folder: None,
            joined: OnceLock::new(),
            lanes: Mutex::default(),
            throttled: AtomicU64::new(0),
            asked: Mutex::default(),
            told: Told::default(),
        }
    }

    /// Sends at once what the published limits would make wait: for a service that doesn't throttle.
    #[must_use]
    pub fn unpaced(self) -> Self {
        Self { paced: false, ..self }
    }

    /// For a tenant of this size.
    #[must_use]
    pub fn sized(self, size: TenantSize) -> Self {
        Self { size, ..self }
    }

    /// Tells of the waits that are worth a word.
    #[must_use]
    pub fn telling(mut self, to: TellWait) -> Self {
        self.told.to = Some(to);
        self
    }

    /// Keeps within the quotas together with all processes that use this folder, once the first token tells
    /// whose quotas they are.
    #[must_use]
    pub fn sharing(self, folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Learns from the first token which application and tenant it is.
    pub fn join(&self, claims: impl FnOnce() -> Claims) {
        self.joined.get_or_init(|| {
            let claims = claims();
            let folder = self.folder.as_deref().filter(|_| self.paced);
            Joined {
                shared: folder.and_then(|folder| Shared::open(folder, &claims)),
                delegated: !claims.is_app(),
            }
        });
    }

    /// Waits for this request's turn: first come, first served.
    ///
    /// Queueing at the pace counts against the run's deadline alone; time for which the service holds the family is
    /// the request's too.
    ///
    /// # Errors
    /// [`TooLong`], as soon as the wait is known rather than after it.
    pub async fn admit(&self, load: &Load, time: &mut RequestTime<'_>) -> Result<Permit, TooLong> {
        let (lane, budget) = (self.lane(load), time.budget());
        let came = self.clock.steady();
        let permit = match &lane.places {
            Some(places) => self.before_deadline(budget, Arc::clone(places).acquire_owned()).await?.ok(),
            None => None,
        };
        let queue = match load.family {
            Family::DeviceWrites => &lane.queues[2],
            _ => &lane.queues[usize::from(load.write)],
        };
        let _first = self.before_deadline(budget, queue.lock()).await?;
        time.queued(self.clock.steady().duration_since(came));
        let mut busy = 0;
        loop {
            let turn = self.turn(&lane, load, busy < MOST_BUSY).unwrap_or_else(|| {
                busy += 1;
                Turn::Paced(1)
            });
            let now = self.clock.steady();
            let (wait, fits, why) = match turn {
                Turn::Now => return Ok(Permit(permit)),
                Turn::Paced(wait) => {
                    let asked = RetryAfter { asked: false, ..held(wait) };
                    (asked, time.queue(asked.wait, now), "Graph's limit for")
                }
                Turn::Held(wait) => (held(wait), time.wait(held(wait), now, now), "the service throttles"),
            };
            fits.map_err(|over| TooLong { asked: wait, over })?;
            self.told.waits(load.family, &format!("{why} {} requests", load.family.name()), wait.wait, now);
            self.clock.sleep(wait.wait).await;
            if let Turn::Paced(_) = turn {
                time.queued(self.clock.steady().duration_since(now));
            }
        }
    }

    /// Learns from an answer: more of the quota is used than we used.
    ///
    /// `x-ms-throttle-limit-percentage` runs from 0.8 to 1.8; throttling starts at 1.0.
    pub fn learn(&self, load: &Load, reply: &Reply) {
        let share = reply.header("x-ms-throttle-limit-percentage").and_then(|v| v.trim().parse::<f64>().ok());
        let Some(share) = share.filter(|share| *share >= 0.8).map(|share| share.min(1.8)) else { return };
        let lane = self.lane(load);
        let quotas = self.quotas(load.scope());
        if lane.state().book.used(share, &quotas, self.now()) {
            self.hold(load, Duration::from_secs_f64((share - 0.8).max(0.05)));
        }
    }

    /// An answer was 429: the whole family waits, at most [`LONGEST_WAIT`].
    pub fn refused(&self, load: &Load, wait: Duration) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
        let until = self.hold(load, wait);
        self.lane(load).state().book.refused(self.now());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = asked.filter(|(_, earlier)| *earlier > until).or(Some((load.family, until)));
    }

    /// How many answers were 429.
    pub fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Until when the service asked a family to wait, if that is to come.
    pub fn throttled_until(&self) -> Option<(Family, Timestamp)> {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (family, until) = asked.filter(|(_, until)| *until > self.now())?;
        Some((family, Timestamp::from_millisecond(i64::try_from(until).ok()?).ok()?))
    }

    fn hold(&self, load: &Load, wait: Duration) -> u64 {
        let until = self.now().saturating_add(millis(wait.min(LONGEST_WAIT)));
        let lane = self.lane(load);
        let mut state = lane.state();
        state.book.hold(load.family, until);
        // Whether or not the file can be had this moment: the next turn puts it there.
        self.with_file(load.scope(), &mut state, |_| ());
        until
    }

    /// Takes this moment's turn, or tells when to ask again. `None`: another process has the file.
    fn turn(&self, lane: &Lane, load: &Load, patient: bool) -> Option<Turn> {
        let quotas = if self.paced { self.quotas(load.scope()) } else { Vec::new() };
        let now = self.now();
        let mut state = lane.state();
        match self.with_file(load.scope(), &mut state, |book| book.turn(load, &quotas, now)) {
            Locked::Done(turn) => Some(turn),
            Locked::Busy if patient => None,
            Locked::Busy => {
                state.file = Copied::Nowhere;
                Some(state.book.turn(load, &quotas, now))
            }
            Locked::Without => Some(state.book.turn(load, &quotas, now)),
        }
    }

    fn with_file<T>(&self, scope: Scope, state: &mut State, act: impl FnOnce(&mut Book) -> T) -> Locked<T> {
        let Some(shared) = self.joined.get().and_then(|joined| joined.shared.as_ref()) else {
            return Locked::Without;
        };
        let State { book, file } = state;
        if let Copied::NotOpened = file {
            *file = shared.file(scope).map_or(Copied::Nowhere, Copied::To);
        }
        match file {
            Copied::To(file) => shared.locked(file, book, act),
            Copied::NotOpened | Copied::Nowhere => Locked::Without,
        }
    }

    fn lane(&self, load: &Load) -> Arc<Lane> {
        let scope = load.scope();
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry((scope, load.mailbox.clone())).or_insert_with(|| {
            let places = scope.at_once().map(|places| Arc::new(Semaphore::new(places)));
            Arc::new(Lane { places, ..Lane::default() })
        });
        Arc::clone(lane)
    }

    fn quotas(&self, scope: Scope) -> Vec<window::Quota> {
        scope.quotas(self.size, self.joined.get().is_some_and(|joined| joined.delegated))
    }

    /// Milliseconds since the epoch. Processes share the machine's clock; alone, one that nobody sets will do.
    fn now(&self) -> u64 {
        let shared = self.joined.get().is_some_and(|joined| joined.shared.is_some());
        let now = if shared { self.clock.now() } else { self.clock.steady() };
        u64::try_from(now.as_millisecond()).unwrap_or(0)
    }

    async fn before_deadline<T>(&self, budget: &Budget, work: impl Future<Output = T>) -> Result<T, TooLong> {
        let Some(left) = budget.until_deadline(self.clock.steady()) else { return Ok(work.await) };
        let asked = RetryAfter { wait: left, asked: false, capped: false };
        let passed = |_| TooLong { asked, over: Over::Deadline };
        tokio::time::timeout(left, work).await.map_err(passed)
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rounded up: a wait that ends early is a request too many.
fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// What the service asks for by making a family wait.
fn held(milliseconds: u64) -> RetryAfter {
    RetryAfter { wait: Duration::from_millis(milliseconds), asked: true, capped: false }
}
