//! `oust export`: a run as one file that a third party can check.

use std::collections::BTreeMap;
use std::io::Read;

use age::x25519::Identity;
use oust::bundle::sha256;
use serde_json::Value;

use crate::served::{Place, finish};
use crate::signature::{private, public};

/// The files of a bundle without their folder.
fn files(place: &Place, name: &str) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(place.path(name)).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mode().unwrap(), 0o600);
        let path = entry.path().unwrap().display().to_string();
        let (folder, name) = path.split_once('/').unwrap();
        assert!(folder.starts_with("oust-"), "{path}");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name.to_owned(), bytes)
    });
    entries.collect()
}

fn text<'a>(files: &'a BTreeMap<String, Vec<u8>>, name: &str) -> &'a str {
    std::str::from_utf8(&files[name]).unwrap()
}

fn export(place: &Place, more: &[&str]) -> Value {
    let ran = place.oust(&[&["export", "last", "--output", "json"], more].concat());
    assert_eq!(ran.status, 0, "{ran:?}");
    let export: Value = serde_json::from_str(&ran.stdout).unwrap();
    for (name, document) in [("export", &export), ("bundle", &export["bundle"])] {
        let validator = jsonschema::validator_for(&oust::cli::schema::find(name).unwrap()).unwrap();
        assert!(validator.is_valid(document), "{document:#}");
    }
    export
}

#[test]
fn a_bundle_holds_the_run_and_all_that_checks_it() {
    let place = Place::contoso();
    let document = place.contain(&[]).ended(0, "contained");
    let exported = export(&place, &["--out", "run.tar"]);
    let files = files(&place, "run.tar");
    assert_eq!(exported["sha256"], sha256(&std::fs::read(place.path("run.tar")).unwrap()));
    for (sum, name) in text(&files, "SHA256SUMS").lines().map(|line| line.split_once("  ").unwrap()) {
        assert_eq!(sha256(&files[name]), sum, "{name}");
    }
    assert_eq!(text(&files, "SHA256SUMS").lines().count(), files.len() - 1, "all but itself");
    assert_eq!(files["journal.jsonl"], std::fs::read(place.journal()).unwrap());
    let mut report: Value = serde_json::from_slice(&files["report.json"]).unwrap();
    assert_eq!(report["journal"]["path"], "journal.jsonl");
    report["journal"]["path"] = document["journal"]["path"].clone();
    assert_eq!(report, document);
    assert!(text(&files, "report.md").contains("AdeleV@contoso.com"));
    let plan = text(&files, "plan.jsonl");
    assert!(plan.lines().count() > 5 && plan.lines().all(|line| line.contains("\"kind\":\"planned\"")));
    let head = document["journal"]["head"].as_str().unwrap();
    assert!(text(&files, "head.txt").ends_with(&format!("\nsha256 {head}\n")));
    assert!(!files.contains_key("journal.sig") && exported["bundle"]["signed_records"].is_null());
    let machine = place.path("").display().to_string();
    let named = files.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(&machine));
    assert_eq!(named.count(), 0, "a path of the machine");
    for name in ["run", "journal", "bundle"] {
        assert!(files.contains_key(&format!("schemas/{name}.json")), "{name}");
    }
}

#[test]
fn the_same_run_makes_the_same_bytes_and_no_file_is_replaced_unasked() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let first = export(&place, &["--out", "run.tar"]);
    place.oust(&["export", "last", "--out", "run.tar", "--output", "json"]).refused(1, "E0704");
    let second = export(&place, &["--out", "run.tar", "--force"]);
    let third = export(&place, &["--out", "other.tar"]);
    assert_eq!((&first["sha256"], &first["sha256"]), (&second["sha256"], &third["sha256"]));
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(place.path("run.tar")).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    }
    let shown = place.oust(&["export", "last"]);
    let name = format!("oust-{}.tar", first["bundle"]["run_id"].as_str().unwrap());
    assert!(place.path(&name).is_file() && shown.stdout.contains(&name), "{shown:?}");
    place.oust(&["export", "last", "--out", "missing/run.tar", "--output", "json"]).refused(1, "E0704");
}

#[test]
fn a_signed_bundle_is_checked_where_it_was_unpacked() {
    let place = Place::contoso();
    let key = place.write("journal-key.pem", &private([7; 32]));
    place.write("journal-key.pub", &public([7; 32]));
    let mut command = place.command(&["contain", crate::served::ADELE, "--yes", "--output", "json"]);
    let document = finish(command.env("OUST_SIGNING_KEY", key)).ended(0, "contained");
    let exported = export(&place, &["--out", "run.tar"]);
    assert_eq!(exported["bundle"]["signed_records"], exported["bundle"]["records"]);
    let bytes = std::fs::read(place.path("run.tar")).unwrap();
    tar::Archive::new(bytes.as_slice()).unpack(place.path("unpacked")).unwrap();
    let journal = format!("unpacked/oust-{}/journal.jsonl", document["run_id"].as_str().unwrap());
    let head = document["journal"]["head"].as_str().unwrap();
    let check = ["journal", "verify", &journal, "--head", head, "--public-key", "journal-key.pub"];
    let ran = place.oust(&check);
    assert!(ran.status == 0 && ran.stdout.contains("signed   by this key"), "{ran:?}");
    place.oust(&["verify", "last"]);
    let later = export(&place, &["--out", "later.tar"])["bundle"].clone();
    assert_eq!(later["signed_records"], exported["bundle"]["records"]);
    assert!(later["records"].as_u64() > later["signed_records"].as_u64());
    let shown = place.oust(&["export", "last", "--out", "third.tar"]).stdout;
    assert!(shown.contains("those after them were written without the key"), "{shown}");
}

#[test]
fn sealed_passwords_go_along_only_when_asked_for() {
    let place = Place::contoso();
    let recipient = Identity::generate().to_public().to_string();
    place.contain(&["--password-recipient", &recipient]).ended(0, "contained");
    export(&place, &["--out", "without.tar"]);
    export(&place, &["--out", "with.tar", "--with-sealed"]);
    let sealed = |name: &str| files(&place, name).keys().filter(|name| name.starts_with("sealed/")).count();
    assert_eq!((sealed("without.tar"), sealed("with.tar")), (0, 1));
}

#[test]
fn a_broken_journal_is_not_exported() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let text = std::fs::read_to_string(place.journal()).unwrap();
    std::fs::write(place.journal(), text.replacen("Adele", "Adela", 1)).unwrap();
    place.oust(&["export", "last", "--out", "run.tar", "--output", "json"]).refused(8, "E0701");
    assert!(!place.path("run.tar").exists());
}
