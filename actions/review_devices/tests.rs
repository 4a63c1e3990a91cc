//! What the review decides, asked with the lists that the service gives.

use super::*;
use crate::AnyAction;
use crate::contract::fake::{Fake, adele, ready};

const IN_WINDOW: &str = "2026-05-01T09:00:00Z";
const A_YEAR_AGO: &str = "2025-05-01T09:00:00Z";

fn row(id: &str, registered: Option<&str>) -> Value {
    json!({ "@odata.type": "#microsoft.graph.device", "id": id, "displayName": format!("PC {id}"),
        "accountEnabled": true, "operatingSystem": "Windows", "trustType": "Workplace",
        "registrationDateTime": registered })
}

fn with(mut row: Value, name: &str, value: Value) -> Value {
    row[name] = value;
    row
}

fn plan_with(settings: Value, rows: &[Value]) -> Plan {
    let mut who = adele();
    who.settings = settings;
    let state = State { devices: rows.iter().filter_map(Device::parse).collect(), ..State::default() };
    Action::plan(&ReviewDevices, &who, &state)
}

fn plan(rows: &[Value]) -> Plan {
    plan_with(Value::Null, rows)
}

#[test]
fn a_device_of_the_window_is_disabled_and_an_older_one_stays() {
    let plan = plan(&[row("new", Some(IN_WINDOW)), row("old", Some(A_YEAR_AGO))]);
    let change = &plan.changes[0];
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(change.call.to_string(), r#"PATCH /v1.0/devices/new {"accountEnabled":false}"#);
    let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
    assert_eq!(undo.to_string(), r#"PATCH /v1.0/devices/new {"accountEnabled":true}"#);
    assert_eq!(plan.kept[0].object_id, "old");
}

#[test]
fn a_disabled_device_is_done() {
    let done = with(row("new", Some(IN_WINDOW)), "accountEnabled", false.into());
    for settings in [Value::Null, json!({ "disable": "all" })] {
        assert!(plan_with(settings, std::slice::from_ref(&done)).changes.is_empty());
    }
}

#[test]
fn the_playbook_may_take_all_or_keep_one() {
    let rows = [row("a", Some(A_YEAR_AGO)), row("b", None)];
    assert_eq!(plan_with(json!({ "disable": "all" }), &rows).changes.len(), 2);
    assert_eq!(plan_with(json!({ "disable": "all", "keep": ["A"] }), &rows).changes[0].object_id, "b");
}

#[test]
fn a_device_without_a_date_is_asked_about() {
    let plan = plan(&[row("b", None)]);
    assert!(plan.changes.is_empty());
    assert_eq!(plan.open[0].decision, Decision::Ask);
}

#[test]
fn a_hybrid_device_is_left_to_ad() {
    for (name, value) in [("trustType", json!("ServerAd")), ("onPremisesSyncEnabled", json!(true))] {
        let plan = plan(&[with(row("h", Some(IN_WINDOW)), name, value)]);
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].next.as_ref().unwrap().contains("Disable-ADAccount"));
    }
}

#[test]
fn a_phone_is_tried_with_the_manual_step_beside_it() {
    let plan = plan(&[with(row("p", Some(IN_WINDOW)), "operatingSystem", "Android".into())]);
    let change = &plan.changes[0];
    assert!(change.reasons.iter().any(|why| why.contains("expect a refusal")));
    assert!(change.call.by_hand.as_ref().unwrap().contains("Cloud Device Administrator"));
}

#[test]
fn odd_entries_are_no_devices() {
    for row in [
        json!({}),
        json!(7),
        json!({ "id": "" }),
        json!({ "@odata.type": "#microsoft.graph.group", "id": "g" }),
    ] {
        assert_eq!(Device::parse(&row), None);
    }
}

fn observe(who: &Target, graph: &Fake) -> Result<State, ReadError> {
    ready(Action::observe(&ReviewDevices, who, graph))
}

fn permitted(permissions: &[&str]) -> Target {
    let mut who = adele();
    who.operator.permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
    who
}

#[test]
fn a_device_that_is_both_owned_and_registered_counts_once() {
    let who = permitted(&["User.Read.All", "Device.ReadWrite.All"]);
    let graph = Fake::default()
        .with(&devices_of(&who.user.id, "registeredDevices"), json!([row("a", None), row("b", None)]))
        .with(&devices_of(&who.user.id, "ownedDevices"), json!([row("b", None), row("c", None)]));
    let state = observe(&who, &graph).unwrap();
    let seen: Vec<_> = state.devices.iter().map(|d| (d.id.as_str(), d.owned)).collect();
    assert_eq!(seen, [("a", Some(false)), ("b", Some(true)), ("c", Some(true))]);
}

#[test]
fn a_device_of_somebody_else_is_asked_about_also_when_all_are_to_go() {
    let who = permitted(&["User.Read.All", "Device.ReadWrite.All"]);
    let graph = Fake::default()
        .with(&devices_of(&who.user.id, "registeredDevices"), json!([row("shared", Some(IN_WINDOW))]))
        .with(&devices_of(&who.user.id, "ownedDevices"), json!([]));
    let state = observe(&who, &graph).unwrap();
    for settings in [Value::Null, json!({ "disable": "all" })] {
        let plan = Action::plan(&ReviewDevices, &Target { settings, ..who.clone() }, &state);
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].reasons[0].contains("somebody else owns it"));
    }
}

