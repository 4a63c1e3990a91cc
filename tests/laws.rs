//! What every action must obey. A new action gets its row in [`CASES`]; the laws then run on it.

mod cases;

use oust::report::{Outcome, RollbackState, RunDocument};
use oust_actions::{ACTIONS, Role, Undo};

use cases::{ADMIN, CASES, Case, DISABLED_HELPDESK, FROM_AD, HELPDESK, OF_LITERAL, TENANT_WIDE, hold_only};

use crate::support::{CONTOSO, RUNNER, World, differences, lies, restorable};

fn changes(document: &RunDocument) -> usize {
    document.users.iter().flat_map(|u| &u.steps).map(|s| s.changes.len()).sum()
}

/// What the action sees of this tenant: changes, or what it tells when it only looks.
fn has_something(case: &Case, document: &RunDocument) -> bool {
    let told = || document.users.iter().flat_map(|u| &u.steps).any(|s| s.findings.len() > 1);
    if case.only_looks() { changes(document) == 0 && told() } else { changes(document) > 0 }
}

fn undos(document: &RunDocument) -> Vec<&Undo> {
    document.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes).map(|c| &c.undo).collect()
}

#[track_caller]
fn assert_worked(case: &Case, world: &World, document: &RunDocument) {
    let name = case.name();
    let reverts = matches!(case.action, "disable_user" | "reset_password" | "enable_user");
    let expected = if case.victim.starts_with(FROM_AD) && reverts {
        Outcome::Unverified // Applied, and will be put back by the next synchronisation.
    } else if case.only_looks() {
        Outcome::NothingToDo
    } else if oust_actions::find(case.action).unwrap().gives_back() {
        Outcome::Recovered
    } else {
        Outcome::Contained
    };
    assert_eq!(document.outcome, expected, "{name}: {document:#?}");
    assert!(has_something(case, document), "{name}: {document:#?}");
    assert_eq!(lies(world, document), Vec::<String>::new(), "{name}");
}

