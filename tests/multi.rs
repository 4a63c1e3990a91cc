//! More than one at a time, less than all of it, and the wrong one: what a run does when it is not alone or not
//! allowed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oust::engine::event::{Event, Watch};
use oust::engine::{Engine, Stop};
use oust::journal::load;
use oust::report::{Outcome, RollbackState, RunDocument, State};
use oust::sim::faults::Fault;
use oust_actions::Undo;
use uuid::Uuid;

use crate::support::{ADELE, CONTOSO, RUNNER, SYNCED, World, differences, lies, restorable, yes};

#[track_caller]
pub fn assert_error(document: &RunDocument, exit_code: u8, code: &str, says: &str) {
    let error = document.error.as_ref().unwrap_or_else(|| panic!("no error: {document:#?}"));
    assert_eq!((document.exit_code, error.code.as_str()), (exit_code, code), "{error:#?}");
    let text = format!("{} {}", error.detail, error.next.clone().unwrap_or_default());
    assert!(text.contains(says), "{text}");
}

#[track_caller]
pub fn assert_untouched(world: &World) {
    assert_eq!(world.writes(), 0);
    assert_eq!(world.snapshot(), world.original);
    assert!(world.store().runs().is_empty(), "a refused run leaves no journal");
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_for_one_user_the_second_is_refused() {
    let world = World::contoso();
    let (a, b) = futures::future::join(world.contain(), world.contain()).await;
    let (won, lost) = if a.error.is_none() { (a, b) } else { (b, a) };
    assert_eq!(won.outcome, Outcome::Contained);
    assert_error(&lost, 6, "E0409", "another process");
    assert_eq!(world.store().runs().len(), 1);
    assert_eq!(world.contain().await.outcome, Outcome::NothingToDo, "the lock is free again");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_is_refused_to_resume_and_to_roll_back() {
    let world = World::contoso();
    let contain = world.contain();
    let meanwhile = async {
        while world.store().runs().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (world.resume().await, world.rollback().await)
    };
    let (contained, (resumed, rolled_back)) = futures::future::join(contain, meanwhile).await;
    assert_error(&resumed, 6, "E0409", "another process");
    assert_error(&rolled_back, 6, "E0409", "another process");
    assert_eq!(contained.outcome, Outcome::Contained);
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_finds_the_first_run_and_fits_no_other_request() {
    let world = World::contoso();
    let (store, order) = (world.store(), world.order());
    assert!(store.claim_key("ticket 7", "adele", &order.run_id).unwrap().is_none());
    world.engine().contain(&order, &yes(), None).await;
    let again = store.claim_key("ticket 7", "adele", &Uuid::now_v7()).unwrap().unwrap();
    assert_eq!(again.id(), order.run_id.to_string());
    let other = store.claim_key("ticket 7", "alex", &Uuid::now_v7()).unwrap_err();
    assert_eq!(other.code, oust::failure::Code::KeyReused);
    assert!(store.claim_key("ticket 8", "alex", &Uuid::now_v7()).unwrap().is_none());
}

/// Stops the run at the nth event.
struct StopAt(Stop, AtomicUsize);

impl Watch for StopAt {
    fn saw(&self, _: &Event) {
        if self.1.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.signal();
        }
    }
}

/// A run that was stopped says so, has a journal that loads, and goes on to the same end.
async fn assert_goes_on(world: &World, stopped: &RunDocument, name: &str) {
    assert_eq!(lies(world, stopped), Vec::<String>::new(), "{name}");
    if world.store().runs().is_empty() {
        assert_eq!(world.writes(), 0, "{name}");
        return;
    }
    load(&world.journal()).unwrap();
    let expected = World::contoso();
    expected.contain().await;
    let resumed = world.resume().await;
    assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Contained, 0), "{name}: {resumed:#?}");
    let (wanted, found) = (restorable(&expected.snapshot()), restorable(&world.snapshot()));
    assert_eq!(differences(&wanted, &found), Vec::<String>::new(), "{name}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_at_any_event_leaves_a_clean_journal_that_resumes() {
    let mut was_stopped = 0;
    for event in 1.. {
        let name = format!("signal at event {event}");
        let world = World::contoso();
        let engine = world.engine();
        let watch = std::sync::Arc::new(StopAt(engine.stop.clone(), AtomicUsize::new(event)));
        let engine = Engine { watch: std::sync::Arc::<StopAt>::clone(&watch), ..engine };
        let document = engine.contain(&world.order(), &yes(), None).await;
        drop(engine);
        if document.exit_code == 0 {
            break;
        }
        was_stopped += 1;
        assert_eq!(
            (document.outcome, document.exit_code),
            (Outcome::Interrupted, 7),
            "{name}: {document:#?}"
        );
        assert_goes_on(&world, &document, &name).await;
    }
    assert!(was_stopped > 5, "only {was_stopped} stops: a test about little");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_at_any_moment_leaves_a_clean_journal_that_resumes() {
    let mut was_stopped = 0;
    for ms in (0..400).step_by(7) {
        let name = format!("deadline after {ms} ms");
        let mut world = World::contoso();
        world.deadline = Some(world.clock.now() + jiff::SignedDuration::from_millis(ms));
        let document = world.contain().await;
        world.deadline = None;
        if document.exit_code == 0 {
            continue;
        }
        was_stopped += 1;
        assert_eq!(
            (document.outcome, document.exit_code),
            (Outcome::Interrupted, 7),
            "{name}: {document:#?}"
        );
        assert_goes_on(&world, &document, &name).await;
    }
    assert!(was_stopped > 5, "only {was_stopped} stops: a test about little");
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_carried_out_as_long_as_nothing_moved() {
    let world = World::contoso();
    let saved = world.saved_plan().await.1.unwrap();
    let order = saved.order(Uuid::now_v7()).unwrap();
    let applied = world.engine().contain(&order, &yes(), Some(&saved)).await;
    assert_eq!(applied.outcome, Outcome::Contained, "{applied:#?}");

    let again = world.engine().contain(&saved.order(Uuid::now_v7()).unwrap(), &yes(), Some(&saved)).await;
    assert_error(&again, 6, "E0405", "account_enabled was true and is false");
    assert_eq!(world.store().runs().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_synced_account_comes_back_and_verify_says_so() {
    let world = World::of(SYNCED);
    let contained = world.contain().await;
    assert_eq!((contained.outcome, contained.exit_code), (Outcome::Unverified, 4), "{contained:#?}");
    let disabled = |document: &RunDocument| {
        let steps = document.users[0].steps.clone();
        steps.into_iter().find(|s| s.action == "disable_user").unwrap().changes[0].clone()
    };
    assert_eq!(disabled(&contained).state, State::WillRevert);
    assert!(disabled(&contained).reason.is_some());
    assert_eq!(world.verify().await.exit_code, 4, "as long as it holds");
    tokio::time::sleep(Duration::from_mins(31)).await;
    let verified = world.verify().await;
    assert_eq!(disabled(&verified).state, State::Failed, "{verified:#?}");
    assert!(disabled(&verified).reason.unwrap().contains("undone since, as announced"));
    assert_ne!(verified.exit_code, 0);
    assert_eq!(lies(&world, &verified), Vec::<String>::new());
}

/// The synced tenant with Defender for Identity, whose runner may use it.
fn with_defender() -> World {
    let more = "tenant:\n  defender_for_identity: true\n";
    let may = "      - SecurityIdentitiesAccount.Read.All\n      - SecurityIdentitiesActions.ReadWrite.All\n      - User.Read.All\n";
    World::of(&SYNCED.replacen("tenant:\n", more, 1).replacen("      - User.Read.All\n", may, 1))
}

#[tokio::test(start_paused = true)]
async fn a_synced_account_that_is_disabled_at_its_source_stays_disabled() {
    let world = with_defender();
    let planned = world.plan().await;
    let speaks_of_sync = |document: &RunDocument| {
        document.users[0].open.iter().flat_map(|o| &o.reasons).any(|r| r.contains("made in the cloud alone"))
    };
    assert!(!speaks_of_sync(&planned), "{planned:#?}");
    let contained = world.contain().await;
    assert_eq!((contained.outcome, contained.exit_code), (Outcome::Contained, 0), "{contained:#?}");
    assert!(!speaks_of_sync(&contained), "{contained:#?}");
    tokio::time::sleep(Duration::from_mins(31)).await;
    let verified = world.verify().await;
    assert_eq!((verified.outcome, verified.exit_code), (Outcome::Contained, 0), "{verified:#?}");
    assert_eq!(lies(&world, &verified), Vec::<String>::new());
    assert_eq!(world.sim.with(|t| t.is_enabled("DiegoS@contoso.com")), Some(false));
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_refuses_leaves_the_account_coming_back() {
    let world = with_defender().with_fault("POST /security/identities/*", Fault::status(403));
    let contained = world.contain().await;
    assert_eq!(contained.exit_code, 3, "{contained:#?}");
    let states: Vec<_> = contained.users[0].steps.iter().map(|s| (s.action.as_str(), s.state)).collect();
    assert!(states.contains(&("disable_user", State::WillRevert)), "{states:?}");
    assert!(states.contains(&("disable_on_premises", State::Refused)), "{states:?}");
    let open: Vec<_> = contained.users[0].open.iter().flat_map(|o| &o.reasons).collect();
    assert!(open.iter().any(|r| r.contains("made in the cloud alone")), "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_told_the_truth() {
    let guest = format!("    upn: {ADELE}\n    guest_of: fabrikam.com\n");
    let world = World::of(&CONTOSO.replacen(&format!("    upn: {ADELE}\n"), &guest, 1));
    let document = world.contain().await;
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    let bodies = world.wire.passed();
    assert!(!bodies.iter().any(|p| p.url.ends_with("/revokeSignInSessions")), "it would lie");
    let open: Vec<&str> =
        document.users[0].open.iter().flat_map(|o| &o.reasons).map(String::as_str).collect();
    assert!(open.iter().any(|r| r.contains("answered with 200 and does nothing")), "{open:?}");
    assert!(open.iter().any(|r| r.contains("password is at their home tenant")), "{open:?}");
    assert_eq!(world.sim.with(|t| t.is_enabled(ADELE)), Some(false), "what can be done is done");
}

#[tokio::test(start_paused = true)]
async fn a_protected_user_and_a_member_of_a_protected_group_are_left_alone() {
    let mut world = World::contoso();
    world.guards.protected.users = vec![world.victim_id().parse().unwrap()];
    assert_error(&world.contain().await, 6, "E0401", "[protected] users");
    assert_untouched(&world);

    let id = "6f1b6c2e-7c55-4c39-9f0e-3a5d0f0c7a11";
    let nested = format!(
        "groups:\n  - name: Never\n    id: {id}\n    members: [Inner]\n  - name: Inner\n    members: [{ADELE}]\n"
    );
    let mut world = World::of(&CONTOSO.replacen("groups:\n", &nested, 1));
    world.guards.protected.groups = vec![id.parse().unwrap()];
    assert_error(&world.contain().await, 6, "E0401", "[protected] groups");
    assert_untouched(&world);
}

#[tokio::test(start_paused = true)]
async fn too_many_users_and_another_tenant_are_refused() {
    let mut world = World::contoso();
    world.users.push("AlexW@contoso.com".into());
    assert_error(&world.contain().await, 6, "E0403", "--max-users 2");
    assert!(world.wire.passed().is_empty(), "not even a read");
    assert_untouched(&world);

    let mut world = World::contoso();
    world.guards.tenant_id = Some("11111111-1111-4111-8111-111111111111".into());
    assert_error(&world.contain().await, 6, "E0406", "11111111-1111-4111-8111-111111111111");
    assert_untouched(&world);
}

#[tokio::test(start_paused = true)]
async fn two_users_of_whom_one_is_protected_are_both_left_alone() {
    let mut world = World::contoso();
    world.users.push("MeganB@contoso.com".into());
    world.guards.max_users = 2;
    world.guards.protected.users = vec![world.user_id("MeganB@contoso.com").parse().unwrap()];
    assert_error(&world.contain().await, 6, "E0401", "MeganB@contoso.com");
    assert_untouched(&world);
}

#[tokio::test(start_paused = true)]
async fn two_users_are_contained_and_rolled_back_together() {
    let mut world = World::contoso();
    world.users.push("AlexW@contoso.com".into());
    world.guards.max_users = 2;
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    assert_eq!(document.users.len(), 2);
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_global_administrator_needs_a_runner_with_a_higher_role() {
    let mut world = World::contoso();
    world.users = vec!["MeganB@contoso.com".into()];
    assert_error(&world.contain().await, 5, "E0302", "Privileged Authentication Administrator");
    assert_untouched(&world);
    world.prepare(|t| t.give_role(RUNNER, "Privileged Authentication Administrator"));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_is_not_there_is_told_apart_from_somebody_else() {
    let mut world = World::contoso();
    world.users = vec!["AdelV@contoso.com".into()];
    assert_error(&world.contain().await, 6, "E0407", "AdelV@contoso.com");
    assert_untouched(&world);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_one_step_leaves_the_others_and_a_later_one_takes_back_the_rest() {
    let world = World::contoso();
    world.contain().await;
    let steps = ["disable_user".to_owned()];
    let part = world.engine().rollback(&world.last(), &steps, &yes(), false).await;
    assert_eq!(part.outcome, Outcome::RolledBack, "{part:#?}");
    assert_eq!(world.sim.with(|t| t.is_enabled(ADELE)), Some(true));
    assert!(world.not_restored().len() > 1, "the rest stands");
    assert_eq!(lies(&world, &world.verify().await), Vec::<String>::new());
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_is_only_tried_writes_nothing() {
    let world = World::contoso();
    world.contain().await;
    let (writes, journal) = (world.writes(), std::fs::read(world.journal()).unwrap());
    let tried = world.engine().rollback(&world.last(), &[], &yes(), true).await;
    let changes = tried.users[0].steps.iter().flat_map(|s| &s.changes);
    let states: Vec<RollbackState> = changes.filter_map(|c| Some(c.rollback.as_ref()?.state)).collect();
    assert!(states.contains(&RollbackState::Planned) && states.contains(&RollbackState::Never));
    assert_eq!(world.writes(), writes);
    assert_eq!(std::fs::read(world.journal()).unwrap(), journal);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_leaves_what_somebody_changed_since_and_says_so() {
    let world = World::contoso();
    let contained = world.contain().await;
    let changes = || contained.users[0].steps.iter().flat_map(|s| &s.changes);
    let consent = changes().find(|c| c.call.url().contains("oauth2PermissionGrants")).unwrap();
    let Undo::Call(undo) = &consent.undo else { panic!("{consent:#?}") };
    let mut theirs = undo.body.clone().unwrap();
    theirs["scope"] = "openid".into();
    world.somebody_writes("POST", "/oauth2PermissionGrants", &theirs).await;
    let enabled = serde_json::json!({ "accountEnabled": true });
    world.somebody_writes("PATCH", &format!("/users/{}", world.victim_id()), &enabled).await;

    let rolled_back = world.rollback().await;
    assert_eq!((rolled_back.outcome, rolled_back.exit_code), (Outcome::Partial, 3), "{rolled_back:#?}");
    let state = |say: &str| {
        let mut changes = rolled_back.users[0].steps.iter().flat_map(|s| &s.changes);
        changes.find(|c| c.say.contains(say)).unwrap().rollback.clone().unwrap()
    };
    assert_eq!(state("disable the account").state, RollbackState::Already);
    assert_eq!(state("consent to Mail Backup").state, RollbackState::Moved);
    assert!(state("consent to Mail Backup").reason.unwrap().contains("openid"));
    let left = world.not_restored();
    assert!(left.iter().all(|l| l.contains("oauth2PermissionGrants") && l.ends_with("is gone")), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_may_not_look_leaves_the_run_as_it_stands_and_ends_denied() {
    let world = World::contoso();
    let contained = world.contain().await;
    let journal = std::fs::read(world.journal()).unwrap();
    world.sim.with(|t| t.revoke_permission(RUNNER, "Organization.Read.All"));
    for document in [world.verify().await, world.resume().await, world.rollback().await] {
        assert_eq!(document.outcome, contained.outcome, "{}", document.command);
        if document.command == "contain" && document.error.as_ref().is_some_and(|e| e.code == "E0111") {
            continue;
        }
        assert_error(&document, 5, "E0301", "Organization.Read.All");
    }
    assert_eq!(std::fs::read(world.journal()).unwrap(), journal);
}

#[tokio::test(start_paused = true)]
async fn an_address_of_two_users_is_ambiguous_and_names_both() {
    let shared = "    upn: AdeleV@contoso.com\n    other_mails: [shared@contoso.com]\n";
    let yaml = CONTOSO.replacen("    upn: AdeleV@contoso.com\n", shared, 1).replacen(
        "    upn: AlexW@contoso.com\n",
        "    upn: AlexW@contoso.com\n    other_mails: [shared@contoso.com]\n",
        1,
    );
    let mut world = World::of(&yaml);
    world.users = vec!["shared@contoso.com".into()];
    let document = world.contain().await;
    assert_error(&document, 6, "E0408", "AlexW@contoso.com");
    assert_untouched(&world);
}
