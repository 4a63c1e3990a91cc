//! What goes on beside the run: the intruder tries every foothold, and the round trips are counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::engine::event::{Event, Watch, What};
use crate::sim::Simulated;

/// The intruder, who goes on trying every foothold while he is evicted.
pub(super) struct Adversary {
    stop: Arc<AtomicBool>,
    trying: JoinHandle<HashMap<(String, &'static str), Duration>>,
}

impl Adversary {
    /// Begins to try, many times a second, and notes when each foothold last let him in.
    pub(super) fn let_loose(tenant: &Arc<Simulated>, started: tokio::time::Instant) -> std::io::Result<Self> {
        let (stop, tenant) = (Arc::new(AtomicBool::new(false)), Arc::clone(tenant));
        let stopped = Arc::clone(&stop);
        let trying = std::thread::Builder::new().name("intruder".into()).spawn(move || {
            let mut last_in = HashMap::new();
            while !stopped.load(Ordering::SeqCst) {
                for foothold in tenant.footholds().into_iter().filter(|f| f.works) {
                    last_in.insert((foothold.name, foothold.what), started.elapsed());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            last_in
        })?;
        Ok(Self { stop, trying })
    }

    /// Ends it: when each foothold last let him in, since the start.
    pub(super) fn end(self) -> HashMap<(String, &'static str), Duration> {
        self.stop.store(true, Ordering::SeqCst);
        self.trying.join().unwrap_or_default()
    }
}

/// Hands events on, and counts the dependent round trips until the cut.
pub(super) struct Counting {
    pub(super) inner: Arc<dyn Watch>,
    pub(super) tenant: Arc<Simulated>,
    pub(super) until_cut: Mutex<Option<usize>>,
}

impl Watch for Counting {
    fn saw(&self, event: &Event) {
        if matches!(event.what, What::Cut { .. }) {
            let trips = self.tenant.with(|tenant| tenant.round_trips());
            self.until_cut.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(trips);
        }
        self.inner.saw(event);
    }
}
