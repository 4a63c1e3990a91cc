//! Keeps all requests of the process within Graph's limits, and within what its answers ask for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Reply;
use super::family::Family;
use super::retry::{Budget, LONGEST_WAIT, Over};
use crate::clock::Clock;

/// The limits of every family. One for the process.
#[derive(Debug)]
pub struct Limits {
    clock: Clock,
    /// Whether requests wait for their turn before the service asks for it.
    paced: bool,
    paces: Mutex<HashMap<Family, Pace>>,
    mailboxes: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Durations are measured with tokio's clock, which a change of the machine's time doesn't move.
#[derive(Debug, Default)]
struct Pace {
    /// When the latest requests began, as many as the pace counts.
    began: VecDeque<Instant>,
    /// The service asked the whole family to wait until then.
    held: Option<Instant>,
}

/// May be sent. Keep it until the answer is there.
#[derive(Debug)]
pub struct Permit(#[allow(dead_code)] Option<OwnedSemaphorePermit>);

/// Waiting would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// The wait that was asked for.
    pub wait: Duration,
    /// The limit that it would pass.
    pub over: Over,
}

impl Limits {
    /// No request has been made yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, paced: true, paces: Mutex::default(), mailboxes: Mutex::default() }
    }

    /// Sends at once what the published limits would make wait: for a service that doesn't throttle.
    pub(super) fn unpaced(self) -> Self {
        Self { paced: false, ..self }
    }

    /// Waits for this request's turn.
    ///
    /// Queueing at the pace counts against the run's deadline alone; time for which the service holds the
    /// family counts against the request's own time too.
    ///
    /// # Errors
    /// [`TooLong`], at once rather than after the time has passed.
    pub async fn admit(
        &self,
        family: Family,
        path: &str,
        budget: &Budget,
        began: Timestamp,
    ) -> Result<Permit, TooLong> {
        let permit = self.enter(family, path, budget).await?;
        let queue_is_free = Budget { per_read: Duration::MAX, ..budget.clone() };
        loop {
            let (wait, held) = match self.turn(family) {
                Turn::Now => return Ok(Permit(permit)),
                Turn::Paced(wait) => (wait, false),
                Turn::Held(wait) => (wait, true),
            };
            let limit = if held { budget } else { &queue_is_free };
            limit.allows(wait, began, self.clock.steady()).map_err(|over| TooLong { wait, over })?;
            self.clock.sleep(wait).await;
        }
    }

    /// Learns from an answer: a share of the limit that is nearly used up slows the family down.
    ///
    /// `x-ms-throttle-limit-percentage` runs from 0.8 to 1.8; throttling starts at 1.0.
    pub fn learn(&self, family: Family, reply: &Reply) {
        let share = reply.header("x-ms-throttle-limit-percentage").and_then(|v| v.trim().parse::<f64>().ok());
        if let Some(share) = share.filter(|share| *share >= 0.8) {
            self.hold(family, Duration::from_secs_f64((share.min(1.8) - 0.8).max(0.05)));
        }
    }

    /// The whole family waits, at most [`LONGEST_WAIT`].
    pub fn hold(&self, family: Family, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_WAIT);
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let held = &mut paces.entry(family).or_default().held;
        *held = Some(held.map_or(until, |old| old.max(until)));
    }

    /// A place among the requests that may run at once.
    async fn enter(
        &self,
        family: Family,
        path: &str,
        budget: &Budget,
    ) -> Result<Option<OwnedSemaphorePermit>, TooLong> {
        let Some(at_once) = family.at_once() else { return Ok(None) };
        let mailbox = path.split('/').nth(3).unwrap_or_default().to_ascii_lowercase();
        let semaphore = {
            let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(mailboxes.entry(mailbox).or_insert_with(|| Arc::new(Semaphore::new(at_once))))
        };
        let entering = semaphore.acquire_owned();
        let Some(left) = budget.until_deadline(self.clock.steady()) else {
            return Ok(entering.await.ok());
        };
        match tokio::time::timeout(left, entering).await {
            Ok(permit) => Ok(permit.ok()),
            Err(_) => Err(TooLong { wait: left, over: Over::Deadline }),
        }
    }

    /// Takes this moment's turn, or tells when to ask again.
    fn turn(&self, family: Family) -> Turn {
        let now = Instant::now();
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = paces.entry(family).or_default();
        if let Some(held) = pace.held.filter(|held| *held > now) {
            return Turn::Held(held - now);
        }
        let pacing = family.pace().filter(|_| self.paced);
        let Some((count, stretch)) = pacing else { return Turn::Now };
        if pace.began.len() >= count {
            if let Some(free) = pace.began.front().map(|began| *began + stretch).filter(|free| *free > now) {
                return Turn::Paced(free - now);
            }
            pace.began.pop_front();
        }
        pace.began.push_back(now);
        Turn::Now
    }
}

