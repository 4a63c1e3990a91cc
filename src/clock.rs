//! The one place that asks what time it is.
//!
//! Two clocks: [`Clock::now`] is the machine's, which somebody may set at any moment, and goes into records;
//! [`Clock::steady`] only moves on, and is what waits, deadlines and the service's time are reckoned by.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Where time comes from. Sleeping goes through tokio's timer, so a test that pauses it waits for nothing.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    /// `start` plus what tokio's own clock has moved since `origin`.
    Tokio {
        start: Timestamp,
        origin: tokio::time::Instant,
        /// How far somebody has set it, in seconds.
        set: Arc<AtomicI64>,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that begins at `start` and moves with tokio's timer: a test that pauses the timer holds it
    /// still. Needs a runtime.
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Source::Tokio { start, origin: tokio::time::Instant::now(), set: Arc::default() })
    }

    /// Sets a clock made by [`Clock::starting_at`] forward, or back, as somebody may set the machine's. That of
    /// the machine itself is left alone.
    pub fn set(&self, seconds: i64) {
        if let Source::Tokio { set, .. } = &self.0 {
            set.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// Now, UTC, by the machine's clock. Two readings may come in any order.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Tokio { set, .. } => {
                later(self.steady(), SignedDuration::from_secs(set.load(Ordering::SeqCst)))
            }
        }
    }

    /// Now, by a clock that began with the process and that nobody sets: for waits and deadlines.
    #[allow(clippy::disallowed_methods)]
    pub fn steady(&self) -> Timestamp {
        static BEGAN: OnceLock<(Timestamp, std::time::Instant)> = OnceLock::new();
        let (start, elapsed) = match &self.0 {
            Source::System => {
                let (start, origin) = BEGAN.get_or_init(|| (Timestamp::now(), std::time::Instant::now()));
                (*start, origin.elapsed())
            }
            Source::Tokio { start, origin, .. } => (*start, origin.elapsed()),
        };
        later(start, SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX))
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn setting_the_clock_moves_what_is_recorded_and_nothing_that_is_waited_for() {
        let noon: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let clock = Clock::starting_at(noon);
        clock.set(-3600);
        clock.sleep(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), later(noon, SignedDuration::from_secs(5 - 3600)));
        assert_eq!(clock.steady(), later(noon, SignedDuration::from_secs(5)));
        let system = Clock::system();
        assert!(system.steady() <= system.steady());
    }
}
