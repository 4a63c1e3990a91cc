//! From options, environment and configuration to an engine that is ready to sign in.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use super::common::Common;
use super::output::Output;
use super::signals;
use crate::clock::Clock;
use crate::config::{Config, default_state_dir};
use crate::engine::event::{Event, Watch, What};
use crate::engine::{Engine, Stop};
use crate::failure::{Code, Failure, Result};
use crate::graph::cloud::{Cloud, Endpoint};
use crate::graph::credential::{self, Auth};
use crate::graph::environment::Environment;
use crate::graph::http::HttpTransport;
use crate::graph::limits::TellWait;
use crate::graph::retry::Budget;
use crate::graph::{Graph, GraphParts, TenantSize};
use crate::guard::Guards;
use crate::journal::{RunPath, Signer, Store, load};

/// An engine, and how it signs in, for people.
pub struct Connection {
    /// The engine.
    pub engine: Engine,
    /// How it signs in.
    pub signs_in_by: String,
    /// Where it sends to.
    pub endpoint: String,
    /// The configuration file that was read.
    pub config_file: Option<PathBuf>,
    /// The tenants in it.
    pub tenants: Vec<String>,
}

/// Where runs are kept.
///
/// # Errors
/// [`Code::StateUnwritable`] when nobody says and the platform has no place.
pub fn store(common: &Common) -> Result<Store> {
    let root = common.state_dir.clone().or_else(default_state_dir).ok_or_else(|| {
        Failure::new(Code::StateUnwritable, "there is no home directory to keep runs in")
            .next("give one with --state-dir")
    })?;
    Ok(Store::new(root))
}

/// How many users an earlier run has.
///
/// # Errors
/// The journal can't be read.
pub fn users_of(run: &RunPath) -> Result<usize> {
    Ok(load(run.journal())?.1.users.len())
}

/// Makes the engine, for so many users. Nothing is sent yet.
///
/// # Errors
/// Mistakes in options, environment and configuration; no way to sign in.
pub fn connect(
    common: &Common,
    output: &Output,
    users: usize,
    max_users: Option<usize>,
    started: tokio::time::Instant,
) -> Result<Connection> {
    Base::new(common, output.watch(users), started)?.connect(common.tenant.as_deref(), users, max_users)
}

/// What the engines of one process share, whatever their tenants.
pub struct Base<'a> {
    common: &'a Common,
    config_file: Option<PathBuf>,
    config: Config,
    signer: Option<Arc<Signer>>,
    started: tokio::time::Instant,
    /// Time.
    pub clock: Clock,
    /// Who watches.
    pub watch: Arc<dyn Watch>,
    /// Stops all of them.
    pub stop: Stop,
    /// Where runs are kept.
    pub store: Store,
}

impl<'a> Base<'a> {
    /// Reads the configuration and listens for signals.
    ///
    /// # Errors
    /// Mistakes in options and configuration.
    pub fn new(common: &'a Common, watch: Arc<dyn Watch>, started: tokio::time::Instant) -> Result<Self> {
        let config = Config::load(common.config.as_deref())?;
        let clock = Clock::system();
        let stop = Stop::new(clock.clone(), deadline(common, &clock));
        signals::listen(&stop);
        Ok(Self {
            common,
            config_file: Config::path(common.config.as_deref()),
            signer: signer(&config)?,
            config,
            started,
            clock,
            watch,
            stop,
            store: store(common)?,
        })
    }

