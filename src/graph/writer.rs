//! Writes: each is sent again only when it surely had no effect.

use oust_actions::{Api, Call, ROOT, SECRET_KEY};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::client::{Graph, Outgoing, explain};
use super::error_body::ErrorBody;
use super::exchange;
use super::request_time::{RequestTime, StepBudget};
use super::retry::TooLong;
use super::{Answer, Reply, Secret, SendError, Sent};
use crate::failure::Failure;
use crate::journal::Recorded;

impl Graph {
    /// Sends a write of a step whose intent is on disk, which `_proof` shows.
    ///
    /// `body` is the call's body with its secrets filled in; without it the call's own is sent. Sent again
    /// are only a write that never left, one that was throttled (429), and once one whose token was refused
    /// (401). Whatever else has no clear answer is [`Sent::InDoubt`], for the engine to settle by reading. The
    /// secret of a sealed answer is taken out of it here, before anything could print it.
    pub async fn write(
        &self,
        call: &Call,
        body: Option<Zeroizing<Vec<u8>>>,
        step: &StepBudget,
        _proof: &Recorded,
    ) -> Sent {
        self.fill_and_deliver(call, body, Some(step)).await
    }

    pub(super) async fn fill_and_deliver(
        &self,
        call: &Call,
        body: Option<Zeroizing<Vec<u8>>>,
        step: Option<&StepBudget>,
    ) -> Sent {
        let body = match (body, &call.body) {
            (None, Some(own)) if holds_placeholder(own) => {
                return Sent::NotSent(said("a secret of the body was not filled in; nothing was sent"));
            }
            (None, Some(own)) => Some(Zeroizing::new(own.to_string().into_bytes())),
            (given, _) => given,
        };
        let body = self.rooted(call).map(|body| Zeroizing::new(body.to_string().into_bytes())).or(body);
        let path = call.url();
        let (url, body, anchor) = match call.api {
            Api::V1 | Api::Beta => (self.endpoint().url(&path), body, None),
            Api::Exchange => match (self.cmdlets().await, exchange::writing(call, body.as_deref())) {
                (Ok(there), Ok(body)) => (there.url, Some(body), Some(there.anchor)),
                (Err(failure), _) => return Sent::NotSent(signed_out(&failure)),
                (_, Err(why)) => return Sent::NotSent(said(why)),
            },
        };
        let out = Outgoing {
            api: call.api,
            method: call.method.as_str(),
            url: &url,
            path: &path,
            eventual: false,
            anchor: anchor.as_deref(),
            body: body.as_ref(),
        };
        self.deliver(&out, call.seal.as_deref(), step).await
    }

    /// The body with the root of this cloud's API in its `@odata.id`, when it refers to an object by one.
    fn rooted(&self, call: &Call) -> Option<Value> {
        let mut body = call.body.clone()?;
        let path = body.get("@odata.id")?.as_str()?.strip_prefix(ROOT)?;
        let url = self.endpoint().url(path);
        body["@odata.id"] = url.into();
        Some(body)
    }

    async fn deliver(&self, out: &Outgoing<'_>, seal: Option<&str>, step: Option<&StepBudget>) -> Sent {
        let mut time = RequestTime::new(self.budget(), step, self.clock().steady());
        let mut session = match self.session(out.api).await {
            Ok(session) => session,
            Err(failure) => return Sent::NotSent(signed_out(&failure)),
        };
        let (mut renewed, mut tries) = (false, 0);
        loop {
            let permit = match self.admit(out, &session, &mut time).await {
                Ok(permit) => permit,
                Err(late) => return Sent::NotSent(said(format!("throttled; {late}"))),
            };
            let sent = self.clock().steady();
            // Not cut off at the deadline: that would only put it in doubt.
            let mut answer = self.attempt(out, &session).await;
            drop(permit);
            let (reply, trouble) = match &answer {
                Ok(reply) if reply.status == 401 && !renewed => {
                    renewed = true;
                    match self.renew(out.api, &session, reply).await {
                        Ok(new) => session = new,
                        Err(failure) => {
                            return Sent::Refused(refused_and_signed_out(out.api, reply, &failure));
                        }
                    }
                    continue;
                }
                Ok(reply) if reply.status == 429 => (Some(reply), told(out.api, reply)),
                Ok(reply) => {
                    let sent = settle(out.api, reply, seal);
                    // As it came, it still holds the secret.
                    if let (Some(_), Ok(reply)) = (seal, &mut answer) {
                        reply.body.zeroize();
                    }
                    return sent;
                }
                Err(error @ SendError::Untrusted(_)) => return Sent::NotSent(said(error.to_string())),
                Err(SendError::NotSent(why)) => (None, said(format!("no connection: {why}"))),
                Err(unclear) => return Sent::InDoubt(said(unclear.to_string())),
            };
            tries += 1;
            let asked = self.wait_after(reply, tries);
            self.heed(out, reply, asked);
            if let Err(over) = time.wait(asked, sent, self.clock().steady()) {
                let message = trouble.message.unwrap_or_default();
                let message = Some(format!("{message}; {}", TooLong { asked, over }));
                return Sent::NotSent(Answer { message, ..trouble });
            }
            self.pause(out, asked, trouble.status, trouble.message.as_deref().unwrap_or_default()).await;
        }
    }
}

