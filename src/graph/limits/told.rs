//! Tells of waits that whoever watches would wonder about, once each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::graph::family::Family;

/// A shorter wait is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// A wait that ends so much later than the one that was told is news.
const NEWS: SignedDuration = SignedDuration::from_secs(5);

/// Takes why is waited, and how long.
pub type TellWait = Arc<dyn Fn(&str, Duration) + Send + Sync>;

/// Who is told of waits, and until when each family is known to wait.
#[derive(Default)]
pub struct Told {
    pub(super) to: Option<TellWait>,
    until: Mutex<HashMap<Family, Timestamp>>,
}

impl Told {
    /// A request begins to wait. That others of its family wait as long is no news.
    pub fn waits(&self, family: Family, why: &str, wait: Duration, now: Timestamp) {
        let Some(to) = self.to.as_ref().filter(|_| wait >= WORTH_TELLING) else { return };
        let until = now.saturating_add(SignedDuration::try_from(wait).unwrap_or_default()).unwrap_or(now);
        let mut told = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.entry(family).or_insert(now);
        if until.duration_since(*known) >= NEWS {
            *known = until;
            to(why, wait);
        }
    }
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_once_for_a_family() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let to: TellWait =
            Arc::new(move |why, wait| hears.lock().unwrap().push((why.to_owned(), wait.as_secs())));
        let told = Told { to: Some(to), ..Told::default() };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (family, wait, now) in [
            (Family::Identity, 2, 0),
            (Family::Identity, 20, 0),
            (Family::Identity, 19, 1),
            (Family::Outlook, 20, 1),
            (Family::Identity, 20, 10),
            (Family::Identity, 4, 10),
        ] {
            told.waits(family, "why", Duration::from_secs(wait), at(now));
        }
        let heard: Vec<u64> = heard.lock().unwrap().iter().map(|(_, wait)| *wait).collect();
        assert_eq!(heard, [20, 20, 20]);
    }
}
