//! What counts together: the windows of a scope, and until when the service asked its families to wait.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::load::Load;
use super::window::{Quota, Window};
use crate::graph::family::Family;
use crate::graph::retry::LONGEST_WAIT;

/// Times are milliseconds since the epoch.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    held: BTreeMap<Family, u64>,
    /// One for each quota of the scope.
    windows: Vec<Window>,
    /// What of the quotas is ours, and when that was found out: others use the rest. It grows back by itself.
    #[serde(skip)]
    part: Option<(f64, u64)>,
}

/// What is ours at least, or two machines would lock each other out.
const LEAST: f64 = 0.1;

/// How long it takes to grow from nothing to all.
const GROWS_IN: f64 = 20_000.0;

/// Answers of 429 that came together say it once.
const TOGETHER: u64 = 1000;

/// Whether a request may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may, and was noted.
    Now,
    /// The quotas are used up for so many milliseconds.
    Paced(u64),
    /// The service asked to wait for so many milliseconds.
    Held(u64),
}

impl Book {
    /// Takes a turn for a request, or tells when to ask again.
    pub fn turn(&mut self, load: &Load, quotas: &[Quota], now: u64) -> Turn {
        if let Some(until) = self.held_until(load.family, now) {
            return Turn::Held(until - now);
        }
        self.windows.resize(quotas.len(), Window::default());
        let part = self.part(now);
        let waits = self.windows.iter_mut().zip(quotas);
        let waits = waits.map(|(window, quota)| window.wait(quota, part, load.takes(quota), now));
        let wait = waits.max().unwrap_or(0);
        if wait > 0 {
            return Turn::Paced(wait);
        }
        for (window, quota) in self.windows.iter_mut().zip(quotas) {
            window.take(quota, part, load.takes(quota), now);
        }
        Turn::Now
    }

    /// The family waits until then.
    pub fn hold(&mut self, family: Family, until: u64) {
        let held = self.held.entry(family).or_default();
        *held = until.max(*held);
    }

    /// The service says that so much of the quota is used. More than this machine used is used elsewhere, and is not
    /// ours for a while. `true`: it is.
    pub fn used(&mut self, share: f64, quotas: &[Quota], now: u64) -> bool {
        let own = self.windows.first_mut().zip(quotas.first()).map_or(0.0, |(w, quota)| w.share(quota, now));
        // Both numbers are of slightly different moments.
        let others = share - own - 0.05;
        if others > 0.0 {
            self.part = Some((self.part(now).min(1.0 - others).max(LEAST), now));
        }
        others > 0.0
    }

    /// The service refused what should have been within the quota.
    pub fn refused(&mut self, now: u64) {
        if self.part.is_none_or(|(_, at)| at.saturating_add(TOGETHER) <= now) {
            self.part = Some(((self.part(now) * 0.7).max(LEAST), now));
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn part(&self, now: u64) -> f64 {
        let grown = |(part, at): (f64, u64)| part + now.saturating_sub(at) as f64 / GROWS_IN;
        self.part.map_or(1.0, grown).min(1.0)
    }

    /// Takes over what a file holds. A hold that it doesn't have yet stays.
    pub fn learn(&mut self, file: Self) {
        self.windows = file.windows;
        for (family, until) in file.held {
            self.hold(family, until);
        }
    }

    /// A hold of more than the longest wait is one of before the clock was set back, or of a broken file.
    fn held_until(&mut self, family: Family, now: u64) -> Option<u64> {
        let longest = u64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u64::MAX);
        self.held.retain(|_, until| *until > now && *until <= now.saturating_add(longest));
        self.held.get(&family).copied()
    }
}
