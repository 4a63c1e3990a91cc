//! The same idempotency key gives the first run again.

use crate::served::{ADELE, Place};

#[test]
fn the_same_key_gives_the_first_result_and_sends_nothing() {
    let place = Place::contoso();
    let first = place.contain(&["--idempotency-key", "INC-7"]).ended(0, "contained");
    let sent = place.requests();
    let second = place.contain(&["--idempotency-key", "INC-7"]).ended(0, "contained");
    assert_eq!(place.requests(), sent);
    for part in ["run_id", "users", "journal", "playbook", "started_at", "tenant_id"] {
        assert_eq!(first[part], second[part], "{part}");
    }
}

#[test]
fn another_request_under_the_key_is_refused() {
    let place = Place::contoso();
    place.contain(&["--idempotency-key", "INC-7"]).ended(0, "contained");
    let sent = place.requests();
    let other = ["contain", "AlexW@contoso.com", "--yes", "--output", "json", "--idempotency-key", "INC-7"];
    place.oust(&other).refused(64, "E0110");
    place.contain(&["--idempotency-key", "INC-7", "--playbook", "lockout"]).refused(64, "E0110");
    assert_eq!(place.requests(), sent);
}

#[test]
fn without_a_key_each_is_a_run_of_its_own() {
    let place = Place::contoso();
    let runs = [(); 2]
        .map(|()| place.oust(&["contain", ADELE, "--yes", "--output", "json"]).document()["run_id"].clone());
    assert_ne!(runs[0], runs[1]);
}
