//! Journals of earlier versions, kept for good in `tests/golden/<version>/<case>`: today's binary reads them, says of
//! them what was said then, and takes back what they did.
//!
//! Of each case: `tenant.yaml` (the tenant before), `journal.jsonl`, and `writes.jsonl` (what reached the service, so
//! that the tenant can be brought to where the run left it). `OUST_MAKE_GOLDEN=1 cargo test --test suite golden` makes
//! what the set of this version lacks.

use std::path::{Path, PathBuf};

use oust::graph::{Request, Transport};
use oust::journal::{Audit, Phase, audit, load};
use oust::playbook::{BUILT_IN, Playbook};
use oust::report::{Outcome, RollbackState, fold, markdown};
use oust::sim::Simulated;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{CONTOSO, Crash, RUNNER, SYNCED, World};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PRIVILEGED: &str = include_str!("../examples/tenants/privileged.yaml");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The folders below a folder, in order.
fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

fn cases() -> Vec<PathBuf> {
    let cases: Vec<PathBuf> = folders(&root()).iter().flat_map(|version| folders(version)).collect();
    assert!(!cases.is_empty());
    cases
}

/// `0.1.0 token-theft`
fn name(case: &Path) -> String {
    let part = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    format!("{} {}", part(case.parent().unwrap()), part(case))
}

fn read(case: &Path, file: &str) -> String {
    std::fs::read_to_string(case.join(file)).unwrap_or_else(|e| panic!("{}/{file}: {e}", case.display()))
}

/// The tenant as the run left it, and its journal in the store.
async fn world(case: &Path) -> World {
    let world = World::of(&read(case, "tenant.yaml"));
    for line in read(case, "writes.jsonl").lines() {
        replay(&world, &serde_json::from_str(line).unwrap()).await;
    }
    let journal = read(case, "journal.jsonl");
    let first: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let folder = world.state_dir().join("runs").join(first["run_id"].as_str().unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("journal.jsonl"), journal).unwrap();
    world
}

async fn replay(world: &World, write: &Value) {
    let body = write
        .get("body")
        .map(|body| body.to_string().replace("{\"$secret\":\"new_password\"}", "\"Kept-7-nowhere\""));
    let request = Request {
        method: ["POST", "PATCH", "PUT", "DELETE"].into_iter().find(|m| *m == write["method"]).unwrap(),
        url: format!("{}{}", Simulated::BASE_URL, write["path"].as_str().unwrap()),
        headers: vec![],
        bearer: Some(SecretString::from(world.sim.token(RUNNER))),
        body: body.map(|body| body.into_bytes().into()),
    };
    let status = world.sim.send(request).await.unwrap().status;
    assert!((200..300).contains(&status), "{write}: {status}");
}

#[test]
fn golden_journals_are_whole_and_name_no_machine() {
    for case in cases() {
        let text = read(&case, "journal.jsonl");
        let Audit { fault, is_unfinished, chain, .. } = audit(text.as_bytes());
        assert_eq!((fault, is_unfinished), (None, false), "{}", name(&case));
        assert!(chain.lines.len() > 10, "{}", name(&case));
        for part in ["/tmp", "/home", "/work", "/root", "Users\\"] {
            assert!(!text.contains(part), "{}: {part}", name(&case));
        }
    }
}

#[test]
fn this_version_has_its_set_with_every_playbook() {
    let set = root().join(VERSION);
    for id in BUILT_IN.iter().map(|(id, _)| *id).chain(["crashed", "resumed", "rolled-back", "synced"]) {
        assert!(set.join(id).is_dir(), "{id} of {VERSION}: make the set, see CONTRIBUTING.md");
    }
}

#[test]
fn reports_of_earlier_versions_still_say_the_same() {
    for case in cases() {
        let (chain, ledger) = load(&case.join("journal.jsonl")).unwrap();
        let began = ledger.began.clone().unwrap();
        let meta = fold::Meta {
            command: began.command,
            playbook: Some(Playbook::parse(&began.playbook_text).unwrap()),
            journal: Some(("journal.jsonl".into(), chain.head)),
            ..fold::Meta::default()
        };
        let document = fold::document(&ledger, &meta, None);
        insta::assert_snapshot!(name(&case).replace(' ', "-"), markdown::run(&document));
    }
}

