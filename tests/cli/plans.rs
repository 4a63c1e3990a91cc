//! A plan in a file: applied as it is, or not at all.

use serde_json::Value;

use crate::served::{ADELE, Place};

fn planned(place: &Place) -> Value {
    place.oust(&["plan", ADELE, "--out", "plan.json", "--output", "json"]).ended(0, "planned");
    serde_json::from_slice(&std::fs::read(place.path("plan.json")).unwrap()).unwrap()
}

fn apply(place: &Place) -> crate::served::Ran {
    place.oust(&["apply", "plan.json", "--yes", "--output", "json"])
}

#[test]
fn a_saved_plan_is_carried_out_as_it_was_shown() {
    let place = Place::contoso();
    let text = place.oust(&["plan", ADELE, "--out", "plan.json"]).stdout;
    assert!(text.contains("next     oust apply plan.json"), "{text}");
    let dry = place.oust(&["apply", "plan.json", "--dry-run", "--output", "json"]);
    assert_eq!((dry.status, place.writes().len()), (0, 0), "{dry:?}");
    apply(&place).ended(0, "contained");
}

#[test]
fn a_plan_is_not_applied_to_a_tenant_that_moved() {
    let place = Place::contoso();
    planned(&place);
    place.contain(&["--playbook", "lockout"]).ended(0, "contained");
    let before = place.writes();
    let document = apply(&place).refused(6, "E0405");
    let detail = document["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("accountEnabled") || detail.contains("enabled"), "what moved is named: {detail}");
    assert_eq!(place.writes(), before);
}

#[test]
fn a_plan_that_was_cut_off_or_edited_is_64() {
    let place = Place::contoso();
    let plan = planned(&place);
    let text = plan.to_string();
    let mut edited = plan.clone();
    edited["users"][0] = "00000000-0000-4000-8000-00000000dead".into();
    let mut other_version = plan.clone();
    other_version["version"] = "99.0.0".into();
    let mut other_schema = plan;
    other_schema["schema"] = "oust.plan/99".into();
    let bad = [
        String::new(),
        text[..text.len() / 2].to_owned(),
        "[]".to_owned(),
        "\u{0}\u{1b}[2J".to_owned(),
        edited.to_string(),
        other_version.to_string(),
        other_schema.to_string(),
    ];
    let sent = place.requests();
    for text in bad {
        place.write("plan.json", &text);
        apply(&place).refused(64, "E0105");
    }
    assert_eq!(place.requests(), sent);
}

#[test]
fn a_plan_of_another_tenant_is_6() {
    let place = Place::contoso();
    planned(&place);
    let other = Place::new(&oust::rehearsal::CONTOSO.replace("84841066-274d", "94841066-274d"));
    std::fs::copy(place.path("plan.json"), other.path("plan.json")).unwrap();
    apply(&other).refused(6, "E0406");
    assert_eq!(other.writes(), [""; 0]);
}

#[test]
fn a_plan_says_what_each_step_lacks_before_anything_is_sent() {
    let all = Place::contoso().oust(&["plan", ADELE]).stdout;
    assert!(all.contains("permissions and roles: none is known to be missing"), "{all}");
    assert!(!all.contains("{id}"), "placeholders are filled in: {all}");
    assert!(!all.contains("\nrun  "), "a plan leaves no run to look up: {all}");
    let some = Place::without("User.EnableDisableAccount.All").oust(&["plan", ADELE]).stdout;
    assert!(some.contains("disable_user  permission User.EnableDisableAccount.All"), "{some}");
}
