//! Runs of hundreds and thousands of users: `cargo bench --bench bulk`. What the figures mean is in
//! `tests/bench/README.md`.
//!
//! How long they take is told on a clock that nobody has to wait for, against a simulated service that enforces the
//! published limits. How much memory they take is told by the kernel, of a process that does nothing else.
#![allow(clippy::print_stdout)]

mod memory;
mod pace;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use oust::bulk::{Bulk, BulkConsent, BulkOrder};
use oust::clock::Clock;
use oust::config::Protected;
use oust::engine::event::Unwatched;
use oust::engine::{Engine, Since, Stop};
use oust::graph::Graph;
use oust::guard::Guards;
use oust::journal::Store;
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::report::bulk::BulkDocument;
use oust::sim::crowd::user_principal_name;
use oust::target_name::TargetName;
use oust::user_list::{ListedUser, UserList};

type AnyError = Box<dyn std::error::Error>;

/// How many users the runs have.
const SIZES: [usize; 2] = [500, 5_000];

fn main() -> Result<(), AnyError> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, url, folder, users] = args.as_slice()
        && mode == memory::ALONE
    {
        return memory::contain(url, Path::new(folder), users.parse()?);
    }
    println!(
        "{:>6}  {:>9}  {:>9}  {:>9}  {:>8}  {:>9}  {:>9}",
        "users", "cuts", "at least", "all", "at least", "requests", "429"
    );
    for users in SIZES {
        pace::measure(users)?;
    }
    println!();
    let peaks = SIZES.map(memory::measure).into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("peak memory of {} users beside {}: {:.2} times", SIZES[1], SIZES[0], peaks[1] / peaks[0]);
    Ok(())
}

/// Contains the first so many users of a crowd.
async fn contain(graph: Graph, clock: Clock, folder: &Path, users: usize) -> Result<BulkDocument, AnyError> {
    let (store, watch) = (Store::new(folder.to_owned()), Arc::new(Unwatched));
    let (stop, started) = (Stop::new(clock.clone(), None), tokio::time::Instant::now());
    let engine = Engine {
        graph: Arc::new(graph),
        clock: clock.clone(),
        watch: Arc::<Unwatched>::clone(&watch),
        stop: stop.clone(),
        store: store.clone(),
        signer: None,
        guards: Guards { protected: Protected::default(), max_users: 1, tenant_id: None },
        started,
        patience: std::time::Duration::from_secs(120),
    };
    let listed = |number: usize| -> Result<ListedUser, AnyError> {
        let name = TargetName::parse(&user_principal_name(number))?;
        Ok(ListedUser { line: number, name, tenant: None, since: None })
    };
    let entries = (1..=users).map(listed).collect::<Result<_, _>>()?;
    let order = BulkOrder {
        command: "contain".into(),
        bulk_id: store.next_id(),
        list: UserList { entries, sha256: String::new() },
        playbook: Playbook::find(DEFAULT_PLAYBOOK)?,
        since: Since::Ago(jiff::SignedDuration::from_hours(3)),
        password_recipient: None,
        max_users: users,
    };
    let bulk = Bulk { engines: BTreeMap::from([(None, engine)]), store, clock, stop, watch, started };
    let document = bulk.contain(&order, &BulkConsent::Given("a measurement".into())).await;
    match document.exit_code {
        0 => Ok(document),
        status => {
            Err(format!("the run ended with {status}: {:?} {:?}", document.counts, document.error).into())
        }
    }
}
