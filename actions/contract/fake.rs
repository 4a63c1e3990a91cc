//! For unit tests: a tenant that is a map from URL to answer, and a target to contain in it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use serde_json::Value;

use super::{Cloud, Get, OnPage, Operator, Read, ReadError, ReadErrorKind, Reading, Target, Tenant, User};

/// Answers reads from a map; what isn't in it is 404. It counts reads, to tell of needless ones.
#[derive(Default)]
pub(crate) struct Fake {
    answers: BTreeMap<String, Result<Value, (ReadErrorKind, Option<String>)>>,
    reads: Mutex<Vec<String>>,
}

impl Fake {
    /// This read answers with this value; a collection is an array.
    pub(crate) fn with(mut self, get: &Get, answer: Value) -> Self {
        self.answers.insert(get.url(), Ok(answer));
        self
    }

    /// This read fails.
    pub(crate) fn failing(mut self, get: &Get, kind: ReadErrorKind) -> Self {
        self.answers.insert(get.url(), Err((kind, None)));
        self
    }

    /// This read fails with an error code of Graph's.
    pub(crate) fn failing_with(mut self, get: &Get, kind: ReadErrorKind, code: &str) -> Self {
        self.answers.insert(get.url(), Err((kind, Some(code.to_owned()))));
        self
    }

    /// The URLs that were read, in order.
    pub(crate) fn reads(&self) -> Vec<String> {
        self.reads.lock().unwrap().clone()
    }

    fn answer(&self, get: &Get) -> Result<Value, ReadError> {
        self.reads.lock().unwrap().push(get.url());
        let answer = self.answers.get(&get.url()).cloned().unwrap_or(Err((ReadErrorKind::NotFound, None)));
        answer.map_err(|(kind, code)| ReadError {
            kind,
            path: get.path.to_string(),
            status: None,
            code,
            message: "the fake says so".into(),
            request_id: None,
        })
    }
}

impl Read for Fake {
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value> {
        Box::pin(async move { self.answer(get) })
    }

    fn pages<'a>(&'a self, get: &'a Get, each: OnPage<'a>) -> Reading<'a, ()> {
        Box::pin(async move {
            each(self.answer(get)?.as_array().unwrap().clone());
            Ok(())
        })
    }
}

/// Runs a future that never has to wait, as every future over [`Fake`].
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits for something"),
    }
}

/// Parses a moment.
pub(crate) fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

/// Adele Vance of Contoso, a cloud account; compromised since 1 May 2026, the cut at noon on 2 May.
pub(crate) fn adele() -> Target {
    Target {
        user: User {
            id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".into(),
            user_principal_name: "adelev@contoso.com".into(),
            display_name: Some("Adele Vance".into()),
            user_type: Some("Member".into()),
            account_enabled: Some(true),
            ..User::default()
        },
        tenant: Tenant {
            id: "84841066-274d-4ec0-a5c1-276be684bdd3".into(),
            display_name: "Contoso".into(),
            domains: vec!["contoso.com".into()],
            ..Tenant::default()
        },
        operator: Operator {
            app_id: "11111111-aaaa-4aaa-8aaa-000000000001".into(),
            object_id: "11111111-aaaa-4aaa-8aaa-000000000002".into(),
            ..Operator::default()
        },
        since: at("2026-05-01T00:00:00Z"),
        now: at("2026-05-02T12:00:01Z"),
        cut_after: at("2026-05-02T12:00:00Z"),
        settings: Value::Null,
        issued: vec![],
        companions: 0,
    }
}

/// The same account, mastered in on-premises AD.
pub(crate) fn synced() -> Target {
    let mut who = adele();
    who.user.on_premises_sync_enabled = Some(true);
    who.user.on_premises_domain_name = Some("contoso.local".into());
    who.user.on_premises_sam_account_name = Some("adelev".into());
    who
}

/// A target in that cloud.
pub(crate) fn in_cloud(cloud: Cloud, mut who: Target) -> Target {
    who.tenant.cloud = cloud;
    who
}

/// A guest from Fabrikam.
pub(crate) fn guest() -> Target {
    let mut who = adele();
    who.user.user_type = Some("Guest".into());
    who.user.external_user_state = Some("Accepted".into());
    who.user.user_principal_name = "meganb_fabrikam.com#EXT#@contoso.com".into();
    who
}
