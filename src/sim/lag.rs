//! Replica lag: for a while after a write, a read may still answer with what was before.
//!
//! Graph publishes no replication time, so the lag is a switch and off by default.

use jiff::{SignedDuration, Timestamp};

use super::directory::Directory;
use super::random::Random;

/// How far replicas lag behind.
#[derive(Debug, Clone, Default)]
pub struct Lag {
    /// How long after a write a read of one object may be stale.
    pub object: SignedDuration,
    /// How long after a write a read of a collection may be stale; longer, as in the real service.
    pub list: SignedDuration,
    /// How likely such a read is stale, 0 to 1.
    pub probability: f64,
    /// The directory before each write.
    history: Vec<(Timestamp, Directory)>,
}

impl Lag {
    /// Lags by these times with this probability.
    pub fn new(object: SignedDuration, list: SignedDuration, probability: f64) -> Self {
        Self { object, list, probability, history: Vec::new() }
    }

    /// Whether any read can be stale.
    pub(super) fn is_on(&self) -> bool {
        self.probability > 0.0
    }

    /// Keeps what was before a write.
    pub(super) fn remember(&mut self, before: Directory, now: Timestamp) {
        let longest = self.object.max(self.list);
        self.history.retain(|(at, _)| now.duration_since(*at) < longest);
        self.history.push((now, before));
    }

    /// The old directory that a read gets from a lagging replica, or `None` for the current one.
    pub(super) fn stale(&self, list: bool, now: Timestamp, random: &mut Random) -> Option<Directory> {
        let lag = if list { self.list } else { self.object };
        let (_, before) = self.history.iter().find(|(at, _)| now.duration_since(*at) < lag)?;
        random.chance(self.probability).then(|| before.clone())
    }
}
