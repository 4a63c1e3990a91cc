//! The one place that asks what time it is.

use std::time::Duration;

use jiff::Timestamp;

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
        Self(Source::Tokio { start, origin: tokio::time::Instant::now() })
    }

    /// Now, UTC.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Tokio { start, origin } => {
                *start + jiff::SignedDuration::try_from(origin.elapsed()).unwrap_or(jiff::SignedDuration::MAX)
            }
        }
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
