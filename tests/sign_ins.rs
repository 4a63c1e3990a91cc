//! The sign-in log: of any length, and what it holds back.

use std::time::Duration;

use oust::report::style::Paint;
use oust::report::{Outcome, RunDocument, StepDocument, markdown, text};
use oust_actions::Decision;
use uuid::Uuid;

use crate::support::{ADELE, CONTOSO, World, yes};

const RECOVER: &str = include_str!("../examples/playbooks/recover.yaml");
/// Kilobytes are few.
const SMALL: usize = 16 * 1024;

/// Adele with so many sign-ins, five seconds apart from three addresses in turn, and one from elsewhere at the start.
fn busy(count: usize) -> World {
    let each = count / 3;
    let series = |n: usize| {
        format!(
            "  - {{user: {ADELE}, at: -7d, count: {each}, every: 5s, ip: 192.0.2.{n}, country: US, interactive: false}}\n"
        )
    };
    let first =
        format!("  - {{user: {ADELE}, at: -7d, ip: 203.0.113.77, country: NL, app: Graph Explorer}}\n");
    World::of(&format!(
        "tenant: {{id: 84841066-274d-4ec0-a5c1-276be684bdd3}}\nvictim: {ADELE}\nusers: [{{name: Adele Vance, upn: {ADELE}}}]\n\
         intruder: {{since: -8d}}\nsign_ins:\n{first}{}{}{}apps:\n  - name: oust\n    permissions: [User.Read.All, \
         Organization.Read.All, RoleManagement.Read.Directory, AuditLog.Read.All]\n",
        series(1),
        series(2),
        series(3)
    ))
    .by_step("review_sign_ins", "{}")
}

fn step<'a>(document: &'a RunDocument, action: &str) -> &'a StepDocument {
    document.users[0].steps.iter().find(|s| s.action == action).unwrap_or_else(|| panic!("{document:#?}"))
}

/// The lines of the journal that hold what was seen, their length, and how many pages of the log were read for them.
async fn read(world: &World) -> (RunDocument, usize, usize) {
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::NothingToDo, "{document:#?}");
    let journal = std::fs::read_to_string(world.journal()).unwrap();
    let planned = journal.lines().filter(|line| line.contains("\"kind\":\"planned\"")).map(str::len).sum();
    let pages = world.wire.passed().iter().filter(|p| p.url.contains("/auditLogs/")).count();
    (document, planned, pages)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_sign_ins_are_read_once_and_come_to_as_little_as_ten_thousand() {
    let (_, few_bytes, few_pages) = read(&busy(9_999)).await;
    let (document, bytes, pages) = read(&busy(99_999)).await;
    assert_eq!((few_pages, pages), (10, 100), "a page of a thousand each");
    assert!(bytes < few_bytes + 200 && bytes < SMALL, "{few_bytes} and {bytes} bytes");
    let findings = &step(&document, "review_sign_ins").findings;
    assert!(findings[0].reasons[0].starts_with("100000 sign-ins"), "{findings:#?}");
    assert_eq!(findings[1].label, "203.0.113.77", "the only one from elsewhere comes first");
    assert_eq!(findings.len(), 5);
}

/// A closed account, cut off an hour ago, with one more sign-in.
fn closed(sign_in: &str) -> World {
    let closed = format!("    upn: {ADELE}\n    enabled: false\n");
    let yaml = CONTOSO
        .replacen(&format!("    upn: {ADELE}\n"), &closed, 1)
        .replacen("sessions_valid_from: -60d", "sessions_valid_from: -1h", 1)
        .replacen("password_changed: -120d", "password_changed: -1h", 1)
        .replacen("\nsign_ins:\n", &format!("\nsign_ins:\n{sign_in}"), 1)
        // What the story has after the cut is not this one's.
        .replacen("    at: -115m\n    count: 10\n", "    at: -115m\n    count: 5\n", 1);
    let mut world = World::of(&yaml).by(RECOVER);
    world.password_recipient = Some(age::x25519::Identity::generate().to_public().to_string());
    world
}

