//! Batches, pages, lag, faults, snapshots, footholds.

use super::*;

#[test]
fn a_batch_answers_each_and_fails_dependants() {
    let mut tenant = contoso();
    let (status, body) = tenant.send(
        "POST",
        "/$batch",
        json!({"requests": [
            {"id": "1", "method": "GET", "url": format!("/users/{ADELE}?$select=id")},
            {"id": "2", "method": "GET", "url": "/users/nobody"},
            {"id": "3", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
        ]}),
    );
    assert_eq!(status, 200);
    let statuses: Vec<u64> =
        body["responses"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 404, 424]);
    assert_eq!(tenant.round_trips(), 1);
    let many: Vec<Value> =
        (0..21).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/organization"})).collect();
    assert_eq!(tenant.send("POST", "/$batch", json!({"requests": many})).0, 400);
}

#[test]
fn pages_are_small_and_link_to_the_host_they_came_from() {
    let mut tenant = contoso();
    tenant.page_size = 2;
    let (_, body) = tenant.get("/users?$select=id");
    assert_eq!(body["value"].as_array().unwrap().len(), 2);
    let link = body["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with("https://graph.microsoft.com/v1.0/users?$select=id&$skiptoken="));
}

#[test]
fn a_lagging_replica_answers_with_what_was_before() {
    let mut tenant = contoso();
    let second = jiff::SignedDuration::from_secs(1);
    tenant.lag = Lag::new(second * 5, second * 20, 1.0);
    tenant.disable(ADELE);
    let read = format!("/users/{ADELE}?$select=accountEnabled");
    assert_eq!(tenant.ask_at(4, "GET", &read, None).1["accountEnabled"], true);
    assert_eq!(tenant.ask_at(5, "GET", &read, None).1["accountEnabled"], false);
    let list = "/users?$select=accountEnabled&$filter=userPrincipalName%20eq%20'AdeleV@contoso.com'";
    assert_eq!(tenant.ask_at(19, "GET", list, None).1["value"][0]["accountEnabled"], true);
    assert_eq!(tenant.ask_at(20, "GET", list, None).1["value"][0]["accountEnabled"], false);
}

#[test]
fn a_reset_after_the_effect_leaves_the_effect() {
    for after_effect in [false, true] {
        let mut tenant = contoso();
        tenant.faults.plant(Planted::new("PATCH /users/*", Fault::Reset { after_effect }));
        let body = Some(json!({"accountEnabled": false}));
        let delivery = tenant.deliver_at(0, "PATCH", &format!("/users/{ADELE}"), body);
        assert!(matches!(delivery, Delivery::Broken));
        assert_eq!(tenant.is_enabled(ADELE), Some(!after_effect));
        assert_eq!((tenant.log()[0].status, tenant.log()[0].applied), (None, after_effect));
    }
}

#[test]
fn a_planted_429_names_its_time_and_has_no_effect() {
    let mut tenant = contoso();
    let what = Fault::Status {
        code: 429,
        retry_after: Some(RetryAfter::HttpDate(7)),
        body: None,
        after_effect: false,
    };
    tenant.faults.plant(Planted::new("revokeSignInSessions", what));
    let before = tenant.snapshot();
    match tenant.deliver_at(0, "POST", &format!("/users/{ADELE}/revokeSignInSessions"), None) {
        Delivery::Reply(reply) => {
            assert_eq!(reply.status, 429);
            assert_eq!(reply.header("retry-after"), Some("Sun, 01 Mar 2026 12:00:07 GMT"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(tenant.snapshot(), before);
    assert_eq!(tenant.revoke(ADELE), 200, "it hits once");
}

#[test]
fn a_neighbour_is_told_apart_from_the_victim() {
    let mut tenant = contoso();
    let adele = tenant.user_id(ADELE).unwrap();
    let (of, without) = (tenant.snapshot_of(&adele), tenant.snapshot_without(&adele));
    tenant.disable(ADELE);
    assert_ne!(tenant.snapshot_of(&adele), of);
    assert_eq!(tenant.snapshot_without(&adele), without);
}

#[test]
fn footholds_end_one_by_one() {
    let mut tenant = contoso();
    let works = |tenant: &mut Tenant, now: i64| -> Vec<&'static str> {
        let ends_here =
            |kind: &str| !["auth_method", "device", "inbox_rule", "app_credential"].contains(&kind);
        let held = tenant.footholds(at(now)).into_iter().filter(|f| f.works && ends_here(f.what));
        held.map(|f| f.what).collect()
    };
    let all = ["refresh_token", "session_cookie", "access_token", "password", "grant", "app_role"];
    assert_eq!(works(&mut tenant, 0), all);
    tenant.revoke(ADELE);
    assert_eq!(works(&mut tenant, 0), ["access_token", "password", "app_role"]);
    tenant.reset(ADELE);
    assert_eq!(works(&mut tenant, 0), ["access_token", "app_role"]);
    tenant.disable(ADELE);
    assert_eq!(works(&mut tenant, 0), ["access_token"]);
    assert_eq!(works(&mut tenant, 40 * 60), Vec::<&str>::new());
}

#[test]
fn throttling_is_off_until_it_is_switched_on() {
    let mut tenant = contoso();
    tenant.limits = Some(Limits::new(100, 1));
    assert_eq!((tenant.disable(ADELE), tenant.disable(ADELE)), (204, 429));
    assert_eq!(tenant.get("/organization").0, 200, "reads have a quota of their own");
    tenant.limits = None;
    assert_eq!(tenant.disable(ADELE), 204);
}

#[test]
fn a_repeated_write_does_not_put_the_synchronisation_off() {
    let mut tenant = contoso();
    let off = Some(json!({"accountEnabled": false}));
    let path = "/users/DiegoS@contoso.com";
    tenant.ask_at(0, "PATCH", path, off.clone());
    tenant.ask_at(1000, "PATCH", path, off);
    tenant.ask_at(1800, "GET", path, None);
    assert_eq!(tenant.is_enabled("DiegoS@contoso.com"), Some(true));
}

#[test]
fn ids_in_a_batch_are_unique() {
    let twice = json!({"id": "1", "method": "GET", "url": "/organization"});
    assert_eq!(contoso().send("POST", "/$batch", json!({"requests": [twice, twice]})).0, 400);
}

#[test]
fn a_snapshot_does_not_care_how_scopes_are_written() {
    let mut tenant = contoso();
    let before = tenant.snapshot();
    " openid  Files.ReadWrite.All Mail.ReadWrite offline_access"
        .clone_into(&mut tenant.directory.grants[0].scope);
    assert_eq!(tenant.snapshot(), before);
    "openid".clone_into(&mut tenant.directory.grants[0].scope);
    assert_ne!(tenant.snapshot(), before);
}
