//! One GET, sent until it answers or the time is up, and what its answer means.

use oust_actions::{Api, Get, ReadError, ReadErrorKind as Kind};
use serde_json::{Map, Value};

use super::client::{Graph, Outgoing, explain};
use super::error_body::ErrorBody;
use super::exchange;
use super::request_time::{RequestTime, StepBudget};
use super::retry::{Over, TooLong};
use super::{Reply, SendError};
use crate::failure::{Code, Failure};

/// How often an answer with a good status that can't be read is asked for again.
const GARBLED_RETRIES: u32 = 2;

pub(super) type Object = Map<String, Value>;

impl Graph {
    /// Reads one URL, perhaps for a step, until it answers or the time is up.
    pub(super) async fn fetch(
        &self,
        get: &Get,
        url: &str,
        step: Option<&StepBudget>,
    ) -> Result<Object, ReadError> {
        let path = path_of(get);
        let posted = match get.api {
            Api::V1 | Api::Beta => None,
            Api::Exchange => Some(exchange::reading(get).map_err(|why| error(get, Kind::Refused, why))?),
        };
        let anchor = posted.as_ref().map(|_| exchange::anchor(url));
        let out = Outgoing {
            api: get.api,
            method: if posted.is_some() { "POST" } else { "GET" },
            url,
            path: &path,
            eventual: get.eventual,
            anchor: anchor.as_deref(),
            body: posted.as_ref(),
        };
        let began = self.clock().steady();
        let mut time = RequestTime::new(self.budget(), step, began);
        if self.budget().deadline.is_some_and(|deadline| deadline <= began) {
            return Err(stopped(get));
        }
        let mut session = self.session(get.api).await.map_err(|failure| signed_out(get, &failure))?;
        let (mut renewed, mut tries, mut garbled) = (false, 0, 0);
        loop {
            let permit = self
                .admit(&out, &session, &mut time)
                .await
                .map_err(|late| given_up(error(get, Kind::Unavailable, "throttled"), late))?;
            let sent = self.clock().steady();
            let answer =
                self.before_deadline(self.attempt(&out, &session)).await.map_err(|()| stopped(get))?;
            drop(permit);
            let reply = answer.as_ref().ok();
            if let Some(refused) = reply.filter(|reply| reply.status == 401 && !renewed) {
                renewed = true;
                session = self
                    .renew(get.api, &session, refused)
                    .await
                    .map_err(|failure| signed_out(get, &failure))?;
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
            let fits = time.wait(asked, sent, self.clock().steady());
            self.heed(&out, reply, asked);
            if let Err(over) = fits {
                return Err(given_up(trouble, TooLong { asked, over }));
            }
            self.pause(&out, asked, trouble.status, &trouble.message).await;
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
        Err(untrusted @ SendError::Untrusted(_)) => {
            return Verdict::Final(error(get, Kind::Unavailable, untrusted.to_string()));
        }
        Err(other) => return Verdict::Busy(error(get, Kind::Unavailable, other.to_string())),
    };
    let body = ErrorBody::of(reply);
    let failed = |kind| ReadError {
        kind: if get.api == Api::Exchange { exchange::sort(kind, &body) } else { kind },
        path: path_of(get),
        status: Some(reply.status),
        code: body.code.clone(),
        message: explain(get.api, reply.status, &body),
        request_id: body.request_id.clone(),
    };
    match reply.status {
        200 => match serde_json::from_slice(&reply.body) {
            Ok(Value::Object(object)) => Verdict::Good(object),
            _ => Verdict::Garbled(failed(Kind::Unreadable)),
        },
        // A part, several in one, or changed on the way: not the object that was asked for.
        201..=299 => Verdict::Garbled(failed(Kind::Unreadable)),
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

pub(super) fn path_of(get: &Get) -> String {
    format!("/{}{}", get.api.segment(), get.path)
}

pub(super) fn error(get: &Get, kind: Kind, message: impl Into<String>) -> ReadError {
    ReadError {
        kind,
        path: path_of(get),
        status: None,
        code: None,
        message: message.into(),
        request_id: None,
    }
}

pub(super) fn unreadable(get: &Get, message: impl Into<String>) -> ReadError {
    error(get, Kind::Unreadable, message)
}

fn stopped(get: &Get) -> ReadError {
    error(get, Kind::Stopped, "the deadline passed")
}

fn given_up(last: ReadError, late: TooLong) -> ReadError {
    let kind = match (late.over, last.kind) {
        (Over::Deadline, _) => Kind::Stopped,
        (Over::Request | Over::Step, kind) => kind,
    };
    ReadError { kind, message: format!("{}; {late}", last.message), ..last }
}

pub(super) fn signed_out(get: &Get, failure: &Failure) -> ReadError {
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

#[cfg(test)]
mod tests;