#[test]
fn every_action_has_a_tenant_on_which_it_has_something_to_do() {
    for action in ACTIONS {
        let id = action.about().id;
        assert!(
            CASES.iter().any(|case| case.action == id),
            "add a row for {id} to CASES in tests/laws/cases.rs"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn law_1_a_plan_after_apply_is_empty() {
    for case in CASES {
        let world = case.world();
        assert!(has_something(case, &world.plan().await), "{}: a law about nothing", case.name());
        assert_worked(case, &world, &world.contain().await);
        let again = world.plan().await;
        assert_eq!((changes(&again), again.outcome), (0, Outcome::NothingToDo), "{}", case.name());
        let verified = world.verify().await;
        let mut good = vec![Outcome::Contained, Outcome::Recovered, Outcome::Unverified];
        good.extend(case.only_looks().then_some(Outcome::NothingToDo));
        assert!(good.contains(&verified.outcome), "{}: {verified:#?}", case.name());
    }
}

#[tokio::test(start_paused = true)]
async fn law_2_observing_and_planning_send_no_write() {
    for case in CASES {
        let world = case.world();
        let document = world.plan().await;
        assert!(has_something(case, &document), "{}", case.name());
        let writes: Vec<_> = world.wire.passed().into_iter().filter(|p| !p.reads()).collect();
        assert!(writes.is_empty(), "{}: {writes:?}", case.name());
        assert_eq!(world.writes(), 0, "{}", case.name());
        assert_eq!(world.snapshot(), world.original, "{}", case.name());
        assert!(!world.state_dir().join("runs").exists(), "{}: a plan leaves no run behind", case.name());
    }
}

#[tokio::test(start_paused = true)]
async fn law_3_rollback_gives_the_tenant_back_or_the_change_said_never() {
    for case in CASES {
        let (world, name) = (case.world(), case.name());
        let contained = world.contain().await;
        assert_worked(case, &world, &contained);
        let rolled_back = world.rollback().await;
        assert_eq!(rolled_back.outcome, case.rolled_back(), "{name}: {rolled_back:#?}");
        assert_eq!(world.not_restored(), Vec::<String>::new(), "{name}");
        if undos(&contained).iter().all(|undo| matches!(undo, Undo::Call(_))) {
            assert_eq!(world.snapshot(), world.original, "{name}: nobody said never");
        }
        let changes = rolled_back.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes);
        for change in changes {
            let state = change.rollback.as_ref().unwrap().state;
            let expected = match change.undo {
                Undo::Call(_) => RollbackState::Restored,
                Undo::Never(_) => RollbackState::Never,
            };
            assert_eq!(state, expected, "{name}: {}", change.say);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn law_4_a_crash_at_any_moment_and_a_resume_come_to_the_same_end() {
    for case in CASES {
        let uninterrupted = case.world();
        let end = uninterrupted.contain().await;
        let there = restorable(&uninterrupted.snapshot());
        for crash in crate::crash::every_crash(&uninterrupted) {
            let name = format!("{}, {crash:?}", case.name());
            let world = case.world().crashing(crash);
            world.try_contain().await;
            let world = world.mended();
            let resumed = crate::crash::go_on(&world).await;
            assert_eq!(resumed.outcome, end.outcome, "{name}: {resumed:#?}");
            assert_eq!(differences(&there, &restorable(&world.snapshot())), Vec::<String>::new(), "{name}");
            assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn law_5_it_works_with_the_permissions_it_declares_and_is_refused_and_explained_with_one_fewer() {
    for case in CASES {
        let needed = case.needed();
        for missing in &needed {
            let left: Vec<&str> =
                needed.iter().map(|p| p.name).filter(|name| *name != missing.name).collect();
            if case.action == "call" && *missing == OF_LITERAL {
                continue;
            }
            // Nothing is refused for want of it: the service decides on each write.
            if missing.is_met_by(&left) || missing.name == "RoleManagement.Read.Directory" {
                continue;
            }
            let name = format!("{} without {}", case.name(), missing.name);
            let mut world = case.world();
            hold_only(&mut world, &left);
            let document = world.contain().await;
            if missing.optional {
                assert_did_without(&world, &document, missing.name, &name);
                continue;
            }
            assert_refused(&world, &document, "E0301", missing.name, &name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn law_5_the_same_for_directory_roles() {
    for case in CASES {
        let about = oust_actions::find(case.action).unwrap().about();
        let of_admin = [HELPDESK, ADMIN, DISABLED_HELPDESK].contains(&case.victim);
        let whoever = |role: &Role| matches!(role, Role::ForAnyPassword | Role::ForDevices);
        let needs_one = about.roles.iter().any(|role| of_admin || whoever(role));
        if !needs_one {
            let mut world = case.world();
            world.prepare(|t| t.drop_role(RUNNER, case.runner));
            assert_worked(case, &world, &world.contain().await);
            continue;
        }
        for may_read_roles in [true, false] {
            let name = format!("{} without {}, {may_read_roles}", case.name(), case.runner);
            let mut world = case.world();
            assert!(world.prepare(|t| t.drop_role(RUNNER, case.runner)));
            if !may_read_roles {
                world.prepare(|t| t.revoke_permission(RUNNER, "RoleManagement.Read.Directory"));
            }
            let document = world.contain().await;
            // Whoever may not read roles is told of those that suffice for any target.
            let suffices = if may_read_roles { case.runner } else { "Global Administrator" };
            assert_refused(&world, &document, "E0302", suffices, &name);
        }
    }
}

#[track_caller]
fn assert_did_without(world: &World, document: &RunDocument, permission: &str, name: &str) {
    assert_eq!((document.outcome, document.exit_code), (Outcome::NothingToDo, 0), "{name}: {document:#?}");
    let open: Vec<&String> = document.users[0].open.iter().flat_map(|o| &o.reasons).collect();
    assert_eq!(open.iter().filter(|reason| reason.contains(permission)).count(), 1, "{name}: {open:?}");
    assert_eq!(world.writes(), 0, "{name}");
}

#[track_caller]
fn assert_refused(world: &World, document: &RunDocument, code: &str, names: &str, name: &str) {
    assert_eq!((document.outcome, document.exit_code), (Outcome::Refused, 5), "{name}: {document:#?}");
    let error = document.error.as_ref().unwrap();
    assert_eq!(error.code, code, "{name}: {error:#?}");
    let text = format!("{} {}", error.detail, error.next.clone().unwrap_or_default());
    assert!(text.contains(names), "{name}: {text}");
    assert_eq!(world.writes(), 0, "{name}");
    assert_eq!(world.snapshot(), world.original, "{name}");
}

#[tokio::test(start_paused = true)]
async fn law_6_applying_twice_equals_applying_once() {
    for case in CASES {
        let world = case.world();
        world.contain().await;
        let (once, writes) = (world.snapshot(), world.writes());
        let again = world.contain().await;
        assert_eq!(again.outcome, Outcome::NothingToDo, "{}: {again:#?}", case.name());
        assert_eq!((world.snapshot(), world.writes()), (once, writes), "{}", case.name());
    }
}

#[tokio::test(start_paused = true)]
async fn law_7_neighbours_and_what_is_legitimate_are_untouched() {
    for case in CASES {
        let (world, name) = (case.world(), case.name());
        let victim = world.victim_id();
        let snapshots = || world.sim.with(|t| (t.snapshot_without(&victim), t.snapshot_of(&victim)));
        let (others, own) = snapshots();
        let contained = world.contain().await;
        assert_worked(case, &world, &contained);
        let (others_after, own_after) = snapshots();
        let wide = differences(&others, &others_after);
        assert_eq!(wide.len(), usize::from(TENANT_WIDE.contains(&case.action)), "{name}: {wide:?}");
        let mut touched = differences(&restorable(&own), &restorable(&own_after));
        touched.extend(wide);
        let reversible = undos(&contained).into_iter().filter(|u| matches!(u, Undo::Call(_))).count();
        assert_eq!(touched.len(), reversible, "{name}: no more than the changes that were said: {touched:?}");
        let resumed = world.rollback().await;
        assert_eq!(resumed.outcome, case.rolled_back(), "{name}");
        assert_eq!(differences(&others, &snapshots().0), Vec::<String>::new(), "{name}: by the rollback");
    }
}

#[tokio::test(start_paused = true)]
async fn law_7_what_a_group_gives_stays_also_when_it_came_inside_the_window() {
    let given = "    group: Retail\n    created: -200d\n";
    assert!(CONTOSO.contains(given));
    let world = World::of(&CONTOSO.replace(given, "    group: Retail\n    created: -30m\n"));
    let contained = world.contain().await;
    assert_eq!(contained.outcome, Outcome::Contained, "{contained:#?}");
    let assignments = &world.snapshot()["appRoleAssignments"];
    let of_groups =
        |all: &serde_json::Value| all.as_object().unwrap().values().filter(|kind| **kind == "Group").count();
    assert_eq!((of_groups(assignments), of_groups(&world.original["appRoleAssignments"])), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn law_7_of_two_alike_the_intruders_goes_and_the_users_own_stays() {
    let world = World::contoso();
    let contained = world.contain().await;
    assert_eq!(contained.outcome, Outcome::Contained, "{contained:#?}");
    let (now, victim) = (world.snapshot(), world.victim_id());
    let consents = |app: &str| {
        let client = world.sim.with(|t| t.app_object_id(app)).unwrap();
        let of_both = format!("{client} {victim} ");
        now["oauth2PermissionGrants"].as_object().unwrap().keys().filter(|k| k.starts_with(&of_both)).count()
    };
    assert_eq!(["Mail Backup", "Travel Planner", "Microsoft Teams"].map(consents), [0, 1, 1]);
    let with_name = |part: &str, name: &str, member: &str| {
        let mut all = now[part].as_object().unwrap().values();
        all.find(|o| o["name"] == name || o["displayName"] == name).unwrap()[member].clone()
    };
    assert_eq!(with_name("devices", "DESKTOP-7K2M9QX", "accountEnabled"), false);
    assert_eq!(with_name("devices", "ADELE-LAPTOP", "accountEnabled"), true);
    assert_eq!(with_name("messageRules", "..", "isEnabled"), false);
    assert_eq!(with_name("messageRules", "Newsletters", "isEnabled"), true);
    let methods = now["authenticationMethods"].to_string();
    assert!(methods.contains("+1 4255550109") && !methods.contains("+1 2065550173"), "{methods}");
    assert_eq!(
        now["irreversible"]["AdeleV@contoso.com"]["authenticationMethods"].as_array().unwrap().len(),
        1
    );
}
