//! What the tenant was asked, and when: for counting writes and round trips.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A request as the service saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path below the version and query, as it came.
    pub path: String,
    /// Status of the answer; `None` when no answer was sent.
    pub status: Option<u16>,
    /// When the caller sent it.
    pub arrived: Timestamp,
    /// When the answer was back at the caller.
    pub answered: Option<Timestamp>,
    /// It is a kind of request that changes the tenant.
    pub write: bool,
    /// It took effect, whatever was answered.
    pub applied: bool,
    /// It came inside a `$batch`.
    pub inner: bool,
}

/// How many requests there were; inner ones of a `$batch` count each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub requests: u64,
    /// Those that were answered with 429.
    pub throttled: u64,
    /// Those that changed something.
    pub writes: u64,
}

/// The longest chain of requests that waited for each other: one depends on another if it was sent at or
/// after the other was answered. Exact with a latency above zero.
pub fn round_trips(log: &[Seen]) -> usize {
    // When the first chain of each length was over: a longer one that was over earlier makes a shorter one idle.
    let mut over: BTreeMap<Timestamp, usize> = BTreeMap::new();
    let mut longest = 0;
    for seen in log.iter().filter(|seen| !seen.inner) {
        let depth = over.range(..=seen.arrived).next_back().map_or(1, |(_, depth)| depth + 1);
        longest = longest.max(depth);
        let Some(answered) = seen.answered else { continue };
        if over.range(..=answered).next_back().is_some_and(|(_, earlier)| *earlier >= depth) {
            continue;
        }
        let idle: Vec<Timestamp> =
            over.range(answered..).take_while(|(_, later)| **later <= depth).map(|(at, _)| *at).collect();
        for at in idle {
            over.remove(&at);
        }
        over.insert(answered, depth);
    }
    longest
}