#[test]
fn a_refusal_in_spite_of_the_permissions_is_a_finding_and_without_them_an_error() {
    let graph = |who: &Target| {
        Fake::default()
            .failing(&devices_of(&who.user.id, "registeredDevices"), ReadErrorKind::Forbidden)
            .with(&devices_of(&who.user.id, "ownedDevices"), json!([row("a", Some(IN_WINDOW))]))
    };
    let who = permitted(&["User.Read.All", "Device.Read.All"]);
    let plan = Action::plan(&ReviewDevices, &who, &observe(&who, &graph(&who)).unwrap());
    assert_eq!(plan.changes.len(), 1, "what can be listed is dealt with");
    assert!(plan.open[0].reasons[0].contains("registeredDevices"));
    let who = permitted(&["User.Read.All"]);
    assert_eq!(observe(&who, &graph(&who)).unwrap_err().kind, ReadErrorKind::Forbidden);
}

#[test]
fn ids_alone_mean_that_the_permission_is_missing() {
    let who = permitted(&["User.Read.All"]);
    let ids = json!([{ "@odata.type": "#microsoft.graph.device", "id": "a", "accountEnabled": null }]);
    let graph = Fake::default()
        .with(&devices_of(&who.user.id, "registeredDevices"), ids)
        .with(&devices_of(&who.user.id, "ownedDevices"), json!([]));
    assert_eq!(observe(&who, &graph).unwrap_err().kind, ReadErrorKind::Forbidden);
}

#[test]
fn the_settings_are_checked() {
    assert_eq!(ReviewDevices.check_settings(&json!({ "disable": "since", "keep": [] })), Ok(()));
    assert!(ReviewDevices.check_settings(&json!({ "disable": "none" })).is_err());
    assert!(plan_with(json!({ "disabel": "all" }), &[row("a", Some(IN_WINDOW))]).changes.is_empty());
}

/// Neither list may be read; these bear the mark, each with its owners.
fn refused(who: &Target, rows: &[(Value, Option<&str>)]) -> Fake {
    let user = &who.user.id;
    let mut graph = RELATIONS.iter().fold(Fake::default(), |graph, relation| {
        graph.failing(&devices_of(user, relation), ReadErrorKind::Forbidden)
    });
    let mut marked =
        vec![json!({ "id": "other", "physicalIds": ["[USER-GID]:somebody-else:1", "[GID]:g:1"] })];
    for (row, owner) in rows {
        let id = row["id"].as_str().unwrap();
        let mark = format!("[USER-GID]:{}:6755416654410028", user.to_uppercase());
        marked.push(json!({ "id": id, "physicalIds": ["[HWID]:h:1", mark] }));
        graph = graph.with(&marked::device(id), row.clone());
        let owners = marked::owners(id);
        graph = match owner {
            Some(owner) => graph.with(&owners, json!([{ "id": owner }])),
            None => graph.failing(&owners, ReadErrorKind::Forbidden),
        };
    }
    graph.with(&marked::candidates(user), json!(marked))
}

#[test]
fn what_may_not_be_listed_is_found_by_its_mark_and_disabled_when_the_user_registered_it() {
    let who = permitted(&["User.Read.All", "Device.ReadWrite.All"]);
    let user = who.user.id.clone();
    let graph = refused(
        &who,
        &[
            (row("new", Some(IN_WINDOW)), Some(&user)),
            (row("old", Some(A_YEAR_AGO)), Some(&user)),
            (row("shared", Some(IN_WINDOW)), Some("alex")),
            (row("unsure", Some(IN_WINDOW)), None),
        ],
    );
    let plan = Action::plan(&ReviewDevices, &who, &observe(&who, &graph).unwrap());
    let ids = |findings: &[Finding]| findings.iter().map(|f| f.object_id.clone()).collect::<Vec<_>>();
    assert_eq!(plan.changes.iter().map(|c| c.object_id.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(ids(&plan.kept), ["old"]);
    assert_eq!(ids(&plan.open), ["shared", "unsure", &user, &user]);
    assert!(plan.open[2].reasons[0].contains("by a mark"), "{plan:#?}");
}

#[test]
fn where_the_mark_may_not_be_asked_for_either_the_finding_stays() {
    let who = permitted(&["User.Read.All", "Device.ReadWrite.All"]);
    for kind in [ReadErrorKind::Forbidden, ReadErrorKind::Refused, ReadErrorKind::Unavailable] {
        let graph = refused(&who, &[]).failing(&marked::candidates(&who.user.id), kind);
        let plan = Action::plan(&ReviewDevices, &who, &observe(&who, &graph).unwrap());
        assert!(plan.changes.is_empty());
        assert_eq!(plan.open.len(), 2);
        assert!(plan.open.iter().all(|f| !f.reasons[0].contains("mark")), "{plan:#?}");
    }
    let graph = refused(&who, &[]).failing(&marked::candidates(&who.user.id), ReadErrorKind::Stopped);
    assert_eq!(observe(&who, &graph).unwrap_err().kind, ReadErrorKind::Stopped);
}
