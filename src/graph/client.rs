//! [`Graph`]: what every request shares, whether it reads (`fetch.rs`) or writes (`writer.rs`).

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use oust_actions::Api;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::challenge::demanded_claims;
use super::claims::Claims;
use super::cloud::{Cloud, Endpoint};
use super::error_body::ErrorBody;
use super::exchange;
use super::limits::{Limits, Load};
use super::retry::{Budget, Jitter, RetryAfter, http_date};
use super::service_clock::ServiceClock;
use super::token::{Again, Token, TokenSource};
use super::{Reply, Request, SendError, Transport};
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// What a [`Graph`] is made of.
pub struct GraphParts {
    /// The seam to the outside.
    pub transport: Arc<dyn Transport>,
    /// Where tokens come from.
    pub tokens: Arc<dyn TokenSource>,
    /// Where requests go.
    pub endpoint: Endpoint,
    /// The time.
    pub clock: Clock,
    /// How long may be waited.
    pub budget: Arc<Budget>,
}

/// The Graph client. One for a tenant: its requests share tokens and limits.
pub struct Graph {
    parts: GraphParts,
    pub(super) limits: Limits,
    pub(super) jitter: Jitter,
    service: ServiceClock,
    cloud: Cloud,
    directory: Door,
    /// The way to Exchange Online, or why it is closed.
    exchange: std::result::Result<Door, String>,
}

/// A service that requests go to, with the tokens that go there and nowhere else.
struct Door {
    endpoint: Endpoint,
    tokens: Arc<dyn TokenSource>,
    /// Counts renewals, so that requests that were refused together renew once.
    renewals: AtomicU64,
    renewing: tokio::sync::Mutex<()>,
}

impl Door {
    fn new(endpoint: Endpoint, tokens: Arc<dyn TokenSource>) -> Self {
        Self { endpoint, tokens, renewals: AtomicU64::new(0), renewing: tokio::sync::Mutex::default() }
    }
}

/// A token, and how many renewals came before it.
pub(super) struct Session {
    pub(super) token: Token,
    renewal: u64,
}

/// A request but for what changes from attempt to attempt.
pub(super) struct Outgoing<'a> {
    pub api: Api,
    pub method: &'static str,
    /// Absolute, on the origin of the service that `api` belongs to.
    pub url: &'a str,
    /// For the log and the limits: path without query.
    pub path: &'a str,
    pub eventual: bool,
    /// The mailbox that Exchange Online routes by.
    pub anchor: Option<&'a str>,
    pub body: Option<&'a Zeroizing<Vec<u8>>>,
}

impl Outgoing<'_> {
    /// What it counts as.
    pub fn load(&self) -> Load {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        Load::of(self.method, self.path, query)
    }
}

impl Graph {
    /// Sends nothing yet.
    pub fn new(parts: GraphParts) -> Self {
        Self {
            limits: Limits::new(parts.clock.clone()),
            jitter: Jitter::random(),
            service: ServiceClock::default(),
            cloud: Cloud::Global,
            directory: Door::new(parts.endpoint.clone(), Arc::clone(&parts.tokens)),
            exchange: Err(exchange::NOT_ASKED_FOR.to_owned()),
            parts,
        }
    }

    /// Says which cloud the endpoint is of: what Graph lacks there is not asked for. The global one otherwise.
    #[must_use]
    pub fn in_cloud(mut self, cloud: Cloud) -> Self {
        self.cloud = cloud;
        self
    }

    /// The cloud that the endpoint is of.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// Opens the way to Exchange Online, with tokens of its own. No token is asked for yet.
    #[must_use]
    pub fn with_exchange(mut self, endpoint: Endpoint, tokens: Arc<dyn TokenSource>) -> Self {
        self.exchange = Ok(Door::new(endpoint, tokens));
        self
    }

    /// Leaves the way to Exchange Online closed, and says why.
    #[must_use]
    pub fn without_exchange(mut self, why: impl Into<String>) -> Self {
        self.exchange = Err(why.into());
        self
    }

    /// The service's time, as far as its answers have told it: what `signInSessionsValidFromDateTime` is
    /// compared with.
    pub fn service_time(&self) -> Timestamp {
        let now = self.parts.clock.steady();
        now.checked_add(self.service.offset()).unwrap_or(now)
    }

    /// What the token says about who holds it; signs in when that hasn't happened yet.
    ///
    /// # Errors
    /// The sign-in failed.
    pub async fn claims(&self) -> Result<Claims> {
        self.claims_for(Api::V1).await
    }

    /// What the token for Exchange Online says. `None`: the way there is closed.
    pub async fn exchange_claims(&self) -> Option<Result<Claims>> {
        match self.exchange {
            Ok(_) => Some(self.claims_for(Api::Exchange).await),
            Err(_) => None,
        }
    }

    /// Where Exchange Online is.
    ///
    /// # Errors
    /// Why the way there is closed.
    pub fn exchange_endpoint(&self) -> std::result::Result<&Endpoint, &str> {
        self.exchange.as_ref().map(|door| &door.endpoint).map_err(String::as_str)
    }

    async fn claims_for(&self, api: Api) -> Result<Claims> {
        let session = self.session(api).await?;
        Ok(Claims::decode(session.token.secret.expose_secret()))
    }

