//! SIGINT and SIGTERM: the first stops after the calls in flight, the second at once. Either way the journal
//! holds every call that was sent.

use std::sync::atomic::{AtomicBool, Ordering};

use super::output::complain;
use crate::engine::Stop;
use crate::failure::Exit;

static ASKING: AtomicBool = AtomicBool::new(false);

/// While a person is asked nothing is in flight, so a signal ends at once.
pub fn asking(asking: bool) {
    ASKING.store(asking, Ordering::SeqCst);
}

/// Listens on a thread of its own, which also works while a prompt blocks the engine's.
pub fn listen(stop: &Stop) {
    let stop = stop.clone();
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let mut before = false;
            while next().await {
                if before || ASKING.load(Ordering::SeqCst) {
                    at_once();
                }
                before = true;
                complain("stopping after the calls in flight; once more stops at once");
                stop.signal();
            }
        });
    });
}

#[allow(clippy::exit)]
fn at_once() -> ! {
    complain("stopped; `oust runs` shows whether a run was begun, `oust resume RUN` goes on with it");
    std::process::exit(i32::from(Exit::Interrupted.status()))
}

#[cfg(unix)]
async fn next() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return false;
    };
    tokio::select! {
        got = int.recv() => got.is_some(),
        got = term.recv() => got.is_some(),
    }
}

#[cfg(not(unix))]
async fn next() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