/// What an answer that ends the matter means for the write.
fn settle(api: Api, reply: &Reply, seal: Option<&str>) -> Sent {
    match reply.status {
        // 207 tells of several requests in one, and there was but one. 408: the service waited for the request in
        // vain, or so says something between us. Neither is a clear word.
        207 | 408 => Sent::InDoubt(told(api, reply)),
        200..=299 => {
            let mut body: Option<Value> = serde_json::from_slice(&reply.body).ok();
            Sent::Accepted(Answer {
                secret: seal.and_then(|member| take_secret(body.as_mut()?, member)),
                body,
                status: Some(reply.status),
                request_id: ErrorBody::of(reply).request_id,
                ..Answer::default()
            })
        }
        // 424 too: what it depended on failed, so it was not executed.
        300..=499 => Sent::Refused(told(api, reply)),
        _ => Sent::InDoubt(told(api, reply)),
    }
}

/// Takes the secret out of an answer, whatever it is: what is no text is not left in it either.
fn take_secret(body: &mut Value, member: &str) -> Option<Secret> {
    match body.as_object_mut()?.remove(member)? {
        Value::String(text) if !text.is_empty() => Some(Secret(Zeroizing::new(text))),
        _ => None,
    }
}

fn told(api: Api, reply: &Reply) -> Answer {
    let body = ErrorBody::of(reply);
    Answer {
        status: Some(reply.status),
        message: Some(explain(api, reply.status, &body)),
        code: body.code,
        request_id: body.request_id,
        ..Answer::default()
    }
}

fn said(message: impl Into<String>) -> Answer {
    Answer { message: Some(message.into()), ..Answer::default() }
}

fn signed_out(failure: &Failure) -> Answer {
    Answer { code: Some(failure.code.id().to_owned()), ..said(failure.what.clone()) }
}

