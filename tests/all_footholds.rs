//! A tenant with every kind of foothold beside a legitimate one of its kind: all of the former closed, none of the
//! latter touched.

use std::collections::BTreeSet;

use oust::report::{Outcome, RollbackState, State};
use oust_actions::{ACTIONS, Undo};

use crate::support::{World, differences, lies, restorable};

const TENANT: &str = include_str!("../examples/tenants/all-footholds.yaml");
const PLAYBOOK: &str = include_str!("../examples/playbooks/all-actions.yaml");

/// Closes nothing by itself, only looks, or gives access back.
const NOT_IN_IT: [&str; 4] = ["call", "review_sign_ins", "enable_user", "issue_access_pass"];

fn world() -> World {
    World::of(TENANT).by(PLAYBOOK)
}

/// Names of the footholds that let the intruder in.
fn open(world: &World) -> BTreeSet<String> {
    world.sim.footholds().into_iter().filter(|f| f.works).map(|f| f.name).collect()
}

#[test]
fn the_playbook_has_every_action_that_closes_something() {
    let world = world();
    let used: BTreeSet<_> =
        world.playbook.stages.iter().flat_map(|stage| &stage.steps).map(|step| step.action).collect();
    let all: BTreeSet<_> = ACTIONS.iter().map(|action| action.about().id).collect();
    let missing: Vec<_> = all.difference(&used).filter(|id| !NOT_IN_IT.contains(*id)).collect();
    assert_eq!(missing, Vec::<&&str>::new());
}

#[tokio::test(start_paused = true)]
async fn every_foothold_is_closed_and_no_legitimate_twin_is_touched() {
    let world = world();
    let before = open(&world);
    assert_eq!(before.len(), 25, "all of them work at first: {before:?}");
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    // No revocation reaches a token that is out; the report says until when it may work.
    assert_eq!(open(&world), BTreeSet::from(["access token for mail".to_owned()]));
    assert!(document.users[0].residual_access_until.is_some());

    let changes: Vec<_> = document.users[0].steps.iter().flat_map(|step| &step.changes).collect();
    assert!(changes.iter().all(|change| change.state == State::Effective), "{document:#?}");
    for own in [
        "her ",
        "Directory Readers",
        "Travel Planner",
        "nightly",
        "gateway\"",
        "build server\"",
        "ADELE",
        "News",
        "Retail",
    ] {
        let touched: Vec<_> = changes.iter().filter(|change| change.say.contains(own)).collect();
        assert!(touched.is_empty(), "{own}: {touched:#?}");
    }
    // Nothing else moved than what was said: one difference for each change but the preferred method, which a
    // snapshot keeps with what only the user can restore.
    let moved = differences(&restorable(&world.original), &restorable(&world.snapshot()));
    let is_seen = |url: String| !url.ends_with("/signInPreferences");
    let reversible =
        changes.iter().filter(|c| matches!(c.undo, Undo::Call(_)) && is_seen(c.call.url())).count();
    assert_eq!(moved.len(), reversible, "{moved:#?}");
}

#[tokio::test(start_paused = true)]
async fn all_that_can_be_put_back_is_put_back() {
    let world = world();
    world.contain().await;
    let document = world.rollback().await;
    assert_eq!(document.outcome, Outcome::RolledBack, "{document:#?}");
    assert_eq!(world.not_restored(), Vec::<String>::new());
    for change in document.users[0].steps.iter().flat_map(|step| &step.changes) {
        let state = change.rollback.as_ref().unwrap().state;
        let expected = match change.undo {
            Undo::Call(_) => RollbackState::Restored,
            Undo::Never(_) => RollbackState::Never,
        };
        assert_eq!(state, expected, "{}", change.say);
    }
}
