//! What the tenant was asked, and when: for counting writes and round trips.

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

/// The longest chain of requests that waited for each other: one depends on another if it was sent at or
/// after the other was answered. Exact with a latency above zero.
pub fn round_trips(log: &[Seen]) -> usize {
    let outer: Vec<&Seen> = log.iter().filter(|seen| !seen.inner).collect();
    let mut depths: Vec<usize> = Vec::with_capacity(outer.len());
    for (at, seen) in outer.iter().enumerate() {
        let before = outer[..at].iter().zip(&depths);
        let deepest = before
            .filter(|(earlier, _)| earlier.answered.is_some_and(|answered| answered <= seen.arrived))
            .map(|(_, depth)| *depth)
            .max();
        depths.push(deepest.unwrap_or(0) + 1);
    }
    depths.into_iter().max().unwrap_or(0)
}