fn refused_and_signed_out(api: Api, reply: &Reply, failure: &Failure) -> Answer {
    let answer = told(api, reply);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oust_actions::Method;
    use serde_json::json;

    use super::*;
    use crate::graph::fake::{
        Service, Setup, Tokens, answer, answer_with, no_answer, not_sent, scripted, set_up,
    };

    fn disable() -> Call {
        Call::new(Method::Patch, ["users", "x"]).body(json!({"accountEnabled": false}))
    }

    fn revoke() -> Call {
        Call::new(Method::Post, ["users", "x", "revokeSignInSessions"])
    }

    async fn send(setup: &Setup, call: &Call) -> Sent {
        setup.graph.fill_and_deliver(call, None, None).await
    }

    fn name(sent: &Sent) -> &'static str {
        match sent {
            Sent::Accepted(_) => "accepted",
            Sent::Refused(_) => "refused",
            Sent::InDoubt(_) => "in doubt",
            Sent::NotSent(_) => "not sent",
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_writes_of_a_step_share_its_time() {
        let throttled = || answer_with(429, "retry-after", "120", "");
        let script = [throttled(), throttled(), answer(204, ""), throttled(), answer(204, "")];
        let (setup, step) = (scripted(script), StepBudget::default());
        let write = async || setup.graph.fill_and_deliver(&disable(), None, Some(&step)).await;
        assert_eq!(name(&write().await), "accepted");
        let Sent::NotSent(answer) = write().await else { panic!("it waited longer than it may") };
        assert!(answer.message.unwrap().contains("one step"));
        assert_eq!(setup.service.start_elapsed().as_secs(), 240);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_clear_answer_settles_a_write() {
        for (reply, want) in [
            (answer(204, ""), "accepted"),
            (answer(200, "<html>"), "accepted"),
            (answer(201, "{\"id\":"), "accepted"),
            (answer(207, r#"{"value":[]}"#), "in doubt"),
            (answer(302, ""), "refused"),
            (answer(400, ""), "refused"),
            (answer(403, "<html>"), "refused"),
            (answer(404, ""), "refused"),
            (answer(409, ""), "refused"),
            (answer(424, ""), "refused"),
            (answer(408, ""), "in doubt"),
            (answer(500, ""), "in doubt"),
            (answer(501, ""), "in doubt"),
            (answer(503, "<html>"), "in doubt"),
            (answer(504, ""), "in doubt"),
            (no_answer(), "in doubt"),
            (Err(SendError::TooLarge), "in doubt"),
        ] {
            let setup = scripted([reply.clone()]);
            assert_eq!(name(&send(&setup, &disable()).await), want, "{reply:?}");
            assert_eq!(setup.service.seen().len(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_surely_had_no_effect_is_sent_again_with_the_same_body() {
        for trouble in [not_sent(), answer_with(429, "retry-after", "2", ""), answer(401, "")] {
            let setup = scripted([trouble.clone(), answer(204, "")]);
            assert_eq!(name(&send(&setup, &disable()).await), "accepted", "{trouble:?}");
            let seen = setup.service.seen();
            assert_eq!(seen.len(), 2);
            assert!(seen.iter().all(|s| s.body.as_deref() == Some(r#"{"accountEnabled":false}"#)));
            assert!(seen.iter().all(|s| s.method == "PATCH"));
            assert_ne!(seen[0].header("client-request-id"), seen[1].header("client-request-id"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubt_after_a_repetition_is_still_a_doubt() {
        let setup = scripted([answer(429, ""), not_sent(), no_answer()]);
        assert_eq!(name(&send(&setup, &disable()).await), "in doubt");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_refused_twice_or_can_not_be_renewed_is_a_refusal() {
        let setup = scripted([answer(401, ""), answer(401, "")]);
        assert_eq!(name(&send(&setup, &disable()).await), "refused");
        let failing = Tokens { fails: true, ..Tokens::default() };
        let setup = set_up(Service::new([answer(401, "")]), failing, None);
        let Sent::Refused(said) = send(&setup, &disable()).await else { panic!("not refused") };
        assert_eq!(said.status, Some(401));
        assert!(said.message.unwrap().contains("the sign-in was refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn without_time_left_it_is_not_sent() {
        for trouble in [not_sent(), answer(429, "")] {
            let service = Service::new([trouble]).repeating();
            let setup = set_up(service, Tokens::default(), Some(Duration::from_secs(20)));
            assert_eq!(name(&send(&setup, &disable()).await), "not sent");
            assert!(setup.service.start_elapsed() <= Duration::from_secs(20));
            assert!(setup.service.seen().len() > 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_under_way_is_not_cut_off_at_the_deadline() {
        let slow = Service::new([answer(204, "")]).taking(Duration::from_secs(30));
        let setup = set_up(slow, Tokens::default(), Some(Duration::from_secs(5)));
        assert_eq!(name(&send(&setup, &disable()).await), "accepted");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reference_to_an_object_names_the_service_that_it_is_sent_to() {
        let setup = scripted([answer(204, "")]);
        assert_eq!(name(&send(&setup, &Call::add_member("g", "u")).await), "accepted");
        let seen = setup.service.seen();
        let (root, _) = seen[0].url.split_once("/v1.0/").unwrap();
        let body: Value = serde_json::from_str(seen[0].body.as_deref().unwrap()).unwrap();
        assert_eq!(body, json!({"@odata.id": format!("{root}/v1.0/directoryObjects/u")}));
    }

    #[tokio::test(start_paused = true)]
    async fn the_secret_of_a_sealed_answer_is_taken_out_of_it_and_never_printed() {
        let issue = Call::new(Method::Post, ["users", "x", "passes"]).seal("pass");
        for (body, secret) in [
            (r#"{"id":"1","pass":"Xy7+abc"}"#, Some("Xy7+abc")),
            (r#"{"id":"1","pass":""}"#, None),
            (r#"{"id":"1","pass":{"is":"Xy7+abc"}}"#, None),
            (r#"{"id":"1"}"#, None),
        ] {
            let Sent::Accepted(said) = send(&scripted([answer(201, body)]), &issue).await else {
                panic!("not accepted: {body}")
            };
            assert_eq!(said.body, Some(json!({"id": "1"})));
            assert_eq!(said.secret.as_ref().map(Secret::expose), secret);
            assert!(!format!("{said:?}").contains("Xy7"), "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_post_without_a_body_says_so_and_one_with_secrets_needs_them() {
        let setup = scripted([answer(200, r#"{"value":true}"#)]);
        let Sent::Accepted(said) = send(&setup, &revoke()).await else { panic!("not accepted") };
        assert_eq!(said.body, Some(json!({"value": true})));
        assert_eq!((said.status, said.request_id.as_deref()), (Some(200), Some("r1")));
        let seen = setup.service.seen();
        assert_eq!(seen[0].header("content-length"), Some("0"));
        assert_eq!(seen[0].header("content-type"), None);

        let reset = Call::new(Method::Patch, ["users", "x"])
            .body(json!({"passwordProfile": {"password": {"$secret": "new_password"}}}));
        assert_eq!(name(&send(&scripted([]), &reset).await), "not sent");
        let filled = Zeroizing::new(br#"{"passwordProfile":{"password":"p"}}"#.to_vec());
        let setup = scripted([answer(204, "")]);
        assert_eq!(name(&setup.graph.fill_and_deliver(&reset, Some(filled), None).await), "accepted");
        assert_eq!(setup.service.seen()[0].header("content-type"), Some("application/json"));
        assert_eq!(setup.service.seen()[0].body.as_deref(), Some(r#"{"passwordProfile":{"password":"p"}}"#));
    }
}
