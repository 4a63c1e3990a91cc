//! Whether the pace is right: against a service that enforces the published limits, over journeys that differ.

use std::path::Path;

use async_trait::async_trait;
use futures::StreamExt;
use oust_actions::{Call, Get, Method, Read};
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::failure::Result;
use crate::graph::token::{Again, Token, TokenSource};
use crate::graph::{Endpoint, Graph, GraphParts, Sent};
use crate::sim::crowd::{RUNNER, crowd, user_principal_name};
use crate::sim::{Counts, Simulated};

struct Issuer(Arc<Simulated>);

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: self.0.token(RUNNER).into(), expires_on: None })
    }
}

fn service(users: usize, tenant_id: &str, clock: &Clock) -> Arc<Simulated> {
    let mut tenant = crowd(users).unwrap();
    tenant_id.clone_into(&mut tenant.tenant_id);
    tenant.limits = Some(crate::sim::Limits::default());
    (tenant.latency, tenant.jitter) = (Duration::from_millis(80), Duration::from_millis(80));
    tenant.count_only();
    Simulated::new(tenant, clock.clone())
}

fn graph(service: &Arc<Simulated>, clock: &Clock, folder: Option<&Path>) -> Graph {
    let graph = Graph::new(GraphParts {
        transport: Arc::<Simulated>::clone(service),
        tokens: Arc::new(Issuer(Arc::clone(service))),
        endpoint: Endpoint::parse(Simulated::BASE_URL, false).unwrap(),
        clock: clock.clone(),
        budget: Arc::new(Budget::default()),
    });
    match folder {
        Some(folder) => graph.sharing_limits(folder.to_owned()),
        None => graph,
    }
}

fn clock() -> Clock {
    Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap())
}

/// What a run does for a user, roughly: 11 resource units, 2 writes, 2 reports, a rule.
async fn contain(graph: &Graph, number: usize) {
    let upn = user_principal_name(number);
    let of = |relation: &'static str| Get::new(["users", upn.as_str(), relation]);
    graph.one(&Get::new(["users", upn.as_str()]).select(&["id", "accountEnabled"])).await.unwrap();
    for write in [
        Call::new(Method::Post, ["users", upn.as_str(), "revokeSignInSessions"]),
        Call::new(Method::Patch, ["users", upn.as_str()]).body(json!({"accountEnabled": false})),
    ] {
        let sent = graph.fill_and_deliver(&write, None, None).await;
        assert!(matches!(sent, Sent::Accepted(_)), "{sent:?}");
    }
    let [grants, owned, groups, roles] =
        ["oauth2PermissionGrants", "ownedObjects", "transitiveMemberOf", "appRoleAssignments"].map(of);
    let [methods, again] = [(); 2].map(|()| Get::new(["users", upn.as_str(), "authentication", "methods"]));
    let rules = Get::new(["users", upn.as_str(), "mailFolders", "inbox", "messageRules"]);
    let (devices, owners) = (of("registeredDevices"), of("ownedDevices"));
    let all = [&grants, &owned, &groups, &roles, &methods, &again, &rules, &devices, &owners];
    for ended in futures::future::join_all(all.map(|get| graph.all(get))).await {
        ended.unwrap();
    }
}

/// Requests of one process that are under way at once.
const AT_ONCE: usize = 200;

async fn read(graph: &Graph, users: usize, reads: usize) {
    let each = (0..reads).map(|read| async move {
        let upn = user_principal_name(1 + read % users);
        graph.one(&Get::new(["users", upn.as_str(), "transitiveMemberOf"])).await.unwrap();
    });
    futures::stream::iter(each).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

fn rarely_throttled(counts: Counts) {
    assert!(counts.throttled * 100 < counts.requests, "{counts:?}");
}

/// Virtual time from `start` is what the bucket dictates, give or take.
fn took(start: Instant, dictated: f64) {
    let took = start.elapsed().as_secs_f64();
    assert!((dictated..dictated * 1.15).contains(&took), "{took:.1} s, the bucket dictates {dictated:.1} s");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_contained_in_the_time_that_the_tightest_bucket_dictates() {
    let clock = clock();
    let service = service(100, "t", &clock);
    let graph = graph(&service, &clock, None);
    let start = Instant::now();
    futures::future::join_all((1..=100).map(|number| contain(&graph, number))).await;
    // Reports: 200 of them, 5 at once and one every 2 seconds.
    took(start, f64::from(200 - 5) * 2.0);
    let counts = service.with(|tenant| tenant.counts());
    assert_eq!(counts.writes, 200);
    rarely_throttled(counts);
    assert_eq!(graph.throttled(), counts.throttled);
}

#[tokio::test(start_paused = true)]
async fn two_processes_use_one_bucket_to_the_full_and_a_third_with_another_tenant_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let (one, other) = (service(20, "t", &clock), service(20, "u", &clock));
    let ours = [(); 2].map(|()| graph(&one, &clock, Some(folder.path())));
    let third = graph(&other, &clock, Some(folder.path()));
    let start = Instant::now();
    let third = async {
        read(&third, 20, 1000).await;
        start.elapsed()
    };
    let ((), (), third) = tokio::join!(read(&ours[0], 20, 3000), read(&ours[1], 20, 3000), third);
    // 2 resource units each: 3,500 at once and 350 a second.
    took(start, f64::from(12_000 - 3500) / 350.0);
    assert!(third < Duration::from_secs(2), "{third:?}");
    rarely_throttled(one.with(|tenant| tenant.counts()));
}

#[tokio::test(start_paused = true)]
async fn processes_that_share_nothing_still_get_by_on_what_answers_say() {
    let clock = clock();
    let service = service(20, "t", &clock);
    let graphs = [(); 2].map(|()| graph(&service, &clock, None));
    let start = Instant::now();
    tokio::join!(read(&graphs[0], 20, 3000), read(&graphs[1], 20, 3000));
    let (counts, took) = (service.with(|tenant| tenant.counts()), start.elapsed());
    assert!(counts.throttled * 5 < counts.requests && took.as_secs() < 40, "{counts:?} in {took:?}");
}
