//! A process that dies at any moment loses nothing: neither what is left to do nor how to take back what was done.

use oust::report::{Outcome, RunDocument};

use crate::support::{Crash, Power, World, differences, lies, restorable};

/// Every way in which a run like this one, which ended, could have died.
pub fn every_crash(ended: &World) -> Vec<Crash> {
    let records = (0..ended.records()).map(Crash::AfterRecords);
    let requests = 1..=ended.wire.passed().len();
    let power = requests.flat_map(|n| [Crash::At(Power::Before(n)), Crash::At(Power::After(n))]);
    records.chain(power).collect()
}

/// What a responder does after a crash: resume, or start again where nothing had begun.
pub async fn go_on(world: &World) -> RunDocument {
    if world.store().runs().is_empty() {
        return world.contain().await;
    }
    let resumed = world.resume().await;
    match resumed.error.as_ref().map(|e| e.code.as_str()) {
        Some("E0111") if world.records() == 0 => world.contain().await,
        _ => resumed,
    }
}

/// Takes back what there is to take back.
async fn take_back(world: &World, name: &str) {
    if world.store().runs().is_empty() {
        assert_eq!(world.snapshot(), world.original, "{name}: written without a journal");
        return;
    }
    let rolled_back = world.rollback().await;
    if rolled_back.outcome != Outcome::RolledBack {
        let nothing = rolled_back.outcome == Outcome::NothingToDo
            || rolled_back.error.as_ref().is_some_and(|e| e.code == "E0111");
        assert!(nothing, "{name}: {rolled_back:#?}");
        assert_eq!(world.snapshot(), world.original, "{name}: there was something to take back");
    }
    assert_eq!(world.not_restored(), Vec::<String>::new(), "{name}");
}

async fn uninterrupted() -> (World, RunDocument) {
    let world = World::contoso();
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    (world, document)
}

