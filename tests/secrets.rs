//! The new password, the access token and the client secret reach the wire and nothing else.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use age::secrecy::ExposeSecret as _;
use oust::engine::event::{Event, Watch};
use oust::graph::credential::{self, Auth};
use oust::graph::{Cloud, Environment};
use oust::journal::{Began, Record, read};
use oust::playbook::Playbook;
use oust::report::progress::{JsonLines, Progress};
use oust::report::style::Paint;
use oust::report::{Outcome, RunDocument, markdown, text};
use oust::sim::faults::{Fault, Planted};
use serde_json::Value;

use crate::support::{Crash, Wire, World};

const CLIENT_SECRET: &str = "only-for-rehearsals";

/// Everything that anybody could read.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().extend_from_slice(text.as_bytes());
    }

    /// A document in every form that the command line has for it.
    fn print(&self, document: &RunDocument) {
        for paint in [Paint::PLAIN, Paint { colour: true }] {
            self.note(&text::run(document, &paint, 100));
            self.note(&text::run_with_calls(document, &paint, 100));
            self.note(&text::plan(document, &paint, 100));
        }
        self.note(&markdown::run(document));
        self.note(&serde_json::to_string(document).unwrap());
        self.note(&format!("{document:?}"));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Whoever watches, at once.
struct Both(Progress, JsonLines);

impl Watch for Both {
    fn saw(&self, event: &Event) {
        self.0.saw(event);
        self.1.saw(event);
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The passwords that arrived at the service.
fn passwords(wire: &Wire) -> Vec<String> {
    let bodies = wire.passed().into_iter().filter_map(|p| serde_json::from_slice::<Value>(&p.body).ok());
    bodies.filter_map(|b| b["passwordProfile"]["password"].as_str().map(str::to_owned)).collect()
}

/// Signs in with the client secret, as a real run does.
fn contoso(paper: &Paper) -> World {
    let mut world = World::contoso();
    let tenant_id = world.sim.with(|t| t.tenant_id.clone());
    let environment = Environment::from_lookup(|name| match name {
        "AZURE_TENANT_ID" => Some(tenant_id.clone()),
        "AZURE_CLIENT_ID" => Some("11111111-2222-4333-8444-555555555555".into()),
        "AZURE_CLIENT_SECRET" => Some(CLIENT_SECRET.into()),
        _ => None,
    });
    paper.note(&format!("{environment:?}"));
    let (tokens, said) =
        credential::choose(Auth::Auto, &environment, Cloud::Global, Arc::<Wire>::clone(&world.wire)).unwrap();
    paper.note(&said);
    world.tokens = tokens;
    world.watch = Arc::new(Both(
        Progress::new(Box::new(paper.clone()), Paint::PLAIN, false),
        JsonLines::new(Box::new(paper.clone())),
    ));
    world
}

#[tokio::test(start_paused = true)]
async fn no_secret_reaches_an_output_a_log_or_a_file() {
    let identity = age::x25519::Identity::generate();
    let public = identity.to_public().to_string();
    let troubles = [
        None,
        Some(Planted::new("PATCH /users/*", Fault::TokenExpired).nth(2)),
        Some(Planted::new("PATCH /users/*", Fault::Reset { after_effect: true }).nth(2)),
        Some(Planted::new("PATCH /users/*", Fault::status(400)).nth(2)),
        Some(Planted::new("PATCH /users/*", Fault::Html).nth(2).times(9)),
        Some(Planted::new("GET /organization", Fault::Forbidden { code: "x".into(), message: "y".into() })),
    ];
    for (trouble, recipient) in
        troubles.into_iter().flat_map(|t| [(t.clone(), None), (t, Some(public.clone()))])
    {
        let name = format!("{trouble:?}, recipient {recipient:?}");
        let paper = Paper::default();
        let logged = {
            let paper = paper.clone();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || paper.clone())
                .finish()
        };
        let logging = tracing::subscriber::set_default(logged);
        let mut world = contoso(&paper);
        world.password_recipient = recipient.clone();
        let (plan, saved) = world.saved_plan().await;
        paper.print(&plan);
        paper.note(&serde_json::to_string(&saved).unwrap());
        let fails_early = trouble.as_ref().is_some_and(|t| t.on.starts_with("GET"));
        world.sim.with(|t| trouble.into_iter().for_each(|f| t.faults.plant(f)));
        paper.print(&world.contain().await);
        if !fails_early {
            paper.print(&world.resume().await);
            paper.print(&world.verify().await);
            paper.print(&world.rollback().await);
            assert!(!passwords(&world.wire).is_empty(), "{name}: a test about nothing");
        }
        drop(logging);
        assert_nowhere(&paper, &world, passwords(&world.wire), &name);
    }
}

/// None of the secrets, nor a token or the client secret, was shown, logged or written.
#[track_caller]
fn assert_nowhere(paper: &Paper, world: &World, secrets: Vec<String>, name: &str) {
    let outputs = paper.text();
    assert!(outputs.contains("DEBUG") && outputs.contains("/users/"), "{name}: nothing was logged");
    let tokens = world.wire.tokens();
    assert!(!tokens.is_empty());
    let files: Vec<(PathBuf, Vec<u8>)> = files(world.state_dir())
        .into_iter()
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    for secret in secrets.into_iter().chain(tokens).chain([CLIENT_SECRET.to_owned()]) {
        assert!(!outputs.contains(&secret), "{name}: {secret} was shown");
        for (path, bytes) in &files {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{name}: {secret} is in {}", path.display());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_access_pass_reaches_an_output_a_log_or_a_file() {
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let on = "POST /users/*/temporaryAccessPassMethods";
    for (trouble, records) in [
        (None, None),
        (Some(Planted::new(on, Fault::TokenExpired)), None),
        (Some(Planted::new(on, Fault::Reset { after_effect: true })), None),
        (Some(Planted::new(on, Fault::CutBody).times(9)), None),
        (Some(Planted::new(on, Fault::status(400))), None),
        // The disk is full when the answer comes.
        (None, Some(5)),
    ] {
        let name = format!("{trouble:?}, {records:?}");
        let paper = Paper::default();
        let logged = {
            let paper = paper.clone();
            let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
            logs.with_writer(move || paper.clone()).finish()
        };
        let logging = tracing::subscriber::set_default(logged);
        let mut world = contoso(&paper);
        world.password_recipient = Some(recipient.clone());
        world.playbook = Playbook::find("recover").unwrap();
        if let Some(records) = records {
            world = world.by_step("issue_access_pass", "{}").crashing(Crash::AfterRecords(records));
        }
        world.sim.with(|t| trouble.into_iter().for_each(|fault| t.faults.plant(fault)));
        paper.print(&world.contain().await);
        let world = world.mended();
        paper.print(&world.resume().await);
        paper.print(&world.verify().await);
        paper.print(&world.rollback().await);
        drop(logging);
        let none = name.contains("CutBody") || name.contains("400");
        assert!(!world.wire.passes().is_empty() || none, "{name}: a test about nothing");
        assert_nowhere(&paper, &world, world.wire.passes(), &name);
    }
}

#[tokio::test(start_paused = true)]
async fn the_recipient_and_nobody_else_can_open_the_sealed_password() {
    let identity = age::x25519::Identity::generate();
    let mut world = World::contoso();
    world.password_recipient = Some(identity.to_public().to_string());
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained);
    let [sealed] = document.sealed.as_slice() else { panic!("{:?}", document.sealed) };
    let open = |with: &age::x25519::Identity| -> Option<String> {
        let bytes = std::fs::read(sealed).unwrap();
        let decryptor = age::Decryptor::new(&bytes[..]).unwrap();
        let mut reader = decryptor.decrypt(std::iter::once(with as &dyn age::Identity)).ok()?;
        Some(io::read_to_string(&mut reader).unwrap())
    };
    assert_eq!(open(&identity), passwords(&world.wire).first().cloned());
    assert_eq!(open(&age::x25519::Identity::generate()), None);
    // The journal says where it is and for whom, before the call that sets it.
    let chain = read(&std::fs::read(world.journal()).unwrap(), "journal").unwrap().chain;
    let at = |wanted: fn(&Record) -> bool| chain.lines.iter().position(|l| wanted(&l.record)).unwrap();
    let sealed_at = at(|r| matches!(r, Record::Sealed { .. }));
    let sent_at = at(|r| {
        let Record::Intent(intent) = r else { return false };
        intent.change.call.to_string().contains("passwordProfile")
    });
    assert!(sealed_at < sent_at);
    let secret = identity.to_string();
    let whole = std::fs::read_to_string(world.journal()).unwrap();
    assert!(!whole.contains(secret.expose_secret()));
}

#[tokio::test(start_paused = true)]
async fn without_a_recipient_nothing_is_sealed() {
    let world = World::contoso();
    assert!(world.contain().await.sealed.is_empty());
    assert!(files(world.state_dir()).iter().all(|path| path.extension().is_none_or(|e| e != "age")));
    let chain = read(&std::fs::read(world.journal()).unwrap(), "journal").unwrap().chain;
    let Record::Began(began) = &chain.lines[0].record else { panic!("{:?}", chain.lines[0]) };
    let Began { password_recipient, .. } = &**began;
    assert_eq!(*password_recipient, None);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let identity = age::x25519::Identity::generate();
    let mut world = World::contoso();
    world.password_recipient = Some(identity.to_public().to_string());
    world.contain().await;
    world.store().claim_key("a key", "a request", &uuid::Uuid::now_v7()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let all = files(world.state_dir());
    assert!(all.len() >= 4, "journal, sealed password, lock, key: {all:?}");
    for path in all {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let folder = path.parent().unwrap();
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    assert_eq!(mode(&world.state_dir().join("runs")), 0o700);
}
