//! Every request of a run × every way for it to go wrong. The end state is right, or the document says that it is
//! not; what stands for all of it is the matrix in `snapshots/`.

use std::collections::BTreeMap;

use oust::report::Outcome;
use oust::sim::faults::{Fault, Faults, Planted, RetryAfter};
use percent_encoding::percent_decode_str;

use crate::support::{World, lies};

/// What may go wrong with a request.
pub struct Wrong {
    pub name: &'static str,
    pub fault: Fault,
    /// It passes by itself, so the run has to come to its full end.
    pub passes: bool,
}

impl Wrong {
    /// An answer that is too large won't be smaller the next time, and a write needs no answer.
    fn passes_on(&self, is_write: bool) -> bool {
        self.passes && (is_write || self.fault != Fault::Huge)
    }
}

fn status(code: u16) -> Fault {
    Fault::status(code)
}

fn throttled(retry_after: RetryAfter) -> Fault {
    Fault::Status { code: 429, retry_after: Some(retry_after), body: None, after_effect: false }
}

fn after_effect(code: u16) -> Fault {
    Fault::Status { code, retry_after: None, body: None, after_effect: true }
}

fn forbidden() -> Fault {
    Fault::Forbidden {
        code: "Authorization_RequestDenied".into(),
        message: "Insufficient privileges to complete the operation.".into(),
    }
}

/// Each kind of fault; the last four are the service's word and stay so.
pub fn table() -> Vec<Wrong> {
    let passing = vec![
        ("429 in 3 seconds", throttled(RetryAfter::Seconds(3))),
        ("429 in 1.5 seconds", throttled(RetryAfter::Fraction(1.5))),
        ("429 until a date", throttled(RetryAfter::HttpDate(7))),
        ("429 without a time", status(429)),
        ("500", status(500)),
        ("502", status(502)),
        ("503", status(503)),
        ("503 after effect", after_effect(503)),
        ("504 after effect", after_effect(504)),
        ("207 after effect", after_effect(207)),
        ("reset before effect", Fault::Reset { after_effect: false }),
        ("reset after effect", Fault::Reset { after_effect: true }),
        ("silence before effect", Fault::Hang { after_effect: false }),
        ("silence after effect", Fault::Hang { after_effect: true }),
        ("no connection", Fault::RefuseConnection),
        ("cut off", Fault::CutBody),
        ("empty", Fault::Empty),
        ("larger than is read", Fault::Huge),
        ("200 with HTML", Fault::Html),
        ("401, token expired", Fault::TokenExpired),
        ("401, claims challenge", Fault::ClaimsChallenge),
    ];
    let lasting =
        vec![("403", forbidden()), ("400", status(400)), ("404", status(404)), ("424", status(424))];
    let wrong = |passes| move |(name, fault)| Wrong { name, fault, passes };
    passing.into_iter().map(wrong(true)).chain(lasting.into_iter().map(wrong(false))).collect()
}

/// A request of an uninterrupted run.
struct Target {
    /// With `{id}` for every id.
    label: String,
    /// As a fault finds it.
    on: String,
    /// Which of those that look alike.
    nth: u32,
}

/// The distinct requests of the default playbook.
async fn targets(is_write: bool) -> Vec<Target> {
    let world = World::contoso();
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    let mut targets = Vec::new();
    for seen in world.sim.with(|t| t.log().to_vec()).iter().filter(|seen| seen.write == is_write) {
        let path = percent_decode_str(&seen.path).decode_utf8_lossy().into_owned();
        let nth = sent.entry(format!("{} {path}", seen.method)).or_default();
        *nth += 1;
        // A read is sent again to verify, and alike for each app: the first one stands for all. Every write counts.
        let label = format!("{} {}", seen.method, without_ids(path.split('?').next().unwrap()));
        if is_write || targets.iter().all(|known: &Target| known.label != label) {
            targets.push(Target { label, on: format!("{} {path}", seen.method), nth: *nth });
        }
    }
    targets.sort_by(|a, b| (&a.label, a.nth).cmp(&(&b.label, b.nth)));
    targets
}

fn without_ids(path: &str) -> String {
    let is_id = |part: &str| part.contains('@') || part.len() > 30 || part.matches('-').count() > 2;
    let parts = path.split('/').map(|part| if is_id(part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn letter(outcome: Outcome) -> char {
    match outcome {
        Outcome::Contained => '.',
        Outcome::Partial => 'p',
        Outcome::Unverified => 'u',
        Outcome::Refused => 'r',
        Outcome::Failed => 'f',
        Outcome::Interrupted => 'i',
        _ => '?',
    }
}

/// Runs, and says what is wrong about the end.
async fn attempt(wrong: &Wrong, target: &Target, is_write: bool) -> (char, Vec<String>) {
    let world = World::contoso();
    let fault = Planted::new(&target.on, wrong.fault.clone()).nth(target.nth);
    let world = world.with_planted(fault);
    let document = world.contain().await;
    let mut found = lies(&world, &document);
    let good = document.outcome == Outcome::Contained;
    if wrong.passes_on(is_write) && !good {
        found.push(format!("it ended {:?}", document.outcome));
    }
    if good != (document.exit_code == 0) {
        found.push(format!("exit status {}", document.exit_code));
    }
    let user = &world.users[0];
    if good && world.snapshot()["irreversible"][user]["passwordVersion"].as_u64().unwrap() < 2 {
        found.push("the old password still works".into());
    }
    // Whatever happened, the undo is there.
    world.sim.with(|t| t.faults = Faults::default());
    if !world.store().runs().is_empty() {
        world.rollback().await;
    }
    found.extend(world.not_restored().into_iter().map(|path| format!("not restored: {path}")));
    (letter(document.outcome), found)
}

/// The matrix of these requests; `.` is contained, p partial, u unverified, r refused, f failed, i interrupted.
async fn matrix(is_write: bool) -> String {
    let (targets, table) = (targets(is_write).await, table());
    assert!(targets.len() > 7, "a test about nothing");
    let mut text: String =
        table.iter().enumerate().map(|(at, wrong)| format!("{at:>2}  {}\n", wrong.name)).collect();
    let heads = (0..table.len()).map(|at| format!("{at:>3}")).collect::<String>();
    text += &format!(
        "\n{:74}{heads}\n",
        "contained: .  partial: p  unverified: u  refused: r  failed: f  interrupted: i"
    );
    let mut problems = Vec::new();
    for target in &targets {
        text += &format!("{:72}", target.label);
        for wrong in &table {
            let (cell, found) = attempt(wrong, target, is_write).await;
            text += &format!("  {cell}");
            problems.extend(found.iter().map(|what| format!("{} on {}: {what}", wrong.name, target.label)));
        }
        text.push('\n');
    }
    assert!(problems.is_empty(), "{text}\n{}", problems.join("\n"));
    text
}

#[tokio::test(start_paused = true)]
async fn each_fault_on_each_write() {
    insta::assert_snapshot!("faults_of_writes", matrix(true).await);
}

#[tokio::test(start_paused = true)]
async fn each_fault_on_each_read() {
    insta::assert_snapshot!("faults_of_reads", matrix(false).await);
}
