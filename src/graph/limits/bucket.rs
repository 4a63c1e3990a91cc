//! A quota that refills all the time: what the service says of resource units and writes of the directory.
//!
//! A window holds of it when something was last taken, and how much was missing then, in thousandths.
//!
//! <https://learn.microsoft.com/graph/throttling-limits#pattern>

use super::window::{Quota, Window};

impl Window {
    /// How long until so many thousandths may be taken.
    pub(super) fn until_refilled(&self, quota: &Quota, cost: u64, now: u64) -> u64 {
        let most = u64::from(quota.most.max(1)) * 1000;
        // What may arrive earlier than it should, for the journey of what came before was slower.
        let early = (most * quota.margin() / quota.stretch).max(1000);
        let room = most.saturating_sub(early).max(cost);
        let over = (self.missing(quota, now) + cost).saturating_sub(room);
        (over * quota.stretch).div_ceil(most)
    }

    /// Takes them.
    pub(super) fn draw(&mut self, quota: &Quota, cost: u64, now: u64) {
        let missing = self.missing(quota, now) + cost;
        self.0.clear();
        self.0.push_back((now, u32::try_from(missing).unwrap_or(u32::MAX)));
    }

    /// The share that is missing.
    pub(super) fn drawn(&self, quota: &Quota, now: u64) -> f64 {
        let missing = u32::try_from(self.missing(quota, now)).unwrap_or(u32::MAX);
        f64::from(missing) / 1000.0 / f64::from(quota.most.max(1))
    }

    /// Never more than all of it, and refilled from now on where the clock was set back.
    fn missing(&self, quota: &Quota, now: u64) -> u64 {
        let [(at, missing)] = self.0.iter().copied().collect::<Vec<_>>()[..] else { return 0 };
        let refilled =
            u64::from(quota.most) * 1000 * now.saturating_sub(at).min(quota.stretch) / quota.stretch;
        u64::from(missing).min(u64::from(quota.most) * 1000).saturating_sub(refilled)
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::Counts;
    use super::*;

    const TEN: Quota = Quota::new(3500, 10, Counts::Units).refilled();

    #[test]
    fn a_bucket_gives_all_at_once_and_then_as_fast_as_it_refills() {
        let (mut bucket, start) = (Window::default(), 1_000_000_007);
        let (mut now, mut at_once) = (start, 0);
        for _ in 0..10_000 {
            now += bucket.wait(&TEN, 1.0, 2, now);
            bucket.take(&TEN, 1.0, 2, now);
            at_once += u32::from(now == start);
        }
        assert!((1700..1750).contains(&at_once), "{at_once}");
        let dictated = (20_000 - 3500) * 10_000 / 3500;
        assert!((dictated..dictated * 102 / 100).contains(&(now - start)), "{} of {dictated}", now - start);
        assert!(serde_json::to_string(&bucket).unwrap().len() < 100);
    }

    #[test]
    fn a_clock_that_was_set_back_or_a_forged_file_blocks_for_one_stretch_at_most() {
        for text in ["[[99999999999,4294967295]]", "[[18446744073709551615,3500000]]", "[[1,2],[3,4]]"] {
            let mut bucket: Window = serde_json::from_str(text).unwrap();
            let wait = bucket.wait(&TEN, 1.0, 1, 1_000_000_000);
            assert!(wait <= 300, "{text}: {wait}");
            bucket.take(&TEN, 1.0, 1, 1_000_000_000);
            assert_eq!(bucket.wait(&TEN, 1.0, 1, 1_000_000_000 + 10_000), 0);
        }
    }
}
