//! How long a request may be tried, and how long all requests of a step together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::retry::{Budget, Over, RetryAfter};

/// The time that the requests of one step, or of one look at what a run is about, have lost, all together, to a service that fails or throttles:
/// [`Budget::per_step`] limits it. What two of them lose at the same time counts once; queueing for our own pace
/// doesn't count.
#[derive(Debug, Default)]
pub struct StepBudget(Mutex<Lost>);

#[derive(Debug, Default)]
struct Lost {
    time: SignedDuration,
    /// Up to when it is counted.
    until: Option<Timestamp>,
}

impl StepBudget {
    /// Counts a stretch of trouble, unless more than `most` would be lost with it.
    fn spend(&self, from: Timestamp, until: Timestamp, most: Duration) -> Result<(), Over> {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = lost.until.map_or(from, |counted| from.max(counted));
        let more = until.duration_since(from).max(SignedDuration::ZERO);
        let time = lost.time.saturating_add(more);
        if time > signed(most) {
            return Err(Over::Step);
        }
        *lost = Lost { time, until: lost.until.max(Some(until)) };
        Ok(())
    }
}

/// The time of one request, a page of a collection counting as one.
#[derive(Debug)]
pub struct RequestTime<'a> {
    budget: &'a Budget,
    step: Option<&'a StepBudget>,
    began: Timestamp,
}

impl<'a> RequestTime<'a> {
    /// Of a request that begins `now`, perhaps one of a step.
    pub fn new(budget: &'a Budget, step: Option<&'a StepBudget>, now: Timestamp) -> Self {
        Self { budget, step, began: now }
    }

    /// The limits of the whole run.
    pub fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// Queued at our own pace for so long, which isn't its own time.
    pub fn queued(&mut self, time: SignedDuration) {
        self.began = self.began.saturating_add(time).unwrap_or(Timestamp::MAX);
    }

    /// Whether there is time to wait before it is sent again, and if so counts it. `troubled` is since when this try
    /// is in trouble.
    ///
    /// A wait of our own choosing has to fit into the request's time. One that the service asks for is granted in
    /// full or not at all, and where the request belongs to a step, at the expense of the step alone.
    ///
    /// # Errors
    /// Which limit it would pass; then there is no point in waiting at all.
    pub fn wait(&mut self, wait: RetryAfter, troubled: Timestamp, now: Timestamp) -> Result<(), Over> {
        self.budget.allows(wait.wait, now)?;
        let length = signed(wait.wait);
        let end = now.saturating_add(length).unwrap_or(Timestamp::MAX);
        let granted = self.step.filter(|_| wait.asked);
        if granted.is_none() && end.duration_since(self.began) > signed(self.budget.per_read) {
            return Err(Over::Request);
        }
        if let Some(step) = self.step {
            if wait.capped {
                return Err(Over::Step);
            }
            step.spend(troubled, end, self.budget.per_step)?;
        }
        if granted.is_some() {
            self.queued(length);
        }
        Ok(())
    }

    /// Whether there is time to queue at our own pace, which only the run's deadline limits.
    ///
    /// # Errors
    /// The deadline would pass.
    pub fn queue(&self, wait: Duration, now: Timestamp) -> Result<(), Over> {
        self.budget.allows(wait, now)
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn own(seconds: u64) -> RetryAfter {
        RetryAfter { wait: Duration::from_secs(seconds), asked: false, capped: false }
    }

    fn asked(seconds: u64) -> RetryAfter {
        RetryAfter { asked: true, ..own(seconds) }
    }

    #[test]
    fn a_wait_past_a_limit_is_not_begun() {
        let budget = Budget { deadline: Some(at(10)), ..Budget::default() };
        let mut time = RequestTime::new(&budget, None, at(0));
        assert_eq!(time.wait(own(10), at(0), at(0)), Ok(()));
        assert_eq!(time.wait(own(11), at(0), at(0)), Err(Over::Deadline));
        assert_eq!(time.wait(own(1), at(20), at(20)), Err(Over::Deadline));
        assert_eq!(time.queue(Duration::from_secs(11), at(0)), Err(Over::Deadline));
        let budget = Budget::default();
        let mut time = RequestTime::new(&budget, None, at(0));
        assert_eq!(time.wait(own(60), at(0), at(0)), Ok(()));
        assert_eq!(time.wait(asked(61), at(0), at(0)), Err(Over::Request));
        assert_eq!(time.wait(own(1), at(60), at(60)), Err(Over::Request));
        let longest = RetryAfter { wait: Duration::MAX, ..own(0) };
        assert_eq!(time.wait(longest, at(0), at(0)), Err(Over::Request));
        assert_eq!(time.queue(Duration::from_secs(86_400), at(0)), Ok(()));
    }

    #[test]
    fn queueing_is_not_the_requests_own_time() {
        let (budget, step) = (Budget::default(), StepBudget::default());
        let mut time = RequestTime::new(&budget, Some(&step), at(0));
        time.queued(SignedDuration::from_hours(1));
        assert_eq!(time.wait(own(60), at(3600), at(3600)), Ok(()));
        assert_eq!(time.wait(own(1), at(3660), at(3660)), Err(Over::Request));
    }

    #[test]
    fn what_the_service_asks_for_is_granted_at_the_expense_of_the_step() {
        let (budget, step) = (Budget::default(), StepBudget::default());
        let mut time = RequestTime::new(&budget, Some(&step), at(0));
        assert_eq!(time.wait(asked(200), at(0), at(0)), Ok(()));
        // The request's own minute is whole.
        assert_eq!(time.wait(own(60), at(200), at(200)), Ok(()));
        let mut another = RequestTime::new(&budget, Some(&step), at(260));
        assert_eq!(another.wait(asked(41), at(260), at(260)), Err(Over::Step));
        assert_eq!(another.wait(asked(40), at(260), at(260)), Ok(()));
        assert_eq!(another.wait(own(1), at(300), at(300)), Err(Over::Step));
        let mut elsewhere = RequestTime::new(&budget, None, at(300));
        assert_eq!(elsewhere.wait(own(1), at(300), at(300)), Ok(()));
    }

    #[test]
    fn a_wait_that_was_asked_for_is_not_shortened() {
        let (budget, step) = (Budget::default(), StepBudget::default());
        let mut time = RequestTime::new(&budget, Some(&step), at(0));
        assert_eq!(time.wait(RetryAfter { capped: true, ..asked(300) }, at(0), at(0)), Err(Over::Step));
        assert_eq!(time.wait(asked(300), at(0), at(0)), Ok(()));
    }

    #[test]
    fn what_two_requests_lose_at_the_same_time_counts_once() {
        let (budget, step) = (Budget::default(), StepBudget::default());
        let (mut a, mut b) =
            (RequestTime::new(&budget, Some(&step), at(0)), RequestTime::new(&budget, Some(&step), at(0)));
        assert_eq!(a.wait(asked(250), at(0), at(0)), Ok(()));
        assert_eq!(b.wait(asked(250), at(0), at(10)), Ok(()));
        // 260 of 300 seconds are lost; a failed try counts with its wait.
        let mut c = RequestTime::new(&budget, Some(&step), at(270));
        assert_eq!(c.wait(own(20), at(270), at(291)), Err(Over::Step));
        assert_eq!(c.wait(own(20), at(270), at(290)), Ok(()));
    }
}
