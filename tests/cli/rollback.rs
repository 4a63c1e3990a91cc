//! After a rollback nobody is told that the account is contained.

use serde_json::Value;

use crate::served::Place;

fn listed(place: &Place) -> Value {
    let list: Value = serde_json::from_str(&place.oust(&["runs", "--output", "json"]).stdout).unwrap();
    list["runs"][0].clone()
}

#[test]
fn a_run_that_was_taken_back_is_rolled_back_wherever_it_is_looked_at() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let dry = place.oust(&["rollback", "last", "--dry-run", "--output", "json"]).ended(0, "planned");
    assert_eq!(dry["dry_run"], true);
    place.oust(&["rollback", "last", "--yes", "--output", "json"]).ended(0, "rolled_back");
    let restored = place.writes();
    for command in ["report", "verify", "report"] {
        place.oust(&[command, "last", "--output", "json"]).ended(0, "rolled_back");
        assert_eq!(listed(&place)["outcome"], "rolled_back", "after {command}");
        assert_eq!(listed(&place)["resumable"], false);
    }
    place.oust(&["rollback", "last", "--yes", "--output", "json"]).ended(0, "rolled_back");
    assert_eq!(place.writes(), restored, "what is back is not put back again");
    place.contain(&[]).ended(0, "contained");
}

#[test]
fn nothing_is_taken_back_without_a_word_of_consent() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let before = place.writes();
    place.oust(&["rollback", "last", "--output", "json"]).refused(6, "E0404");
    assert_eq!(place.writes(), before);
    assert_eq!(listed(&place)["outcome"], "contained");
}

#[test]
fn what_is_restored_takes_no_answer_of_the_service_to_tell() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let text = place.oust(&["rollback", "last", "--yes", "--quiet"]).stdout;
    assert!(text.contains("+ restored     disable the account"), "{text}");
    assert!(!text.contains("request-id"), "{text}");
}

#[test]
fn what_somebody_undid_shows_when_it_is_verified() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    // Somebody else: the same run in another state directory, of which this one knows nothing.
    let (own, other) = (place.journal(), place.path("other"));
    let run = own.parent().unwrap().file_name().unwrap();
    std::fs::create_dir_all(other.join("runs").join(run)).unwrap();
    std::fs::copy(&own, other.join("runs").join(run).join("journal.jsonl")).unwrap();
    place.oust(&["rollback", "last", "--yes", "--state-dir", "other"]);
    let document = place.oust(&["verify", "last", "--output", "json"]).ended(3, "partial");
    assert!(document.to_string().contains("somebody undid it since"), "{document:#}");
}
