//! A simulated tenant in process and an engine over it. Time moves only when somebody waits for it.

mod truth;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oust::clock::Clock;
use oust::config::Protected;
use oust::engine::event::{Unwatched, Watch};
use oust::engine::{Consent, Engine, Order, SavedPlan, Since, Stop};
use oust::graph::cloud::{Cloud, Endpoint};
use oust::graph::{Budget, Graph, GraphParts, Request, TokenSource, Transport};
use oust::guard::Guards;
use oust::journal::{Fuse, RunPath, Signer, Store, TryLock};
use oust::playbook::Playbook;
use oust::report::RunDocument;
use oust::sim::faults::{Fault, Planted};
use oust::sim::{Simulated, Tenant, file};
use oust::target_name::TargetName;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

pub use truth::{differences, lies, restorable};
pub use wire::{ExchangeTokens, Passed, Power, Wire};

/// The tenant of the documentation: Adele Vance is compromised.
pub const CONTOSO: &str = include_str!("../../examples/tenants/contoso.yaml");
/// Diego Siciliani, who comes from on-premises AD, is compromised.
pub const SYNCED: &str = include_str!("../../examples/tenants/synced.yaml");
pub const ADELE: &str = "AdeleV@contoso.com";
pub const RUNNER: &str = "oust";
const NOON: &str = "2026-05-02T12:00:00Z";

/// A way for a process to die.
#[derive(Debug, Clone, Copy)]
pub enum Crash {
    /// Nothing after that many records reaches the disk.
    AfterRecords(usize),
    /// After that many syncs the disk takes no more.
    AfterSyncs(usize),
    /// The power fails at that request.
    At(Power),
}

/// Everything outside the engine.
pub struct World {
    pub sim: Arc<Simulated>,
    pub wire: Arc<Wire>,
    pub clock: Clock,
    pub guards: Guards,
    pub patience: Duration,
    pub deadline: Option<Timestamp>,
    pub playbook: Playbook,
    pub users: Vec<String>,
    pub password_recipient: Option<String>,
    pub tokens: Arc<dyn TokenSource>,
    pub signer: Option<Arc<Signer>>,
    /// Where tokens for Exchange Online come from; `None`: the operator didn't opt in.
    pub exchange: Option<Arc<dyn TokenSource>>,
    pub watch: Arc<dyn Watch>,
    /// The cloud that the operator says the tenant is in.
    pub cloud: Cloud,
    /// The tenant before anything was done.
    pub original: Value,
    /// How the file system of the state directory locks.
    pub try_lock: TryLock,
    fuse: Option<Fuse>,
    folder: tempfile::TempDir,
}

/// Runs a future on a clock that nobody has to wait for: for property tests, which have no async form.
pub fn on_a_still_clock<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(future)
}

pub fn yes() -> Consent<'static> {
    Consent::Given("a test".into())
}

impl World {
    pub fn contoso() -> Self {
        Self::of(CONTOSO)
    }

