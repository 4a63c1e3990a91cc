//! A rehearsal: the engine, the Graph client, the HTTP stack and the journal of a real run, against a simulated
//! tenant on a loopback port.

mod adversary;
mod difference;
mod served;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use oust_actions::Undo;
use serde::Serialize;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Protected;
use crate::engine::event::Watch;
use crate::engine::{Consent, Engine, Order, Since, Stop};
use crate::failure::{Code, Failure, Result};
use crate::graph::cloud::Endpoint;
use crate::graph::http::HttpTransport;
use crate::graph::retry::Budget;
use crate::graph::{Graph, GraphParts};
use crate::guard::Guards;
use crate::journal::Store;
use crate::playbook::{DEFAULT_PLAYBOOK, Playbook};
use crate::report::RunDocument;
use crate::sim::Tenant;
use crate::sim::intruder::Foothold;
use crate::target_name::TargetName;
use adversary::{Adversary, Counting};
use difference::differences;
pub use served::Served;
use served::{ExchangeIssuer, Issuer};

/// The tenant that is rehearsed on when none is given.
pub const CONTOSO: &str = include_str!("../../examples/tenants/contoso.yaml");
/// The application of the tenant file that runs oust.
pub const RUNNER: &str = "oust";
/// What a round trip takes where the tenant file says nothing.
const LEAST_LATENCY: Duration = Duration::from_millis(5);

/// What a rehearsal showed.
#[derive(Debug, Serialize)]
pub struct Rehearsal {
    /// The story of the attack; from the tenant file.
    pub story: Vec<String>,
    /// Every way back in, with where it stood.
    pub ways_in: Vec<WayIn>,
    /// Whether everything but what was marked irreversible is as it was.
    pub restored: bool,
    /// What isn't as it was: paths into the tenant.
    pub differences: Vec<String>,
    /// What was marked irreversible.
    pub irreversible: Vec<String>,
    /// Dependent requests until revoke and disable were both acknowledged; the token's is not among them.
    pub round_trips_until_cut: Option<usize>,
    /// Dependent requests until everything was read back.
    pub round_trips_until_verified: usize,
    /// Requests that the tenant answered until then.
    pub requests: usize,
    /// Milliseconds of the whole rehearsal.
    pub elapsed_ms: u64,
}

