//! The read-only handle on Graph that an action gets.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Get;

/// A read under way.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, ReadError>> + Send + 'a>>;

/// What is done with the rows of a page.
pub type OnPage<'a> = &'a mut (dyn FnMut(Vec<Value>) + Send + 'a);

/// Reads from Graph. There is no method that writes: a plan is made of reads by type.
pub trait Read: Send + Sync {
    /// One object.
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value>;

    /// A collection, page by page to its end: `each` gets the rows of a page as they come, and nothing is kept. For
    /// collections of any length. After an error the pages before it have been given all the same.
    fn pages<'a>(&'a self, get: &'a Get, each: OnPage<'a>) -> Reading<'a, ()>;

    /// A collection, paged to its end.
    fn all<'a>(&'a self, get: &'a Get) -> Reading<'a, Vec<Value>> {
        Box::pin(async move {
            let mut rows = Vec::new();
            self.pages(get, &mut |page| rows.extend(page)).await?;
            Ok(rows)
        })
    }
}

/// Why a read gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("reading {path}: {message}{}", .code.as_ref().map(|c| format!(" ({c})")).unwrap_or_default())]
pub struct ReadError {
    /// What kind of failure, to branch on.
    pub kind: ReadErrorKind,
    /// The path that was read.
    pub path: String,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Graph's error code.
    pub code: Option<String>,
    /// Graph's message or the transport's, for people.
    pub message: String,
    /// Graph's `request-id`, for a support case.
    pub request_id: Option<String>,
}

/// The kinds of read failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadErrorKind {
    /// 404.
    NotFound,
    /// 403: permission, role or licence.
    Forbidden,
    /// 401 also with a new token.
    SignIn,
    /// Another 4xx.
    Refused,
    /// Throttled, or the service failed, for longer than the time that was left.
    Unavailable,
    /// An answer that isn't what Graph documents: HTML, cut off, enormous, a foreign `nextLink`.
    Unreadable,
    /// The way there isn't opened: the operator didn't opt in, or the sign-in has no token for it. Nothing was sent.
    Closed,
    /// The run was stopped or its deadline passed.
    Stopped,
}
