//! Reads: one object, or a collection to its last page.

use std::collections::HashSet;

use oust_actions::{Get, Read, ReadError, ReadErrorKind as Kind, Reading};
use serde_json::{Map, Value};

use super::client::{Graph, Outgoing, explain, too_long};
use super::error_body::ErrorBody;
use super::retry::{Over, RetryAfter};
use super::{Reply, SendError};
use crate::failure::{Code, Failure};

/// A collection with more pages than this is not believed.
const MOST_PAGES: usize = 10_000;

/// How often an answer with a good status that can't be read is asked for again.
const GARBLED_RETRIES: u32 = 2;

type Object = Map<String, Value>;

impl Read for Graph {
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value> {
        Box::pin(async move {
            let url = self.endpoint().url(&get.url());
            self.read(get, &url).await.map(Value::Object)
        })
    }

    /// Follows `@odata.nextLink` as it is given, until there is none.
    ///
    /// <https://learn.microsoft.com/graph/paging>
    fn all<'a>(&'a self, get: &'a Get) -> Reading<'a, Vec<Value>> {
        Box::pin(async move {
            let mut items = Vec::new();
            let mut seen = HashSet::new();
            let mut url = self.endpoint().url(&get.url());
            loop {
                let mut page = self.read(get, &url).await?;
                match page.remove("value") {
                    Some(Value::Array(some)) => items.extend(some),
                    _ => return Err(unreadable(get, "a collection without its list of values")),
                }
                url = match page.remove("@odata.nextLink") {
                    None | Some(Value::Null) => return Ok(items),
                    Some(Value::String(link)) => link,
                    Some(_) => return Err(unreadable(get, "a link to the next page that is no text")),
                };
                if let Err(why) = self.endpoint().owns(&url) {
                    let code = Some(Code::ForeignLink.id().to_owned());
                    let message = format!("the service answered with {why}; the token was not sent there");
                    return Err(ReadError { code, ..unreadable(get, message) });
                }
                if seen.len() + 1 >= MOST_PAGES {
                    return Err(unreadable(get, format!("a collection of more than {MOST_PAGES} pages")));
                }
                if !seen.insert(url.clone()) {
                    return Err(unreadable(get, "pages that lead back to an earlier page"));
                }
            }
        })
    }
}

impl Graph {
    /// Reads one URL until it answers or the time is up.
    async fn read(&self, get: &Get, url: &str) -> Result<Object, ReadError> {
        let path = path_of(get);
        let out = Outgoing { method: "GET", url, path: &path, eventual: get.eventual, body: None };
        let began = self.clock().now();
        if self.budget().deadline.is_some_and(|deadline| deadline <= began) {
            return Err(stopped(get));
        }
        let mut session = self.session().await.map_err(|failure| signed_out(get, &failure))?;
        let (mut renewed, mut tries, mut garbled) = (false, 0, 0);
        loop {
            let permit = self.admit(&out, began).await.map_err(|late| {
                let asked = RetryAfter { wait: late.wait, capped: false };
                given_up(error(get, Kind::Unavailable, "throttled"), late.over, asked)
            })?;
            let answer = self.before_deadline(self.attempt(&out, &session)).await.map_err(|()| stopped(get))?;
            drop(permit);
            let reply = answer.as_ref().ok();
            if let Some(refused) = reply.filter(|reply| reply.status == 401 && !renewed) {
                renewed = true;
                session = self.renew(&session, refused).await.map_err(|failure| signed_out(get, &failure))?;
                continue;
            }
            let trouble = match judge(get, &answer) {
                Verdict::Good(object) => return Ok(object),
                Verdict::Final(error) => return Err(error),
                Verdict::Garbled(error) if garbled == GARBLED_RETRIES => return Err(error),
                Verdict::Garbled(error) => {
                    garbled += 1;
                    error
                }
                Verdict::Busy(error) => error,
            };
            tries += 1;
            let asked = self.wait_after(reply, tries);
            let over = self.budget().allows(asked.wait, began, self.clock().now());
            if trouble.status == Some(429) {
                self.limits.hold(out.family(), asked.wait);
            }
            over.map_err(|over| given_up(trouble, over, asked))?;
            self.clock().sleep(asked.wait).await;
        }
    }
}

/// What an answer to a read means.
enum Verdict {
    Good(Object),
    /// Asking again is no use.
    Final(ReadError),
    /// A good status with a body that can't be read.
    Garbled(ReadError),
    /// Asking again later may help.
    Busy(ReadError),
}

fn judge(get: &Get, answer: &Result<Reply, SendError>) -> Verdict {
    let reply = match answer {
        Ok(reply) => reply,
        Err(SendError::TooLarge) => return Verdict::Final(unreadable(get, SendError::TooLarge.to_string())),
        Err(other) => return Verdict::Busy(error(get, Kind::Unavailable, other.to_string())),
    };
    let body = ErrorBody::of(reply);
    let failed = |kind| ReadError {
        kind,
        path: path_of(get),
        status: Some(reply.status),
        code: body.code.clone(),
        message: explain(reply.status, &body),
        request_id: body.request_id.clone(),
    };
    match reply.status {
        200..=299 => match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(object)) => Verdict::Good(object),
            _ => Verdict::Garbled(failed(Kind::Unreadable)),
        },
        300..=399 => Verdict::Final(ReadError {
            message: "the service redirects to another address, which is not followed".to_owned(),
            ..failed(Kind::Unreadable)
        }),
        401 => Verdict::Final(failed(Kind::SignIn)),
        403 => Verdict::Final(failed(Kind::Forbidden)),
        // A proxy's error page must not pass for the news that an object is gone.
        404 if is_web_page(reply) => Verdict::Final(failed(Kind::Unreadable)),
        404 => Verdict::Final(failed(Kind::NotFound)),
        429 | 500 | 502 | 503 | 504 | 509 => Verdict::Busy(failed(Kind::Unavailable)),
        400..=499 => Verdict::Final(failed(Kind::Refused)),
        _ => Verdict::Final(failed(Kind::Unavailable)),
    }
}

fn is_web_page(reply: &Reply) -> bool {
    reply.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

fn path_of(get: &Get) -> String {
    format!("/{}{}", get.api.segment(), get.path)
}

fn error(get: &Get, kind: Kind, message: impl Into<String>) -> ReadError {
    ReadError { kind, path: path_of(get), status: None, code: None, message: message.into(), request_id: None }
}

fn unreadable(get: &Get, message: impl Into<String>) -> ReadError {
    error(get, Kind::Unreadable, message)
}

fn stopped(get: &Get) -> ReadError {
    error(get, Kind::Stopped, "the deadline passed")
}

fn given_up(last: ReadError, over: Over, asked: RetryAfter) -> ReadError {
    let kind = match (over, last.kind) {
        (Over::Deadline, _) => Kind::Stopped,
        (Over::Request, kind) => kind,
    };
    ReadError { kind, message: format!("{}; {}", last.message, too_long(over, asked)), ..last }
}

fn signed_out(get: &Get, failure: &Failure) -> ReadError {
    let kind = match failure.code {
        Code::Unreachable | Code::Unavailable => Kind::Unavailable,
        Code::DeadlinePassed => Kind::Stopped,
        _ => Kind::SignIn,
    };
    ReadError {
        status: failure.status,
        code: Some(failure.code.id().to_owned()),
        ..error(get, kind, failure.what.clone())
    }
}
