//! What a person reads: a rehearsal that is a story, and a report that is shorter than its plan.

use crate::served::{ADELE, Place};

fn longest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_rehearsal_reads_as_a_story() {
    let place = Place::contoso();
    let ran = place.oust(&["rehearse"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let mut rest = ran.stdout.as_str();
    for part in [
        "1. The attack",
        "2. The plan",
        "3. The containment",
        "CUT OFF",
        "CONTAINED",
        "4. The intruder's",
        "5. Taking it back",
        "The tenant is as it was",
    ] {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} is missing: {}", ran.stdout)).1;
    }
    let lines = ran.stdout.lines().count();
    assert!(lines <= 130, "{lines} lines are no story:\n{}", ran.stdout);
    let full = place.oust(&["rehearse", "-v"]).stdout;
    assert!(full.contains("PATCH /v1.0/users/"), "{full}");
}

#[test]
fn a_report_is_shorter_than_its_plan() {
    let place = Place::contoso();
    let plan = place.oust(&["plan", ADELE]).stdout;
    let report = place.oust(&["contain", ADELE, "--yes"]).stdout;
    assert!(report.lines().count() < plan.lines().count(), "{report}");
    assert!(report.starts_with("CONTAINED"), "{report}");
    assert!(report.contains("+ done         disable the account\n"), "{report}");
}

#[test]
fn text_follows_the_width_and_carries_no_colour_into_a_pipe() {
    let place = Place::contoso();
    for (columns, limit) in [("60", 60), ("100", 100)] {
        let mut command = place.command(&["doctor"]);
        assert!(crate::served::finish(command.env("COLUMNS", columns)).status == 0);
        let mut command = place.command(&["contain", ADELE, "--dry-run"]);
        let text = crate::served::finish(command.env("COLUMNS", columns)).stdout;
        let exact =
            |line: &&str| !line.contains("/v1.0/") && !line.starts_with("run") && !line.contains("oust ");
        let wide: Vec<&str> = text.lines().filter(exact).filter(|line| longest(line) > limit).collect();
        assert!(wide.is_empty(), "{wide:#?}");
        assert!(!text.contains('\u{1b}'));
    }
    let coloured = place.oust(&["plan", ADELE, "--color", "always"]).stdout;
    assert!(coloured.contains('\u{1b}'));
}
