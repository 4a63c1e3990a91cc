//! What is told of the log, asked with rows as the service gives them.

use serde_json::{Value, json};

use super::observe::sign_ins;
use super::summary::{ADDRESSES, Fold};
use super::*;
use crate::contract::fake::{Fake, adele, at, ready};
use crate::{Api, Decision, Finding, ReadErrorKind};

const HOME: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.77";

fn row(when: &str, ip: &str, error: i64) -> Value {
    json!({
        "id": format!("id of {when}"), "createdDateTime": when, "userId": adele().user.id, "ipAddress": ip,
        "status": { "errorCode": error }, "appDisplayName": "Microsoft Teams", "clientAppUsed": "Browser",
        "isInteractive": true, "riskLevelDuringSignIn": "none",
        "deviceDetail": { "browser": "Edge 143", "operatingSystem": "Windows 11", "isManaged": true },
        "location": { "city": "Redmond", "countryOrRegion": "US" },
    })
}

fn with(mut row: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

/// The intruder's: from elsewhere, by a script, without being asked for anything.
fn replayed(when: &str) -> Value {
    let members = json!({
        "appDisplayName": "Office 365 Exchange Online", "clientAppUsed": "", "userAgent": "axios/1.7.2",
        "isInteractive": false, "riskLevelDuringSignIn": "high",
        "deviceDetail": { "browser": "", "operatingSystem": "", "isManaged": false },
        "location": { "city": "Amsterdam", "countryOrRegion": "NL" },
    });
    with(row(when, ELSEWHERE, 0), &members)
}

/// Adele, disabled and cut off at eleven.
fn cut_off() -> Target {
    let mut who = adele();
    who.user.account_enabled = Some(false);
    who.user.sign_in_sessions_valid_from_date_time = Some(at("2026-05-02T11:00:00Z"));
    who
}

fn log(who: &Target, api: Api) -> crate::Get {
    sign_ins(&who.user.id, who.since, api, 1000)
}

fn plan(who: &Target, rows: &[Value]) -> Plan {
    let graph = Fake::default().with(&log(who, Api::Beta), json!(rows));
    let state = ready(Action::observe(&ReviewSignIns, who, &graph)).unwrap();
    let plan = Action::plan(&ReviewSignIns, who, &state);
    assert!(plan.changes.is_empty());
    plan
}

fn told<'a>(plan: &'a Plan, label: &str) -> &'a Finding {
    let mut all = plan.kept.iter().chain(&plan.open);
    all.find(|f| f.label == label).unwrap_or_else(|| panic!("{label}: {plan:#?}"))
}

#[test]
fn one_line_tells_an_address_and_what_is_foreign_comes_first() {
    let rows = [
        row("2026-05-02T11:30:00Z", HOME, 0),
        replayed("2026-05-02T10:20:00Z"),
        row("2026-05-02T09:00:00Z", HOME, 50126),
        row("2026-05-01T08:00:00Z", HOME, 0),
    ];
    let plan = plan(&adele(), &rows);
    let labels: Vec<&str> = plan.kept.iter().map(|f| f.label.as_str()).collect();
    assert_eq!(labels, ["the sign-in log", ELSEWHERE, HOME]);
    assert!(plan.open.is_empty(), "{plan:#?}");
    assert_eq!(
        told(&plan, HOME).reasons,
        [
            "2 succeeded, 1 failed, 2026-05-01 08:00:00 to 2026-05-02 11:30:00 UTC; Redmond, US; managed device",
            "Microsoft Teams; Browser (Edge 143, Windows 11)"
        ]
    );
    assert_eq!(
        told(&plan, ELSEWHERE).reasons,
        [
            "1 succeeded, 2026-05-02 10:20:00 UTC; Amsterdam, NL; risk high; unmanaged device; 1 non-interactive",
            "Office 365 Exchange Online; axios/1.7.2"
        ]
    );
    assert_eq!(told(&plan, ELSEWHERE).object_id, "id of 2026-05-02T10:20:00Z");
}

