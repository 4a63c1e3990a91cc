//! The cable between engine and tenant: it remembers what went through and can be cut.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oust::graph::token::{Again, Token};
use oust::graph::{Reply, Request, SendError, TokenSource, Transport};
use oust::sim::Simulated;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::watch;

use super::RUNNER;

/// When the power fails; requests count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// Before that request arrives.
    Before(usize),
    /// After it took effect, before its answer is back.
    After(usize),
}

/// A request that went through, secrets and all.
#[derive(Debug, Clone)]
pub struct Passed {
    pub method: &'static str,
    pub url: String,
    pub body: Vec<u8>,
}

impl Passed {
    /// Whether it only reads. Exchange Online's cmdlets are all POSTs and told apart by their verbs.
    pub fn reads(&self) -> bool {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let cmdlet = body["CmdletInput"]["CmdletName"].as_str().unwrap_or_default();
        self.method == "GET" || self.url.ends_with("/InvokeCommand") && cmdlet.starts_with("Get-")
    }
}

/// Something that happens to the machine meanwhile.
type Incident = Box<dyn FnOnce() + Send>;

pub struct Wire {
    sim: Arc<Simulated>,
    passed: Mutex<Vec<Passed>>,
    tokens: Mutex<BTreeSet<String>>,
    passes: Mutex<Vec<String>>,
    power: Mutex<Option<Power>>,
    incident: Mutex<Option<(usize, Incident)>>,
    slow: Mutex<Option<(&'static str, Duration)>>,
    is_dark: watch::Sender<bool>,
    /// State of the random delays of requests; zero: none.
    dawdling: Mutex<u64>,
}

impl Wire {
    pub fn new(sim: Arc<Simulated>) -> Self {
        Self {
            sim,
            passed: Mutex::default(),
            tokens: Mutex::default(),
            passes: Mutex::default(),
            power: Mutex::default(),
            incident: Mutex::default(),
            slow: Mutex::default(),
            is_dark: watch::Sender::new(false),
            dawdling: Mutex::default(),
        }
    }

    pub fn fail(&self, power: Power) {
        *self.power.lock().unwrap() = Some(power);
    }

    /// Holds each request up for some ms before it arrives and its answer before it is back: the same ones for the
    /// same seed.
    pub fn shuffle(&self, seed: u64) {
        *self.dawdling.lock().unwrap() = seed | 1;
    }

    async fn dawdle(&self) {
        let ms = {
            let mut state = self.dawdling.lock().unwrap();
            // xorshift64*; zero stays zero.
            *state ^= *state >> 12;
            *state ^= *state << 25;
            *state ^= *state >> 27;
            state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 58
        };
        if ms > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
    }

    /// Does something as that request leaves; requests count from 1.
    pub fn at(&self, request: usize, act: impl FnOnce() + Send + 'static) {
        *self.incident.lock().unwrap() = Some((request, Box::new(act)));
    }

    /// Lets requests with that in their URL travel for so much longer.
    pub fn delay(&self, part: &'static str, by: Duration) {
        *self.slow.lock().unwrap() = Some((part, by));
    }

    pub fn mend(&self) {
        *self.power.lock().unwrap() = None;
        self.is_dark.send_replace(false);
    }

    /// Ends when the power fails.
    pub async fn went_out(&self) {
        let _ = self.is_dark.subscribe().wait_for(|dark| *dark).await;
    }

    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    /// Every bearer token that was sent.
    pub fn tokens(&self) -> BTreeSet<String> {
        self.tokens.lock().unwrap().clone()
    }

    /// The access passes that answers brought, in their order.
    pub fn passes(&self) -> Vec<String> {
        self.passes.lock().unwrap().clone()
    }

    fn look_for_pass(&self, answer: &Result<Reply, SendError>) {
        let body = answer.as_ref().ok().and_then(|reply| serde_json::from_slice::<Value>(&reply.body).ok());
        let pass = body.and_then(|body| body["temporaryAccessPass"].as_str().map(str::to_owned));
        self.passes.lock().unwrap().extend(pass);
    }

    async fn dark(&self) -> ! {
        self.is_dark.send_replace(true);
        std::future::pending().await
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request) -> Result<Reply, SendError> {
        if let Some(bearer) = &request.bearer {
            self.tokens.lock().unwrap().insert(bearer.expose_secret().to_owned());
        }
        let body = request.body.as_ref().map(|b| b.to_vec()).unwrap_or_default();
        let number = {
            let mut passed = self.passed.lock().unwrap();
            passed.push(Passed { method: request.method, url: request.url.clone(), body });
            passed.len()
        };
        let is_due = |(at, _): &mut (usize, Incident)| *at == number;
        let incident = self.incident.lock().unwrap().take_if(is_due);
        if let Some((_, act)) = incident {
            act();
        }
        let slow = self.slow.lock().unwrap().filter(|(part, _)| request.url.contains(part));
        if let Some((_, by)) = slow {
            tokio::time::sleep(by).await;
        }
        let power = *self.power.lock().unwrap();
        match power {
            Some(Power::Before(at)) if number >= at => self.dark().await,
            Some(Power::After(at)) if number > at => self.dark().await,
            Some(Power::After(at)) if number == at => {
                let _ = self.sim.send(request).await;
                self.dark().await
            }
            _ => {
                self.dawdle().await;
                let answer = self.sim.send(request).await;
                self.dawdle().await;
                self.look_for_pass(&answer);
                answer
            }
        }
    }
}

#[async_trait]
impl TokenSource for Wire {
    async fn token(&self, _: Again) -> oust::failure::Result<Token> {
        Ok(Token { secret: SecretString::from(self.sim.token(RUNNER)), expires_on: None })
    }
}

/// Tokens for Exchange Online.
pub struct ExchangeTokens(pub Arc<Simulated>);

#[async_trait]
impl TokenSource for ExchangeTokens {
    async fn token(&self, _: Again) -> oust::failure::Result<Token> {
        Ok(Token { secret: SecretString::from(self.0.exchange_token(RUNNER)), expires_on: None })
    }
}
