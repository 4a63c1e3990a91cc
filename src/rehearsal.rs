//! A rehearsal: the engine, the Graph client, the HTTP stack and the journal of a real run, against a simulated
//! tenant on a loopback port.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use oust_actions::Undo;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Protected;
use crate::engine::event::{Event, Watch, What};
use crate::engine::{Consent, Engine, Order, Since, Stop};
use crate::failure::{Code, Failure, Result};
use crate::graph::cloud::Endpoint;
use crate::graph::http::HttpTransport;
use crate::graph::retry::Budget;
use crate::graph::token::{Again, Token, TokenSource};
use crate::graph::{Graph, GraphParts};
use crate::guard::Guards;
use crate::journal::Store;
use crate::playbook::{DEFAULT_PLAYBOOK, Playbook};
use crate::report::RunDocument;
use crate::sim::intruder::Foothold;
use crate::sim::{Simulated, Tenant, http};
use crate::target_name::TargetName;

/// The tenant that is rehearsed on when none is given.
pub const CONTOSO: &str = include_str!("../examples/tenants/contoso.yaml");
/// The application of the tenant file that runs oust.
pub const RUNNER: &str = "oust";

/// A simulated tenant behind HTTP, served by a thread of its own.
pub struct Served {
    /// The tenant.
    pub tenant: Arc<Simulated>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl Served {
    /// Serves a tenant.
    ///
    /// # Errors
    /// [`Code::Unreachable`]: the address can't be listened on.
    pub fn start(tenant: Tenant, address: SocketAddr) -> Result<Self> {
        let failed =
            |e: std::io::Error| Failure::new(Code::Unreachable, format!("listening on {address}: {e}"));
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let tenant = Simulated::new(tenant, Clock::system());
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&tenant);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let serving = move || {
            runtime.block_on(async move {
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    let _ = http::serve(listener, served, async {
                        let _ = stopped.await;
                    })
                    .await;
                }
            });
        };
        std::thread::Builder::new().name("tenant".into()).spawn(serving).map_err(failed)?;
        Ok(Self { tenant, address: bound, stop: Some(stop) })
    }

    /// On any free port of the loopback interface.
    ///
    /// # Errors
    /// As [`Served::start`].
    pub fn on_loopback(tenant: Tenant) -> Result<Self> {
        Self::start(tenant, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// `http://127.0.0.1:40000`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

/// Issues tokens as the simulated tenant does.
struct Issuer(Arc<Simulated>);

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: SecretString::from(self.0.token(RUNNER)), expires_on: None })
    }
}

/// The same for Exchange Online.
struct ExchangeIssuer(Arc<Simulated>);

#[async_trait]
impl TokenSource for ExchangeIssuer {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: SecretString::from(self.0.exchange_token(RUNNER)), expires_on: None })
    }
}

/// Hands events on, and counts the dependent round trips until the cut.
struct Counting {
    inner: Arc<dyn Watch>,
    tenant: Arc<Simulated>,
    until_cut: Mutex<Option<usize>>,
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

/// The intruder, who goes on trying every foothold while he is evicted.
struct Adversary {
    stop: Arc<AtomicBool>,
    trying: JoinHandle<HashMap<(String, &'static str), Duration>>,
}

impl Adversary {
    /// Begins to try, many times a second, and notes when each foothold last let him in.
    fn let_loose(tenant: &Arc<Simulated>, started: tokio::time::Instant) -> std::io::Result<Self> {
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
    fn end(self) -> HashMap<(String, &'static str), Duration> {
        self.stop.store(true, Ordering::SeqCst);
        self.trying.join().unwrap_or_default()
    }
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
    tenant: Tenant,
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
        budget: Arc::new(Budget { deadline: None, per_read: Duration::from_secs(60) }),
    });
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

/// Paths at which two snapshots differ, but for what can't be restored.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (Some(a), Some(b)) = (before.as_object(), after.as_object()) else { return found };
    for (part, was) in a.iter().filter(|(part, _)| *part != "irreversible") {
        compare(part, was, b.get(part).unwrap_or(&Value::Null), &mut found);
    }
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let (x, y) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(&format!("{path}/{key}"), x, y, found);
            }
        }
        (a, b) if a != b => found.push(path.to_owned()),
        _ => {}
    }
}
