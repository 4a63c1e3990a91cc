//! A scripted service and a scripted sign-in, for the tests of this module.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::token::{Again, Token, TokenSource};
use super::{Budget, Endpoint, Graph, GraphParts, Reply, Request, SendError, Transport};
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// What was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub bearer: Option<String>,
    pub body: Option<String>,
    /// Since the service was made.
    pub at: Duration,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }
}

/// Answers in the order of its script. Its last answer repeats when `repeats`.
pub struct Service {
    script: Mutex<VecDeque<std::result::Result<Reply, SendError>>>,
    pub seen: Mutex<Vec<Seen>>,
    start: Instant,
    repeats: bool,
    takes: Duration,
}

impl Service {
    pub fn new(script: impl IntoIterator<Item = std::result::Result<Reply, SendError>>) -> Self {
        Self {
            script: Mutex::new(script.into_iter().collect()),
            seen: Mutex::default(),
            start: Instant::now(),
            repeats: false,
            takes: Duration::ZERO,
        }
    }

    /// Gives its last answer for ever.
    pub fn repeating(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// Takes its time.
    pub fn taking(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }

    /// Time since it was made.
    pub fn start_elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> std::result::Result<Reply, SendError> {
        self.seen.lock().unwrap().push(Seen {
            method: request.method,
            url: request.url,
            headers: request.headers,
            bearer: request.bearer.map(|token| token.expose_secret().to_owned()),
            body: request.body.map(|body| String::from_utf8_lossy(&body).into_owned()),
            at: self.start.elapsed(),
        });
        tokio::time::sleep(self.takes).await;
        let mut script = self.script.lock().unwrap();
        if self.repeats && script.len() == 1 { script[0].clone() } else { script.pop_front().unwrap() }
    }
}

/// Gives `t1`, and `t2`, `t3`, … when it is asked for a fresh one.
#[derive(Default)]
pub struct Tokens {
    pub fresh: Mutex<Vec<Option<String>>>,
    /// Fails when it is asked for a fresh one.
    pub fails: bool,
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self, again: Again) -> Result<Token> {
        let mut fresh = self.fresh.lock().unwrap();
        if let Again::Fresh { claims } = again {
            if self.fails {
                return Err(Failure::new(Code::SecretRefused, "the sign-in was refused"));
            }
            fresh.push(claims);
        }
        Ok(Token { secret: format!("t{}", fresh.len() + 1).into(), expires_on: None })
    }
}

/// A client of the service, with the parts that tests look into.
pub struct Setup {
    pub graph: Graph,
    pub service: Arc<Service>,
    pub tokens: Arc<Tokens>,
}

/// A client of `service` whose run may take `deadline`.
pub fn set_up(service: Service, tokens: Tokens, deadline: Option<Duration>) -> Setup {
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let budget = Budget { deadline: deadline.map(|d| clock.steady() + d), ..Budget::default() };
    let (service, tokens) = (Arc::new(service), Arc::new(tokens));
    let graph = Graph::new(GraphParts {
        transport: service.clone(),
        tokens: tokens.clone(),
        endpoint: Endpoint::parse("https://graph.microsoft.com", false).unwrap(),
        clock,
        budget: Arc::new(budget),
    });
    Setup { graph, service, tokens }
}

/// A client of a service with this script, without a deadline.
pub fn scripted(script: impl IntoIterator<Item = std::result::Result<Reply, SendError>>) -> Setup {
    set_up(Service::new(script), Tokens::default(), None)
}

/// An answer.
#[allow(clippy::unnecessary_wraps)]
pub fn answer(status: u16, body: impl Into<String>) -> std::result::Result<Reply, SendError> {
    Ok(Reply { status, headers: vec![("request-id".into(), "r1".into())], body: body.into().into_bytes() })
}

/// An answer with one more header.
pub fn answer_with(
    status: u16,
    name: &str,
    value: &str,
    body: &str,
) -> std::result::Result<Reply, SendError> {
    let mut reply = answer(status, body)?;
    reply.headers.push((name.into(), value.into()));
    Ok(reply)
}

pub fn not_sent() -> std::result::Result<Reply, SendError> {
    Err(SendError::NotSent("refused".into()))
}

pub fn no_answer() -> std::result::Result<Reply, SendError> {
    Err(SendError::NoAnswer("reset".into()))
}