#[test]
fn who_got_in_after_the_cut_is_open_and_a_cut_takes_five_minutes() {
    let rows = [
        replayed("2026-05-02T11:50:00Z"),
        replayed("2026-05-02T11:05:01Z"),
        row("2026-05-02T11:04:00Z", HOME, 0),
        row("2026-05-02T10:59:00Z", HOME, 0),
    ];
    let plan = plan(&cut_off(), &rows);
    let [open] = plan.open.as_slice() else { panic!("{plan:#?}") };
    assert_eq!(open.label, format!("sign-in after the cut from {ELSEWHERE}"));
    assert_eq!((open.object_id.as_str(), open.decision), ("id of 2026-05-02T11:50:00Z", Decision::Ask));
    let reasons = open.reasons.join("\n");
    for part in ["2 sign-ins succeeded after", "2026-05-02 11:05:01 to 11:50:00 UTC", "Exchange", "NL"] {
        assert!(reasons.contains(part), "{part}: {reasons}");
    }
    assert!(open.next.as_ref().unwrap().contains("revoke"));
    assert!(told(&plan, HOME).reasons[0].contains("1 in the 5 minutes that the cut may take"), "{plan:#?}");
}

#[test]
fn what_failed_after_the_cut_or_was_before_it_is_not_open() {
    let rows = [row("2026-05-02T11:50:00Z", ELSEWHERE, 50057), row("2026-05-02T11:00:00Z", HOME, 0)];
    assert!(plan(&cut_off(), &rows).open.is_empty());
    // Of an account that is enabled nobody can tell who signs in anew.
    let late = [row("2026-05-02T11:50:00Z", HOME, 0)];
    let mut who = cut_off();
    who.user.account_enabled = Some(true);
    assert!(plan(&who, &late).open.is_empty());
    who.user.account_enabled = None;
    let unread = plan(&who, &late);
    assert!(unread.open.is_empty() && unread.kept[0].reasons[1].contains("could not be read"), "{unread:#?}");
    // Disabled long after the last revocation, or before the window began.
    let mut who = cut_off();
    who.user.sign_in_sessions_valid_from_date_time = Some(at("2026-03-01T00:00:00Z"));
    let not_judged = plan(&who, &late);
    assert!(not_judged.open.is_empty());
    assert!(not_judged.kept[0].reasons.iter().any(|r| r.contains("isn't judged")), "{not_judged:#?}");
}

#[test]
fn revoking_again_does_not_hide_who_got_in_before() {
    let mut who = cut_off();
    who.user.last_password_change_date_time = Some(at("2026-05-02T11:00:02Z"));
    who.user.sign_in_sessions_valid_from_date_time = Some(at("2026-05-02T11:55:00Z"));
    assert_eq!(plan(&who, &[replayed("2026-05-02T11:50:00Z")]).open.len(), 1);
    // A password from before the window is no cut.
    who.user.last_password_change_date_time = Some(at("2026-01-02T11:00:02Z"));
    assert_eq!(plan(&who, &[replayed("2026-05-02T11:50:00Z")]).open.len(), 0);
}

#[test]
fn a_person_judges_by_the_id_and_what_comes_later_is_asked_again() {
    let mut who = cut_off();
    who.settings = json!({ "keep": ["ID of 2026-05-02T11:50:00Z"] });
    let earlier = [replayed("2026-05-02T11:50:00Z"), replayed("2026-05-02T11:40:00Z")];
    let judged = plan(&who, &earlier);
    assert!(judged.open.is_empty(), "{judged:#?}");
    let label = format!("sign-in after the cut from {ELSEWHERE}");
    assert_eq!(told(&judged, &label).reasons.last().unwrap(), "the playbook keeps it");
    let later = [&[replayed("2026-05-02T11:58:00Z")], &earlier[..]].concat();
    assert_eq!(plan(&who, &later).open.len(), 1);
}