    /// Where requests to Graph go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.directory.endpoint
    }

    /// Where requests of this API go.
    ///
    /// # Errors
    /// The way there is closed.
    pub(super) fn endpoint_of(&self, api: Api) -> Result<&Endpoint> {
        self.door(api).map(|door| &door.endpoint)
    }

    fn door(&self, api: Api) -> Result<&Door> {
        match (api, &self.exchange) {
            (Api::V1 | Api::Beta, _) => Ok(&self.directory),
            (Api::Exchange, Ok(door)) => Ok(door),
            (Api::Exchange, Err(why)) => Err(Failure::new(Code::NoCredential, why.clone())),
        }
    }

    /// Where the cmdlets of this tenant are run: the tenant of the token decides.
    ///
    /// # Errors
    /// The way there is closed, the sign-in failed, or the token names no tenant.
    pub(super) async fn cmdlets(&self) -> Result<exchange::Address> {
        let endpoint = self.endpoint_of(Api::Exchange)?;
        let tenant = self.claims_for(Api::Exchange).await?.tenant_id.ok_or_else(|| {
            Failure::new(Code::Unreadable, "the token for Exchange Online doesn't say which tenant it is for")
        })?;
        Ok(exchange::Address::of(endpoint, &tenant))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.parts.budget
    }

    /// A token to begin with.
    pub(super) async fn session(&self, api: Api) -> Result<Session> {
        let door = self.door(api)?;
        let renewal = door.renewals.load(Ordering::Acquire);
        let token = self.sign_in(door, Again::Cached).await?;
        Ok(Session { token, renewal })
    }

    /// Another token than the one that was refused with `reply`.
    pub(super) async fn renew(&self, api: Api, refused: &Session, reply: &Reply) -> Result<Session> {
        let door = self.door(api)?;
        let _one_at_a_time = door.renewing.lock().await;
        if door.renewals.load(Ordering::Acquire) != refused.renewal {
            return self.session(api).await;
        }
        let token = self.sign_in(door, Again::Fresh { claims: demanded_claims(reply) }).await?;
        let renewal = door.renewals.fetch_add(1, Ordering::AcqRel) + 1;
        Ok(Session { token, renewal })
    }

    async fn sign_in(&self, door: &Door, again: Again) -> Result<Token> {
        self.before_deadline(door.tokens.token(again)).await.unwrap_or_else(|()| {
            Err(Failure::new(Code::DeadlinePassed, "the deadline passed while signing in"))
        })
    }

    /// Runs something that may be given up at the deadline.
    pub(super) async fn before_deadline<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> std::result::Result<T, ()> {
        match self.budget().until_deadline(self.clock().steady()) {
            Some(left) => tokio::time::timeout(left, work).await.map_err(drop),
            None => Ok(work.await),
        }
    }

    /// Sends once.
    pub(super) async fn attempt(
        &self,
        out: &Outgoing<'_>,
        session: &Session,
    ) -> std::result::Result<Reply, SendError> {
        let request = Request {
            method: out.method,
            url: out.url.to_owned(),
            headers: headers(out),
            bearer: Some(session.token.secret.clone()),
            body: out.body.cloned(),
        };
        let (began, sent) = (Instant::now(), self.clock().steady());
        let answer = self.parts.transport.send(request).await;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(reply) => {
                if let Some(date) = reply.header("date").and_then(http_date) {
                    self.service.learn(date, sent, self.clock().steady());
                }
                self.limits.learn(&out.load(), reply);
                let id = reply.header("request-id").unwrap_or_default();
                tracing::debug!(
                    method = out.method,
                    path = out.path,
                    status = reply.status,
                    request_id = id,
                    ms
                );
            }
            Err(error) => tracing::debug!(method = out.method, path = out.path, %error, ms),
        }
        answer
    }

    /// How long the answer asks to wait, or else our own back-off; whether it asked for too much.
    pub(super) fn wait_after(&self, reply: Option<&Reply>, tries: u32) -> RetryAfter {
        let own = || RetryAfter { wait: self.jitter.back_off(tries), asked: false, capped: false };
        let asked = reply
            .and_then(|reply| reply.header("retry-after"))
            .and_then(|text| RetryAfter::parse(text, self.service_time()));
        // Zero would be an immediate retry, which Graph asks not to make.
        asked.map_or_else(own, |asked| if asked.wait.is_zero() { own() } else { asked })
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("endpoint", &self.parts.endpoint).finish_non_exhaustive()
    }
}

/// An error answer, in words.
pub(super) fn explain(api: Api, status: u16, body: &ErrorBody) -> String {
    if let (Api::Exchange, Some(why)) = (api, exchange::denial(status, body)) {
        return why;
    }
    body.message.clone().unwrap_or_else(|| format!("HTTP {status} without a message"))
}

fn headers(out: &Outgoing<'_>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("accept", "application/json".to_owned()),
        ("client-request-id", Uuid::new_v4().to_string()),
        ("x-ms-throttle-priority", "high".to_owned()),
    ];
    if out.eventual {
        headers.push(("consistencylevel", "eventual".to_owned()));
    }
    if let Some(mailbox) = out.anchor {
        headers.push(("x-anchormailbox", mailbox.to_owned()));
    }
    if out.body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    } else if out.method == "POST" {
        headers.push(("content-length", "0".to_owned()));
    }
    headers
}
