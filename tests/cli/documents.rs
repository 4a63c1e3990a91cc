//! stdout is one document, whatever happens; the result file holds the same.

use serde_json::Value;

use crate::served::{ADELE, Place};

fn file(place: &Place) -> Value {
    let text = std::fs::read(place.path("result.json")).expect("the result file is written always");
    std::fs::remove_file(place.path("result.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn one_document_and_an_equal_result_file_whatever_happens() {
    let place = Place::contoso();
    place.write("oust.toml", "[limits]\nmax = 1\n");
    let cases: &[(i32, &[&str])] = &[
        (0, &["contain", ADELE, "--yes"]),
        (0, &["verify", "last"]),
        (0, &["report", "last"]),
        (0, &["rollback", "last", "--yes"]),
        (0, &["plan", ADELE]),
        (64, &["contain"]),
        (64, &["contain", ""]),
        (64, &["contain", ADELE, "--nonsense"]),
        (64, &["nonsense"]),
        (64, &[]),
        (64, &["contain", ADELE, "--since", "tomorrow", "--yes"]),
        (64, &["contain", ADELE, "--deadline", "soon", "--yes"]),
        (64, &["contain", ADELE, "--playbook", "nonsense", "--yes"]),
        (64, &["contain", ADELE, "--password-recipient", "age1nonsense", "--yes"]),
        (64, &["contain", ADELE, "--config", "oust.toml", "--yes"]),
        (64, &["contain", ADELE, "--config", "missing.toml", "--yes"]),
        (6, &["contain", ADELE]),
        (6, &["contain", "nobody@contoso.com", "--yes"]),
        (64, &["verify", "zzz"]),
        (64, &["apply", "missing.json", "--yes"]),
        (64, &["explain", "E9999"]),
    ];
    for (status, args) in cases {
        let ran = place.oust(&[args, &["--output", "json", "--result-file", "result.json"][..]].concat());
        let document = ran.document();
        assert_eq!(ran.status, *status, "{args:?} {document:#}");
        assert_eq!(document["exit_code"], *status, "{args:?} {document:#}");
        assert_eq!(file(&place), document, "{args:?}");
        assert_eq!(ran.stdout.lines().count(), 1, "{args:?}");
    }
}

#[test]
fn the_result_file_is_written_beside_text_as_well() {
    let place = Place::contoso();
    let ran = place.oust(&["contain", ADELE, "--yes", "--result-file", "result.json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(file(&place)["outcome"], "contained");
    let ran = place.oust(&["contain", "--result-file=result.json"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (64, ""));
    assert_eq!(file(&place)["error"]["code"], "E0100");
    let ran = place.oust(&["contain", ADELE, "--no\u{1b}[2Jnsense"]);
    assert!(!ran.stderr.contains('\u{1b}'), "{}", ran.stderr);
}

#[test]
fn a_result_file_that_cannot_be_written_is_told_before_anything_is_sent() {
    let place = Place::contoso();
    let ran = place.contain(&["--result-file", "missing/result.json"]);
    let document = ran.document();
    assert_eq!((ran.status, &document["outcome"]), (1, &"failed".into()));
    assert_eq!(document["error"]["code"], "E0704");
    assert!(place.writes().is_empty());
}

#[test]
fn json_lines_are_an_object_each_and_end_with_the_document() {
    let place = Place::contoso();
    let ran = place.oust(&["contain", ADELE, "--yes", "--output", "jsonl"]);
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (document, events) = lines.split_last().unwrap();
    assert_eq!(document["outcome"], "contained");
    assert!(events.iter().all(|event| event["event"].is_string()));
    assert!(events.iter().any(|event| event["event"] == "cut"));
}

#[test]
fn runs_lists_what_was_run_newest_first() {
    let place = Place::contoso();
    let first = place.contain(&[]).ended(0, "contained");
    let second =
        place.oust(&["contain", "AlexW@contoso.com", "--yes", "--output", "json"]).ended(0, "contained");
    let list: Value = serde_json::from_str(&place.oust(&["runs", "--output", "json"]).stdout).unwrap();
    assert_eq!(list["schema"], "oust.runs/1");
    let ids: Vec<_> = list["runs"].as_array().unwrap().iter().map(|run| &run["run_id"]).collect();
    assert_eq!(ids, [&second["run_id"], &first["run_id"]]);
    assert_eq!(list["runs"][1]["users"][0], ADELE);
    let text = place.oust(&["runs"]).stdout;
    assert!(text.contains("AlexW@contoso.com") && text.contains("CONTAINED"), "{text}");
}

#[test]
fn a_run_of_several_names_them_while_it_goes() {
    let place = Place::contoso();
    let ran = place.contain(&["AlexW@contoso.com", "--max-users", "2"]);
    ran.ended(0, "contained");
    assert!(ran.stderr.contains("disable the account  [AlexW@contoso.com]"), "{}", ran.stderr);
    let ran = Place::contoso().contain(&[]);
    assert!(!ran.stderr.contains("  [AdeleV"), "{}", ran.stderr);
}

#[test]
fn quiet_says_nothing_while_it_goes() {
    let ran = Place::contoso().contain(&["--quiet"]);
    ran.ended(0, "contained");
    assert_eq!(ran.stderr, "");
}

#[test]
fn doctor_names_the_configuration_and_the_tenants_in_it() {
    let place = Place::contoso();
    let own = place.served.tenant.with(|tenant| tenant.tenant_id.clone());
    place.write("oust.toml", &format!("[tenants.contoso]\ntenant_id = \"{own}\"\n"));
    let ran = place.oust(&["doctor", "--config", "oust.toml"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("configuration oust.toml (tenants: contoso)\n"), "{}", ran.stdout);
    assert!(place.oust(&["doctor"]).stdout.contains("configuration none\n"));
}

#[test]
fn doctor_asks_for_what_the_playbook_needs_and_no_more() {
    let place = Place::contoso();
    let text = |more: &[&str]| place.oust(&[&["doctor"], more].concat());
    assert!(!text(&[]).stdout.contains("block_ip"));
    let all = text(&["--playbook", "privileged-account"]);
    assert_eq!(all.status, 5);
    assert!(all.stdout.contains("MISSING  review_roles"), "{}", all.stdout);
    assert_eq!(text(&["--playbook", "nonsense"]).status, 64);
}

#[test]
fn doctor_does_not_claim_to_know_what_a_literal_call_needs() {
    let place = Place::contoso();
    place.write("own.yaml", include_str!("../../examples/playbooks/literal-call.yaml"));
    let ran = place.oust(&["doctor", "--playbook", "own.yaml"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let line = ran.stdout.split("UNKNOWN  call\n").nth(1).unwrap_or_default().trim_start();
    assert!(line.starts_with("what it needs depends on the path"), "{}", ran.stdout);
}

#[test]
fn doctor_names_what_is_missing_and_how_to_grant_it() {
    let ran = Place::without("User.EnableDisableAccount.All").oust(&["doctor"]);
    assert_eq!(ran.status, 5);
    assert!(ran.stdout.contains("LACKS User.EnableDisableAccount.All"), "{}", ran.stdout);
    assert!(ran.stdout.contains("To grant what is missing"), "{}", ran.stdout);
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_could_not_be_printed_is_no_success() {
    let place = Place::contoso();
    for format in ["json", "jsonl", "text"] {
        let mut command = place.command(&["plan", ADELE, "--output", format, "--quiet"]);
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}: {told}");
        assert_eq!(told.matches("error[E0704]").count(), 1, "{format}: {told}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let place = Place::contoso();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = place.command(&["plan", ADELE]).stdout(writer).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("panicked") && !told.contains("error["), "{told}");
}