#[test]
fn where_beta_refuses_the_interactive_ones_are_read_and_the_rest_is_said_to_be_unseen() {
    let who = adele();
    let rows = json!([row("2026-05-02T11:30:00Z", HOME, 0)]);
    for kind in [ReadErrorKind::Refused, ReadErrorKind::NotFound] {
        let graph =
            Fake::default().failing(&log(&who, Api::Beta), kind).with(&log(&who, Api::V1), rows.clone());
        let state = ready(Action::observe(&ReviewSignIns, &who, &graph)).unwrap();
        let plan = Action::plan(&ReviewSignIns, &who, &state);
        assert!(plan.kept[0].reasons.iter().any(|r| r.contains("non-interactive sign-ins were not seen")));
        assert_eq!(plan.kept.len(), 2);
    }
    let mut who = who;
    who.settings = json!({ "non_interactive": false });
    let graph = Fake::default().with(&log(&who, Api::V1), rows);
    ready(Action::observe(&ReviewSignIns, &who, &graph)).unwrap();
    assert_eq!(graph.reads(), [log(&who, Api::V1).url()]);
}

#[test]
fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let who = adele();
    let graph = Fake::default()
        .failing(&log(&who, Api::Beta), ReadErrorKind::Unreadable)
        .with(&sign_ins(&who.user.id, who.since, Api::Beta, 100), json!([]));
    assert!(ready(Action::observe(&ReviewSignIns, &who, &graph)).is_ok());
}

