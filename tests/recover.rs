//! Giving an account back: only when all before it is proven, and with a pass that only its recipient can read.

use std::io;

use oust::playbook::Playbook;
use oust::report::{ChangeDocument, Outcome, RollbackState, RunDocument, State};
use oust::sim::faults::{Fault, Faults, Planted};
use serde_json::json;

use crate::crash::{every_crash, go_on};
use crate::support::{ADELE, CONTOSO, World, differences, lies, restorable};

const RECOVER: &str = include_str!("../examples/playbooks/recover.yaml");
const ISSUE: &str = "POST /users/*/temporaryAccessPassMethods";

/// Contoso with Adele's account closed and all of the intruder's footholds still there.
fn closed() -> (World, age::x25519::Identity) {
    closed_with("", RECOVER)
}

/// The same with another method of Adele's, by another playbook.
fn closed_with(method: &str, playbook: &str) -> (World, age::x25519::Identity) {
    let yaml = CONTOSO
        .replacen("    upn: AdeleV@contoso.com\n", "    upn: AdeleV@contoso.com\n    enabled: false\n", 1)
        .replacen("\nmethods:\n", &format!("\nmethods:\n{method}"), 1);
    let identity = age::x25519::Identity::generate();
    let mut world = World::of(&yaml).by(playbook);
    world.password_recipient = Some(identity.to_public().to_string());
    (world, identity)
}

fn open(path: &str, identity: &age::x25519::Identity) -> String {
    let bytes = std::fs::read(path).unwrap();
    let decryptor = age::Decryptor::new(&bytes[..]).unwrap();
    let mut reader = decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).unwrap();
    io::read_to_string(&mut reader).unwrap()
}

fn change<'a>(document: &'a RunDocument, step: &str) -> &'a ChangeDocument {
    let steps = document.users[0].steps.iter();
    // Of a pass that was lost there is its removal too.
    let is_removal = |c: &&ChangeDocument| c.say.contains("remove the Temporary Access Pass");
    let mut of_step = steps.filter(|s| s.step == step).flat_map(|s| &s.changes).filter(|c| !is_removal(c));
    of_step.next().unwrap_or_else(|| panic!("{step} has no change: {document:#?}"))
}

fn is_enabled(world: &World) -> bool {
    world.sim.with(|t| t.is_enabled(ADELE)).unwrap()
}

/// Passes of Adele's that the service holds and that were made through Graph.
fn passes(world: &World) -> usize {
    let now = world.snapshot();
    now["authenticationMethods"].as_object().unwrap().keys().filter(|key| key.contains("AccessPass")).count()
}

/// The sealed file that the report names holds the pass that counts.
#[track_caller]
fn assert_pass_in_hand(world: &World, document: &RunDocument, identity: &age::x25519::Identity) {
    assert_eq!(passes(world), 1, "{document:#?}");
    let [sealed] = document.sealed.as_slice() else { panic!("{:?}", document.sealed) };
    assert_eq!(Some(open(sealed, identity)), world.wire.passes().pop());
    assert_eq!(lies(world, document), Vec::<String>::new());
}

