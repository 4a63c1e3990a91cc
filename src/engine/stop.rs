//! Stopping between calls: by a signal, or because the deadline passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// Asked before each call. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Stop {
    signalled: Arc<AtomicBool>,
    wake: Arc<Notify>,
    deadline: Option<Timestamp>,
    clock: Clock,
}

impl Stop {
    /// Stops at the deadline, or when [`Stop::signal`] is called.
    pub fn new(clock: Clock, deadline: Option<Timestamp>) -> Self {
        Self { signalled: Arc::default(), wake: Arc::default(), deadline, clock }
    }

    /// Asks for a stop after the calls in flight.
    pub fn signal(&self) {
        self.signalled.store(true, Ordering::SeqCst);
        self.wake.notify_waiters();
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Code::Interrupted`] or [`Code::DeadlinePassed`].
    pub fn check(&self) -> Result<()> {
        if self.signalled.load(Ordering::SeqCst) {
            return Err(Failure::new(Code::Interrupted, "stopped by a signal after the calls in flight"));
        }
        if self.deadline.is_some_and(|deadline| self.clock.steady() >= deadline) {
            return Err(Failure::new(Code::DeadlinePassed, "the deadline passed"));
        }
        Ok(())
    }

    /// Does something that may be dropped at any moment, such as a read, unless a signal comes first.
    ///
    /// # Errors
    /// [`Code::Interrupted`].
    pub async fn unless_signalled<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let woken = self.wake.notified();
        self.check()?;
        tokio::select! {
            () = woken => Err(Failure::new(Code::Interrupted, "stopped by a signal while reading")),
            done = work => Ok(done),
        }
    }

    /// Waits, but no longer than to a signal or the deadline. `false`: that is what ended it.
    pub async fn sleep(&self, duration: Duration) -> bool {
        let until_deadline = self.deadline.map_or(duration, |deadline| {
            Duration::try_from(deadline.duration_since(self.clock.steady())).unwrap_or_default()
        });
        let woken = self.wake.notified();
        if self.check().is_err() {
            return false;
        }
        tokio::select! {
            () = woken => false,
            () = self.clock.sleep(duration.min(until_deadline)) => self.check().is_ok(),
        }
    }

    /// The deadline.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
}
