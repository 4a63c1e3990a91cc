//! Answers of Graph, read by the client over a transport that gives nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use oust::clock::Clock;
use oust::failure::{Failure, Result};
use oust::graph::error_body::ErrorBody;
use oust::graph::token::{Again, Token, TokenSource};
use oust::graph::{
    Budget, Endpoint, Graph, GraphParts, Reply, Request, SendError, Sent, StepBudget, Transport,
    sign_in_error,
};
use oust::journal::{Journal, Recorded, Store};
use oust::report::escape;
use oust_actions::{Call, Get, Method, Operator, Read, Target, Tenant, User};

/// Between one answer and the next.
const NEXT: &[u8] = b"\n%%\n";
/// The client writes only what is on disk.
static PROOF: LazyLock<Recorded> = LazyLock::new(proof_of_nothing);
/// Where all requests have to go.
const ORIGIN: &str = "https://graph.microsoft.com";

/// Answers: each a status, headers a line each, an empty line and a body; a line `%%` between them. After the last one
/// nothing is there. No request leaves the origin, no error floods or moves the cursor, only a 2xx is accepted.
pub fn graph_reply(bytes: &[u8]) {
    let script = split(bytes);
    for reply in &script {
        let body = ErrorBody::of(reply);
        for text in [&body.code, &body.message, &body.request_id].into_iter().flatten() {
            assert!(text.chars().count() <= 600, "{text:?}");
        }
        check_failure(&sign_in_error::from_reply(reply));
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().expect("a runtime").block_on(async {
        let get = Get::new(["users", "x"]);
        let service = Arc::new(Service::new(&script));
        if let Err(error) = service.client().one(&get).await {
            check_failure(&error.into());
        }
        service.check(&script, 1);
        let service = Arc::new(Service::new(&script));
        if let Err(error) = service.client().all(&get).await {
            check_failure(&error.into());
        }
        service.check(&script, 1);
        let service = Arc::new(Service::new(&script));
        check_sign_ins(&service.client()).await;
        // What isn't there in one edition is asked of the other.
        service.check(&script, 2);
        let service = Arc::new(Service::new(&script));
        let call = Call::new(Method::Delete, ["users", "x"]);
        match service.client().write(&call, None, &StepBudget::default(), &PROOF).await {
            Sent::Accepted(answer) => assert!(matches!(answer.status, Some(200..=299)), "{answer:?}"),
            Sent::Refused(answer) => assert!(matches!(answer.status, Some(300..=499)), "{answer:?}"),
            Sent::InDoubt(_) | Sent::NotSent(_) => {}
        }
        service.check(&script, 1);
    });
}

/// Whatever the log holds, what is seen of it is small, and the plan wants no change.
async fn check_sign_ins(client: &Graph) {
    let action = oust_actions::find("review_sign_ins").expect("an action");
    let who = Target {
        user: User { id: "x".into(), account_enabled: Some(false), ..User::default() },
        tenant: Tenant::default(),
        operator: Operator::default(),
        since: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        cut_after: Timestamp::UNIX_EPOCH,
        settings: serde_json::Value::Null,
        issued: vec![],
        companions: 0,
    };
    match action.observe(&who, client).await {
        Err(error) => check_failure(&error.into()),
        Ok(state) => {
            assert!(state.to_string().len() < 100_000, "{state}");
            let plan = action.plan(&who, &state).expect("a state of its own");
            assert!(plan.changes.is_empty(), "{plan:?}");
        }
    }
}

/// What a person is shown of it is short and moves no cursor.
fn check_failure(failure: &Failure) {
    assert!(failure.what.chars().count() < 2000, "{}", failure.what);
    let shown = escape::terminal(&failure.what);
    assert!(!shown.contains(|c: char| c.is_control()), "{shown:?}");
}

/// An intent of no call at all.
fn proof_of_nothing() -> Recorded {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::new(folder.path().to_owned());
    let run = store.create_run(&uuid::Uuid::nil()).expect("a run");
    let mut journal = Journal::create(&run, clock()).expect("a journal");
    journal.intend([]).expect("an intent")
}

fn clock() -> Clock {
    Clock::starting_at("2026-11-24T08:00:00Z".parse().expect("a time"))
}

fn split(bytes: &[u8]) -> Vec<Reply> {
    let mut replies = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(NEXT.len()).position(|part| part == NEXT).filter(|_| replies.len() < 20)
    {
        replies.push(reply(&rest[..at]));
        rest = &rest[at + NEXT.len()..];
    }
    replies.push(reply(rest));
    replies
}

fn reply(bytes: &[u8]) -> Reply {
    let (head, body) = match bytes.windows(2).position(|part| part == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &[][..]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(200);
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Reply { status, headers, body: body.to_vec() }
}

/// Gives its answers in order.
struct Service {
    script: Mutex<VecDeque<Reply>>,
    urls: Mutex<Vec<String>>,
}

impl Service {
    fn new(script: &[Reply]) -> Self {
        Self { script: Mutex::new(script.iter().cloned().collect()), urls: Mutex::default() }
    }

    fn client(self: &Arc<Self>) -> Graph {
        Graph::new(GraphParts {
            transport: Arc::<Self>::clone(self),
            tokens: Arc::<Self>::clone(self),
            endpoint: Endpoint::parse(ORIGIN, false).expect("an origin"),
            clock: clock(),
            budget: Arc::new(Budget::default()),
        })
    }

    /// No request leaves the origin, and once nothing is there so many more were sent at most.
    fn check(&self, script: &[Reply], ends: usize) {
        let urls = self.urls.lock().expect("nobody panicked");
        assert!(urls.len() <= script.len() + ends, "{} requests for {} answers", urls.len(), script.len());
        for url in urls.iter() {
            let url = url::Url::parse(url).expect("an URL");
            assert_eq!(url.origin().ascii_serialization(), ORIGIN, "{url}");
        }
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> std::result::Result<Reply, SendError> {
        self.urls.lock().expect("nobody panicked").push(request.url);
        let next = self.script.lock().expect("nobody panicked").pop_front();
        Ok(next.unwrap_or(Reply { status: 404, ..Reply::default() }))
    }
}

#[async_trait]
impl TokenSource for Service {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: "a token".into(), expires_on: None })
    }
}
