//! What the review decides, asked with the lists that the service gives.

use serde_json::{Value, json};

use super::kinds::KINDS;
use super::*;
use crate::contract::fake::{Fake, adele, in_cloud, ready};
use crate::{AnyAction, Cloud, Decision, ReadErrorKind, Undo};

const IN_WINDOW: &str = "2026-05-01T09:00:00Z";
const A_YEAR_AGO: &str = "2025-05-01T09:00:00Z";

fn method(kind: &str, id: &str, created: Option<&str>) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{kind}AuthenticationMethod"), "id": id, "createdDateTime": created })
}

fn phone(of: &str, created: Option<&str>) -> Value {
    let mut phone = method("phone", &format!("id-{of}"), created);
    phone["phoneType"] = of.into();
    phone["phoneNumber"] = "+1 4255550199".into();
    phone
}

fn plan_with(settings: Value, rows: &[Value]) -> Plan {
    let mut who = adele();
    who.settings = settings;
    Action::plan(&ReviewAuthMethods, &who, &State::parse(rows))
}

fn plan(rows: &[Value]) -> Plan {
    plan_with(Value::Null, rows)
}

fn calls(plan: &Plan) -> Vec<String> {
    let user = format!("/v1.0/users/{}/authentication", adele().user.id);
    plan.changes.iter().map(|c| c.call.to_string().replace(&user, "…")).collect()
}

#[test]
fn what_was_added_in_the_window_goes_by_its_typed_path_and_the_users_own_stay() {
    let plan = plan(&[
        method("password", "28c10230", Some(IN_WINDOW)),
        method("microsoftAuthenticator", "old", Some(A_YEAR_AGO)),
        method("microsoftAuthenticator", "new", Some(IN_WINDOW)),
        method("fido2", "k/e#y", Some(IN_WINDOW)),
        phone("mobile", Some(A_YEAR_AGO)),
    ]);
    assert_eq!(
        calls(&plan),
        ["DELETE …/fido2Methods/k%2Fe%23y", "DELETE …/microsoftAuthenticatorMethods/new"]
    );
    assert!(plan.changes.iter().all(|c| matches!(c.undo, Undo::Never(_))));
    let kept: Vec<&str> = plan.kept.iter().map(|f| f.label.as_str()).collect();
    assert_eq!(kept, ["Microsoft Authenticator", "mobile phone +1 4255550199"]);
    assert!(plan.open.is_empty());
}

#[test]
fn without_what_was_removed_the_plan_is_empty() {
    let own = [method("password", "28c10230", None), phone("mobile", Some(A_YEAR_AGO))];
    assert!(plan(&own).changes.is_empty());
    assert_eq!(plan(&[]), Plan::default());
}

#[test]
fn forty_entries_go_in_one_run() {
    let rows: Vec<Value> =
        (0..40).map(|i| method("windowsHelloForBusiness", &format!("key-{i:02}"), Some(IN_WINDOW))).collect();
    let plan = plan(&rows);
    assert_eq!(plan.changes.len(), 40);
    let by_hand = plan.changes[0].call.by_hand.as_ref().unwrap();
    assert!(by_hand.contains("second factor"), "{by_hand}");
}

