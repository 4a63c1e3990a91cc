//! SIGINT and SIGTERM end a run at the next safe place; resume finishes it.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oust::rehearsal::CONTOSO;

use crate::served::{ADELE, Place, Ran};

/// Waits until something is so; a test that waits for longer has failed.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        std::thread::yield_now();
    }
}

fn interrupted_by(signal: &str) -> (Place, Ran) {
    let place = Place::slow(&CONTOSO.replace("latency: 20ms", "latency: 250ms"));
    let mut command = place.command(&["contain", ADELE, "--yes", "--output", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the first write arrives", || !place.writes().is_empty());
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        status: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    (place, ran)
}

#[test]
fn an_interrupted_run_is_7_and_resume_finishes_it() {
    for signal in ["INT", "TERM"] {
        let (place, ran) = interrupted_by(signal);
        let document = ran.ended(7, "interrupted");
        assert_eq!(document["error"]["code"], "E0601", "{document:#}");
        let runs = place.oust(&["runs", "--output", "json"]).stdout;
        assert!(runs.contains("\"resumable\":true"), "{runs}");
        let before = place.writes().len();
        let resumed = place.oust(&["resume", "last", "--output", "json"]).ended(0, "contained");
        assert_eq!(resumed["run_id"], document["run_id"]);
        assert!(place.writes().len() > before);
        let again = place.oust(&["resume", "last", "--output", "json"]).refused(64, "E0111");
        assert_eq!(again["outcome"], "contained", "the run stands where it stood");
    }
}

#[test]
fn a_deadline_ends_a_run_the_same_way() {
    let place = Place::slow(&CONTOSO.replace("latency: 20ms", "latency: 400ms"));
    let ran = place.contain(&["--deadline", "1s"]);
    let document = ran.document();
    assert_eq!((ran.status, &document["error"]["code"]), (7, &"E0602".into()), "{document:#}");
}