    /// The tenant of a tenant file, its victim to be contained by the default playbook.
    pub fn of(yaml: &str) -> Self {
        Self::with(file::parse(yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}")))
    }

    pub fn with(tenant: Tenant) -> Self {
        let clock = Clock::starting_at(NOON.parse().unwrap());
        Self::on(Simulated::new(tenant, clock.clone()), clock)
    }

    /// Another machine, with a state directory of its own, that does the same to the same tenant.
    pub fn beside(&self) -> Self {
        let mut beside = Self::on(Arc::clone(&self.sim), self.clock.clone());
        (beside.playbook, beside.original) = (self.playbook.clone(), self.original.clone());
        beside
    }

    fn on(sim: Arc<Simulated>, clock: Clock) -> Self {
        let users = sim.with(|t| t.victim.iter().cloned().collect());
        let wire = Arc::new(Wire::new(Arc::clone(&sim)));
        Self {
            tokens: Arc::<Wire>::clone(&wire),
            exchange: sim
                .offers_exchange(RUNNER)
                .then(|| Arc::new(ExchangeTokens(Arc::clone(&sim))) as Arc<dyn TokenSource>),
            wire,
            watch: Arc::new(Unwatched),
            cloud: sim.with(|t| t.cloud()),
            original: sim.with(|t| t.snapshot()),
            clock,
            guards: Guards { protected: Protected::default(), max_users: 1, tenant_id: None },
            patience: Duration::from_secs(120),
            deadline: None,
            playbook: Playbook::find("token-theft").unwrap(),
            users,
            password_recipient: None,
            signer: None,
            try_lock: std::fs::File::try_lock,
            fuse: None,
            folder: tempfile::tempdir().unwrap(),
            sim,
        }
    }

    /// The machine has a clock of its own, which may be set without the service's.
    pub fn on_own_clock(mut self) -> Self {
        self.clock = Clock::starting_at(self.clock.now());
        self
    }

    /// The operator left the cloud out of the configuration.
    pub fn taken_for_global(mut self) -> Self {
        self.cloud = Cloud::Global;
        self
    }

    /// By a playbook of this one step.
    pub fn by_step(mut self, action: &str, with: &str) -> Self {
        let text = format!(
            "schema: oust.playbook/1\nid: one-step\ntitle: one step\nstages:\n  - id: only\n    title: only\n    steps:\n      - action: {action}\n        with: {with}\n"
        );
        self.playbook = Playbook::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        self
    }

    pub fn by(mut self, playbook: &str) -> Self {
        self.playbook = Playbook::parse(playbook).unwrap_or_else(|e| panic!("{e}\n{playbook}"));
        self
    }

    pub fn with_fault(self, on: &str, fault: Fault) -> Self {
        self.with_planted(Planted::new(on, fault))
    }

    pub fn with_planted(self, fault: Planted) -> Self {
        self.sim.with(|t| t.faults.plant(fault));
        self
    }

    pub fn crashing(mut self, crash: Crash) -> Self {
        match crash {
            Crash::AfterRecords(records) => self.fuse = Some(Fuse::after(records)),
            Crash::AfterSyncs(syncs) => self.fuse = Some(Fuse::after_syncs(syncs)),
            Crash::At(power) => self.wire.fail(power),
        }
        self
    }

    /// The power is back and the disk has room.
    pub fn mended(mut self) -> Self {
        self.fuse = None;
        self.wire.mend();
        self
    }

    pub fn state_dir(&self) -> &Path {
        self.folder.path()
    }

    pub fn store(&self) -> Store {
        let store = Store::new(self.state_dir().to_owned()).locking_by(self.try_lock);
        match &self.fuse {
            Some(fuse) => store.fused(fuse.clone()),
            None => store,
        }
    }

    /// A new process.
    pub fn engine(&self) -> Engine {
        let mut graph = Graph::new(GraphParts {
            transport: Arc::<Wire>::clone(&self.wire),
            tokens: Arc::clone(&self.tokens),
            endpoint: Endpoint::parse(Simulated::BASE_URL, false).unwrap(),
            clock: self.clock.clone(),
            budget: Arc::new(Budget { deadline: self.deadline, ..Budget::default() }),
        })
        .in_cloud(self.cloud);
        if let Some(tokens) = &self.exchange {
            let endpoint = Endpoint::parse(Simulated::EXCHANGE_URL, false).unwrap();
            graph = graph.with_exchange(endpoint, Arc::clone(tokens));
        }
        Engine {
            graph: Arc::new(graph),
            clock: self.clock.clone(),
            watch: Arc::clone(&self.watch),
            stop: Stop::new(self.clock.clone(), self.deadline),
            store: self.store(),
            signer: self.signer.clone(),
            guards: self.guards.clone(),
            started: tokio::time::Instant::now(),
            patience: self.patience,
        }
    }

    pub fn order(&self) -> Order {
        let since = self.sim.with(|t| t.compromised_since()).unwrap_or_else(|| self.clock.now());
        Order {
            command: "contain".into(),
            run_id: Uuid::now_v7(),
            names: self.users.iter().map(|name| TargetName::parse(name).unwrap()).collect(),
            playbook: self.playbook.clone(),
            since: Since::At(since),
            password_recipient: self.password_recipient.clone(),
            part_of: None,
        }
    }

    pub async fn plan(&self) -> RunDocument {
        self.saved_plan().await.0
    }

    pub async fn saved_plan(&self) -> (RunDocument, Option<SavedPlan>) {
        self.engine().plan(&self.order()).await
    }

    pub async fn contain(&self) -> RunDocument {
        self.try_contain().await.expect("the power must not fail")
    }

    /// `None`: the power failed.
    pub async fn try_contain(&self) -> Option<RunDocument> {
        let (engine, order, consent) = (self.engine(), self.order(), yes());
        tokio::select! {
            biased;
            () = self.wire.went_out() => None,
            document = engine.contain(&order, &consent, None) => Some(document),
        }
    }

    pub async fn resume(&self) -> RunDocument {
        self.engine().resume(&self.last(), &yes()).await
    }

    pub async fn verify(&self) -> RunDocument {
        self.engine().reverify(&self.last()).await
    }

    pub async fn rollback(&self) -> RunDocument {
        self.engine().rollback(&self.last(), &[], &yes(), false).await
    }

    pub fn last(&self) -> RunPath {
        self.store().find("last").unwrap()
    }

    pub fn journal(&self) -> PathBuf {
        self.last().journal().to_owned()
    }

    /// Lines of the last journal, whole ones.
    pub fn records(&self) -> usize {
        std::fs::read_to_string(self.journal()).unwrap().matches('\n').count()
    }

    /// Kinds of the records of the last journal.
    pub fn kinds(&self) -> Vec<String> {
        if self.store().runs().is_empty() {
            return vec![];
        }
        let text = std::fs::read_to_string(self.journal()).unwrap();
        let kind = |line| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned();
        text.lines().map(kind).collect()
    }

    /// Drops what a power cut may: what was written after the last sync. `false`: there was nothing.
    pub fn lose_unsynced(&self) -> bool {
        let Some(fuse) = self.fuse.as_ref().filter(|_| !self.store().runs().is_empty()) else { return false };
        let file = std::fs::File::options().write(true).open(self.journal()).unwrap();
        let written = file.metadata().unwrap().len();
        file.set_len(fuse.synced()).unwrap();
        fuse.synced() < written
    }

    pub fn snapshot(&self) -> Value {
        self.sim.with(|t| t.snapshot())
    }

    pub fn victim_id(&self) -> String {
        self.user_id(&self.users[0])
    }

    pub fn user_id(&self, name: &str) -> String {
        self.sim.with(|t| t.user_id(name)).unwrap()
    }

    pub fn writes(&self) -> usize {
        self.sim.with(|t| t.writes_applied())
    }

    /// Changes the tenant before the story begins.
    pub fn prepare<T>(&mut self, act: impl FnOnce(&mut Tenant) -> T) -> T {
        let prepared = self.sim.with(act);
        self.original = self.snapshot();
        prepared
    }

    /// Somebody else writes, past the engine.
    pub async fn somebody_writes(&self, method: &'static str, path: &str, body: &Value) {
        let request = Request {
            method,
            url: format!("{}/v1.0{path}", Simulated::BASE_URL),
            headers: vec![],
            bearer: Some(SecretString::from(self.sim.token(RUNNER))),
            body: Some(body.to_string().into_bytes().into()),
        };
        let status = self.sim.send(request).await.unwrap().status;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
    }

    /// What is not as it was, but for what can't be.
    pub fn not_restored(&self) -> Vec<String> {
        differences(&restorable(&self.original), &restorable(&self.snapshot()))
    }
}