#[test]
fn without_a_licence_nothing_is_open_and_without_the_permission_the_step_fails() {
    let mut who = adele();
    let (get, code) = (log(&who, Api::Beta), "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    let unlicensed = Fake::default().failing_with(&get, ReadErrorKind::Forbidden, code);
    let state = ready(Action::observe(&ReviewSignIns, &who, &unlicensed)).unwrap();
    assert_eq!(state, State::NoLicence);
    let plan = Action::plan(&ReviewSignIns, &who, &state);
    assert!(plan.open.is_empty() && plan.kept[0].reasons[0].contains("P1"), "{plan:#?}");
    let forbidden = Fake::default().failing(&get, ReadErrorKind::Forbidden);
    assert!(ready(Action::observe(&ReviewSignIns, &who, &forbidden)).is_err());
    who.operator.permissions = vec!["AuditLog.Read.All".into()];
    let state = ready(Action::observe(&ReviewSignIns, &who, &forbidden)).unwrap();
    let plan = Action::plan(&ReviewSignIns, &who, &state);
    assert!(plan.open.is_empty() && plan.kept[0].reasons[0].contains("Reports Reader"), "{plan:#?}");
    let busy = Fake::default().failing(&get, ReadErrorKind::Unavailable);
    assert!(ready(Action::observe(&ReviewSignIns, &who, &busy)).is_err());
}

#[test]
fn rows_that_say_nothing_are_counted_and_judge_nobody() {
    let good = row("2026-05-02T11:50:00Z", ELSEWHERE, 0);
    let rows = [
        with(good.clone(), &json!({ "userId": "someone else" })),
        with(good.clone(), &json!({ "createdDateTime": "yesterday" })),
        with(good.clone(), &json!({ "status": {} })),
        json!(7),
        with(good, &json!({ "createdDateTime": "2026-04-01T00:00:00Z" })),
    ];
    let plan = plan(&cut_off(), &rows);
    assert!(plan.open.is_empty() && plan.kept.len() == 1, "{plan:#?}");
    assert!(plan.kept[0].reasons.iter().any(|r| r.starts_with("4 rows could not be read")), "{plan:#?}");
}

#[test]
fn a_window_longer_than_the_log_is_kept_is_said_to_be_cut_short() {
    let mut who = adele();
    who.since = at("2026-03-01T00:00:00Z");
    assert!(plan(&who, &[]).kept[0].reasons.iter().any(|r| r.contains("30 days")));
}

/// Folds rows that are made one by one.
fn folded(rows: impl IntoIterator<Item = Value>) -> Summary {
    let mut fold = Fold::new(&cut_off(), false);
    rows.into_iter().for_each(|row| fold.add(&row));
    fold.finish()
}

fn size(summary: &Summary) -> usize {
    serde_json::to_vec(summary).unwrap().len()
}

fn second(n: u32) -> String {
    (at("2026-05-02T11:59:59Z") - jiff::SignedDuration::from_secs(i64::from(n))).to_string()
}

#[test]
fn a_summary_is_as_small_for_ten_times_as_many_rows() {
    let rows = |count: u32| {
        (0..count).map(|n| {
            let members = json!({
                "appDisplayName": format!("{n} {}", "é".repeat(5000)), "userAgent": "x".repeat(5000),
                "clientAppUsed": format!("{n}"), "id": "i".repeat(5000),
            });
            let row = row(&second(n), &format!("203.0.113.{}", n % 97), i64::from(n % 3));
            with(row, &members)
        })
    };
    let (few, many) = (folded(rows(3_000)), folded(rows(30_000)));
    assert_eq!((many.rows, many.addresses.len()), (30_000, ADDRESSES));
    assert!(size(&many) < size(&few) + 1000 && size(&many) < 64 * 1024, "{} {}", size(&few), size(&many));
    let counted = |s: &Summary| {
        let kept = s.addresses.iter().map(|a| a.succeeded + a.failed).sum::<u64>();
        kept + s.others.succeeded + s.others.failed + s.failed.failed + s.failed.succeeded
    };
    assert_eq!(counted(&many), 30_000, "every row is in one place");
    assert_eq!(many, folded(rows(30_000)), "the same rows give the same");
}

#[test]
fn whoever_tries_passwords_from_everywhere_hides_nobody_who_got_in() {
    let spray = |n: u32| row(&second(n), &format!("2001:db8::{n:x}"), 50126);
    let rows = (0..15_000).map(spray).chain([replayed("2026-05-02T01:00:00Z")]);
    let summary = folded(rows);
    assert_eq!(summary.addresses.len(), 1);
    assert_eq!(summary.failed.failed, 15_000);
    let state = State::Seen(Box::new(summary));
    let plan = Action::plan(&ReviewSignIns, &cut_off(), &state);
    assert!(told(&plan, ELSEWHERE).reasons[0].starts_with("1 succeeded"));
    let failed = plan.kept.last().unwrap();
    assert!(
        failed.label.starts_with("at least 10") && failed.label.ends_with("without success"),
        "{failed:#?}"
    );
}

#[test]
fn more_addresses_than_a_person_reads_are_told_together_and_none_after_the_cut_is_lost() {
    let got_in = |n: u32| row(&second(n), &format!("203.0.113.{n}"), 0);
    let summary = folded((0..100).map(got_in));
    let plan = Action::plan(&ReviewSignIns, &cut_off(), &State::Seen(Box::new(summary)));
    assert_eq!(plan.open.len(), 11, "ten, and the rest");
    let rest = plan.open.last().unwrap().reasons.join("");
    assert!(rest.contains("20 more addresses"), "{rest}");
    assert!(rest.contains("70 sign-ins"), "{rest}");
    assert!(told(&plan, "88 more addresses").reasons[0].starts_with("88 succeeded"), "{plan:#?}");
}

#[test]
fn settings_are_checked() {
    use crate::AnyAction;
    assert!(ReviewSignIns.check_settings(&json!({ "non_interactive": false, "keep": ["x"] })).is_ok());
    for wrong in [json!({ "keep": "x" }), json!({ "remove": "all" })] {
        assert!(ReviewSignIns.check_settings(&wrong).is_err(), "{wrong}");
    }
}
