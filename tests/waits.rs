//! How long a run waits for a service that throttles or fails: as long as it is asked to, and no step for ever.

use std::time::Duration;

use oust::report::{Outcome, RunDocument, State};
use oust::sim::faults::{Fault, Planted, RetryAfter};
use tokio::time::Instant;

use crate::support::{CONTOSO, World};

/// This many times 429, each asking to wait so many seconds.
fn throttled(on: &str, seconds: u32, times: u32) -> Planted {
    let retry_after = Some(RetryAfter::Seconds(seconds));
    let what = Fault::Status { code: 429, retry_after, body: None, after_effect: false };
    Planted { times, ..Planted::new(on, what) }
}

async fn contained(fault: Planted) -> (RunDocument, Duration) {
    let world = World::contoso().with_planted(fault);
    let began = Instant::now();
    let document = world.contain().await;
    (document, began.elapsed())
}

/// The steps that are not in force.
fn not_done(document: &RunDocument) -> Vec<&str> {
    let steps = document.users[0].steps.iter();
    let fine = |state| matches!(state, State::Effective | State::Already);
    steps.filter(|step| !fine(step.state)).map(|step| step.step.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_cut_and_what_it_needs_wait_as_long_as_the_service_asks() {
    for on in ["revokeSignInSessions", "GET /organization*", "GET /users/*/transitiveMemberOf*"] {
        let (document, took) = contained(throttled(on, 90, 2)).await;
        assert_eq!(document.outcome, Outcome::Contained, "{on}: {document:#?}");
        assert!((180..240).contains(&took.as_secs()), "{on}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_throttled_without_end_is_given_up_and_the_others_are_done() {
    for (on, step) in
        [("PATCH */messageRules/*", "review_inbox_rules"), ("GET */messageRules*", "review_inbox_rules")]
    {
        let (document, took) = contained(throttled(on, 100, u32::MAX)).await;
        assert_eq!((document.outcome, not_done(&document)), (Outcome::Partial, vec![step]), "{document:#?}");
        assert!((200..420).contains(&took.as_secs()), "{on}: {took:?}");
        let told = format!("{document:?}");
        assert!(told.contains("longer than the requests of one step may wait together"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_many_requests_of_a_step_lose_at_the_same_time_counts_once() {
    let rule = "  - {user: AdeleV@contoso.com, name: another, redirect_to: [a@fabrikam.com]}";
    let tenant = CONTOSO.replacen("rules:\n", &format!("rules:\n{rule}\n"), 1);
    // Each of the two rules is throttled once, both at the same time.
    let world = World::of(&tenant).with_planted(throttled("PATCH */messageRules/*", 200, 2));
    let began = Instant::now();
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert!((200..300).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