enum Turn {
    Now,
    Paced(Duration),
    Held(Duration),
}

#[cfg(test)]
mod tests {
    use super::*;

    const METHODS: &str = "/v1.0/users/x/authentication/methods";
    const RULES: &str = "/v1.0/users/x/mailFolders/inbox/messageRules";

    fn limits() -> (Arc<Limits>, Timestamp) {
        let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
        let now = clock.now();
        (Arc::new(Limits::new(clock)), now)
    }

    fn share(text: &str) -> Reply {
        Reply {
            status: 200,
            headers: vec![("x-ms-throttle-limit-percentage".into(), text.into())],
            body: vec![],
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_holds_in_every_stretch_and_for_its_family_alone() {
        let (limits, now) = limits();
        let budget = Budget::default();
        let start = Instant::now();
        let mut begun = Vec::new();
        for _ in 0..12 {
            limits.admit(Family::Reports, METHODS, &budget, now).await.unwrap();
            begun.push(start.elapsed().as_secs());
        }
        assert_eq!(begun, [0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20]);
        limits.admit(Family::Identity, "/v1.0/users/x", &budget, now).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_requests_share_a_pace() {
        let (limits, now) = limits();
        let start = Instant::now();
        let each = (0..5).map(|_| {
            let limits = Arc::clone(&limits);
            async move {
                limits.admit(Family::Protection, "", &Budget::default(), now).await.unwrap();
                start.elapsed().as_secs()
            }
        });
        let mut begun = futures::future::join_all(each).await;
        begun.sort_unstable();
        assert_eq!(begun, [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_queue_is_no_reason_to_give_up_but_the_deadline_is() {
        let (limits, now) = limits();
        for _ in 0..70 {
            limits.admit(Family::Protection, "", &Budget::default(), now).await.unwrap();
        }
        let ending = Budget { deadline: Some(now + Duration::from_millis(69_500)), ..Budget::default() };
        let late = limits.admit(Family::Protection, "", &ending, now).await.unwrap_err();
        assert_eq!(late.over, Over::Deadline);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mailbox_takes_four_at_once() {
        let (limits, now) = limits();
        let budget = Budget { deadline: Some(now + Duration::from_secs(5)), ..Budget::default() };
        let mut inside = Vec::new();
        for _ in 0..4 {
            inside.push(limits.admit(Family::Outlook, RULES, &budget, now).await.unwrap());
        }
        let other = "/v1.0/users/y/mailFolders/inbox/messageRules";
        assert!(limits.admit(Family::Outlook, other, &budget, now).await.is_ok());
        let fifth = limits.admit(Family::Outlook, RULES, &budget, now).await;
        assert_eq!(fifth.unwrap_err().over, Over::Deadline);
        inside.pop();
        let budget = Budget::default();
        assert!(limits.admit(Family::Outlook, RULES, &budget, now).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_family_waits_or_gives_up_at_once() {
        let (limits, now) = limits();
        let start = Instant::now();
        limits.hold(Family::Identity, Duration::from_secs(30));
        limits.hold(Family::Identity, Duration::from_secs(3));
        let hasty = Budget { per_read: Duration::from_secs(10), ..Budget::default() };
        let given_up = limits.admit(Family::Identity, "", &hasty, now).await.unwrap_err();
        assert_eq!(given_up, TooLong { wait: Duration::from_secs(30), over: Over::Request });
        assert_eq!(start.elapsed(), Duration::ZERO);
        limits.admit(Family::Identity, "", &Budget::default(), now).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_that_is_nearly_used_up_slows_down() {
        let (limits, now) = limits();
        let start = Instant::now();
        for (text, waited) in [("0.5", 0), ("junk", 0), ("NaN", 0), ("1.0", 200), ("99", 1200)] {
            limits.learn(Family::Identity, &share(text));
            limits.admit(Family::Identity, "", &Budget::default(), now).await.unwrap();
            let gone = start.elapsed().as_millis();
            assert!((waited..waited + 10).contains(&gone), "{text}: {gone} ms");
        }
    }
}