fn sign_in(at: &str, error: i32) -> String {
    format!(
        "  - {{user: {ADELE}, at: {at}, ip: 203.0.113.77, country: NL, app: Graph Explorer, error: {error}, interactive: false}}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn who_got_in_after_the_cut_holds_the_account_back_until_a_person_has_judged_it() {
    let world = closed(&sign_in("-30m", 0));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Partial, "{document:#?}");
    let reason = step(&document, "enable_user").changes[0].reason.clone().unwrap();
    let waits = "sign-in after the cut from 203.0.113.77 waits for a person to judge it";
    assert!(reason.contains(waits), "{reason}");
    assert_eq!(world.sim.with(|t| t.is_enabled(ADELE)), Some(false));
    // The run has revoked again since. A resume and another run ask again all the same, until a person has judged it.
    assert_eq!(world.resume().await.outcome, Outcome::Partial);
    let again = world.contain().await;
    assert_eq!(world.sim.with(|t| t.is_enabled(ADELE)), Some(false), "{again:#?}");
    let asked =
        step(&again, "review_sign_ins").findings.iter().find(|f| f.decision == Decision::Ask).unwrap();
    let judged = format!("      - action: review_sign_ins\n        with: {{keep: [{}]}}\n", asked.object_id);
    let judged = RECOVER.replacen("      - action: review_sign_ins\n", &judged, 1);
    let last = world.by(&judged).contain().await;
    assert_eq!(last.outcome, Outcome::Recovered, "{last:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_failed_or_settled_and_a_tenant_without_a_licence_hold_nothing_back() {
    for harmless in [sign_in("-30m", 50057), sign_in("-57m", 0)] {
        let document = closed(&harmless).contain().await;
        assert_eq!(document.outcome, Outcome::Recovered, "{harmless}: {document:#?}");
    }
    let free = CONTOSO.replacen("tenant:\n", "tenant:\n  licence: free\n", 1);
    let document = World::of(&free).by_step("review_sign_ins", "{}").contain().await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::NothingToDo, 0), "{document:#?}");
    let finding = &step(&document, "review_sign_ins").findings[0];
    assert!(finding.decision == Decision::Keep && finding.reasons[0].contains("P1"), "{finding:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_comes_while_the_run_looks_holds_back_too_and_no_plan_is_refused_for_it() {
    // The log is read at once, and again before the account is given back.
    let world = closed(&sign_in("+10s", 0));
    let saved = world.saved_plan().await.1.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let order = saved.order(Uuid::now_v7()).unwrap();
    let applied = world.engine().contain(&order, &yes(), Some(&saved)).await;
    assert!(applied.error.as_ref().is_none_or(|error| error.code != "E0405"), "{applied:#?}");
    let reason = step(&applied, "enable_user").changes[0].reason.clone().unwrap();
    assert!(reason.contains("sign-in after the cut from 203.0.113.77"), "{reason}");
    // Of an account that is open a new sign-in is no failure.
    let world = World::contoso().by_step("review_sign_ins", "{}");
    assert_eq!(world.contain().await.outcome, Outcome::NothingToDo);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.contain().await.outcome, Outcome::NothingToDo);
}

#[tokio::test(start_paused = true)]
async fn names_of_an_intruder_are_only_text() {
    let hostile = format!(
        "  - {{user: {ADELE}, at: -30m, ip: \"\\e[2J203.0.113.5\", country: \"\\u202eSU\", city: \"<script>\", app: \"a\\nNOTHING TO DO\", user_agent: \"\\e]0;x\\a\"}}\n"
    );
    let document = closed(&hostile).by(include_str!("../examples/playbooks/sign-ins.yaml")).plan().await;
    let asked = step(&document, "review_sign_ins").findings.iter().any(|f| f.decision == Decision::Ask);
    assert!(asked, "{document:#?}");
    let markdown = markdown::run(&document);
    assert!(!markdown.contains("<script>") && !markdown.contains('\u{1b}') && !markdown.contains('\u{202e}'));
    let shown = text::plan(&document, &Paint::PLAIN, 80);
    assert!(
        !shown.contains('\u{1b}') && !shown.contains("\nNOTHING TO DO\n") && !shown.contains('\u{202e}'),
        "{shown}"
    );
}
