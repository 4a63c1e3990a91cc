//! `--users`: many users by a list.

use std::io::Write as _;
use std::process::Stdio;

use oust::report::bulk::BulkDocument;
use serde_json::Value;

use crate::served::{ADELE, Place, Ran};

const ALEX: &str = "AlexW@contoso.com";

/// A list of two, in CSV.
fn listed(place: &Place) {
    place.write(
        "list.csv",
        &format!("Display name,User principal name\nAdele,{ADELE}\n\"Wilber, Alex\",{ALEX}\n"),
    );
}

fn contain(place: &Place, more: &[&str]) -> Ran {
    let args = ["contain", "--users", "list.csv", "--max-users", "2", "--yes", "--output", "json"];
    place.oust(&[&args[..], more].concat())
}

/// What a command prints, whatever its schema.
fn printed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran:?}"))
}

/// What every summary is held to.
fn summary(ran: &Ran) -> BulkDocument {
    let document = printed(ran);
    let schema = oust::cli::schema::find("bulk").unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document:#}");
    let summary: BulkDocument = serde_json::from_value(document).unwrap();
    assert_eq!(i32::from(summary.exit_code), ran.status, "{summary:#?}");
    summary
}

#[test]
fn a_list_is_contained_reported_verified_and_taken_back() {
    let place = Place::contoso();
    listed(&place);
    let before = place.snapshot();
    let contained = summary(&contain(&place, &["--result-file", "result.json"]));
    assert_eq!((contained.exit_code, contained.counts.cut, contained.counts.contained), (0, 2, 2));
    let file: BulkDocument =
        serde_json::from_slice(&std::fs::read(place.path("result.json")).unwrap()).unwrap();
    assert_eq!(file, contained);
    let bulk = contained.run_id.clone().unwrap();

    let listed = printed(&place.oust(&["runs", "--output", "json"]));
    assert_eq!(listed["runs"].as_array().unwrap().len(), 1, "its parts are not listed: {listed:#}");
    assert_eq!(listed["runs"][0]["run_id"], bulk.as_str());
    let all = printed(&place.oust(&["runs", "--all", "--output", "json"]));
    assert_eq!(all["runs"].as_array().unwrap().len(), 3);
    assert!(
        all["runs"].as_array().unwrap().iter().filter(|run| run["part_of"] == bulk.as_str()).count() == 2
    );

    assert_eq!(summary(&place.oust(&["report", &bulk[..13], "--format", "json"])).users, contained.users);
    let csv = place.oust(&["report", "last", "--format", "csv"]).stdout;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(place.oust(&["report", "last"]).stdout.contains("2 users"));
    let one = contained.users[1].run_id.clone().unwrap();
    assert_eq!(printed(&place.oust(&["report", &one, "--format", "json"]))["schema"], "oust.run/1");

    assert_eq!(summary(&place.oust(&["verify", "last", "--output", "json"])).exit_code, 0);
    assert_eq!(summary(&place.oust(&["resume", "last", "--output", "json"])).exit_code, 0);
    let rolled_back = summary(&place.oust(&["rollback", "last", "--yes", "--output", "json"]));
    assert_eq!((rolled_back.exit_code, rolled_back.counts.rolled_back), (0, 2));
    assert!(place.snapshot() != before || place.writes().is_empty(), "what can't be taken back stays");
}

