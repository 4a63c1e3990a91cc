//! Answers that say nothing, say it late or lie: whatever comes back from a write, the end is right or is said to
//! be open, and nothing that isn't in force is called effective.

use std::time::Duration;

use oust::report::{Outcome, RollbackState, RunDocument, State};
use oust::sim::faults::{Fault, Faults, Planted};
use oust::sim::{Lag, Seen};

use crate::faults::{Wrong, table};
use crate::support::{CONTOSO, RUNNER, World, lies};

/// The writes of the default playbook on Contoso: pattern, and which of those that fit it.
const WRITES: [(&str, u32); 8] = [
    ("POST /users/*/revokeSignInSessions", 1),
    ("PATCH /users/*", 1),
    ("PATCH /users/*", 2),
    ("DELETE /oauth2PermissionGrants/*", 1),
    ("DELETE /users/*/appRoleAssignments/*", 1),
    ("DELETE /users/*/authentication/*", 1),
    ("PATCH /devices/*", 1),
    ("PATCH /users/*/messageRules/*", 1),
];

/// How a run may end.
type Ends = &'static [Outcome];
const WELL: Ends = &[Outcome::Contained];
const REFUSED: Ends = &[Outcome::Partial];

fn status(code: u16) -> Fault {
    Fault::status(code)
}

/// What one run came to, and what is wrong about it.
struct Row {
    name: String,
    outcome: Outcome,
    wrong: Vec<String>,
}

#[track_caller]
fn assert_all_right(rows: &[Row]) {
    let table: String = rows
        .iter()
        .map(|row| format!("{:<72} {:<14?} {}\n", row.name, row.outcome, row.wrong.join("; ")))
        .collect();
    assert!(rows.iter().all(|row| row.wrong.is_empty()), "\n{table}");
}

async fn judge(name: String, world: &World, ends: Ends) -> Row {
    let document = world.contain().await;
    let mut wrong = lies(world, &document);
    if !ends.contains(&document.outcome) {
        wrong.push(format!("expected {ends:?}"));
    }
    let good = document.outcome == Outcome::Contained;
    if good != (document.exit_code == 0) {
        wrong.push(format!("exit status {}", document.exit_code));
    }
    let passwords = world.snapshot()["irreversible"][&world.users[0]]["passwordVersion"].as_u64().unwrap();
    if good && passwords < 2 {
        wrong.push("the old password still works".into());
    }
    // Whatever happened, the undo is there.
    world.sim.with(|t| t.faults = Faults::default());
    world.rollback().await;
    wrong.extend(world.not_restored().into_iter().map(|path| format!("not restored: {path}")));
    Row { name, outcome: document.outcome, wrong }
}

#[tokio::test(start_paused = true)]
async fn a_404_on_a_delete_counts_as_done_only_if_reading_agrees_and_is_a_refusal_otherwise() {
    let mut rows = Vec::new();
    for (on, nth) in WRITES {
        let ends = if on.starts_with("DELETE") { WELL } else { REFUSED };
        let world = World::contoso().with_planted(Planted::new(on, status(404)).nth(nth));
        rows.push(judge(format!("404 on {on} no. {nth}"), &world, ends).await);
    }
    assert_all_right(&rows);
}

#[tokio::test(start_paused = true)]
async fn each_fault_on_each_kind_of_write_while_replicas_lag_for_half_a_minute() {
    let mut rows = Vec::new();
    for Wrong { name, fault, passes } in table() {
        for (on, nth) in WRITES {
            let world = World::contoso().with_planted(Planted::new(on, fault.clone()).nth(nth));
            world.sim.with(|t| t.lag = half_a_minute());
            // A stale read makes a doubt look unsettled: one more outcome that is honest.
            let ends: Ends = match (passes, name, on.starts_with("DELETE")) {
                (true, ..) | (_, "404", true) => &[Outcome::Contained, Outcome::Partial, Outcome::Unverified],
                _ => REFUSED,
            };
            let document = world.contain().await;
            let mut wrong = lies(&world, &document);
            if !ends.contains(&document.outcome) {
                wrong.push(format!("expected {ends:?}"));
            }
            rows.push(Row { name: format!("{name} on {on} no. {nth}"), outcome: document.outcome, wrong });
        }
    }
    assert_all_right(&rows);
}

pub fn half_a_minute() -> Lag {
    let half_a_minute = jiff::SignedDuration::from_secs(30);
    Lag::new(half_a_minute, half_a_minute, 1.0)
}

