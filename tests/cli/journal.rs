//! `oust journal verify`: whether the record is as it was written.

use serde_json::Value;

use crate::served::{ADELE, Place, Ran, finish};
use crate::signature::{private, public};

fn verify(place: &Place, more: &[&str]) -> (i32, Value) {
    let ran = place.oust(&[&["journal", "verify"], more, &["--output", "json"]].concat());
    let check: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let schema = oust::cli::schema::find("journal-check").unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> = validator.iter_errors(&check).map(|e| e.to_string()).collect();
    assert_eq!(mistakes, Vec::<String>::new(), "{check:#}");
    assert_eq!(check["exit_code"], ran.status, "{check:#}");
    (ran.status, check)
}

fn contained() -> (Place, Value) {
    let place = Place::contoso();
    let document = place.contain(&[]).ended(0, "contained");
    (place, document)
}

#[test]
fn a_journal_is_checked_by_run_by_path_and_against_the_ticket() {
    let (place, document) = contained();
    let head = document["journal"]["head"].as_str().unwrap();
    let path = document["journal"]["path"].as_str().unwrap();
    let before = std::fs::read(path).unwrap();
    for name in ["last", document["run_id"].as_str().unwrap(), path] {
        let (status, check) = verify(&place, &[name, "--head", &head.to_uppercase()]);
        assert_eq!((status, &check["sound"], &check["head"]), (0, &true.into(), &head.into()));
        assert_eq!(check["given_head"]["line"], check["records"]);
        assert_eq!(check["run_id"], document["run_id"]);
    }
    let text = place.oust(&["journal", "verify", "last", "--head", head]).stdout;
    assert!(text.starts_with("SOUND") && text.contains("this is the hash that was given"), "{text}");
    place.oust(&["verify", "last"]);
    let text = place.oust(&["journal", "verify", "last", "--head", head]).stdout;
    assert!(text.contains("lines were written since"), "{text}");
    assert!(std::fs::read(path).unwrap().starts_with(&before));
}

#[test]
fn a_broken_journal_is_8_and_the_line_is_named() {
    let (place, document) = contained();
    let head = document["journal"]["head"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(place.journal()).unwrap();
    let copy = place.write(
        "copy.jsonl",
        &text.replacen(
            "\"kind\":\"confirmed\",\"how\":\"--yes\"",
            "\"kind\":\"confirmed\",\"how\":\"--yet\"",
            1,
        ),
    );
    let (status, check) = verify(&place, &[copy.to_str().unwrap()]);
    let line = text.lines().position(|line| line.contains("confirmed")).unwrap() as u64 + 1;
    assert_eq!((status, &check["fault"]["line"]), (8, &line.into()), "{check:#}");
    assert_eq!((&check["fault"]["kind"], &check["error"]["code"]), (&"changed".into(), &"E0701".into()));
    let shown = place.oust(&["journal", "verify", copy.to_str().unwrap()]).stdout;
    assert!(shown.starts_with("BROKEN") && shown.contains(&format!("line {line}: changed")), "{shown}");

    let shorter: String = text.lines().take(20).map(|line| format!("{line}\n")).collect();
    place.write("copy.jsonl", &shorter);
    assert_eq!(verify(&place, &["./copy.jsonl"]).0, 0, "a shorter file holds together");
    let (status, check) = verify(&place, &["./copy.jsonl", "--head", &head]);
    assert_eq!((status, &check["fault"]["kind"]), (8, &"other_head".into()));
}

#[test]
fn a_journal_that_is_being_written_is_read_and_left_alone() {
    let (place, _) = contained();
    let path = place.journal();
    let torn = std::fs::read_to_string(&path).unwrap() + "{\"seq\":";
    std::fs::write(&path, &torn).unwrap();
    let writer = std::fs::File::options().append(true).open(&path).unwrap();
    writer.try_lock().unwrap();
    let (status, check) = verify(&place, &["last"]);
    assert_eq!((status, &check["unfinished_line"]), (0, &true.into()), "{check:#}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), torn);
}

#[test]
fn what_is_no_journal_is_64() {
    let place = Place::contoso();
    let refused = |ran: Ran, code: &str| ran.refused(64, code);
    let verify = |name: &str, more: &[&str]| {
        place.oust(&[&["journal", "verify", name, "--output", "json"], more].concat())
    };
    refused(verify("last", &[]), "E0108");
    refused(verify("./missing.jsonl", &[]), "E0108");
    refused(verify("/", &[]), "E0108");
    refused(verify("last", &["--head", "cafe"]), "E0100");
    let sent = place.requests();
    place.oust(&["contain", ADELE, "--dry-run"]);
    assert!(place.requests() > sent && verify("last", &[]).status == 64);
}

#[test]
fn the_configured_key_signs_and_the_environment_goes_before_it() {
    let place = Place::contoso();
    let key = place.write("journal-key.pem", &private([7; 32]));
    let other = place.write("other-key.pem", &private([8; 32]));
    place.write("journal-key.pub", &public([7; 32]));
    place.write("other-key.pub", &public([8; 32]));
    place.write("oust.toml", &format!("[journal]\nsigning_key = {:?}\n", key.display().to_string()));
    place.contain(&["--config", "oust.toml"]).ended(0, "contained");
    let (status, check) = verify(&place, &["last", "--public-key", "journal-key.pub"]);
    assert_eq!((status, &check["signature"]["covers_all"]), (0, &true.into()), "{check:#}");
    let (status, check) = verify(&place, &["last", "--public-key", "other-key.pub"]);
    assert_eq!((status, &check["error"]["code"]), (8, &"E0705".into()), "{check:#}");
    let text = place.oust(&["journal", "verify", "last", "--public-key", "other-key.pub"]).stdout;
    assert!(text.starts_with("NOT SIGNED"), "{text}");

    let mut command = place.command(&["verify", "last", "--config", "oust.toml"]);
    assert_eq!(finish(command.env("OUST_SIGNING_KEY", other)).status, 0);
    assert_eq!(verify(&place, &["last", "--public-key", "other-key.pub"]).0, 0);
}

#[test]
fn a_key_that_cannot_be_used_stops_before_anything_is_sent() {
    let place = Place::contoso();
    for (key, status, code) in
        [("missing.pem", 64, "E0112"), ("token", 64, "E0112"), ("open.pem", 5, "E0208")]
    {
        let open = place.write("open.pem", &private([7; 32]));
        #[cfg(unix)]
        std::fs::set_permissions(open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let mut command = place.command(&["contain", ADELE, "--yes", "--output", "json"]);
        finish(command.env("OUST_SIGNING_KEY", key)).refused(status, code);
    }
    assert_eq!(place.requests(), 0);
}