#[tokio::test(start_paused = true)]
async fn after_any_crash_a_resume_ends_as_if_nothing_had_happened_and_can_be_taken_back() {
    let (ended, document) = uninterrupted().await;
    for crash in every_crash(&ended) {
        let world = World::contoso().crashing(crash);
        if let Some(document) = world.try_contain().await {
            assert_ne!(document.exit_code, 0, "{crash:?}: a run that can't write its journal is no success");
            assert_eq!(lies(&world, &document), Vec::<String>::new(), "{crash:?}");
        }
        let world = world.mended();
        let resumed = go_on(&world).await;
        assert_eq!(resumed.outcome, document.outcome, "{crash:?}: {resumed:#?}");
        assert_eq!(resumed.exit_code, 0, "{crash:?}");
        assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "{crash:?}");
        let (expected, now) = (restorable(&ended.snapshot()), restorable(&world.snapshot()));
        assert_eq!(differences(&expected, &now), Vec::<String>::new(), "{crash:?}");
        take_back(&world, &format!("{crash:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_any_crash_a_rollback_takes_back_all_that_was_done() {
    let (ended, _) = uninterrupted().await;
    for crash in every_crash(&ended) {
        let world = World::contoso().crashing(crash);
        world.try_contain().await;
        take_back(&world.mended(), &format!("{crash:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_power_cut_what_was_synced_is_enough() {
    let (ended, _) = uninterrupted().await;
    let mut lost = 0;
    for crash in (0..ended.records()).map(Crash::AfterRecords) {
        for resume in [true, false] {
            let world = World::contoso().crashing(crash);
            world.contain().await;
            if !world.lose_unsynced() {
                continue;
            }
            lost += 1;
            let world = world.mended();
            if resume {
                let resumed = go_on(&world).await;
                assert_eq!(resumed.outcome, Outcome::Contained, "{crash:?}: {resumed:#?}");
                assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "{crash:?}");
                let (expected, now) = (restorable(&ended.snapshot()), restorable(&world.snapshot()));
                assert_eq!(differences(&expected, &now), Vec::<String>::new(), "{crash:?}");
            }
            take_back(&world, &format!("{crash:?}")).await;
        }
    }
    assert!(lost > 20, "a test about nothing: {lost}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fails_to_sync_lets_nothing_be_sent() {
    let (ended, _) = uninterrupted().await;
    for syncs in 0.. {
        let world = World::contoso().crashing(Crash::AfterSyncs(syncs));
        let document = world.contain().await;
        if document.exit_code == 0 {
            assert!(syncs > 8, "a test about nothing: {syncs}");
            break;
        }
        let name = format!("after {syncs} syncs");
        let error = document.error.as_ref().unwrap();
        assert_eq!(error.code, "E0703", "{name}: {document:#?}");
        assert_eq!(lies(&world, &document), Vec::<String>::new(), "{name}");
        let (sent, world) = (world.writes(), world.mended());
        let (kinds, of) =
            (world.kinds(), |kinds: &[String], kind| kinds.iter().filter(|k| *k == kind).count());
        if kinds.last().is_some_and(|kind| kind == "intent") {
            // These intents could not be synced: nothing of them was sent.
            assert_eq!(sent, of(&kinds, "outcome"), "{name}");
        }
        assert!(sent <= of(&kinds, "intent"), "{name}");
        let resumed = go_on(&world).await;
        assert_eq!(resumed.outcome, Outcome::Contained, "{name}: {resumed:#?}");
        let (expected, now) = (restorable(&ended.snapshot()), restorable(&world.snapshot()));
        assert_eq!(differences(&expected, &now), Vec::<String>::new(), "{name}");
        take_back(&world, &name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_crashes_goes_on() {
    let (ended, _) = uninterrupted().await;
    let before = ended.records();
    ended.rollback().await;
    for records in 0..ended.records() - before {
        let (world, _) = uninterrupted().await;
        let world = world.crashing(Crash::AfterRecords(records));
        let crashed = world.rollback().await;
        assert_ne!(crashed.exit_code, 0, "after {records} records");
        take_back(&world.mended(), &format!("after {records} records")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_while_it_is_resumed_is_no_worse_than_the_first() {
    let (ended, _) = uninterrupted().await;
    let records = ended.records();
    for (first, second) in (1..records).step_by(7).flat_map(|a| (1..8).map(move |b| (a, b))) {
        let world = World::contoso().crashing(Crash::AfterRecords(first));
        world.try_contain().await;
        let world = world.mended().crashing(Crash::AfterRecords(second));
        world.resume().await;
        let world = world.mended();
        let resumed = go_on(&world).await;
        // The second attempt may have had enough records to end.
        let done = resumed.error.as_ref().is_some_and(|e| e.code == "E0111");
        assert!(done || resumed.outcome == Outcome::Contained, "{first}, {second}: {resumed:#?}");
        let (expected, now) = (restorable(&ended.snapshot()), restorable(&world.snapshot()));
        assert_eq!(differences(&expected, &now), Vec::<String>::new(), "{first}, {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_line_that_is_torn_anywhere_is_cut_off_and_resumed() {
    let (world, _) = uninterrupted().await;
    let (path, there) = (world.journal(), restorable(&world.snapshot()));
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for end in last..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let resumed = world.resume().await;
        assert_eq!(resumed.outcome, Outcome::Contained, "cut at byte {end}: {resumed:#?}");
    }
    assert_eq!(differences(&there, &restorable(&world.snapshot())), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_changed_byte_in_an_earlier_line_stops_everything_and_names_the_line() {
    let (world, _) = uninterrupted().await;
    let (path, writes) = (world.journal(), world.writes());
    let whole = std::fs::read(&path).unwrap();
    let mut start = 0;
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    for (at, line) in lines[..lines.len() - 1].iter().enumerate() {
        for byte in (0..line.len()).step_by(line.len() / 6 + 1).chain([line.len() - 1]) {
            let mut changed = whole.clone();
            changed[start + byte] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let name = format!("byte {byte} of line {}", at + 1);
            let resumed = world.resume().await;
            assert_eq!(resumed.exit_code, 8, "{name}: {resumed:#?}");
            let error = resumed.error.unwrap();
            assert_eq!(error.code, "E0701", "{name}");
            // The hash that doesn't fit is in the line after.
            let named = [at + 1, at + 2].iter().any(|n| error.detail.contains(&format!("line {n}:")));
            assert!(named, "{name}: {}", error.detail);
            assert_eq!(std::fs::read(&path).unwrap(), changed, "{name}: the evidence is left as it is");
        }
        start += line.len();
    }
    assert_eq!(world.rollback().await.exit_code, 8);
    assert_eq!(world.verify().await.exit_code, 8);
    assert_eq!(world.writes(), writes);
}
