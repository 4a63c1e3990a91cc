//! A simulated tenant: it answers Microsoft Graph v1.0 as Graph does, and enforces what Graph enforces.
//!
//! A [`Tenant`] is one value, stepped by the time it is given. [`Simulated`] shares it and is a [`Transport`];
//! [`http::serve`] puts it behind HTTP. Documented behaviour is on by default; lag, throttling and faults are
//! switches.

pub mod access_pass;
mod answer;
mod app_role;
mod application;
mod batch;
mod build;
mod build_apps;
mod build_grants;
mod catalogue;
mod cloud;
mod conditional_access;
mod credential;
pub mod crowd;
mod device;
mod directory;
mod error;
mod exchange;
pub mod faults;
pub mod file;
mod filter;
mod grant;
mod group;
pub mod http;
mod identity_account;
mod index;
pub mod intruder;
mod lag;
mod limits;
mod log;
mod mailbox;
mod method;
mod moment;
mod organization;
mod permission;
mod preference;
mod random;
mod rank;
mod request;
mod risk;
mod role;
mod role_change;
mod route;
mod select;
mod service_principal;
mod session;
mod sign_in;
mod snapshot;
mod token;
mod user;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub use answer::Delivery;
pub use lag::Lag;
pub use limits::Limits;
pub use log::{Counts, Seen, round_trips};

use self::directory::Directory;
use self::faults::Faults;
use self::intruder::Intruder;
use self::random::Random;
use self::service_principal::ServicePrincipal;
use crate::clock::Clock;
use crate::graph::{Claims, Cloud, Reply, Request, SendError, Transport};

/// A tenant and everything in it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Tenant id.
    pub tenant_id: String,
    /// Objects on a page, when the caller doesn't ask for fewer.
    pub page_size: usize,
    /// How long a request takes there and back.
    pub latency: Duration,
    /// How much longer one may take at most; each differs.
    pub jitter: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// How far replicas lag behind; not at all by default.
    pub lag: Lag,
    /// Throttling; off by default.
    pub limits: Option<Limits>,
    /// The account that a rehearsal contains, by user principal name.
    pub victim: Option<String>,
    /// What the intruder holds.
    pub intruder: Intruder,
    directory: Directory,
    random: Random,
    log: Vec<Seen>,
    /// Whether requests are kept, and not only counted.
    logs: bool,
    counts: Counts,
    /// Counts answers, for their request ids.
    answered: u64,
}

impl Tenant {
    /// A tenant with nobody in it.
    fn new(directory: Directory, seed: u64) -> Self {
        Self {
            tenant_id: directory.tenant_id.clone(),
            page_size: 100,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Faults::default(),
            lag: Lag::default(),
            limits: None,
            victim: None,
            intruder: Intruder::default(),
            directory,
            random: Random::new(seed),
            log: Vec::new(),
            logs: true,
            counts: Counts::default(),
            answered: 0,
        }
    }

    /// Fixes what relative times of the tenant file count from. The first request does it otherwise.
    pub fn begin(&mut self, now: Timestamp) {
        self.directory.start.get_or_insert(now);
    }

    /// How long the next request takes there and back.
    fn travel(&mut self) -> Duration {
        if self.jitter.is_zero() {
            return self.latency;
        }
        self.latency + self.jitter.mul_f64(self.random.fraction())
    }

    /// The object id of a user.
    pub fn user_id(&self, user_principal_name: &str) -> Option<String> {
        self.directory.user(user_principal_name).map(|u| u.id.clone())
    }

    /// The object id of an application's service principal, by its name in the tenant file.
    pub fn app_object_id(&self, app: &str) -> Option<String> {
        self.app(app).map(|sp| sp.id.clone())
    }

    /// The application (client) id, by the name in the tenant file.
    pub fn app_id(&self, app: &str) -> Option<String> {
        self.app(app).map(|sp| sp.app_id.clone())
    }

    /// The cloud that it is in.
    pub fn cloud(&self) -> Cloud {
        self.directory.cloud
    }

    /// Whether the account can sign in.
    pub fn is_enabled(&self, user: &str) -> Option<bool> {
        self.directory.user(user).map(|u| u.enabled)
    }

    /// Every request so far, in the order of arrival at the service.
    pub fn log(&self) -> &[Seen] {
        &self.log
    }

    /// Requests that changed something.
    pub fn writes_applied(&self) -> usize {
        self.log.iter().filter(|seen| seen.write && seen.applied).count()
    }

    /// The longest chain of requests that waited for each other. Exact with a `latency` above zero.
    pub fn round_trips(&self) -> usize {
        log::round_trips(&self.log)
    }

    /// Forgets the requests so far.
    pub fn clear_log(&mut self) {
        self.log.clear();
        self.counts = Counts::default();
    }

    /// Keeps no request from now on, only their number: for more of them than memory should hold.
    pub fn count_only(&mut self) {
        self.log = Vec::new();
        self.logs = false;
    }

    /// How many requests there were, also where none is kept.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes an application permission away; tokens from now on lack it. `false`: it wasn't there.
    pub fn revoke_permission(&mut self, app: &str, permission: &str) -> bool {
        let Some(principal) = self.app_object_id(app) else { return false };
        let Some((graph, role)) = self.directory.graph_role(permission) else { return false };
        let before = self.directory.app_roles.len();
        self.directory
            .app_roles
            .retain(|a| !(a.principal_id == principal && a.resource_id == graph && a.app_role_id == role));
        self.directory.app_roles.len() < before
    }

