//! SIGINT and SIGTERM end a run at the next safe place; resume finishes it.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oust::rehearsal::CONTOSO;

use crate::served::{ADELE, Place, Ran};

/// Waits until something is so; a test that waits for longer has failed.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

/// A run that has sent its first write.
fn under_way() -> (Place, Child) {
    let place = Place::slow(&CONTOSO.replace("latency: 20ms", "latency: 250ms"));
    let mut command = place.command(&["contain", ADELE, "--yes", "--output", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the first write arrives", || !place.writes().is_empty());
    (place, child)
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn interrupted_by(signal: &str) -> (Place, Ran) {
    let (place, child) = under_way();
    send(signal, &child);
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

#[test]
fn a_run_belongs_to_one_process_and_one_that_was_killed_is_resumed() {
    let (place, mut child) = under_way();
    send("STOP", &child);
    let before = place.writes();
    place.oust(&["resume", "last", "--output", "json"]).refused(6, "E0409");
    place.oust(&["rollback", "last", "--yes", "--output", "json"]).refused(6, "E0409");
    assert_eq!(place.writes(), before);
    child.kill().unwrap();
    child.wait().unwrap();
    let runs = place.oust(&["runs"]).stdout;
    assert!(runs.contains("INTERRUPTED (resumable)"), "{runs}");
    place.oust(&["resume", "last", "--output", "json"]).ended(0, "contained");
}
