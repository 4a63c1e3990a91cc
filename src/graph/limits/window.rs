//! What began in the latest stretch of time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Slots that a stretch is cut into: a window is a few hundred bytes, whatever goes through it.
const SLOTS: u64 = 50;

/// More than a window ever holds: a longer one was not written by this code.
const MOST_SLOTS: usize = 64;

/// How much may begin in any stretch of a length. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// In the unit that it is about: resource units, requests, writes.
    pub most: u32,
    /// Milliseconds.
    pub stretch: u64,
    /// What of a request counts.
    pub counts: Counts,
    /// Whether it is a bucket that refills all the time, rather than a window.
    pub refills: bool,
}

/// What of a request counts against a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Its resource units.
    Units,
    /// Itself.
    Requests,
    /// Itself, if it writes.
    Writes,
    /// Itself, if it writes to a device.
    DeviceWrites,
}

impl Quota {
    /// So much in so many seconds.
    pub const fn new(most: u32, seconds: u64, counts: Counts) -> Self {
        Self { most, stretch: seconds * 1000, counts, refills: false }
    }

    /// Counted in a bucket, as the service says of it.
    pub const fn refilled(self) -> Self {
        Self { refills: true, ..self }
    }

    fn slot(&self) -> u64 {
        (self.stretch / SLOTS).max(1)
    }

    /// Requests that began further apart than the stretch may arrive closer together: the difference between a
    /// slow and a fast journey to the service.
    pub(super) fn margin(&self) -> u64 {
        self.slot().clamp(60, 250)
    }

    /// When what began in a slot counts no longer.
    fn leaves(&self, slot: u64) -> u64 {
        slot.saturating_add(1)
            .saturating_mul(self.slot())
            .saturating_add(self.stretch)
            .saturating_add(self.margin())
    }
}

/// The slots of a stretch in which something began, oldest first, with what began in each.
///
/// No stretch holds more than the quota, so it is right for a service that counts in windows and for one that
/// refills a bucket. Of a quota that refills it holds one entry instead, see [`super::bucket`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(pub(super) VecDeque<(u64, u32)>);

impl Window {
    /// How long until `cost` more may begin; zero is now. `part`, from 0 to 1, is what of the quota is ours.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn wait(&mut self, quota: &Quota, part: f64, cost: u32, now: u64) -> u64 {
        if quota.refills {
            return self.until_refilled(quota, scaled(cost, part), now);
        }
        self.settle(quota, now);
        let allowed = ((f64::from(quota.most) * part) as u32).max(cost);
        let mut sum = self.sum();
        if sum.saturating_add(cost) <= allowed {
            return 0;
        }
        for (slot, units) in &self.0 {
            sum -= units;
            if sum.saturating_add(cost) <= allowed {
                return quota.leaves(*slot).saturating_sub(now).max(1);
            }
        }
        0
    }

    /// Notes what begins now.
    pub fn take(&mut self, quota: &Quota, part: f64, cost: u32, now: u64) {
        if quota.refills {
            return self.draw(quota, scaled(cost, part), now);
        }
        self.note(quota, cost, now);
    }

    fn note(&mut self, quota: &Quota, cost: u32, now: u64) {
        let slot = now / quota.slot();
        match self.0.back_mut() {
            _ if cost == 0 => {}
            Some((last, units)) if *last >= slot => *units = units.saturating_add(cost),
            _ => self.0.push_back((slot, cost)),
        }
    }

    /// The share of the quota that is used.
    pub fn share(&mut self, quota: &Quota, now: u64) -> f64 {
        if quota.refills {
            return self.drawn(quota, now);
        }
        self.settle(quota, now);
        f64::from(self.sum()) / f64::from(quota.most.max(1))
    }

    /// Drops what has left, and what this code can't have written. A slot of the future is one of before the clock
    /// was set back: it counts as now, for a stretch at most.
    fn settle(&mut self, quota: &Quota, now: u64) {
        if self.0.len() > MOST_SLOTS || !self.0.iter().is_sorted_by(|a, b| a.0 < b.0) {
            self.0.clear();
        }
        let present = now / quota.slot();
        let mut ahead = 0_u32;
        while let Some((_, units)) = self.0.back().filter(|(slot, _)| *slot > present) {
            ahead = ahead.saturating_add(*units);
            self.0.pop_back();
        }
        self.note(quota, ahead.min(quota.most), now);
        while self.0.front().is_some_and(|(slot, _)| quota.leaves(*slot) <= now) {
            self.0.pop_front();
        }
    }

    fn sum(&self) -> u32 {
        self.0.iter().fold(0, |sum, (_, units)| sum.saturating_add(*units))
    }
}

/// Thousandths of a unit: where only a part of the quota is ours, everything costs more of it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled(cost: u32, part: f64) -> u64 {
    (f64::from(cost) * 1000.0 / part.max(0.01)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Quota = Quota::new(1000, 10, Counts::Units);

    fn begin(window: &mut Window, cost: u32, now: u64) -> u64 {
        let wait = window.wait(&TEN, 1.0, cost, now);
        window.take(&TEN, 1.0, cost, now + wait);
        now + wait
    }

    #[test]
    fn no_stretch_holds_more_than_the_quota_and_little_of_it_is_lost() {
        let (mut window, mut now) = (Window::default(), 1_000_000_007);
        let start = now;
        let mut begun: Vec<(u64, u32)> = Vec::new();
        for number in 0..6000 {
            let cost = 1 + number % 5;
            now = begin(&mut window, cost, now + u64::from(number % 3) * 4);
            begun.push((now, cost));
        }
        for (at, (from, _)) in begun.iter().enumerate() {
            let stretch = begun[at..].iter().take_while(|(t, _)| *t < from + TEN.stretch);
            assert!(stretch.map(|(_, cost)| cost).sum::<u32>() <= TEN.most);
        }
        let least = 18_000 / 1000 * 10_000;
        assert!((now - start) < least * 105 / 100, "{} of {least}", now - start);
        assert!(serde_json::to_string(&window).unwrap().len() < 1000);
    }

    #[test]
    fn a_clock_that_was_set_back_blocks_for_one_stretch_at_most() {
        let mut window = Window::default();
        let later = 2_000_000_000;
        begin(&mut window, 1000, later);
        let now = later - 3_600_000;
        assert!(window.wait(&TEN, 1.0, 1, now) <= 11_000);
        assert_eq!(window.wait(&TEN, 1.0, 1, now + 11_000), 0);
    }

    #[test]
    fn what_this_code_cannot_have_written_is_dropped() {
        let many: Vec<(u64, u32)> = (0..65).map(|n| (5000 + n, 1000)).collect();
        for text in ["[[5000,1000],[4999,1000]]".to_owned(), serde_json::to_string(&many).unwrap()] {
            let mut window: Window = serde_json::from_str(&text).unwrap();
            assert_eq!(window.wait(&TEN, 1.0, 1, 1_000_000), 0, "{text}");
        }
        let mut huge: Window = serde_json::from_str("[[4999,4294967295],[5000,4294967295]]").unwrap();
        assert!(huge.wait(&TEN, 1.0, 1, 1_000_000) <= 11_000);
    }
}
