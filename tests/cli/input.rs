//! Targets as callers get them wrong, and names that are legal though they look odd.

use oust::rehearsal::CONTOSO;

use crate::served::{ADELE, Place};

#[test]
fn a_bad_target_is_64_and_nothing_is_sent() {
    let place = Place::contoso();
    let long = "a".repeat(10_000);
    for target in [
        "",
        " ",
        "a/b@contoso.com",
        "a\"b@contoso.com",
        "a\nb@contoso.com",
        "a%40contoso.com",
        "adele@contoso.com,alex@contoso.com",
        "[\"adele@contoso.com\"]",
        "{\"upn\":\"adele@contoso.com\"}",
        "null",
        "../users",
        "a\u{202e}b@contoso.com",
        "a\u{1b}[2Jb@contoso.com",
        &long,
    ] {
        let ran = place.oust(&["contain", target, "--yes", "--output", "json"]);
        let document = ran.refused(64, "E0101");
        assert!(document["error"]["detail"].as_str().unwrap().len() < 400, "{target:?}");
        let text = place.oust(&["contain", target, "--yes"]);
        assert!(!text.stderr.contains(['\u{1b}', '\u{202e}']), "{}", text.stderr);
    }
    // One bad name among good ones stops them all.
    place.contain(&["a/b@contoso.com", "--max-users", "2"]).refused(64, "E0101");
    assert_eq!(place.requests(), 0);
}

#[test]
fn legal_names_are_found_and_contained() {
    let names = [
        "o'neil@contoso.com",
        "adele+test@contoso.com",
        "adele_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "j\u{fc}rgen@contoso.com",
        "\u{5c71}\u{7530}@contoso.com",
    ];
    let users: String =
        names.iter().map(|name| format!("  - name: Adele Vance\n    upn: \"{name}\"\n")).collect();
    let place = Place::new(&CONTOSO.replacen("users:\n", &format!("users:\n{users}"), 1));
    for name in names {
        let ran = place.oust(&["contain", name, "--yes", "--output", "json"]);
        let document = ran.ended(0, "contained");
        assert_eq!(document["users"][0]["user_principal_name"], name);
        // What a plan says to type next is typed by id where a shell would read the name.
        let text = place.oust(&["plan", name]).stdout;
        assert!(!text.contains("next     oust contain o'neil"), "{text}");
    }
}

#[test]
fn an_object_id_in_any_case_is_the_same_user() {
    let place = Place::contoso();
    let id = place.oust(&["plan", ADELE, "--output", "json"]).document()["users"][0]["id"].clone();
    let id = id.as_str().unwrap();
    for typed in [id.to_owned(), id.to_uppercase()] {
        let document = place.oust(&["plan", &typed, "--output", "json"]).ended(0, "planned");
        assert_eq!(document["users"][0]["user_principal_name"], ADELE);
    }
    // The same user twice is one user, not two.
    let ran = place.oust(&["plan", ADELE, id, "--output", "json"]);
    assert!(matches!(ran.status, 0 | 6 | 64), "{ran:?}");
    assert!(ran.document()["users"].as_array().unwrap().len() <= 1);
}
