//! Where no lock is between two runs for one user: none on the file system, or a state directory on each machine.

use std::fs::{File, TryLockError};
use std::io;

use oust::journal::TryLock;
use oust::playbook::Playbook;
use oust::report::{Outcome, RollbackState, RunDocument, State};

use crate::multi::{assert_error, assert_untouched};
use crate::support::{RUNNER, World, differences, lies, restorable};

#[tokio::test(start_paused = true)]
async fn where_the_file_system_has_no_locks_nothing_is_sent() {
    // ENOSYS or EOPNOTSUPP, and ENOLCK.
    let without: [TryLock; 2] = [
        |_| Err(TryLockError::Error(io::ErrorKind::Unsupported.into())),
        |_| Err(TryLockError::Error(io::Error::from_raw_os_error(37))),
    ];
    for try_lock in without {
        let mut world = World::contoso();
        world.try_lock = try_lock;
        assert_error(&world.contain().await, 1, "E0706", "local disk");
        assert_untouched(&world);

        world.try_lock = File::try_lock;
        world.contain().await;
        let (records, writes) = (world.records(), world.writes());
        world.try_lock = try_lock;
        for document in [world.resume().await, world.verify().await, world.rollback().await] {
            assert_error(&document, 1, "E0706", "local disk");
        }
        assert_eq!((world.records(), world.writes()), (records, writes));
    }
}

/// Ends that are right. The secret of an app can't be looked at by itself: where the other one was faster, the refusal
/// stays, and the run is called partial rather than more than it was.
#[track_caller]
fn assert_right(world: &World, document: &RunDocument, seed: u64) {
    let changes = document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes);
    let mut refused = changes.filter(|change| change.state == State::Refused).peekable();
    let expected: &[(Outcome, u8)] = match refused.peek() {
        None => &[(Outcome::Contained, 0), (Outcome::NothingToDo, 0)],
        Some(_) => &[(Outcome::Partial, 3)],
    };
    assert!(expected.contains(&(document.outcome, document.exit_code)), "{seed}: {document:#?}");
    assert!(refused.all(|change| change.call.url().ends_with("/removePassword")), "{seed}: {document:#?}");
    assert_eq!(lies(world, document), Vec::<String>::new(), "{seed}");
}

/// Both contain, the second one that many milliseconds later, and each ends right; requests travel as the seed says. Gives how it
/// ended for the second.
async fn both_contain(first: &World, second: &World, seed: u64, later: u64) -> RunDocument {
    first.wire.shuffle(2 * seed + 1);
    second.wire.shuffle(1000 + 2 * seed);
    let (a, b) = futures::future::join(first.contain(), async {
        tokio::time::sleep(std::time::Duration::from_millis(later)).await;
        second.contain().await
    })
    .await;
    assert_right(first, &a, seed);
    assert_right(second, &b, seed);
    b
}

#[tokio::test(start_paused = true)]
async fn two_machines_that_contain_one_user_at_once_both_end_right_and_both_roll_back() {
    let mut both_wrote = 0;
    for seed in 0..40 {
        let first = World::contoso();
        let second = first.beside();
        // The second responder comes up to a second later.
        let b = both_contain(&first, &second, seed, seed * 25).await;
        let ended = first.snapshot();
        if b.outcome == Outcome::NothingToDo {
            continue;
        }
        both_wrote += 1;

        // What the first one takes back is open again although the second one wanted it closed, and its verify says so.
        let back = first.rollback().await;
        assert!(matches!(back.outcome, Outcome::RolledBack), "{seed}: {back:#?}");
        let looked = second.verify().await;
        assert_ne!(looked.exit_code, 0, "{seed}: {looked:#?}");
        assert_eq!(lies(&second, &looked), Vec::<String>::new(), "{seed}");
        // Nothing is left for the second one to take back that the first one has.
        let back = second.rollback().await;
        assert_eq!(back.exit_code, 0, "{seed}: {back:#?}");
        assert_eq!(first.not_restored(), Vec::<String>::new(), "{seed}");
        assert_ne!(differences(&restorable(&ended), &restorable(&first.snapshot())), Vec::<String>::new());
    }
    assert!(both_wrote > 10, "a test about nothing: {both_wrote}");
}

/// Blocks the account in the two ways that create something.
const BLOCK: &str = "schema: oust.playbook/1
id: block
title: block
stages:
  - id: only
    title: only
    steps:
      - action: block_by_group
        with: {group: 5f0c1f0e-7a4c-4c1e-9a54-0d3c2b1a0001}
      - action: block_sign_in_by_policy
";

#[tokio::test(start_paused = true)]
async fn two_machines_create_twice_only_what_neither_could_see_of_the_other() {
    let mut twice = 0;
    for seed in 0..40 {
        let mut first = World::contoso();
        first.prepare(|t| {
            for action in ["block_by_group", "block_sign_in_by_policy"] {
                for permission in oust_actions::find(action).unwrap().about().permissions {
                    t.grant_permission(RUNNER, permission.name);
                }
            }
        });
        first.playbook = Playbook::parse(BLOCK).unwrap();
        let second = first.beside();
        both_contain(&first, &second, seed, seed * 40).await;
        let log = first.sim.with(|t| t.log().to_vec());
        let of = |method: &str| {
            let policies: Vec<_> =
                log.iter().filter(|seen| seen.path.contains("conditionalAccess/policies")).collect();
            policies.iter().rposition(|seen| seen.method == method && (method == "GET" || seen.applied))
        };
        let made =
            log.iter().filter(|seen| seen.method == "POST" && seen.path.ends_with("/policies")).count();
        assert!((1..=2).contains(&made) && of("POST").is_some(), "{seed}: {made}");
        twice += usize::from(made == 2);

        // Both together take all of it back. With two policies of one name the first rollback still sees one.
        let (back, other) = (first.rollback().await, second.rollback().await);
        let states = |document: &RunDocument| -> Vec<RollbackState> {
            let steps = document.users.iter().flat_map(|user| &user.steps);
            steps.flat_map(|s| &s.changes).filter_map(|c| c.rollback.as_ref()).map(|r| r.state).collect()
        };
        let pending = states(&back).contains(&RollbackState::Pending);
        assert_eq!(pending, made == 2, "{seed}: {back:#?}");
        assert!(!states(&other).contains(&RollbackState::Pending), "{seed}: {other:#?}");
        assert_eq!(first.not_restored(), Vec::<String>::new(), "{seed}");
    }
    assert!((1..40).contains(&twice), "a test about nothing: {twice}");
}
