//! What machines read: the documents as they are, each as its published schema says.

use std::sync::{Arc, Mutex};

use oust::cli::schema;
use oust::engine::event::{Event, Watch};
use oust::report::RunDocument;
use oust::sim::faults::{Fault, Planted};
use serde_json::Value;

use crate::support::{Crash, SYNCED, World};

/// A playbook that changes only here, so that the snapshots do too.
const PLAYBOOK: &str = "
schema: oust.playbook/1
id: for-the-record
title: what the snapshots show
stages:
  - id: cut
    title: cut off
    steps:
      - action: revoke_sessions
      - action: disable_user
  - id: consents
    title: take back what apps were given
    steps:
      - action: review_consents
        with: {min_risk: 50}
not_covered:
  - label: the password
    why: it stays as it is
    next: reset it
";

/// Replaces what differs from run to run, and what shifts with every read that is added.
fn redacted(world: &World, value: &Value) -> Value {
    let state = world.state_dir().display().to_string();
    match value {
        Value::String(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            "<sha256>".into()
        }
        Value::String(text) => {
            let mut text = text.replace(&state, "<state>");
            for run in world.store().runs() {
                text = text.replace(run.id(), "<run>");
            }
            text.into()
        }
        Value::Array(items) => items.iter().map(|item| redacted(world, item)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let kept = match name.as_str() {
                    "request_id" if value.is_string() => "<request>".into(),
                    "playbook_text" | "version" => format!("<{name}>").into(),
                    "playbook" if value.as_str().is_some_and(|text| text.contains('\n')) => {
                        "<playbook>".into()
                    }
                    _ => redacted(world, value),
                };
                (name.clone(), kept)
            })
            .collect(),
        other => other.clone(),
    }
}

fn pretty(world: &World, value: &Value) -> String {
    serde_json::to_string_pretty(&redacted(world, value)).unwrap()
}

/// What is wrong with a document by the schema that `oust schema NAME` prints.
fn mistakes(name: &str, document: &Value) -> Vec<String> {
    let schema = schema::find(name).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(document).map(|e| format!("{name}: {e} at {}", e.instance_path())).collect()
}

#[track_caller]
fn assert_valid(name: &str, document: &Value) {
    assert_eq!(mistakes(name, document), Vec::<String>::new());
}

fn lines(world: &World) -> Vec<Value> {
    let text = std::fs::read_to_string(world.journal()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan() {
    let world = World::contoso().by(PLAYBOOK);
    let (document, saved) = world.saved_plan().await;
    let saved = serde_json::to_value(saved.unwrap()).unwrap();
    assert_valid("plan", &saved);
    insta::assert_snapshot!("plan", pretty(&world, &saved));
    let mut document = serde_json::to_value(document).unwrap();
    document["run_id"] = "<run>".into();
    insta::assert_snapshot!("plan_document", pretty(&world, &document));
}

#[tokio::test(start_paused = true)]
async fn a_result_and_its_journal() {
    let world = World::contoso().by(PLAYBOOK);
    let document = serde_json::to_value(world.contain().await).unwrap();
    assert_valid("run", &document);
    insta::assert_snapshot!("result", pretty(&world, &document));
    world.rollback().await;
    let journal = lines(&world);
    for line in &journal {
        assert_valid("journal", line);
    }
    let kinds: Vec<String> =
        journal.iter().map(|line| serde_json::to_string(&redacted(&world, line)).unwrap()).collect();
    insta::assert_snapshot!("journal", kinds.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_schema_refuses_what_is_none() {
    for name in ["run", "plan", "journal", "event"] {
        assert!(!mistakes(name, &serde_json::json!({"schema": 7})).is_empty(), "{name}");
    }
}

#[derive(Default)]
struct Events(Mutex<Vec<Value>>);

impl Watch for Events {
    fn saw(&self, event: &Event) {
        self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn documents_events_and_journals_of_runs_of_all_kinds_are_as_their_schemas_say() {
    let forbidden = Fault::Forbidden { code: "x".into(), message: "y".into() };
    let worlds = [
        World::contoso(),
        World::of(SYNCED),
        World::contoso().with_fault("PATCH /users/*", forbidden.clone()),
        World::contoso().with_fault("GET /organization", forbidden),
        World::contoso().with_planted(Planted::new("DELETE /", Fault::status(503)).times(99)),
        World::contoso().crashing(Crash::AfterRecords(12)),
    ];
    for mut world in worlds {
        let events = Arc::new(Events::default());
        world.watch = Arc::<Events>::clone(&events);
        let check = |document: &RunDocument| assert_valid("run", &serde_json::to_value(document).unwrap());
        check(&world.plan().await);
        check(&world.contain().await);
        if !world.store().runs().is_empty() {
            let world = world.mended();
            check(&world.resume().await);
            check(&world.verify().await);
            check(&world.rollback().await);
            for line in lines(&world) {
                assert_valid("journal", &line);
            }
        }
        let events = events.0.lock().unwrap();
        assert!(!events.is_empty());
        for event in events.iter() {
            assert_valid("event", event);
        }
    }
}
