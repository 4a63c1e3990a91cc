//! When a bulk run will be done, by how fast it went lately.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// How far back the pace is taken from, in milliseconds: throttled in bursts, a run goes by fits and starts.
const WINDOW_MS: u64 = 300_000;
/// The shortest time that says something about the pace, in milliseconds.
const LEAST_MS: u64 = 10_000;
/// The fewest users that do: those who are worked on together are done together.
const FEWEST: usize = 10;

/// The pace of a bulk run. Only users that were carried to their end say something about it: cutting a user off
/// takes less than the rest, and one that is refused takes next to nothing.
#[derive(Debug, Clone, Default)]
pub struct Estimate {
    /// Milliseconds since the start, and how many users were done then.
    seen: VecDeque<(u64, usize)>,
}

impl Estimate {
    /// Takes note of how many users are done, so many milliseconds after the start.
    pub fn saw(&mut self, elapsed_ms: u64, done: usize) {
        if done == 0 {
            // While all are being cut off nobody can be done: the time until then says nothing.
            self.seen.clear();
        }
        if self.seen.back().is_none_or(|(_, before)| *before < done) {
            self.seen.push_back((elapsed_ms, done));
        }
        while self.seen.get(1).is_some_and(|(at, _)| at + WINDOW_MS <= elapsed_ms) {
            self.seen.pop_front();
        }
    }

    /// When `left` users more will be done, if the pace stays; not counting the time until `not_before`, while the
    /// service wants nothing sent. `None` until the pace can be told, and when nobody was done for a while.
    pub fn end(
        &self,
        at: Timestamp,
        elapsed_ms: u64,
        left: usize,
        not_before: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let (first, last) = (self.seen.front()?, self.seen.back()?);
        let span = elapsed_ms.checked_sub(first.0).filter(|span| *span >= LEAST_MS)?;
        let done = last.1.checked_sub(first.1).filter(|done| *done >= FEWEST)?;
        if elapsed_ms.saturating_sub(last.0) > WINDOW_MS {
            return None;
        }
        let ms = u128::from(span) * left as u128 / done as u128;
        let from = not_before.map_or(at, |moment| moment.max(at));
        from.checked_add(SignedDuration::from_millis(i64::try_from(ms).ok()?)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Seen every so many milliseconds, one user more each time.
    fn steady(users: usize, every_ms: u64) -> Estimate {
        let mut estimate = Estimate::default();
        (0..=users).for_each(|done| estimate.saw(done as u64 * every_ms, done));
        estimate
    }

    #[test]
    fn the_pace_so_far_tells_the_end() {
        let now = at("2026-11-24T02:00:00Z");
        assert_eq!(steady(20, 1000).end(now, 20_000, 90, None), Some(at("2026-11-24T02:01:30Z")));
        assert_eq!(steady(20, 1000).end(now, 20_000, 0, None), Some(now));
        let waits = Some(at("2026-11-24T02:05:00Z"));
        assert_eq!(steady(20, 1000).end(now, 20_000, 90, waits), Some(at("2026-11-24T02:06:30Z")));
        let waited = Some(at("2026-11-24T01:00:00Z"));
        assert_eq!(steady(20, 1000).end(now, 20_000, 90, waited), Some(at("2026-11-24T02:01:30Z")));
    }

    #[test]
    fn nothing_is_said_before_it_is_sound() {
        let now = at("2026-11-24T02:00:00Z");
        assert_eq!(Estimate::default().end(now, 60_000, 5, None), None);
        let mut cutting = Estimate::default();
        (0..60).for_each(|n| cutting.saw(n * 1000, 0));
        (1..=30).for_each(|n| cutting.saw(59_000 + n * 100, usize::try_from(n).unwrap()));
        assert_eq!(cutting.end(now, 65_000, 5, None), None, "all were cut off a moment ago");
        assert_eq!(steady(9, 10_000).end(now, 90_000, 5, None), None, "too few");
        assert_eq!(steady(400, 10).end(now, 4000, 5, None), None, "too short");
        assert_eq!(steady(20, 1000).end(now, 321_000, 5, None), None, "nobody was done for five minutes");
        assert_eq!(steady(20, 1000).end(Timestamp::MAX, 20_000, 5, None), None, "beyond all time");
    }

    #[test]
    fn only_the_last_minutes_count() {
        let mut estimate = steady(60, 10_000);
        (1..=300).for_each(|n| estimate.saw(600_000 + n * 1000, 60 + usize::try_from(n).unwrap()));
        assert!(estimate.seen.len() < 310);
        let end = estimate.end(at("2026-11-24T02:00:00Z"), 900_000, 100, None);
        assert_eq!(end, Some(at("2026-11-24T02:01:40Z")));
    }
}
