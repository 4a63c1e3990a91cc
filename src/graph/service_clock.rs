//! How far the service's clock is from ours, learned from the `Date` of its answers.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// The bounds between which the difference lies. Every answer narrows them: the service stamped it between
/// our sending and our receiving, and cut its time down to a whole second.
#[derive(Debug, Default)]
pub struct ServiceClock(Mutex<Option<(SignedDuration, SignedDuration)>>);

impl ServiceClock {
    /// Learns from an answer.
    pub fn learn(&self, date: Timestamp, sent: Timestamp, received: Timestamp) {
        let new = (date.duration_since(received), date.duration_since(sent) + SignedDuration::from_secs(1));
        let mut bounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // No overlap: one of the clocks was set meanwhile.
        *bounds = bounds
            .map(|old| (old.0.max(new.0), old.1.min(new.1)))
            .filter(|(low, high)| low <= high)
            .or(Some(new));
    }

    /// What to add to our time. Zero as long as the clocks may agree.
    pub fn offset(&self) -> SignedDuration {
        let bounds = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match bounds {
            Some((low, high)) if low > SignedDuration::ZERO || high < SignedDuration::ZERO => {
                (low + high) / 2
            }
            _ => SignedDuration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().unwrap()
    }

    #[test]
    fn clocks_that_may_agree_are_taken_to_agree() {
        let clock = ServiceClock::default();
        assert_eq!(clock.offset(), SignedDuration::ZERO);
        clock.learn(at("08:00:00"), at("08:00:00.4"), at("08:00:00.9"));
        assert_eq!(clock.offset(), SignedDuration::ZERO);
    }

    #[test]
    fn answers_narrow_the_difference_and_a_set_clock_starts_anew() {
        let clock = ServiceClock::default();
        clock.learn(at("08:01:00"), at("08:00:00"), at("08:00:01"));
        assert_eq!(clock.offset(), SignedDuration::from_secs(60));
        clock.learn(at("08:01:10"), at("08:00:10.0"), at("08:00:10.2"));
        let offset = clock.offset();
        assert!((SignedDuration::from_millis(59_800)..=SignedDuration::from_secs(61)).contains(&offset));
        clock.learn(at("08:00:20"), at("08:05:20"), at("08:05:20.2"));
        assert!(clock.offset() < SignedDuration::from_secs(-298));
    }
}