#[test]
fn the_second_mobile_goes_before_the_first() {
    let plan = plan(&[phone("mobile", Some(IN_WINDOW)), phone("alternateMobile", Some(IN_WINDOW))]);
    assert_eq!(calls(&plan), ["DELETE …/phoneMethods/id-alternateMobile", "DELETE …/phoneMethods/id-mobile"]);
    assert_eq!(plan.changes.iter().map(|c| c.call.turn.wave).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_first_mobile_whose_second_stays_is_announced_as_a_case_for_a_person() {
    let plan = plan(&[phone("mobile", Some(IN_WINDOW)), phone("alternateMobile", Some(A_YEAR_AGO))]);
    assert!(plan.changes[0].reasons.iter().any(|why| why.contains("by hand")));
}

#[test]
fn every_removal_waits_for_the_others_when_it_is_the_default() {
    let plan = plan_with(json!({ "remove": "all" }), &[phone("mobile", None), method("fido2", "k", None)]);
    assert_eq!(plan.changes.len(), 2);
    for change in &plan.changes {
        let turn = &change.call.turn;
        assert!(turn.waits_after("badRequest: Cannot delete default method with other methods configured."));
        assert!(
            turn.waits_after(
                "matches the user's current default authentication method, and cannot be deleted"
            )
        );
    }
}

#[test]
fn what_has_a_readable_value_is_given_back_and_looked_at_by_its_value() {
    let mut external = method("external", "e", Some(IN_WINDOW));
    external["configurationId"] = "c".into();
    external["displayName"] = "Duo".into();
    let mut email = method("email", "m", Some(IN_WINDOW));
    email["emailAddress"] = "adele@fabrikam.com".into();
    let plan = plan(&[phone("office", Some(IN_WINDOW)), external, email]);
    let undone: Vec<String> = plan
        .changes
        .iter()
        .map(|change| {
            let Undo::Call(undo) = &change.undo else { panic!("{}", change.say) };
            let look = change.look.as_ref().unwrap();
            assert_eq!(look.after, crate::Seen::Absent);
            assert_eq!(look.get.url(), undo.url());
            undo.body.as_ref().unwrap().to_string()
        })
        .collect();
    assert_eq!(
        undone,
        [
            r#"{"emailAddress":"adele@fabrikam.com"}"#,
            r#"{"configurationId":"c","displayName":"Duo"}"#,
            r#"{"phoneType":"office","phoneNumber":"+1 4255550199"}"#,
        ]
    );
}

#[test]
fn what_can_not_be_made_again_says_so() {
    let mut phone = phone("mobile", Some(IN_WINDOW));
    phone["phoneNumber"] = Value::Null;
    assert!(matches!(plan(&[phone]).changes[0].undo, Undo::Never(_)));
}

#[test]
fn a_temporary_access_pass_always_goes_unless_the_playbook_keeps_it() {
    let pass = [method("temporaryAccessPass", "t", Some(A_YEAR_AGO))];
    assert_eq!(calls(&plan(&pass)), ["DELETE …/temporaryAccessPassMethods/t"]);
    assert!(plan_with(json!({ "keep": ["T"] }), &pass).changes.is_empty());
}

#[test]
fn without_a_date_a_person_decides_unless_all_go() {
    let rows = [method("softwareOath", "s", None)];
    let asked = plan(&rows);
    assert!(asked.changes.is_empty());
    assert_eq!(asked.open[0].decision, Decision::Ask);
    assert!(asked.open[0].next.as_ref().unwrap().contains("remove: all"));
    assert_eq!(plan_with(json!({ "remove": "all" }), &rows).changes.len(), 1);
}

#[test]
fn an_unknown_kind_or_an_odd_entry_is_asked_about_and_never_an_error() {
    for settings in [Value::Null, json!({ "remove": "all" })] {
        for row in [
            method("telepathy", "x", Some(IN_WINDOW)),
            json!({}),
            json!(7),
            json!({ "id": 5, "@odata.type": [] }),
        ] {
            let plan = plan_with(settings.clone(), &[row]);
            assert!(plan.changes.is_empty());
            assert_eq!(plan.open.len(), 1);
        }
    }
}

#[test]
fn when_no_method_is_left_the_plan_says_what_that_means() {
    let rows = [method("fido2", "k", Some(IN_WINDOW)), method("temporaryAccessPass", "t", None)];
    let warned = |plan: &Plan| {
        plan.changes.iter().flat_map(|c| &c.reasons).any(|why| why.contains("but the password"))
    };
    assert!(warned(&plan(&rows)));
    let with_own = [&rows[..], &[phone("mobile", Some(A_YEAR_AGO))]].concat();
    assert!(!warned(&plan(&with_own)));
}

#[test]
fn hardware_codes_are_deleted_in_the_edition_that_has_them() {
    let plan = plan(&[method("hardwareOath", "h", Some(IN_WINDOW))]);
    assert!(plan.changes[0].call.url().starts_with("/beta/users/"));
}

#[test]
fn the_settings_are_checked() {
    let check = |settings| ReviewAuthMethods.check_settings(&settings);
    assert_eq!(check(json!({ "remove": "all", "keep": ["x"] })), Ok(()));
    assert!(check(json!({ "remove": "none" })).is_err());
    assert!(check(json!({ "kep": [] })).is_err());
    assert!(plan_with(json!({ "remove": 1 }), &[phone("mobile", Some(IN_WINDOW))]).changes.is_empty());
}

#[test]
fn observing_lists_once_and_passes_a_refusal_on() {
    let who = adele();
    let get = list::methods_of(&who.user.id);
    let graph = Fake::default().with(&get, json!([phone("mobile", None), phone("mobile", None)]));
    let state = ready(Action::observe(&ReviewAuthMethods, &who, &graph)).unwrap();
    assert_eq!(state.methods.len(), 1, "a page that came twice counts once");
    assert_eq!(graph.reads(), [get.url()]);
    let graph = Fake::default().failing(&get, ReadErrorKind::Forbidden);
    let error = ready(Action::observe(&ReviewAuthMethods, &who, &graph)).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::Forbidden);
}

/// With the default that the service tells of: the plan, and what was read for it.
fn plan_by_default(default: &str, settings: Value, rows: &[Value]) -> (Plan, Vec<String>) {
    let mut who = adele();
    who.settings = settings;
    let preferences = preferred::preferences(&who.user.id);
    let told = json!({ "userPreferredMethodForSecondaryAuthentication": default });
    let graph = Fake::default().with(&list::methods_of(&who.user.id), json!(rows)).with(&preferences, told);
    let state = ready(Action::observe(&ReviewAuthMethods, &who, &graph)).unwrap();
    (Action::plan(&ReviewAuthMethods, &who, &state), graph.reads())
}

#[test]
fn a_default_that_goes_gives_way_to_one_that_stays_before_it_is_deleted() {
    let rows = [method("microsoftAuthenticator", "new", Some(IN_WINDOW)), phone("mobile", Some(A_YEAR_AGO))];
    let (plan, _) = plan_by_default("push", Value::Null, &rows);
    let user = &adele().user.id;
    assert_eq!(
        plan.changes[0].call.to_string(),
        format!(
            r#"PATCH /beta/users/{user}/authentication/signInPreferences {{"userPreferredMethodForSecondaryAuthentication":"sms"}}"#
        )
    );
    assert!(matches!(plan.changes[0].undo, Undo::Never(_)), "the authenticator can't come back");
    assert_eq!(plan.changes.iter().map(|c| c.call.turn.wave).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_default_that_stays_or_has_no_substitute_is_left() {
    let theirs = method("softwareOath", "new", Some(IN_WINDOW));
    let own = method("microsoftAuthenticator", "old", Some(A_YEAR_AGO));
    let mobile = phone("mobile", Some(IN_WINDOW));
    for (default, rows, reads) in [
        ("oath", vec![theirs.clone(), own.clone()], 1),
        ("oath", vec![theirs.clone(), mobile.clone(), own.clone()], 2),
        ("push", vec![mobile.clone(), own.clone()], 2),
        ("oath", vec![theirs.clone(), method("fido2", "k", Some(A_YEAR_AGO))], 1),
        ("telepathy", vec![mobile.clone(), own.clone()], 2),
    ] {
        let (plan, read) = plan_by_default(default, Value::Null, &rows);
        assert_eq!(read.len(), reads, "{default}: {read:?}");
        assert!(plan.changes.iter().all(|c| c.call.method == crate::Method::Delete), "{default}: {plan:#?}");
    }
    let (plan, read) = plan_by_default("sms", json!({ "change_default": false }), &[mobile, own]);
    assert_eq!((plan.changes.len(), read.len()), (1, 1));
}

#[test]
fn in_china_the_three_kinds_that_are_there_are_listed_and_one_finding_names_the_others() {
    let who = in_cloud(Cloud::China, adele());
    let mut graph = Fake::default();
    for kind in KINDS.iter().filter(|kind| kind.is_in(Cloud::China)) {
        let mut row = phone("mobile", Some(IN_WINDOW));
        row.as_object_mut().unwrap().remove("@odata.type");
        row["id"] = format!("new-{}", kind.id).into();
        if kind.id != "phone" {
            row = json!({ "id": row["id"], "createdDateTime": IN_WINDOW });
        }
        graph = graph.with(&list::of_kind(&who.user.id, kind), json!([row]));
    }
    let state = ready(Action::observe(&ReviewAuthMethods, &who, &graph)).unwrap();
    let plan = Action::plan(&ReviewAuthMethods, &who, &state);
    assert_eq!(
        calls(&plan),
        [
            "DELETE …/microsoftAuthenticatorMethods/new-microsoftAuthenticator",
            "DELETE …/phoneMethods/new-phone",
            "DELETE …/platformCredentialMethods/new-platformCredential"
        ]
    );
    assert_eq!(graph.reads().len(), 3, "{:?}", graph.reads());
    assert_eq!(plan.open.len(), 1);
    assert!(plan.open[0].reasons[0].contains("passkey"), "{plan:#?}");
}

#[test]
fn in_the_us_clouds_only_external_methods_are_left_to_a_person() {
    let who = in_cloud(Cloud::UsGov, adele());
    let graph = Fake::default()
        .with(&list::methods_of(&who.user.id), json!([method("external", "e", Some(IN_WINDOW))]));
    let state = ready(Action::observe(&ReviewAuthMethods, &who, &graph)).unwrap();
    let plan = Action::plan(&ReviewAuthMethods, &who, &state);
    assert!(plan.changes.is_empty(), "{plan:#?}");
    assert_eq!(plan.open.len(), 2);
    assert!(plan.open.iter().any(|f| f.reasons[0].contains("no external method in Graph")));
}