    /// Makes the engine of a tenant by its name in the configuration, for so many users of it. Nothing is sent yet.
    ///
    /// # Errors
    /// Mistakes in environment and configuration; no way to sign in.
    pub fn connect(
        &self,
        tenant: Option<&str>,
        users: usize,
        max_users: Option<usize>,
    ) -> Result<Connection> {
        let (common, config) = (self.common, &self.config);
        let named = tenant.is_some();
        let tenant = config.tenant(tenant)?;
        let mut environment = Environment::from_process();
        // A tenant that was named goes before the environment, the only one of the file after it.
        prefer(&mut environment.tenant_id, tenant.tenant_id.as_ref(), named);
        prefer(&mut environment.client_id, tenant.client_id.as_ref(), named);
        prefer(&mut environment.certificate_path, tenant.certificate_path.as_ref(), named);
        environment.token_file.clone_from(&common.token_file);
        let cloud = common.cloud.or(tenant.cloud).unwrap_or(Cloud::Global);
        let http = Arc::new(HttpTransport::new()?);
        let auth = common.auth.or(tenant.auth).unwrap_or(Auth::Auto);
        let tenant_id = environment.tenant_id.clone();
        let redirected = std::env::var("OUST_GRAPH_ENDPOINT").ok().filter(|url| !url.is_empty());
        let endpoint = match &redirected {
            Some(url) => Endpoint::parse(url, common.token_file.is_some())?,
            None => Endpoint::for_cloud(cloud),
        };
        let (tokens, signs_in_by) =
            credential::choose(auth, &environment, cloud, Arc::<HttpTransport>::clone(&http))?;
        let exchange = if tenant.exchange {
            let http = Arc::<HttpTransport>::clone(&http);
            let tokens = credential::choose_for_exchange(auth, &environment, cloud, http)?;
            Some((exchange_endpoint(cloud)?, tokens))
        } else {
            None
        };
        let shown = endpoint.url("");
        // The connection is opened while the sign-in travels.
        let (ahead, root) = (Arc::clone(&http), endpoint.url("/v1.0"));
        tokio::spawn(async move { ahead.warm(&root).await });
        let graph = Graph::new(GraphParts {
            transport: http,
            tokens,
            endpoint,
            clock: self.clock.clone(),
            budget: Arc::new(Budget {
                deadline: self.stop.deadline(),
                per_step: common.retry_for,
                ..Budget::default()
            }),
        })
        .in_cloud(cloud)
        .telling(self.tells_waits())
        .sized(tenant.size.max(TenantSize::of(users)))
        .sharing_limits(self.store.root().join("limits"));
        let graph = match exchange {
            None => graph,
            Some((endpoint, Some(tokens))) => graph.with_exchange(endpoint, tokens),
            Some((_, None)) => graph.without_exchange(
                "the Exchange Online route needs a token of its own, and the sign-in is one token from a file",
            ),
        };
        let guards = Guards {
            protected: config.protected.clone(),
            max_users: max_users.or(config.limits.max_users).unwrap_or(1),
            tenant_id: tenant_id.filter(|id| uuid::Uuid::try_parse(id).is_ok()),
        };
        Ok(Connection {
            engine: Engine {
                graph: Arc::new(graph),
                clock: self.clock.clone(),
                watch: Arc::clone(&self.watch),
                stop: self.stop.clone(),
                store: self.store.clone(),
                signer: self.signer.clone(),
                guards,
                started: self.started,
                patience: common.patience,
            },
            signs_in_by,
            endpoint: shown,
            config_file: self.config_file.clone(),
            tenants: config.tenants.keys().cloned().collect(),
        })
    }

    fn tells_waits(&self) -> TellWait {
        let (watch, clock, started) = (Arc::clone(&self.watch), self.clock.clone(), self.started);
        Arc::new(move |why, wait| {
            let what = What::Waiting { why: why.to_owned(), seconds: wait.as_secs_f64() };
            watch.saw(&Event::new(&clock, started, what));
        })
    }
}

/// The key that signs journals: `OUST_SIGNING_KEY`, else that of the configuration, else none. One that is named and
/// can't be used stops before anything is sent: a record that was to be signed would end unsigned.
fn signer(config: &Config) -> Result<Option<Arc<Signer>>> {
    let named = std::env::var_os("OUST_SIGNING_KEY").filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| config.journal.signing_key.clone());
    path.map(|path| Signer::open(&path).map(Arc::new)).transpose()
}

/// Where Exchange Online is: the cloud's, or `OUST_EXCHANGE_ENDPOINT`, https alone.
fn exchange_endpoint(cloud: Cloud) -> Result<Endpoint> {
    const NAME: &str = "OUST_EXCHANGE_ENDPOINT";
    match std::env::var(NAME).ok().filter(|url| !url.is_empty()) {
        Some(url) => Endpoint::parse_from(NAME, &url, false),
        None => Ok(Endpoint::exchange_of_cloud(cloud)),
    }
}

/// Takes a value of the configuration, where there is one and it goes first or nothing else is there.
fn prefer<T: Clone>(environment: &mut Option<T>, configured: Option<&T>, configured_first: bool) {
    if configured.is_some() && (configured_first || environment.is_none()) {
        *environment = configured.cloned();
    }
}

/// The deadline that the options give.
pub fn deadline(common: &Common, clock: &Clock) -> Option<jiff::Timestamp> {
    let duration = SignedDuration::try_from(common.deadline?).unwrap_or(SignedDuration::from_hours(24 * 365));
    clock.steady().checked_add(duration).ok()
}
