//! A clock that is wrong, or that somebody sets meanwhile, changes neither the order of things nor what is decided.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oust::engine::Since;
use oust::journal::{Store, audit, load};
use oust::report::{Outcome, RunDocument};

use crate::support::{World, lies, yes};

const DAY: i64 = 86_400;

/// What must not depend on the machine's clock.
fn decided(document: &RunDocument) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut users = document.users.clone();
    for change in users.iter_mut().flat_map(|u| &mut u.steps).flat_map(|s| &mut s.changes) {
        change.request_id = None;
    }
    for user in &mut users {
        user.cut_at = user.cut_at.map(minute);
        user.residual_access_until = user.residual_access_until.map(minute);
        user.residual_access.iter_mut().for_each(|access| access.until = minute(access.until));
    }
    (document.outcome, document.exit_code, document.since.map(minute), users)
}

/// The service stamps whole seconds.
fn minute(at: Timestamp) -> Timestamp {
    at.round(jiff::Unit::Minute).unwrap()
}

async fn contained(world: &World, since: Since) -> (RunDocument, Duration) {
    let began = tokio::time::Instant::now();
    let mut order = world.order();
    order.since = since;
    let document = world.engine().contain(&order, &yes(), None).await;
    (document, began.elapsed())
}

fn two_hours() -> Since {
    Since::Ago(SignedDuration::from_hours(2))
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_meanwhile_disturbs_nothing() {
    let world = World::contoso().on_own_clock();
    let (undisturbed, took) = contained(&world, two_hours()).await;
    assert_eq!((undisturbed.outcome, lies(&world, &undisturbed)), (Outcome::Contained, vec![]));
    let (requests, records) = (world.wire.passed().len(), world.records());
    for by in [-3600, 3600, -400 * DAY, 400 * DAY] {
        for request in (1..requests).step_by(7) {
            let (world, name) = (World::contoso().on_own_clock(), format!("{by} s at request {request}"));
            let clock = world.clock.clone();
            world.wire.at(request, move || clock.set(by));
            let (document, this_took) = contained(&world, two_hours()).await;
            assert_eq!(decided(&document), decided(&undisturbed), "{name}");
            assert_eq!(world.records(), records, "{name}");
            assert!(this_took <= took + Duration::from_secs(1), "{name}: {this_took:?} instead of {took:?}");
            let (chain, _) = load(&world.journal()).unwrap();
            assert!(chain.lines.iter().zip(0..).all(|(line, seq)| line.seq == seq), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_is_told_and_the_run_can_be_taken_back() {
    let world = World::contoso().on_own_clock();
    world.contain().await;
    let before = world.records() as u64;
    world.clock.set(-2 * DAY);
    assert_eq!(world.verify().await.outcome, Outcome::Contained);
    let found = audit(&std::fs::read(world.journal()).unwrap());
    assert_eq!((found.fault, found.clock_went_back), (None, vec![before + 1]));
    world.clock.set(5 * DAY);
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_window_and_the_residual_access_follow_the_clock_of_the_service() {
    let (right, _) = contained(&World::contoso().on_own_clock(), two_hours()).await;
    for wrong_by in [-5 * 3600, 5 * 3600, -300, 300, 30 * DAY] {
        let world = World::contoso().on_own_clock();
        world.clock.set(wrong_by);
        let (document, _) = contained(&world, two_hours()).await;
        assert_eq!(decided(&document), decided(&right), "wrong by {wrong_by} s");
        let recorded = load(&world.journal()).unwrap().0.lines[0].at;
        assert!(
            recorded.duration_since(right.started_at.unwrap()).abs().as_secs() > 250,
            "the record is as it was"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_that_has_not_begun_by_the_clock_of_the_service_is_refused() {
    let world = World::contoso().on_own_clock();
    world.clock.set(5 * 3600);
    let ahead = Since::At(world.clock.now() - SignedDuration::from_hours(2));
    let (document, _) = contained(&world, ahead).await;
    let error = document.error.unwrap();
    assert_eq!((error.code.as_str(), world.writes()), ("E0102", 0), "{error:#?}");
    assert!(world.store().runs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_neither_put_off_nor_brought_forward() {
    for by in [-DAY, DAY] {
        let mut world = World::contoso().on_own_clock();
        world.deadline = Some(world.clock.steady() + SignedDuration::from_mins(5));
        let clock = world.clock.clone();
        world.wire.at(3, move || clock.set(by));
        assert_eq!(world.contain().await.outcome, Outcome::Contained, "{by}");
        tokio::time::sleep(Duration::from_secs(300)).await;
        let late = world.contain().await.error.unwrap();
        assert_eq!(late.code, "E0602", "{by}");
    }
}

#[test]
fn the_last_run_is_the_last_that_was_begun_even_after_the_clock_was_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().to_owned());
    // Begun while the clock was a century ahead.
    let ahead = uuid::Builder::from_unix_timestamp_millis(4_900_000_000_000, &[0xff; 10]).into_uuid();
    let begin = |id: &uuid::Uuid| {
        let run = store.create_run(id).unwrap();
        std::fs::write(run.journal(), "").unwrap();
        run.id().to_owned()
    };
    let mut begun = vec![begin(&ahead)];
    for _ in 0..5 {
        begun.push(begin(&store.next_id()));
    }
    let listed: Vec<String> = store.runs().iter().rev().map(|run| run.id().to_owned()).collect();
    assert_eq!(listed, begun);
    assert_eq!(store.find("last").unwrap().id(), begun[5]);
}

/// A run on replicas that lag, so that it has to wait at its end: how it ended, how long it took, its requests.
async fn waited(set: Option<(usize, i64)>) -> (Outcome, Duration, usize) {
    let world = World::contoso().on_own_clock();
    world.sim.with(|t| t.lag = crate::doubt::half_a_minute());
    if let Some((request, by)) = set {
        let clock = world.clock.clone();
        world.wire.at(request, move || clock.set(by));
    }
    let (document, took) = contained(&world, two_hours()).await;
    (document.outcome, took, world.wire.passed().len())
}

#[tokio::test(start_paused = true)]
async fn patience_is_not_measured_by_a_clock_that_can_be_set() {
    let (outcome, took, requests) = waited(None).await;
    assert_eq!(outcome, Outcome::Contained);
    assert!(took > Duration::from_secs(10), "it had to wait");
    for by in [-DAY, DAY] {
        for request in [requests - 3, requests - 20] {
            let name = format!("{by} s at request {request} of {requests}");
            let (outcome, this_took, _) = waited(Some((request, by))).await;
            assert_eq!(outcome, Outcome::Contained, "{name}");
            assert!(this_took <= took + Duration::from_secs(2), "{name}: {this_took:?} instead of {took:?}");
        }
    }
}
