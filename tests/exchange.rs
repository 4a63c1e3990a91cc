//! The Exchange Online route from end to end: opted in or not, refused, in doubt, and taken back.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oust::failure::{Code, Failure};
use oust::graph::TokenSource;
use oust::graph::token::{Again, Token};
use oust::report::{Outcome, RunDocument, State};
use oust::sim::faults::{Fault, Planted};

use crate::support::{CONTOSO, RUNNER, World, lies};

fn asks_exchange(world: &World) -> usize {
    world.wire.passed().iter().filter(|p| p.url.contains("/adminapi/")).count()
}

fn open(document: &RunDocument) -> String {
    let open = document.users[0].open.iter();
    open.map(|open| format!("{} {} {:?}\n", open.label, open.reasons.join("; "), open.next)).collect()
}

fn forwards(world: &World) -> bool {
    let footholds = world.sim.footholds();
    footholds.iter().any(|f| f.what == "mail_forwarding" && f.works)
}

#[tokio::test(start_paused = true)]
async fn without_opting_in_no_token_is_asked_for_and_nothing_is_sent_and_the_report_says_so() {
    let mut world = World::contoso();
    world.exchange = None;
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(asks_exchange(&world), 0);
    assert!(world.wire.tokens().iter().all(|token| *token != world.sim.exchange_token(RUNNER)));
    assert!(forwards(&world));
    let open = open(&document);
    assert!(open.contains("exchange = true") && open.contains("Get-MailboxPermission"), "{open}");
    assert!(open.contains("rules that Outlook hides"), "{open}");
}

#[tokio::test(start_paused = true)]
async fn opted_in_the_forwarding_ends_the_delegate_is_asked_about_and_all_comes_back() {
    let world = World::contoso();
    assert!(forwards(&world));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert!(!forwards(&world) && asks_exchange(&world) > 0);
    let open = open(&document);
    assert!(open.contains("delegate AlexW@contoso.com may send as the mailbox; may open"), "{open}");
    assert!(!open.contains("Outlook hides"), "they were seen: {open}");
    world.rollback().await;
    assert!(forwards(&world));
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn without_a_role_in_exchange_the_rest_is_contained_and_the_role_is_named() {
    let world = World::of(&CONTOSO.replace("exchange_role: true", "enabled: true"));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert!(forwards(&world));
    assert!(open(&document).contains("Exchange Administrator"), "{}", open(&document));
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_only_its_own_step_fails() {
    let mut world = World::contoso();
    assert!(world.prepare(|t| t.revoke_permission(RUNNER, "Exchange.ManageAsApp")));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Partial, "{document:#?}");
    let steps = &document.users[0].steps;
    let failed: Vec<&str> = steps.iter().filter(|s| s.error.is_some()).map(|s| s.step.as_str()).collect();
    assert_eq!(failed, ["review_mailbox"]);
    assert!(document.users[0].cut_at.is_some());
}

/// A sign-in at Exchange Online that takes its time, and fails.
struct Slow;

#[async_trait]
impl TokenSource for Slow {
    async fn token(&self, _: Again) -> oust::failure::Result<Token> {
        tokio::time::sleep(Duration::from_secs(300)).await;
        Err(Failure::new(Code::SecretRefused, "the sign-in was refused"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_at_exchange_that_hangs_and_fails_holds_up_no_cut_and_is_told_by_its_step() {
    let mut world = World::contoso();
    world.exchange = Some(Arc::new(Slow));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Partial, "{document:#?}");
    let user = &document.users[0];
    let cut_after = user.cut_at.unwrap().duration_since(document.started_at.unwrap());
    assert!(cut_after.as_secs() < 60, "{cut_after:?}");
    let step = user.steps.iter().find(|step| step.step == "review_mailbox").unwrap();
    assert!(step.error.as_ref().unwrap().detail.contains("the sign-in was refused"), "{step:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_unclear_answer_to_a_cmdlet_is_settled_by_reading() {
    for after_effect in [true, false] {
        let lost = Planted::new("POST /exchange/Set-Mailbox*", Fault::Reset { after_effect });
        let world = World::contoso().by_step("review_mailbox", "{}").with_planted(lost);
        let document = world.contain().await;
        let change = &document.users[0].steps[0].changes[0];
        assert_eq!(lies(&world, &document), Vec::<String>::new());
        assert_eq!(change.state == State::Effective, !forwards(&world), "{document:#?}");
        world.resume().await;
        world.rollback().await;
        assert_eq!(world.not_restored(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_rule_is_told_of_and_left() {
    let hidden =
        "rules:\n  - {user: AdeleV@contoso.com, name: x, redirect_to: [drop@fabrikam.com], hidden: true}\n";
    let world = World::of(&CONTOSO.replace("rules:\n", hidden));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert!(open(&document).contains("hidden rule x"), "{}", open(&document));
}