    /// Gives an application permission. `false`: there is no such application, permission, or it was there.
    pub fn grant_permission(&mut self, app: &str, permission: &str) -> bool {
        let held = self.app(app).is_some_and(|sp| self.permissions_of(sp).iter().any(|p| p == permission));
        match self.app_object_id(app) {
            Some(principal) if !held => self.directory.assign_permission(&principal, permission),
            _ => false,
        }
    }

    /// Takes a directory role away from an application, or from a user. `false`: it wasn't held.
    pub fn drop_role(&mut self, principal: &str, role: &str) -> bool {
        let (Some(id), Ok(template)) = (self.principal(principal), role::template_of(role)) else {
            return false;
        };
        let before = self.directory.roles.len();
        self.directory.roles.retain(|r| !(r.principal_id == id && r.role_definition_id == template));
        self.directory.roles.len() < before
    }

    /// Gives a directory role to an application or a user. `false`: one of the two isn't known.
    pub fn give_role(&mut self, principal: &str, role: &str) -> bool {
        let (Some(id), Ok(template)) = (self.principal(principal), role::template_of(role)) else {
            return false;
        };
        self.directory.assign_role(&id, &template);
        true
    }

    fn principal(&self, name: &str) -> Option<String> {
        self.app_object_id(name).or_else(|| self.user_id(name))
    }

    fn app(&self, name: &str) -> Option<&ServicePrincipal> {
        self.directory
            .service_principals
            .iter()
            .find(|sp| sp.name == name || sp.app_id == name || sp.id == name)
    }
}

/// A place among the requests that are under way to a mailbox.
struct Place<'a> {
    simulated: &'a Simulated,
    owner: String,
}

impl Drop for Place<'_> {
    /// Also when the caller has given up.
    fn drop(&mut self) {
        self.simulated.with(|tenant| {
            if let Some(limits) = &mut tenant.limits {
                limits.leave(&self.owner);
            }
        });
    }
}

/// A tenant that many can talk to at once, on a clock.
#[derive(Debug)]
pub struct Simulated {
    tenant: Mutex<Tenant>,
    clock: Clock,
}

impl Simulated {
    /// Where it is in process; any other host is answered too.
    pub const BASE_URL: &'static str = "https://graph.microsoft.com";

    /// Starts the simulation now.
    pub fn new(mut tenant: Tenant, clock: Clock) -> Arc<Self> {
        tenant.begin(clock.now());
        Arc::new(Self { tenant: Mutex::new(tenant), clock })
    }

    /// Looks at the tenant, or changes it behind the caller's back.
    pub fn with<T>(&self, act: impl FnOnce(&mut Tenant) -> T) -> T {
        act(&mut self.tenant.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where Exchange Online is in process.
    pub const EXCHANGE_URL: &'static str = "https://outlook.office365.com";

    /// The root of the Graph API.
    pub fn base_url(&self) -> &'static str {
        Self::BASE_URL
    }

    /// A token for an application of the tenant file, issued now.
    pub fn token(&self, app: &str) -> String {
        self.with(|tenant| tenant.token(app, self.clock.now()))
    }

    /// A token of the application for Exchange Online, issued now.
    pub fn exchange_token(&self, app: &str) -> String {
        self.with(|tenant| tenant.exchange_token(app, self.clock.now()))
    }

    /// Whether the application may run Exchange Online's cmdlets as far as permissions go, which is how a tenant
    /// file opts in to them.
    pub fn offers_exchange(&self, app: &str) -> bool {
        !Claims::decode(&self.exchange_token(app)).roles.is_empty()
    }

    /// What has become of the intruder's footholds by now.
    pub fn footholds(&self) -> Vec<intruder::Foothold> {
        self.with(|tenant| tenant.footholds(self.clock.now()))
    }

    /// Lets a request travel, take effect half way, and travel back.
    pub(crate) async fn deliver(&self, request: &Request) -> Delivery {
        let (latency, _place) = self.with(|tenant| {
            let entered =
                tenant.limits.as_mut().and_then(|limits| limits.enter(request.method, &request.url));
            (tenant.travel(), entered.map(|owner| Place { simulated: self, owner }))
        });
        let sent = self.clock.now();
        self.pause(latency / 2).await;
        let (at, delivery) = self.with(|tenant| {
            let delivery = tenant.answer(request, self.clock.now());
            let at = tenant.log.iter().rposition(|seen| !seen.inner);
            if let Some(seen) = at.and_then(|at| tenant.log.get_mut(at)) {
                seen.arrived = sent;
                seen.answered = None;
            }
            (at, delivery)
        });
        self.pause(latency / 2).await;
        let back = self.clock.now();
        self.with(|tenant| {
            if let Some(seen) = at.and_then(|at| tenant.log.get_mut(at)) {
                seen.answered = Some(back);
            }
        });
        delivery
    }

    async fn pause(&self, duration: Duration) {
        if !duration.is_zero() {
            self.clock.sleep(duration).await;
        }
    }
}

#[async_trait]
impl Transport for Simulated {
    async fn send(&self, request: Request) -> Result<Reply, SendError> {
        match self.deliver(&request).await {
            Delivery::Reply(reply) => Ok(reply),
            Delivery::NoConnection => Err(SendError::NotSent("connection refused".into())),
            Delivery::Broken => Err(SendError::NoAnswer("connection reset by peer".into())),
            Delivery::Cut(_) => Err(SendError::NoAnswer("the answer was cut off".into())),
            Delivery::Silence => Err(SendError::NoAnswer("timed out".into())),
            Delivery::Huge => Err(SendError::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests;
