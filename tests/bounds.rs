//! Large and hostile amounts: counted, never timed.

use std::fmt::Write as _;

use oust::journal::{FaultKind, audit, load};
use oust::report::{Outcome, markdown};

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

#[tokio::test(start_paused = true)]
async fn a_thousand_findings_are_planned_contained_read_back_and_looked_at_again() {
    const MANY: usize = 1000;
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
