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
            fits.map_err(|over| given_up(trouble, TooLong { asked, over }))?;
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
mod tests {
    use std::time::Duration;

    use oust_actions::Read;
    use serde_json::json;

    use super::*;
    use crate::graph::fake::{
        Service, Setup, Tokens, answer, answer_with, no_answer, not_sent, scripted, set_up,
    };

    const HTML: &str = "<html><body>error</body></html>";

    fn user() -> Get {
        Get::new(["users", "x"]).select(&["id"])
    }

    async fn one(setup: &Setup) -> Result<Value, ReadError> {
        setup.graph.one(&user()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_sends_what_graph_asks_for() {
        let setup = scripted([answer(200, r#"{"id":"x"}"#), answer(200, "{}")]);
        assert_eq!(one(&setup).await.unwrap(), json!({"id": "x"}));
        let get = Get { eventual: true, ..user() };
        setup.graph.one(&get).await.unwrap();
        let seen = setup.service.seen();
        assert_eq!(seen[0].method, "GET");
        assert_eq!(seen[0].url, "https://graph.microsoft.com/v1.0/users/x?$select=id");
        assert_eq!(seen[0].bearer.as_deref(), Some("t1"));
        assert_eq!(seen[0].header("accept"), Some("application/json"));
        assert_eq!(seen[0].header("x-ms-throttle-priority"), Some("high"));
        assert_eq!(seen[0].header("consistencylevel"), None);
        assert_eq!(seen[1].header("consistencylevel"), Some("eventual"));
        let ids: Vec<_> = seen.iter().map(|s| s.header("client-request-id").unwrap()).collect();
        assert_ne!(ids[0], ids[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clear_answer_is_final_and_sorted_by_kind() {
        let said = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        for (status, body, kind) in [
            (404, said("Request_ResourceNotFound"), Kind::NotFound),
            (404, String::new(), Kind::NotFound),
            (404, HTML.to_owned(), Kind::Unreadable),
            (403, said("Authorization_RequestDenied"), Kind::Forbidden),
            (403, HTML.to_owned(), Kind::Forbidden),
            (400, said("Request_BadRequest"), Kind::Refused),
            (423, said("locked"), Kind::Refused),
            (424, said("failedDependency"), Kind::Refused),
            (302, String::new(), Kind::Unreadable),
            (501, said("notImplemented"), Kind::Unavailable),
        ] {
            let setup = scripted([answer(status, body.clone())]);
            let error = one(&setup).await.unwrap_err();
            assert_eq!((error.kind, error.status), (kind, Some(status)), "{status} {body}");
            assert_eq!(error.request_id.as_deref(), Some("r1"));
            assert_eq!(error.path, "/v1.0/users/x");
        }
        let setup = scripted([answer(403, said("Authorization_RequestDenied"))]);
        let error = one(&setup).await.unwrap_err();
        assert_eq!(error.to_string(), "reading /v1.0/users/x: m (Authorization_RequestDenied)");
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_that_passes_is_waited_out() {
        for trouble in [
            not_sent(),
            no_answer(),
            answer(429, ""),
            answer(500, HTML),
            answer(502, HTML),
            answer(503, "{\"error\":"),
            answer(504, ""),
            answer(509, ""),
            answer(200, HTML),
            answer(200, r#"{"id":"#),
            answer(200, ""),
            answer(200, "[1]"),
        ] {
            let setup = scripted([trouble.clone(), trouble.clone(), answer(200, "{}")]);
            assert_eq!(one(&setup).await.unwrap(), json!({}), "{trouble:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_broken_ends_as_unavailable_or_unreadable() {
        for (trouble, kind, most) in [
            (answer(503, HTML), Kind::Unavailable, 60),
            (no_answer(), Kind::Unavailable, 60),
            (not_sent(), Kind::Unavailable, 60),
            (answer(200, HTML), Kind::Unreadable, 3),
            (answer(204, ""), Kind::Unreadable, 3),
            (answer(206, "{}"), Kind::Unreadable, 3),
            (answer(207, r#"{"id":"x"}"#), Kind::Unreadable, 3),
            (Err(SendError::TooLarge), Kind::Unreadable, 1),
        ] {
            let setup = set_up(Service::new([trouble.clone()]).repeating(), Tokens::default(), None);
            assert_eq!(one(&setup).await.unwrap_err().kind, kind, "{trouble:?}");
            let seen = setup.service.seen();
            assert!(seen.len() <= most, "{} tries for {trouble:?}", seen.len());
            assert!(seen.iter().all(|s| s.at <= Duration::from_secs(60)));
            assert!(kind == Kind::Unreadable || seen.len() > 3);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_waited_for_exactly_and_by_the_whole_family() {
        let throttled = answer_with(429, "retry-after", "12.5", "");
        let setup = scripted([throttled, answer(200, "{}"), answer(200, "{}")]);
        one(&setup).await.unwrap();
        assert_eq!(setup.service.seen()[1].at.as_millis() / 10, 1250);
        one(&setup).await.unwrap();

        let throttled = answer_with(429, "retry-after", "12", "");
        let setup = scripted([throttled, answer(200, "{}"), answer(200, "{}")]);
        let (first, second) = tokio::join!(one(&setup), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            one(&setup).await
        });
        assert!(first.is_ok() && second.is_ok());
        assert!(setup.service.seen()[1..].iter().all(|s| s.at >= Duration::from_secs(12)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_would_be_too_long_is_not_begun() {
        let long = || Service::new([answer_with(429, "retry-after", "86400", "")]);
        let setup = set_up(long(), Tokens::default(), None);
        let error = one(&setup).await.unwrap_err();
        assert_eq!((error.kind, error.status), (Kind::Unavailable, Some(429)));
        assert!(error.message.contains("more than 300"), "{}", error.message);
        assert_eq!(setup.service.start_elapsed(), Duration::ZERO);

        let setup = set_up(long(), Tokens::default(), Some(Duration::from_secs(10)));
        assert_eq!(one(&setup).await.unwrap_err().kind, Kind::Stopped);
        assert_eq!(setup.service.start_elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_waits_as_long_as_it_is_asked_to_until_its_time_is_lost() {
        let throttled = || answer_with(429, "retry-after", "120", "");
        let setup = scripted([throttled(), throttled()]);
        assert_eq!(one(&setup).await.unwrap_err().kind, Kind::Unavailable);
        assert_eq!(setup.service.start_elapsed(), Duration::ZERO);

        let setup = scripted([throttled(), throttled(), answer(200, "{}"), throttled(), answer(200, "{}")]);
        let step = StepBudget::default();
        setup.graph.within(&step).one(&user()).await.unwrap();
        assert_eq!(setup.service.start_elapsed().as_secs(), 240);
        let error = setup.graph.within(&step).one(&user()).await.unwrap_err();
        assert_eq!((error.kind, error.status), (Kind::Unavailable, Some(429)));
        assert!(error.message.contains("one step"), "{}", error.message);
        assert_eq!(setup.service.start_elapsed().as_secs(), 240);
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_ends_a_read_under_way_and_lets_none_begin() {
        let slow = Service::new([answer(200, "{}")]).taking(Duration::from_secs(30));
        let setup = set_up(slow, Tokens::default(), Some(Duration::from_secs(5)));
        assert_eq!(one(&setup).await.unwrap_err().kind, Kind::Stopped);
        assert_eq!(setup.service.start_elapsed().as_secs(), 5);
        assert_eq!(one(&setup).await.unwrap_err().kind, Kind::Stopped);
        assert_eq!(setup.service.seen().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_renewed_once() {
        let setup = scripted([answer(401, ""), answer(200, "{}")]);
        one(&setup).await.unwrap();
        assert_eq!(setup.service.seen()[1].bearer.as_deref(), Some("t2"));

        let setup =
            scripted([answer(401, ""), answer(401, r#"{"error":{"code":"InvalidAuthenticationToken"}}"#)]);
        let error = one(&setup).await.unwrap_err();
        assert_eq!(error.kind, Kind::SignIn);
        assert_eq!(error.code.as_deref(), Some("InvalidAuthenticationToken"));

        let setup =
            set_up(Service::new([answer(401, "")]), Tokens { fails: true, ..Tokens::default() }, None);
        let error = one(&setup).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (Kind::SignIn, Some("E0203")));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_refused_together_renew_once() {
        let script = [answer(401, ""), answer(401, ""), answer(200, "{}"), answer(200, "{}")];
        let service = Service::new(script).taking(Duration::from_millis(10));
        let setup = set_up(service, Tokens::default(), None);
        let (a, b) = tokio::join!(one(&setup), one(&setup));
        assert!(a.is_ok() && b.is_ok());
        assert_eq!(setup.tokens.fresh.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_services_time_is_learned_from_its_answers() {
        let setup = scripted([answer_with(200, "date", "Tue, 24 Nov 2026 08:05:00 GMT", "{}")]);
        let before = setup.graph.service_time();
        one(&setup).await.unwrap();
        let moved = setup.graph.service_time().duration_since(before).as_secs();
        assert_eq!(moved, 300);
    }
}