/// A way back in.
#[derive(Debug, Serialize)]
pub struct WayIn {
    /// Its name; hostile.
    pub name: String,
    /// Which kind.
    pub kind: &'static str,
    /// Whether it worked before the containment.
    pub before: bool,
    /// Whether it works after it.
    pub after: bool,
    /// When it last let the intruder in while he went on trying, in milliseconds since the start.
    pub last_in_ms: Option<u64>,
    /// Why, after it; hostile.
    pub why: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Tells of the parts of a rehearsal as they come.
pub trait Audience {
    /// The attack, and what works.
    fn attack(&self, url: &str, story: &[String], footholds: &[Foothold]);
    /// The containment that a recovery comes after begins.
    fn containing(&self);
    /// That containment.
    fn contained(&self, run: &RunDocument);
    /// The plan.
    fn plan(&self, plan: &RunDocument);
    /// The run.
    fn run(&self, run: &RunDocument, ways_in: &[WayIn]);
    /// The rollback.
    fn rollback(&self, rollback: &RunDocument);
}

/// Rehearses: attack, plan, containment, verification, rollback. `state` is where the journal goes, and whether
/// it stays there afterwards. A playbook that gives an account back is rehearsed on the account as the default
/// playbook left it, and its secrets are sealed for a key that nobody keeps.
///
/// # Errors
/// The tenant can't be served, the tenant names nobody to contain, or the playbook has a mistake.
pub async fn rehearse(
    mut tenant: Tenant,
    playbook: Playbook,
    state: (&Path, bool),
    patience: Duration,
    watch: Arc<dyn Watch>,
    audience: &(dyn Audience + Sync),
) -> Result<(RunDocument, Rehearsal)> {
    let started = tokio::time::Instant::now();
    let victim = tenant.victim.clone().ok_or_else(|| {
        Failure::new(Code::InvalidTenantFile, "the tenant file names no victim")
            .next("add `victim: NAME@DOMAIN` to it")
    })?;
    // With none, nobody could tell which requests waited for which.
    tenant.latency = tenant.latency.max(LEAST_LATENCY);
    let served = Served::on_loopback(tenant)?;
    let sim = &served.tenant;
    let clock = Clock::system();
    let since = sim.with(|t| t.compromised_since()).unwrap_or_else(|| clock.now());
    let watch = Arc::new(Counting { inner: watch, tenant: Arc::clone(sim), until_cut: Mutex::default() });
    let (state, stays) = state;
    let engine = engine(&served, &clock, state, patience, Arc::<Counting>::clone(&watch), started)?;
    let gives_back = playbook.gives_back();
    let order = |playbook: Playbook| -> Result<Order> {
        Ok(Order {
            command: "rehearse".into(),
            run_id: Uuid::now_v7(),
            names: vec![TargetName::parse(&victim)?],
            password_recipient: playbook.gives_back().then(unkept_recipient),
            playbook,
            since: Since::At(since),
            part_of: None,
        })
    };

    let (before, story) = (sim.footholds(), sim.with(|t| t.intruder.story.clone()));
    audience.attack(&served.url(), &story, &before);
    if gives_back {
        let order = order(Playbook::find(DEFAULT_PLAYBOOK)?)?;
        audience.containing();
        audience.contained(&engine.contain(&order, &Consent::Given("a rehearsal".into()), None).await);
        watch.until_cut.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
    let order = order(playbook)?;
    let (plan, _) = engine.plan(&order).await;
    audience.plan(&plan);

    let original = sim.with(|t| t.snapshot());
    sim.with(Tenant::clear_log);
    let adversary = Adversary::let_loose(sim, started)
        .map_err(|e| Failure::new(Code::Internal, format!("starting the intruder's thread: {e}")))?;
    let mut run = engine.contain(&order, &Consent::Given("a rehearsal".into()), None).await;
    if !stays {
        run.journal = None;
    }
    let (until_verified, requests) = sim.with(|t| (t.round_trips(), t.log().len()));
    let ways_in = ways_in(&before, sim.footholds(), &adversary.end());
    audience.run(&run, &ways_in);

    let path = engine.store.find(&order.run_id.to_string());
    let rolled_back = match &path {
        Ok(path) => Some(engine.rollback(path, &[], &Consent::Given("a rehearsal".into()), false).await),
        Err(_) => None,
    };
    if let Some(rolled_back) = &rolled_back {
        audience.rollback(rolled_back);
    }
    let differences = differences(&original, &sim.with(|t| t.snapshot()));
    let until_cut = *watch.until_cut.lock().unwrap_or_else(PoisonError::into_inner);
    let rehearsal = Rehearsal {
        story,
        ways_in,
        restored: differences.is_empty(),
        differences,
        irreversible: irreversible(&run),
        round_trips_until_cut: until_cut,
        round_trips_until_verified: until_verified,
        requests,
        elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    Ok((run, rehearsal))
}

/// A public key whose private half is gone at once.
fn unkept_recipient() -> String {
    age::x25519::Identity::generate().to_public().to_string()
}

fn engine(
    served: &Served,
    clock: &Clock,
    state: &Path,
    patience: Duration,
    watch: Arc<dyn Watch>,
    started: tokio::time::Instant,
) -> Result<Engine> {
    let graph = Graph::new(GraphParts {
        transport: Arc::new(HttpTransport::new()?),
        tokens: Arc::new(Issuer(Arc::clone(&served.tenant))),
        endpoint: Endpoint::parse(&served.url(), true)?,
        clock: clock.clone(),
        budget: Arc::new(Budget::default()),
    })
    .in_cloud(served.tenant.with(|t| t.cloud()));
    let graph = if served.tenant.offers_exchange(RUNNER) {
        let exchange = Arc::new(ExchangeIssuer(Arc::clone(&served.tenant)));
        graph.with_exchange(Endpoint::parse(&served.url(), true)?, exchange)
    } else {
        graph.without_exchange(format!("{RUNNER} holds no Exchange.ManageAsApp in the tenant file"))
    };
    let throttles = served.tenant.with(|t| t.limits.is_some());
    Ok(Engine {
        graph: Arc::new(if throttles { graph } else { graph.unpaced() }),
        clock: clock.clone(),
        watch,
        stop: Stop::new(clock.clone(), None),
        store: Store::new(state.to_owned()),
        signer: None,
        guards: Guards {
            protected: Protected::default(),
            max_users: 1,
            tenant_id: Some(served.tenant.with(|t| t.tenant_id.clone())),
        },
        started,
        patience,
    })
}

fn ways_in(
    before: &[Foothold],
    after: Vec<Foothold>,
    last_in: &HashMap<(String, &'static str), Duration>,
) -> Vec<WayIn> {
    let ms = |d: &Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    after
        .into_iter()
        .map(|after| WayIn {
            last_in_ms: last_in.get(&(after.name.clone(), after.what)).map(ms),
            before: before.iter().any(|b| b.name == after.name && b.what == after.what && b.works),
            name: after.name,
            kind: after.what,
            after: after.works,
            why: after.why,
            until: after.until,
        })
        .collect()
}

fn irreversible(run: &RunDocument) -> Vec<String> {
    let changes = run.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes);
    changes
        .filter_map(|change| match &change.undo {
            Undo::Never(why) => Some(format!("{}: {why}", change.say)),
            Undo::Call(_) => None,
        })
        .collect()
}