#[tokio::test(start_paused = true)]
async fn what_earlier_versions_did_can_be_taken_back() {
    for case in cases() {
        let (world, name) = (world(&case).await, name(&case));
        let (_, ledger) = load(&world.journal()).unwrap();
        assert_eq!(
            ledger.phase == Phase::Undone,
            world.not_restored().is_empty(),
            "{name}: nothing to take back"
        );
        let rolled_back = world.rollback().await;
        assert_eq!(rolled_back.outcome, Outcome::RolledBack, "{name}: {rolled_back:#?}");
        assert_eq!(world.not_restored(), Vec::<String>::new(), "{name}");
        let changes = rolled_back.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes);
        for state in changes.filter_map(|c| c.rollback.as_ref()).map(|r| r.state) {
            let fine =
                [RollbackState::Restored, RollbackState::Already, RollbackState::Never].contains(&state);
            assert!(fine, "{name}: {rolled_back:#?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_earlier_versions_left_half_done_can_be_gone_on_with() {
    let unfinished = cases().into_iter().filter(|case| case.ends_with("crashed"));
    for case in unfinished {
        let (world, name) = (world(&case).await, name(&case));
        let resumed = world.resume().await;
        assert_eq!(resumed.outcome, Outcome::Contained, "{name}: {resumed:#?}");
        assert_eq!(world.rollback().await.outcome, Outcome::RolledBack, "{name}");
        assert_eq!(world.not_restored(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn make() {
    if std::env::var_os("OUST_MAKE_GOLDEN").is_none() {
        return;
    }
    let set = root().join(VERSION);
    for (id, text) in BUILT_IN {
        let tenant = if *id == "privileged-account" { PRIVILEGED } else { CONTOSO };
        let world = World::of(tenant).by(text);
        world.contain().await;
        keep(&set.join(id), tenant, &world);
    }
    let world = World::of(CONTOSO).crashing(Crash::AfterRecords(30));
    world.try_contain().await;
    keep(&set.join("crashed"), CONTOSO, &world);
    let world = World::of(CONTOSO).crashing(Crash::AfterRecords(30));
    world.try_contain().await;
    let world = world.mended();
    world.resume().await;
    world.verify().await;
    keep(&set.join("resumed"), CONTOSO, &world);
    let world = World::of(CONTOSO);
    world.contain().await;
    world.rollback().await;
    keep(&set.join("rolled-back"), CONTOSO, &world);
    let world = World::of(SYNCED);
    world.contain().await;
    world.verify().await;
    keep(&set.join("synced"), SYNCED, &world);
}

/// Keeps a case that isn't there yet: one that is there is never changed.
fn keep(case: &Path, tenant: &str, world: &World) {
    if case.exists() {
        return;
    }
    std::fs::create_dir_all(case).unwrap();
    std::fs::write(case.join("tenant.yaml"), tenant).unwrap();
    std::fs::copy(world.journal(), case.join("journal.jsonl")).unwrap();
    let sent = world.wire.passed().into_iter().filter(|p| p.method != "GET" && !p.url.ends_with("/$batch"));
    let writes: String = sent
        .map(|passed| {
            let path = passed.url.strip_prefix(Simulated::BASE_URL).unwrap();
            let mut write = json!({"method": passed.method, "path": path});
            if let Ok(mut body) = serde_json::from_slice::<Value>(&passed.body) {
                if let Some(password) = body.pointer_mut("/passwordProfile/password") {
                    *password = json!({"$secret": "new_password"});
                }
                write["body"] = body;
            }
            format!("{write}\n")
        })
        .collect();
    std::fs::write(case.join("writes.jsonl"), writes).unwrap();
}
