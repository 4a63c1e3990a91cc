//! Large and hostile amounts: counted, never timed.

use std::fmt::Write as _;

use oust::journal::{FaultKind, audit, load};
use oust::report::{Outcome, markdown};
use oust::sim::Tenant;
use oust::sim::faults::{Fault, Planted};

use crate::support::{CONTOSO, World};

/// The tenant of the documentation, its victim with that many more inbox rules of the intruder.
fn crowded(many: usize) -> String {
    let mut rules = "rules:\n".to_owned();
    for n in 0..many {
        let _ =
            writeln!(rules, "  - {{user: AdeleV@contoso.com, name: r{n}, redirect_to: [a@fabrikam.com]}}");
    }
    CONTOSO.replacen("rules:\n", &rules, 1)
}

/// The same with that many more consents to apps of the intruder.
fn consented(many: usize) -> String {
    let (mut apps, mut consents) = ("apps:\n".to_owned(), "consents:\n".to_owned());
    for n in 0..many {
        let _ = writeln!(apps, "  - {{name: a{n}, home: fabrikam.com}}");
        let _ = writeln!(consents, "  - {{app: a{n}, user: AdeleV@contoso.com, scopes: Mail.ReadWrite}}");
    }
    CONTOSO.replacen("apps:\n", &apps, 1).replacen("consents:\n", &consents, 1)
}

/// What plan, contain, verify and rollback of a tenant cost in requests.
async fn requests(tenant: &str, action: &str, prepare: impl FnOnce(&mut Tenant)) -> [usize; 4] {
    let mut world = World::of(tenant).by_step(action, "{}");
    world.prepare(prepare);
    let mut sent = 0;
    let mut since = || {
        let before = std::mem::replace(&mut sent, world.wire.passed().len());
        sent - before
    };
    world.plan().await;
    let planned = since();
    assert_eq!(world.contain().await.outcome, Outcome::Contained);
    let contained = since();
    assert_eq!(world.verify().await.outcome, Outcome::Contained);
    let verified = since();
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert!(world.not_restored().is_empty(), "{:?}", world.not_restored());
    [planned, contained, verified, since()]
}

#[track_caller]
fn assert_linear(once: [usize; 4], twice: [usize; 4]) {
    let all = ["plan", "contain", "verify", "rollback"].into_iter().zip(once.into_iter().zip(twice));
    for (command, (once, twice)) in all {
        assert!(
            10 * twice <= 22 * once,
            "{command}: {once} requests, and {twice} for twice as many findings"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn twice_the_findings_are_twice_the_requests() {
    const MANY: usize = 250;
    let rules = |many| async move { requests(&crowded(many), "review_inbox_rules", |_| {}).await };
    assert_linear(rules(MANY).await, rules(2 * MANY).await);
    let consents = |many| async move { requests(&consented(many), "review_consents", |_| {}).await };
    assert_linear(consents(MANY).await, consents(2 * MANY).await);
}

#[tokio::test(start_paused = true)]
async fn twice_the_doubts_are_twice_the_requests() {
    const MANY: usize = 150;
    let doubtful = |many| async move {
        let lose_answers = |tenant: &mut Tenant| {
            tenant.page_size = 10;
            let lost = Planted::new("PATCH /users/*/messageRules/*", Fault::Reset { after_effect: true });
            tenant.faults.plant(lost.times(u32::try_from(many).unwrap() + 1));
        };
        requests(&crowded(many), "review_inbox_rules", lose_answers).await
    };
    assert_linear(doubtful(MANY).await, doubtful(2 * MANY).await);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_findings_are_planned_contained_read_back_and_looked_at_again() {
    const MANY: usize = 10_000;
    let world = World::of(&crowded(MANY)).by_step("review_inbox_rules", "{}");
    let plan = world.plan().await;
    assert_eq!(plan.users[0].steps[0].changes.len(), MANY + 1);
    let contained = world.contain().await;
    assert_eq!(contained.outcome, Outcome::Contained);
    // An intent, an outcome and a reading each.
    assert!((3 * MANY..3 * MANY + 50).contains(&world.records()), "{}", world.records());
    let (chain, ledger) = load(&world.journal()).unwrap();
    assert_eq!(chain.head, contained.journal.as_ref().unwrap().head);
    assert_eq!(ledger.next_intent() as usize, MANY + 1);
    assert!(markdown::run(&contained).len() < 2000 * MANY);
    assert_eq!(world.verify().await.outcome, Outcome::Contained);
}

#[test]
fn junk_without_end_is_told_by_its_first_line() {
    let first = include_str!("golden/0.1.0/lockout/journal.jsonl").lines().next().unwrap();
    let behind = |lines: usize| audit(format!("{}{first}\n", "\n".repeat(lines)).as_bytes()).fault.unwrap();
    assert_eq!((behind(5).line, behind(5).kind), (1, FaultKind::Inserted));
    // What follows is kept to find the rightful line in it, up to a bound: a line takes more memory than its bytes.
    assert_eq!((behind(20_000).line, behind(20_000).kind), (1, FaultKind::Changed));
    let long = first.replacen("\"began\"", &format!("\"{}\"", "x".repeat(1 << 20)), 1) + "\n";
    let fault = audit(long.as_bytes()).fault.unwrap();
    assert!(fault.what.contains("xxx") && fault.what.len() < 1000, "{}", fault.what.len());
}

/// Tasks of the runtime, and open files of the state directory; other tests of this process have files of their own.
#[cfg(target_os = "linux")]
fn held(world: &World) -> (usize, usize) {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let open =
        std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    (tasks, open.filter(|path| path.starts_with(world.state_dir())).count())
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_thousand_runs_in_one_process_leave_no_task_and_no_file_open() {
    let world = World::contoso().by_step("disable_user", "{}");
    world.contain().await;
    world.rollback().await;
    let before = held(&world);
    for _ in 0..500 {
        assert_eq!(world.contain().await.outcome, Outcome::Contained);
        assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    }
    assert_eq!(held(&world), before);
}