#[track_caller]
fn assert_held_back(world: &World, document: &RunDocument, because: &str) {
    for step in ["enable_user", "issue_access_pass"] {
        let change = change(document, step);
        assert_eq!((change.state, change.intent), (State::Skipped, None), "{document:#?}");
        assert!(change.reason.as_ref().unwrap().contains(because), "{:?}", change.reason);
    }
    assert!(!is_enabled(world) && passes(world) == 0);
    assert_ne!(document.exit_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_closed_account_is_cleaned_and_given_back_with_a_pass_and_nothing_is_called_a_cut() {
    let (world, identity) = closed();
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Recovered, 0), "{document:#?}");
    assert!(is_enabled(&world));
    assert_pass_in_hand(&world, &document, &identity);
    let user = &document.users[0];
    assert_eq!((user.cut_at, user.cut_ms, user.residual_access_until), (None, None, None));
    let at = |step: &str| change(&document, step).intent.unwrap();
    assert!(at("enable_user") > at("revoke_sessions") && at("revoke_sessions") > at("review_auth_methods"));
    let verified = world.verify().await;
    assert_eq!((verified.outcome, verified.exit_code), (Outcome::Recovered, 0), "{verified:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_holds_the_account_back_until_a_person_did_it_by_hand() {
    for refusal in [Fault::status(400), Fault::status(403)] {
        let (world, identity) = closed();
        let world = world.with_planted(Planted::new("PATCH /devices/*", refusal).times(u32::MAX));
        let document = world.contain().await;
        assert_eq!((document.outcome, document.exit_code), (Outcome::Partial, 3), "{document:#?}");
        assert_held_back(&world, &document, "disable the device");
        let again = world.resume().await;
        assert_held_back(&world, &again, "disable the device");
        world.sim.with(|t| t.faults = Faults::default());
        let device = change(&document, "review_devices").object_id.clone();
        world
            .somebody_writes("PATCH", &format!("/devices/{device}"), &json!({"accountEnabled": false}))
            .await;
        let resumed = world.resume().await;
        assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Recovered, 0), "{resumed:#?}");
        assert!(is_enabled(&world));
        assert_pass_in_hand(&world, &resumed, &identity);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_looked_at_holds_it_back() {
    let (world, _) = closed();
    let denied = Fault::Forbidden { code: "Authorization_RequestDenied".into(), message: "no".into() };
    let world =
        world.with_planted(Planted::new("GET /users/*/authentication/methods", denied).times(u32::MAX));
    let document = world.contain().await;
    assert_held_back(&world, &document, "review_auth_methods could not be done");
    world.sim.with(|t| t.faults = Faults::default());
    let resumed = world.resume().await;
    assert_eq!(resumed.outcome, Outcome::Recovered, "{resumed:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_intruder_adds_meanwhile_holds_it_back() {
    let (ended, _) = closed();
    let whole = ended.contain().await;
    let before = world_records_before_give_back(&ended);
    let (world, _) = closed();
    let world = world.crashing(crate::support::Crash::AfterRecords(before));
    world.try_contain().await;
    let world = world.mended();
    let email = format!("/users/{}/authentication/emailMethods", world.victim_id());
    world.somebody_writes("POST", &email, &json!({"emailAddress": "megan@fabrikam.com"})).await;
    let resumed = world.resume().await;
    assert_held_back(&world, &resumed, "looking again: remove the email address");
    let appeared =
        resumed.users[0].open.iter().any(|o| o.reasons.iter().any(|r| r.contains("still be active")));
    assert!(appeared, "{:#?}", resumed.users[0].open);
    assert_eq!(whole.outcome, Outcome::Recovered);
}

/// Lines of the journal up to the first intent of the last stage.
fn world_records_before_give_back(world: &World) -> usize {
    let text = std::fs::read_to_string(world.journal()).unwrap();
    text.lines()
        .position(|l| l.contains("\"kind\":\"intent\"") && l.contains("\"step\":\"enable_user\""))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_object_that_waits_for_a_person_holds_it_back_unless_the_stage_says_otherwise() {
    let undated = "  - {user: AdeleV@contoso.com, kind: fido2, name: a key, undated: true}\n";
    let (world, _) = closed_with(undated, RECOVER);
    let document = world.contain().await;
    assert_held_back(&world, &document, "passkey a key waits for a person to judge it");
    let (world, _) = closed_with(undated, &RECOVER.replace("open: hold", "open: tell"));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Recovered, "{document:#?}");
    assert!(document.users[0].open.iter().any(|open| open.label == "passkey a key"));
}

#[tokio::test(start_paused = true)]
async fn nothing_changed_and_held_back_is_a_refusal_of_its_own_and_can_be_resumed() {
    let undated = "  - {user: AdeleV@contoso.com, kind: fido2, name: a key, undated: true}\n";
    let one_review = "schema: oust.playbook/1\nid: x\ntitle: x\nstages:\n  - id: a\n    steps:\n      \
                      - action: review_auth_methods\n        with: {keep: []}\n  - id: b\n    after: verified\n    \
                      steps:\n      - action: enable_user\n";
    let yaml = format!(
        "victim: {ADELE}\nusers:\n  - {{name: Adele Vance, upn: {ADELE}, enabled: false}}\nmethods:\n{undated}apps:\n  - name: oust\n    \
         permissions: [User.Read.All, Organization.Read.All, RoleManagement.Read.Directory, \
         UserAuthenticationMethod.ReadWrite.All, User.EnableDisableAccount.All]\n"
    );
    let world = World::of(&yaml).by(one_review);
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Refused, 6), "{document:#?}");
    assert_eq!(document.error.as_ref().unwrap().code, "E0410");
    assert_eq!(world.writes(), 0);
    assert_eq!(world.resume().await.exit_code, 6);
}