#[tokio::test(start_paused = true)]
async fn replicas_that_lag_for_half_a_minute_are_waited_for() {
    let world = World::contoso();
    world.sim.with(|t| t.lag = half_a_minute());
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(lies(&world, &document), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_visible_when_patience_ends_is_pending_and_a_later_look_settles_it() {
    let mut world = World::contoso();
    world.patience = Duration::from_secs(5);
    world.sim.with(|t| t.lag = half_a_minute());
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Unverified, 4), "{document:#?}");
    let changes = document.users[0].steps.iter().flat_map(|s| &s.changes);
    assert!(changes.clone().any(|c| c.state == State::Pending));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let verified = world.verify().await;
    assert_eq!((verified.outcome, verified.exit_code), (Outcome::Contained, 0), "{verified:#?}");
}

/// Adele's world, its replicas three minutes behind in that share of the reads.
fn minutes_behind(share: f64, seed: u64) -> World {
    let world = World::of(&CONTOSO.replacen("\nservice:\n", &format!("\nservice:\n  seed: {seed}\n"), 1));
    let three_minutes = jiff::SignedDuration::from_mins(3);
    world.sim.with(|t| t.lag = Lag::new(three_minutes, three_minutes, share));
    world
}

#[tokio::test(start_paused = true)]
async fn replicas_that_lag_for_three_minutes_outlast_a_patience_of_two_and_not_one_of_five() {
    let mut world = minutes_behind(1.0, 0);
    world.patience = Duration::from_mins(2);
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Unverified, 4), "{document:#?}");
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    let pending: Vec<_> = document.users[0].steps.iter().flat_map(|s| &s.changes).collect();
    assert!(pending.iter().any(|c| c.state == State::Pending));
    for change in pending.iter().filter(|c| c.state == State::Pending) {
        assert_eq!(change.reason.as_deref(), Some("not visible after 120 s"), "{change:#?}");
    }
    let too_early = world.verify().await;
    assert_eq!((too_early.outcome, too_early.exit_code), (Outcome::Unverified, 4), "{too_early:#?}");
    tokio::time::sleep(Duration::from_mins(2)).await;
    let verified = world.verify().await;
    assert_eq!((verified.outcome, verified.exit_code), (Outcome::Contained, 0), "{verified:#?}");
    assert_eq!(world.writes(), 13, "waiting sends nothing again");

    let mut world = minutes_behind(1.0, 0);
    world.patience = Duration::from_mins(5);
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Contained, 0), "{document:#?}");
    assert_eq!(lies(&world, &document), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn reads_that_go_back_and_forth_between_replicas_make_nothing_effective_that_is_not() {
    let mut outcomes = Vec::new();
    for (seed, share) in (0..24).zip([0.2, 0.5, 0.8].into_iter().cycle()) {
        let mut world = minutes_behind(share, seed);
        world.patience = Duration::from_secs(1);
        world.sim.with(|t| {
            // One of the writes has no answer and no effect: a replica that knows better must not be outvoted.
            let (on, nth) = WRITES[usize::try_from(seed).unwrap() % WRITES.len()];
            t.faults.plant(Planted::new(on, Fault::Reset { after_effect: false }).nth(nth));
        });
        let document = world.contain().await;
        assert_eq!(lies(&world, &document), Vec::<String>::new(), "{seed}");
        assert!([0, 3, 4].contains(&document.exit_code), "{seed}: {document:#?}");
        outcomes.push(document.outcome);
        tokio::time::sleep(Duration::from_mins(4)).await;
        let resumed = if document.exit_code == 3 { world.resume().await } else { world.verify().await };
        assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Contained, 0), "{seed}: {resumed:#?}");
        assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "{seed}");
    }
    assert!(
        outcomes.contains(&Outcome::Contained) && outcomes.contains(&Outcome::Unverified),
        "{outcomes:?}"
    );
}

