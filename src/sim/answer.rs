//! The one entry: a request in, what travels back out.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::cloud;
use super::directory::object_id;
use super::error::{Answer, GraphError, Outcome};
use super::exchange;
use super::faults::{Fault, RetryAfter};
use super::log::Seen;
use super::request::Ask;
use super::route;
use super::{Limits, Tenant};
use crate::graph::{Reply, Request};

/// What comes back to the caller.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// An answer.
    Reply(Reply),
    /// There was no connection; the request never arrived.
    NoConnection,
    /// The connection broke without an answer.
    Broken,
    /// The answer ends in the middle.
    Cut(Reply),
    /// Nothing, ever.
    Silence,
    /// An answer larger than [`crate::graph::MAX_REPLY_BYTES`].
    Huge,
}

impl Tenant {
    /// Takes a request and gives what travels back. HTTP and in-process callers share it.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Delivery {
        self.begin(now);
        self.directory.synchronise(now);
        if let Some(tenant) = token_endpoint(request) {
            let form = request.body.as_ref().map(|b| b.as_slice()).unwrap_or_default();
            let reply = self.issue(tenant, form, now);
            self.see(request.method, request.url.clone(), (now, false), Some(reply.status), false);
            return Delivery::Reply(reply);
        }
        let bearer = request.bearer.as_ref().map(ExposeSecret::expose_secret);
        let Some(ask) = Ask::new(request) else {
            self.see(request.method, request.url.clone(), (now, false), Some(400), false);
            return Delivery::Reply(self.reply(&Ask::default(), Err(GraphError::unknown_segment("")), now));
        };
        self.step(&ask, bearer, now, false)
    }

    /// A request of a `$batch`. What can only happen to a connection is an internal error here.
    pub(super) fn inside_batch(&mut self, ask: &Ask, bearer: Option<&str>, now: Timestamp) -> Reply {
        match self.step(ask, bearer, now, true) {
            Delivery::Reply(reply) => reply,
            _ => self.reply(ask, Err(by_status(503)), now),
        }
    }

    fn step(&mut self, ask: &Ask, bearer: Option<&str>, now: Timestamp, inner: bool) -> Delivery {
        let at = self.see(&ask.method, ask.target.clone(), (now, inner), None, ask.is_write());
        let query: Vec<String> = ask.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let readable = format!("/{}?{}", ask.path.join("/"), query.join("&"));
        let fault = self.faults.strike(&ask.method, readable.trim_end_matches('?'));
        let mut outcome = None;
        if fault.as_ref().is_none_or(Fault::has_effect) {
            outcome = Some(self.perform(ask, bearer, now));
        }
        let applied = ask.is_write() && matches!(outcome, Some(Ok(_)));
        let delivery = match fault {
            None => Delivery::Reply(self.reply(ask, outcome.unwrap_or_else(|| Err(by_status(500))), now)),
            Some(fault) => self.disturb(ask, fault, outcome, now),
        };
        let status = match &delivery {
            Delivery::Reply(reply) | Delivery::Cut(reply) => Some(reply.status),
            _ => None,
        };
        self.counts.throttled += u64::from(status == Some(429));
        self.counts.writes += u64::from(applied);
        if let Some(seen) = self.log.get_mut(at) {
            seen.applied = applied;
            seen.status = status;
        }
        delivery
    }

    /// Notes a request, and where.
    fn see(
        &mut self,
        method: &str,
        path: String,
        (now, inner): (Timestamp, bool),
        status: Option<u16>,
        write: bool,
    ) -> usize {
        self.counts.requests += 1;
        if !self.logs {
            return usize::MAX;
        }
        self.log.push(Seen {
            method: method.to_owned(),
            path,
            status,
            arrived: now,
            answered: Some(now),
            write,
            applied: false,
            inner,
        });
        self.log.len() - 1
    }

    /// Checks the token, the quota and the permissions, then reads or writes.
    fn perform(&mut self, ask: &Ask, bearer: Option<&str>, now: Timestamp) -> Outcome {
        if let Some(cmdlet) = ask.cmdlet() {
            let caller = self.exchange_caller(bearer, now)?;
            return exchange::run(self, ask, &caller, cmdlet);
        }
        let caller = self.caller(bearer, now)?;
        if !matches!(ask.version.as_str(), "v1.0" | "beta") {
            return Err(GraphError::new(400, "BadRequest", format!("Invalid version: {}", ask.version)));
        }
        if ask.method == "POST" && ask.path == ["$batch"] {
            return self.batch(ask, bearer, now);
        }
        if let Some(limits) = &mut self.limits {
            limits.charge(ask, &caller.app_id, now)?;
        }
        cloud::check(self.directory.cloud, ask)?;
        caller.may(ask)?;
        if ask.is_write() {
            let before = self.lag.is_on().then(|| self.directory.clone());
            let outcome = route::write(&mut self.directory, ask, &caller, now);
            if let Some(before) = before.filter(|_| outcome.is_ok()) {
                self.lag.remember(before, now);
            }
            return outcome;
        }
        let in_methods = ask.path.get(2).is_some_and(|part| part == "authentication");
        let list = (ask.path.len() % 2 == 1) != in_methods;
        match self.lag.stale(list, now, &mut self.random) {
            Some(stale) => route::read(&stale, ask, &caller, now, self.page_size),
            None => route::read(&self.directory, ask, &caller, now, self.page_size),
        }
    }

    /// An outcome as an HTTP answer with Graph's headers.
    pub(super) fn reply(&mut self, ask: &Ask, outcome: Outcome, now: Timestamp) -> Reply {
        self.answered += 1;
        let request_id = object_id("request", &self.answered.to_string());
        let client_request_id = ask.client_request_id.clone().unwrap_or_else(|| request_id.clone());
        let diagnostic = json!({"ServerInfo": {"DataCenter": "Simulated", "Slice": "E", "Ring": "0", "ScaleUnit": "000", "RoleInstance": "SIM"}});
        let mut headers = vec![
            ("request-id".to_owned(), request_id.clone()),
            ("client-request-id".to_owned(), client_request_id.clone()),
            ("date".to_owned(), http_date(now)),
            ("x-ms-ags-diagnostic".to_owned(), diagnostic.to_string()),
            ("x-ms-resource-unit".to_owned(), super::limits::cost(ask).to_string()),
        ];
        if let Some(share) = self.limits.as_mut().and_then(Limits::told_share) {
            headers.push(("x-ms-throttle-limit-percentage".to_owned(), format!("{share:.2}")));
        }
        let (status, body) = match outcome {
            Ok(Answer { status, body }) => (status, body),
            Err(error) => {
                headers.extend(error.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                (error.status, Some(error.body(&request_id, &client_request_id, now)))
            }
        };
        if body.is_some() {
            headers.push((
                "content-type".to_owned(),
                "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8".to_owned(),
            ));
        }
        Reply { status, headers, body: body.map(|b| b.to_string().into_bytes()).unwrap_or_default() }
    }

    /// Turns what would have been answered into what a fault makes of it.
    fn disturb(&mut self, ask: &Ask, fault: Fault, outcome: Option<Outcome>, now: Timestamp) -> Delivery {
        let unharmed = outcome.unwrap_or_else(|| Ok(Answer::ok(Value::Null)));
        let mut answer = |outcome| self.reply(ask, outcome, now);
        match fault {
            Fault::Status { code, retry_after, body, .. } => {
                let mut error = by_status(code);
                error.headers.extend(retry_after.map(|after| ("retry-after", after.text(now))));
                let mut reply = answer(Err(error));
                if let Some(body) = body {
                    reply.body = body.into_bytes();
                }
                Delivery::Reply(reply)
            }
            Fault::Reset { .. } => Delivery::Broken,
            Fault::RefuseConnection => Delivery::NoConnection,
            Fault::Hang { .. } => Delivery::Silence,
            Fault::Huge => Delivery::Huge,
            Fault::CutBody => Delivery::Cut(answer(unharmed)),
            Fault::Html => Delivery::Reply(Reply {
                status: 200,
                headers: vec![("content-type".into(), "text/html".into())],
                body: b"<!DOCTYPE html><html><body>Sign in to the proxy</body></html>".to_vec(),
            }),
            Fault::Empty => Delivery::Reply(Reply { body: Vec::new(), ..answer(unharmed) }),
            Fault::WrongHostNextLink => Delivery::Reply(answer(unharmed.map(|mut answer| {
                if let Some(body) = answer.body.as_mut().filter(|b| b["value"].is_array()) {
                    body["@odata.nextLink"] =
                        "https://graph.microsoft.com.fabrikam.com/v1.0/users?$skiptoken=x".into();
                }
                answer
            }))),
            Fault::TokenExpired => Delivery::Reply(answer(Err(GraphError::token(
                "Lifetime validation failed, the token is expired.",
            )))),
            Fault::ClaimsChallenge => {
                // {"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}
                let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==";
                let mut error = GraphError::token(
                    "Continuous access evaluation resulted in challenge with result: InteractionRequired.",
                );
                error.headers = vec![(
                    "www-authenticate",
                    format!(
                        "Bearer authorization_uri=\"https://login.windows.net/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"{claims}\""
                    ),
                )];
                Delivery::Reply(answer(Err(error)))
            }
            Fault::Forbidden { code, message } => {
                let mut reply = answer(Err(GraphError::denied()));
                if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
                    body["error"]["code"] = code.into();
                    body["error"]["message"] = message.into();
                    reply.body = body.to_string().into_bytes();
                }
                Delivery::Reply(reply)
            }
        }
    }
}

/// The tenant of `POST /{tenant}/oauth2/v2.0/token`.
fn token_endpoint(request: &Request) -> Option<&str> {
    let (_, rest) = request.url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let path = path.split('?').next().unwrap_or(path);
    path.strip_suffix("/oauth2/v2.0/token").filter(|_| request.method == "POST")
}

/// The usual error of a status.
fn by_status(status: u16) -> GraphError {
    match status {
        401 => GraphError::token("Access token validation failure."),
        403 => GraphError::denied(),
        404 => GraphError::not_found("simulated"),
        429 => GraphError::throttled(None),
        503 => GraphError::new(503, "serviceNotAvailable", "The service is temporarily unavailable."),
        400 => GraphError::bad_request("Invalid request."),
        _ => GraphError::new(status, "UnknownError", ""),
    }
}

fn http_date(now: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default()
}

impl RetryAfter {
    fn text(self, now: Timestamp) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Fraction(seconds) => seconds.to_string(),
            Self::HttpDate(ahead) => {
                http_date(now.saturating_add(jiff::SignedDuration::from_secs(ahead)).unwrap_or(now))
            }
        }
    }
}