#[tokio::test(start_paused = true)]
async fn without_a_recipient_no_pass_is_issued_and_the_account_stays_closed() {
    let (mut world, _) = closed();
    world.password_recipient = None;
    let document = world.contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Partial, 3), "{document:#?}");
    let step = document.users[0].steps.iter().find(|s| s.step == "issue_access_pass").unwrap();
    assert_eq!((step.state, step.error.as_ref().unwrap().code.as_str()), (State::Refused, "E0113"));
    let enable = change(&document, "enable_user");
    assert_eq!(enable.state, State::Skipped);
    assert!(!is_enabled(&world) && passes(&world) == 0);

    let alone = World::contoso().by_step("issue_access_pass", "{}");
    let document = alone.contain().await;
    assert_eq!(
        (document.outcome, document.exit_code, alone.writes()),
        (Outcome::Failed, 64, 0),
        "{document:#?}"
    );
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_folder_that_takes_no_file_is_noticed_before_the_pass_is_asked_for() {
    struct Gone(std::path::PathBuf);
    impl oust::engine::event::Watch for Gone {
        fn saw(&self, event: &oust::engine::event::Event) {
            // The journal stays open; only new files are impossible.
            if matches!(&event.what, oust::engine::event::What::Stage { stage, .. } if stage == "give-back") {
                std::fs::remove_dir_all(self.0.join("runs")).unwrap();
            }
        }
    }
    let (mut world, _) = closed();
    world.watch = std::sync::Arc::new(Gone(world.state_dir().to_owned()));
    let document = world.contain().await;
    assert_eq!(document.error.as_ref().unwrap().code, "E0703", "{document:#?}");
    assert!(!is_enabled(&world) && passes(&world) == 0);
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_passes_is_a_refusal_with_what_to_do_by_hand() {
    let yaml = CONTOSO.replacen("tenant:\n", "tenant:\n  access_pass: {enabled: false}\n", 1);
    let mut world = World::of(&yaml).by_step("issue_access_pass", "{}");
    world.password_recipient = Some(age::x25519::Identity::generate().to_public().to_string());
    let document = world.contain().await;
    assert_eq!((document.exit_code, world.writes()), (1, 0), "{document:#?}");
    assert_eq!(change(&document, "issue_access_pass").state, State::Refused);
    assert!(document.sealed.is_empty());
    let next: Vec<_> = document.users[0].open.iter().filter_map(|open| open.next.as_deref()).collect();
    assert!(next.iter().any(|next| next.contains("Temporary Access Pass)")), "{next:?}");
}

fn answers_that_are_lost() -> Vec<Fault> {
    let status = |code| Fault::Status { code, retry_after: None, body: None, after_effect: true };
    vec![
        Fault::Reset { after_effect: true },
        Fault::Hang { after_effect: true },
        Fault::CutBody,
        Fault::Empty,
        status(503),
        Fault::Html,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_pass_whose_answer_is_lost_goes_and_another_is_issued() {
    for fault in answers_that_are_lost() {
        let (world, identity) = closed();
        let had_effect = !matches!(fault, Fault::Html);
        let world = world.with_planted(Planted::new(ISSUE, fault.clone()));
        let document = world.contain().await;
        assert_eq!(
            (document.outcome, document.exit_code),
            (Outcome::Recovered, 0),
            "{fault:?}: {document:#?}"
        );
        assert_pass_in_hand(&world, &document, &identity);
        let removed = |p: &&crate::support::Passed| p.method == "DELETE" && p.url.contains("AccessPass");
        assert_eq!(world.wire.passed().iter().filter(removed).count(), usize::from(had_effect), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_nobody_can_read_never_counts_as_done() {
    for fault in answers_that_are_lost() {
        let (world, identity) = closed();
        let world = world.with_planted(Planted::new(ISSUE, fault.clone()).times(u32::MAX));
        let document = world.contain().await;
        assert_eq!((document.outcome, document.exit_code), (Outcome::Partial, 3), "{fault:?}: {document:#?}");
        let issue = change(&document, "issue_access_pass");
        assert_eq!(issue.state, State::InDoubt);
        assert!(issue.reason.as_ref().unwrap().contains("secret is lost"), "{fault:?}: {issue:#?}");
        assert!(document.sealed.is_empty());
        let verified = world.verify().await;
        assert_eq!(change(&verified, "issue_access_pass").state, State::InDoubt, "{fault:?}");
        world.sim.with(|t| t.faults = Faults::default());
        let resumed = world.resume().await;
        assert_eq!(resumed.outcome, Outcome::Recovered, "{fault:?}: {resumed:#?}");
        assert_pass_in_hand(&world, &resumed, &identity);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_pass_is_not_taken_back_by_guessing_its_id() {
    let (world, _) = closed();
    let lost = Fault::Reset { after_effect: true };
    let world = world.with_planted(Planted::new(ISSUE, lost).times(u32::MAX));
    world.contain().await;
    let rolled_back = world.rollback().await;
    assert_eq!(rolled_back.outcome, Outcome::Partial, "{rolled_back:#?}");
    let rollback = change(&rolled_back, "issue_access_pass").rollback.clone();
    let skipped =
        rolled_back.users[0].steps.iter().flat_map(|s| &s.changes).filter_map(|c| c.rollback.as_ref());
    assert!(skipped.clone().any(|r| r.state == RollbackState::Skipped), "{rollback:?}");
    assert!(!is_enabled(&world));
}

#[tokio::test(start_paused = true)]
async fn a_second_recovery_keeps_the_pass_by_its_id_and_an_eviction_does_not() {
    let (mut world, identity) = closed();
    let first = world.contain().await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let again = world.contain().await;
    let issue = again.users[0].steps.iter().find(|s| s.step == "issue_access_pass").unwrap();
    assert!(issue.changes.is_empty(), "{issue:#?}");
    assert!(
        again.users[0].steps.iter().all(|s| s.step == "revoke_sessions" || s.changes.is_empty()),
        "{again:#?}"
    );
    assert_pass_in_hand(&world, &first, &identity);
    world.playbook = Playbook::find("token-theft").unwrap();
    let evicted = world.contain().await;
    assert_eq!((evicted.outcome, passes(&world)), (Outcome::Contained, 0), "{evicted:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_the_intruder_plants_is_never_taken_for_ours() {
    let (world, identity) = closed();
    world.contain().await;
    let path = format!("/users/{}/authentication/temporaryAccessPassMethods", world.victim_id());
    world.somebody_writes("POST", &path, &json!({"lifetimeInMinutes": 60, "isUsableOnce": true})).await;
    let verified = world.verify().await;
    assert_eq!(change(&verified, "issue_access_pass").state, State::Failed, "{verified:#?}");
    let again = world.contain().await;
    assert_eq!(again.outcome, Outcome::Recovered, "{again:#?}");
    assert_pass_in_hand(&world, &again, &identity);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_closes_the_account_again_and_ends_the_pass() {
    let (world, _) = closed();
    world.contain().await;
    let rolled_back = world.rollback().await;
    assert_eq!(rolled_back.outcome, Outcome::RolledBack, "{rolled_back:#?}");
    assert!(!is_enabled(&world) && passes(&world) == 0);
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_and_a_resume_come_to_the_same_end_with_a_pass_in_hand() {
    let (ended, _) = closed();
    assert_eq!(ended.contain().await.outcome, Outcome::Recovered);
    let there = restorable(&ended.snapshot());
    for crash in every_crash(&ended) {
        let (world, identity) = closed();
        let world = world.crashing(crash);
        world.try_contain().await;
        let world = world.mended();
        let resumed = go_on(&world).await;
        assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Recovered, 0), "{crash:?}: {resumed:#?}");
        assert_eq!(differences(&there, &restorable(&world.snapshot())), Vec::<String>::new(), "{crash:?}");
        assert_pass_in_hand(&world, &resumed, &identity);
    }
}