#[test]
fn a_list_from_stdin_in_any_form_and_a_plan_of_it() {
    let place = Place::contoso();
    for list in [
        format!("{ADELE}\n# a remark\n{ALEX}\n"),
        format!("user;since\n{ADELE};6h\n{ALEX};\n"),
        format!("{{\"user\":\"{ADELE}\"}}\n{{\"user\":\"{ALEX}\",\"since\":\"2d\"}}\n"),
    ] {
        let mut command = place.command(&["plan", "--users", "-", "--output", "json"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let planned: BulkDocument = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((planned.exit_code, planned.counts.planned), (0, 2), "{list}: {planned:#?}");
        assert!(planned.dry_run && planned.users.iter().all(|user| user.changes > 0));
    }
    assert!(place.writes().is_empty() && place.journals().is_empty());
}

#[test]
fn a_list_needs_its_number_and_consent_and_has_no_mistake() {
    let place = Place::contoso();
    listed(&place);
    place.write("wrong.csv", "user,since\nAdele,6h\nAlexW@contoso.com,tomorrow\n");
    for (status, code, args) in [
        (6, "E0403", &["--users", "list.csv", "--yes"][..]),
        (6, "E0403", &["--users", "list.csv", "--yes", "--max-users", "1"]),
        (6, "E0404", &["--users", "list.csv", "--max-users", "2"]),
        (64, "E0114", &["--users", "wrong.csv", "--yes", "--max-users", "2"]),
        (64, "E0114", &["--users", "missing.csv", "--yes", "--max-users", "2"]),
        (64, "E0100", &["--users", "list.csv", ADELE, "--yes"]),
    ] {
        let ran = place.oust(&[&["contain", "--output", "json"], args].concat());
        let document = printed(&ran);
        assert_eq!((ran.status, &document["error"]["code"]), (status, &code.into()), "{args:?} {document:#}");
    }
    let saved = place.oust(&["plan", "--users", "list.csv", "--out", "plan.json", "--output", "json"]);
    assert_eq!((saved.status, &printed(&saved)["error"]["code"]), (64, &"E0100".into()));
    assert_eq!(place.requests(), 0);
}

#[test]
fn the_same_key_gives_the_same_bulk_run() {
    let place = Place::contoso();
    listed(&place);
    let first = summary(&contain(&place, &["--idempotency-key", "ticket 7"]));
    let requests = place.requests();
    let again = summary(&contain(&place, &["--idempotency-key", "ticket 7"]));
    assert_eq!((first.run_id, first.users), (again.run_id, again.users));
    assert_eq!(place.requests(), requests, "nothing was sent");
    let other = place.contain(&["--idempotency-key", "ticket 7"]);
    assert_eq!(printed(&other)["error"]["code"], "E0110", "{other:?}");
}

/// What a command prints, held to its published schema.
fn valid(ran: &Ran, schema: &str) -> Value {
    let document = printed(ran);
    let published = oust::cli::schema::find(schema).unwrap();
    assert!(jsonschema::validator_for(&published).unwrap().is_valid(&document), "{document:#}");
    document
}

#[test]
fn all_journals_are_checked_and_exported_together() {
    let place = Place::contoso();
    listed(&place);
    let contained = summary(&contain(&place, &[]));
    let bulk = contained.run_id.unwrap();

    let ran = place.oust(&["journal", "verify", "last", "--output", "json"]);
    let checked = valid(&ran, "bulk-journal-check");
    assert_eq!(
        (ran.status, &checked["sound"], &checked["bulk_id"]),
        (0, &true.into(), &bulk.as_str().into())
    );
    assert_eq!(checked["checks"].as_array().unwrap().len(), 2);
    let hash = "0".repeat(64);
    assert_eq!(place.oust(&["journal", "verify", "last", "--head", &hash]).status, 64);

    let ran = place.oust(&["export", "last", "--output", "json"]);
    let exported = valid(&ran, "bulk-export");
    let path = place.path(&format!("oust-{bulk}.tar"));
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((ran.status, &exported["sha256"]), (0, &oust::bundle::sha256(&bytes).into()));
    assert_eq!(exported["bytes"], bytes.len());
    assert_eq!(place.oust(&["export", "last"]).status, 1, "it is there already");
    tar::Archive::new(bytes.as_slice()).unpack(place.path("unpacked")).unwrap();
    let folder = place.path("unpacked").join(format!("oust-{bulk}"));
    for line in std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap().lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, oust::bundle::sha256(&std::fs::read(folder.join(name)).unwrap()), "{name}");
    }
    for run in exported["bundle"]["runs"].as_array().unwrap() {
        let part = std::fs::read(folder.join(run["file"].as_str().unwrap())).unwrap();
        tar::Archive::new(part.as_slice()).unpack(&folder).unwrap();
        let unpacked = folder.join(format!("oust-{}", run["run_id"].as_str().unwrap())).join("journal.jsonl");
        let head = run["head"].as_str().unwrap();
        let args = ["journal", "verify", unpacked.to_str().unwrap(), "--head", head];
        assert_eq!(place.oust(&args).status, 0);
    }
}

#[test]
fn one_altered_journal_is_told_and_keeps_the_others_from_nothing() {
    let place = Place::contoso();
    listed(&place);
    assert_eq!(summary(&contain(&place, &[])).exit_code, 0);
    let journal = place.journals().into_iter().next().unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"accountEnabled\":false", "\"accountEnabled\":true", 1))
        .unwrap();

    let ran = place.oust(&["journal", "verify", "last", "--output", "json"]);
    let checked = valid(&ran, "bulk-journal-check");
    assert_eq!((ran.status, &checked["sound"]), (8, &false.into()));
    let sound = checked["checks"].as_array().unwrap().iter().filter(|check| check["sound"] == true);
    assert_eq!(sound.count(), 1);
    let said = place.oust(&["journal", "verify", "last"]).stdout;
    assert!(said.starts_with("BROKEN  1 of 2 journals") && said.contains("E0701"), "{said}");

    let ran = place.oust(&["export", "last", "--output", "json"]);
    let exported = valid(&ran, "bulk-export");
    assert_eq!(ran.status, 8);
    let many = |of: &str| exported["bundle"][of].as_array().unwrap().len();
    assert_eq!((many("runs"), many("broken")), (1, 1));
    assert!(!exported["bundle"].to_string().contains(place.path("").to_str().unwrap()), "{exported:#}");
}