/// What rollback says about what it did or found that is not so.
fn false_returns(world: &World, document: &RunDocument) -> Vec<String> {
    let changes = document.users[0].steps.iter().flat_map(|step| &step.changes);
    let said = changes.filter_map(|change| Some((change.rollback.as_ref()?.state, change)));
    let good = |state| matches!(state, RollbackState::Restored | RollbackState::Already);
    let said_all = said.clone().all(|(state, _)| good(state) || state == RollbackState::Never);
    if said_all { world.not_restored() } else { Vec::new() }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_right_after_the_run_does_not_take_a_late_replica_for_what_is_back() {
    let mut rolled_back = 0;
    for (seed, share) in (0..12).zip([0.2, 0.5, 0.8].into_iter().cycle()) {
        let mut world = minutes_behind(share, seed);
        world.patience = Duration::from_mins(4);
        let document = world.contain().await;
        assert_eq!(document.outcome, Outcome::Contained, "{seed}: {document:#?}");
        let document = world.rollback().await;
        assert_eq!(false_returns(&world, &document), Vec::<String>::new(), "{seed}");
        rolled_back += usize::from(document.outcome == Outcome::RolledBack);
    }
    assert!(rolled_back >= 6, "{rolled_back}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_stopped_while_it_waits_for_replicas_claims_nothing() {
    let mut stopped = 0;
    for (seed, share) in (0..12).zip([0.2, 0.5, 0.8].into_iter().cycle()) {
        let mut world = minutes_behind(share, seed);
        world.patience = Duration::from_mins(4);
        assert_eq!(world.contain().await.outcome, Outcome::Contained, "{seed}");
        // Some while it looks at all of it, some while it looks at what goes back next.
        let seconds = [5, 20, 70, 120][usize::try_from(seed).unwrap() % 4];
        world.deadline = Some(world.clock.now() + jiff::SignedDuration::from_secs(seconds));
        let document = world.rollback().await;
        stopped += usize::from(document.exit_code == 7);
        let changes = document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes);
        let already =
            changes.filter(|c| c.rollback.as_ref().is_some_and(|r| r.state == RollbackState::Already));
        assert_eq!(already.count(), 0, "{seed}: {document:#?}");
    }
    assert!(stopped >= 3, "{stopped}");
}

/// An action that creates something, its settings, and how what it made is read.
const CREATING: [(&str, &str, &str); 3] = [
    ("block_by_group", "{group: 5f0c1f0e-7a4c-4c1e-9a54-0d3c2b1a0001}", "GET /users/*/memberOf*"),
    ("block_sign_in_by_policy", "{}", "GET /identity/conditionalAccess/policies*"),
    ("issue_access_pass", "{}", "GET /users/*/authentication/*"),
];

#[tokio::test(start_paused = true)]
async fn a_404_just_after_a_create_is_waited_out_and_nothing_is_created_twice() {
    for (action, with, read) in CREATING {
        let creating = || {
            let mut world = World::contoso().by_step(action, with);
            world.password_recipient = Some(age::x25519::Identity::generate().to_public().to_string());
            world.prepare(|t| {
                for permission in oust_actions::find(action).unwrap().about().permissions {
                    t.grant_permission(RUNNER, permission.name);
                }
            });
            world
        };
        let is_create = |seen: &&Seen| seen.method == "POST" && seen.write;
        let world = creating();
        assert_eq!(world.contain().await.exit_code, 0);
        let log = world.sim.with(|t| t.log().to_vec());
        let part = read.trim_end_matches('*').rsplit('*').next().unwrap().trim_start_matches("GET ");
        let before = log.iter().take_while(|seen| !is_create(seen)).filter(|seen| seen.path.contains(part));
        let first = u32::try_from(before.count()).unwrap() + 1;

        for times in [1, 3, u32::MAX] {
            let mut world = creating().with_planted(Planted::new(read, status(404)).nth(first).times(times));
            world.patience = Duration::from_secs(60);
            let document = world.contain().await;
            let name = format!("{action}, {times} times 404: {document:#?}");
            let creates = world.sim.with(|t| t.log().iter().filter(is_create).count());
            assert_eq!(creates, 1, "{name}");
            assert_eq!(lies(&world, &document), Vec::<String>::new(), "{name}");
            assert_eq!(document.exit_code, if times == u32::MAX { 4 } else { 0 }, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_down_from_the_second_write_on_leaves_a_run_that_resumes() {
    for fault in [status(503), Fault::Reset { after_effect: false }, Fault::RefuseConnection] {
        let world = World::contoso();
        world.sim.with(|t| {
            for method in ["PATCH", "DELETE"] {
                t.faults.plant(Planted::new(&format!("{method} /"), fault.clone()).times(u32::MAX));
            }
        });
        let document = world.contain().await;
        assert_eq!(lies(&world, &document), Vec::<String>::new(), "{fault:?}");
        assert!([3, 7].contains(&document.exit_code), "{fault:?}: {document:#?}");
        world.sim.with(|t| t.faults = Faults::default());
        let resumed = world.resume().await;
        assert_eq!(resumed.outcome, Outcome::Contained, "{fault:?}: {resumed:#?}");
        assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "{fault:?}");
    }
}
