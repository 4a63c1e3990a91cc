//! What a read makes of every kind of answer, and how long it waits. Time is tokio's, held still.

use std::sync::{Arc, Mutex};
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
        (Err(SendError::Untrusted("unknown issuer".into())), Kind::Unavailable, 1),
    ] {
        let setup = set_up(Service::new([trouble.clone()]).repeating(), Tokens::default(), None);
        assert_eq!(one(&setup).await.unwrap_err().kind, kind, "{trouble:?}");
        let seen = setup.service.seen();
        assert!(seen.len() <= most, "{} tries for {trouble:?}", seen.len());
        assert!(seen.iter().all(|s| s.at <= Duration::from_secs(60)));
        assert!(most < 60 || seen.len() > 3);
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
async fn a_long_wait_is_told_as_it_begins() {
    let (heard, began) = (Arc::new(Mutex::new(Vec::new())), tokio::time::Instant::now());
    let hears = Arc::clone(&heard);
    let failing = answer_with(503, "retry-after", "20", r#"{"error":{"code":"x","message":"busy"}}"#);
    let setup = scripted([failing, answer_with(429, "retry-after", "30", ""), answer(200, "{}")]);
    let graph = setup.graph.telling(Arc::new(move |why, wait| {
        hears.lock().unwrap().push((began.elapsed().as_secs(), wait.as_secs(), why.to_owned()));
    }));
    graph.one(&user()).await.unwrap();
    let told = [
        (0, 20, "directory requests: HTTP 503: busy".to_owned()),
        (20, 30, "the service throttles directory requests".to_owned()),
    ];
    assert_eq!(*heard.lock().unwrap(), told);
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

    let setup = set_up(Service::new([answer(401, "")]), Tokens { fails: true, ..Tokens::default() }, None);
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
