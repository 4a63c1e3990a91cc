//! The Graph client: what may be repeated, how long to wait, what an answer means.
//!
//! [`Transport`] is the one seam to the outside: `http.rs` implements it over the network, the simulated
//! tenant in memory. Everything above it is the same code for both.

pub mod certificate;
mod challenge;
pub mod claims;
pub mod client;
pub mod cloud;
pub mod credential;
pub mod environment;
pub mod error_body;
mod exchange;
pub mod family;
mod fetch;
pub mod http;
pub mod limits;
mod pacing;
mod read_failure;
mod reader;
pub mod request_time;
pub mod retry;
mod sdk;
mod service_clock;
pub mod sign_in_error;
pub mod token;
pub mod token_file;
mod wire;
mod writer;

#[cfg(test)]
mod fake;

pub use claims::Claims;
pub use client::{Graph, GraphParts};
pub use cloud::{Cloud, Endpoint};
pub use credential::Auth;
pub use environment::Environment;
pub use http::HttpTransport;
pub use limits::TenantSize;
pub use reader::InStep;
pub use request_time::StepBudget;
pub use retry::Budget;
pub mod known;
pub use token::TokenSource;

use async_trait::async_trait;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// The largest answer that is read. A page of Graph is far below it.
pub const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// Azure's instance metadata service. It gives tokens to this machine and must never be asked through a proxy.
const METADATA_HOST: &str = "169.254.169.254";

/// An HTTP request on its way out.
#[derive(Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Absolute URL.
    pub url: String,
    /// Headers but for the authorization.
    pub headers: Vec<(&'static str, String)>,
    /// The bearer token. Never printed.
    pub bearer: Option<SecretString>,
    /// The body. Wiped after use: it may hold a password.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// An HTTP answer, read to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, decompressed.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer. The difference decides what may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The request surely never reached the service: no connection.
    #[error("no connection: {0}")]
    NotSent(String),
    /// It never left: the server showed a certificate that isn't trusted, which no second try will change.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// It may have arrived and taken effect: a time-out, a reset, an answer that is cut off.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer is larger than [`MAX_REPLY_BYTES`].
    #[error("the answer is larger than {MAX_REPLY_BYTES} bytes")]
    TooLarge,
}

/// Sends one request and gives its answer. No retry, no redirect, no meaning.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends it once.
    async fn send(&self, request: Request) -> Result<Reply, SendError>;
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// 2xx.
    Accepted(Answer),
    /// The service said no: surely not applied. 404 on a DELETE is also here; the engine reads it as done.
    Refused(Answer),
    /// It may or may not have taken effect: no answer, 5xx, an answer that can't be read.
    InDoubt(Answer),
    /// It never left: no connection, no token, throttled beyond the time that was left.
    NotSent(Answer),
}

impl Sent {
    /// Takes the secret out of an accepted answer.
    pub fn take_secret(&mut self) -> Option<Secret> {
        match self {
            Self::Accepted(answer) => answer.secret.take(),
            _ => None,
        }
    }
}

/// What the service said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// Graph's error code.
    pub code: Option<String>,
    /// Graph's message or the transport's, for people.
    pub message: Option<String>,
    /// Graph's `request-id`.
    pub request_id: Option<String>,
    /// The body of an accepted call, for the id of what was created. Without the secret of a sealed one.
    pub body: Option<serde_json::Value>,
    /// The secret that the call said its answer would hold.
    pub secret: Option<Secret>,
}

/// A secret out of an answer. Never printed, wiped after use.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The secret itself, to be sealed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
