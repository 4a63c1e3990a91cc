//! A tenant of many compromised users, whose service enforces the published limits.

use std::time::Duration;

use oust::sim::Limits;
use oust::sim::crowd::{crowd, user_principal_name};

use crate::support::World;

const USERS: usize = 12;

#[tokio::test(start_paused = true)]
async fn a_crowd_is_contained_its_own_things_stay_and_nothing_is_throttled() {
    let mut tenant = crowd(USERS).unwrap();
    tenant.limits = Some(Limits::default());
    (tenant.latency, tenant.jitter) = (Duration::from_millis(60), Duration::from_millis(60));
    let mut world = World::with(tenant);
    world.users = (1..=USERS).map(user_principal_name).collect();
    world.guards.max_users = USERS;
    let document = world.contain().await;
    assert_eq!(document.users.len(), USERS);

    let works: Vec<_> = world.sim.footholds().into_iter().filter(|foothold| foothold.works).collect();
    assert!(works.is_empty(), "{works:?}");
    let after = world.sim.with(|tenant| tenant.snapshot());
    let count = |part: &str| after[part].as_object().unwrap().len();
    assert_eq!(count("oauth2PermissionGrants"), USERS, "the legitimate consents");
    assert_eq!(count("authenticationMethods"), USERS, "the phones");
    let enabled = |part: &str, member: &str| {
        let rows = after[part].as_object().unwrap().values();
        rows.filter(|row| row[member] == true).count()
    };
    assert_eq!(enabled("devices", "accountEnabled"), USERS);
    assert_eq!(enabled("messageRules", "isEnabled"), USERS);

    let counts = world.sim.with(|tenant| tenant.counts());
    assert!(counts.throttled * 100 < counts.requests, "{counts:?}");
}
