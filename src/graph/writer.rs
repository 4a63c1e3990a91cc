//! Writes: each is sent again only when it surely had no effect.

use oust_actions::{Call, SECRET_KEY};
use serde_json::Value;
use zeroize::Zeroizing;

use super::client::{Graph, Outgoing, explain, too_long};
use super::error_body::ErrorBody;
use super::retry::RetryAfter;
use super::{Answer, Reply, SendError, Sent};
use crate::failure::Failure;
use crate::journal::Recorded;

impl Graph {
    /// Sends a write whose intent is on disk, which `_proof` shows.
    ///
    /// `body` is the call's body with its secrets filled in; without it the call's own is sent. Sent again
    /// are only a write that never left, one that was throttled (429), and once one whose token was refused
    /// (401). Whatever else has no clear answer is [`Sent::InDoubt`], for the engine to settle by reading.
    pub async fn write(&self, call: &Call, body: Option<Zeroizing<Vec<u8>>>, _proof: &Recorded) -> Sent {
        self.fill_and_deliver(call, body).await
    }

    async fn fill_and_deliver(&self, call: &Call, body: Option<Zeroizing<Vec<u8>>>) -> Sent {
        let body = match (body, &call.body) {
            (None, Some(own)) if holds_placeholder(own) => {
                return Sent::NotSent(said("a secret of the body was not filled in; nothing was sent"));
            }
            (None, Some(own)) => Some(Zeroizing::new(own.to_string().into_bytes())),
            (given, _) => given,
        };
        let path = call.url();
        let url = self.endpoint().url(&path);
        let out = Outgoing {
            method: call.method.as_str(),
            url: &url,
            path: &path,
            eventual: false,
            body: body.as_ref(),
        };
        self.deliver(&out).await
    }

    async fn deliver(&self, out: &Outgoing<'_>) -> Sent {
        let began = self.clock().now();
        let mut session = match self.session().await {
            Ok(session) => session,
            Err(failure) => return Sent::NotSent(signed_out(&failure)),
        };
        let (mut renewed, mut tries) = (false, 0);
        loop {
            let permit = match self.admit(out, began).await {
                Ok(permit) => permit,
                Err(late) => {
                    let asked = RetryAfter { wait: late.wait, capped: false };
                    return Sent::NotSent(said(format!("throttled; {}", too_long(late.over, asked))));
                }
            };
            // Not cut off at the deadline: that would only put it in doubt.
            let answer = self.attempt(out, &session).await;
            drop(permit);
            let (reply, trouble) = match &answer {
                Ok(reply) if reply.status == 401 && !renewed => {
                    renewed = true;
                    match self.renew(&session, reply).await {
                        Ok(new) => session = new,
                        Err(failure) => return Sent::Refused(refused_and_signed_out(reply, &failure)),
                    }
                    continue;
                }
                Ok(reply) if reply.status == 429 => (Some(reply), told(reply)),
                Ok(reply) => return settle(reply),
                Err(SendError::NotSent(why)) => (None, said(format!("no connection: {why}"))),
                Err(unclear) => return Sent::InDoubt(said(unclear.to_string())),
            };
            tries += 1;
            let asked = self.wait_after(reply, tries);
            if reply.is_some() {
                self.limits.hold(out.family(), asked.wait);
            }
            if let Err(over) = self.budget().allows(asked.wait, began, self.clock().now()) {
                let message = trouble.message.unwrap_or_default();
                let message = Some(format!("{message}; {}", too_long(over, asked)));
                return Sent::NotSent(Answer { message, ..trouble });
            }
            self.clock().sleep(asked.wait).await;
        }
    }
}

/// What an answer that ends the matter means for the write.
fn settle(reply: &Reply) -> Sent {
    match reply.status {
        200..=299 => Sent::Accepted(Answer {
            body: serde_json::from_slice(&reply.body).ok(),
            status: Some(reply.status),
            request_id: ErrorBody::of(reply).request_id,
            ..Answer::default()
        }),
        // The service waited for the request in vain, or so says something between us: not a clear no.
        408 => Sent::InDoubt(told(reply)),
        300..=499 => Sent::Refused(told(reply)),
        _ => Sent::InDoubt(told(reply)),
    }
}

fn told(reply: &Reply) -> Answer {
    let body = ErrorBody::of(reply);
    Answer {
        status: Some(reply.status),
        message: Some(explain(reply.status, &body)),
        code: body.code,
        request_id: body.request_id,
        body: None,
    }
}

fn said(message: impl Into<String>) -> Answer {
    Answer { message: Some(message.into()), ..Answer::default() }
}

fn signed_out(failure: &Failure) -> Answer {
    Answer { code: Some(failure.code.id().to_owned()), ..said(failure.what.clone()) }
}

fn refused_and_signed_out(reply: &Reply, failure: &Failure) -> Answer {
    let answer = told(reply);
    let message = format!("{}; {}", answer.message.unwrap_or_default(), failure.what);
    Answer { message: Some(message), ..answer }
}

fn holds_placeholder(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, v)| name == SECRET_KEY || holds_placeholder(v)),
        Value::Array(items) => items.iter().any(holds_placeholder),
        _ => false,
    }
}
