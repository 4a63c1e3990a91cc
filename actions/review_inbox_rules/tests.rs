//! What the review decides, asked with rules as the service gives them.

use serde_json::{Value, json};

use super::observe::{folders_of, rules_of};
use super::*;
use crate::contract::fake::{Fake, adele, in_cloud, ready, synced};
use crate::{AnyAction, Cloud, Decision, ReadErrorKind, Undo};

fn rule(id: &str, name: &str, actions: Value, conditions: Value) -> Value {
    let mut rule = json!({ "id": id, "displayName": name, "sequence": 1, "isEnabled": true, "hasError": false,
        "isReadOnly": false });
    rule["actions"] = actions;
    rule["conditions"] = conditions;
    rule
}

fn to(address: &str) -> Value {
    json!([{ "emailAddress": { "name": "x", "address": address } }])
}

fn about(subject: &str) -> Value {
    json!({ "subjectContains": [subject] })
}

/// A folder `f-rss` and a folder `f-news` can be named.
fn observed(who: &Target, rows: &[Value]) -> State {
    let folders =
        json!([{ "id": "f-rss", "displayName": "RSS Feeds" }, { "id": "f-news", "displayName": "News" }]);
    let graph =
        Fake::default().with(&rules_of(&who.user.id), json!(rows)).with(&folders_of(&who.user.id), folders);
    ready(Action::observe(&ReviewInboxRules, who, &graph)).unwrap()
}

fn plan_with(settings: Value, permissions: &[&str], rows: &[Value]) -> Plan {
    let mut who = adele();
    who.settings = settings;
    who.operator.permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
    let state = observed(&who, rows);
    Action::plan(&ReviewInboxRules, &who, &state)
}

fn plan(rows: &[Value]) -> Plan {
    plan_with(Value::Null, &["MailboxSettings.ReadWrite"], rows)
}

fn goes(rule: Value) -> bool {
    !plan(&[rule]).changes.is_empty()
}

#[test]
fn a_rule_that_sends_mail_out_is_disabled_and_one_to_a_colleague_stays() {
    for kind in ["forwardTo", "redirectTo", "forwardAsAttachmentTo"] {
        assert!(
            goes(rule("r", "Copies", json!({ kind: to("drop@fabrikam.com") }), about("lunch"))),
            "{kind}"
        );
        assert!(
            !goes(rule("r", "Copies", json!({ kind: to("AlexW@CONTOSO.com") }), about("lunch"))),
            "{kind}"
        );
    }
    assert!(goes(rule("r", "Copies", json!({ "forwardTo": to("x@contoso.com.fabrikam.com") }), json!({}))));
}

#[test]
fn a_disabled_rule_and_its_undo_are_one_property() {
    let plan = plan(&[rule("A/b=", "Out", json!({ "redirectTo": to("drop@fabrikam.com") }), json!(null))]);
    let change = &plan.changes[0];
    let path = "/v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/mailFolders/inbox/messageRules/A%2Fb%3D";
    assert_eq!(change.call.to_string(), format!(r#"PATCH {path} {{"isEnabled":false}}"#));
    let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
    assert_eq!(undo.to_string(), format!(r#"PATCH {path} {{"isEnabled":true}}"#));
    assert_eq!(
        (change.risk, change.reasons.as_slice()),
        (
            Some(70),
            ["+60 sends mail out of the tenant, to drop@fabrikam.com", "+10 takes every message"]
                .map(str::to_owned)
                .as_slice()
        )
    );
}

#[test]
fn hiding_what_the_user_must_not_see_goes_and_tidying_up_stays() {
    let hide = json!({ "moveToFolder": "f-rss", "markAsRead": true, "stopProcessingRules": true });
    assert!(goes(rule("r", "..", hide.clone(), about("lunch"))));
    assert!(goes(rule("r", "Clean", hide, about("Invoice"))));
    assert!(goes(rule("r", "Clean", json!({ "delete": true }), about("password reset"))));
    assert!(goes(rule("r", "x", json!({ "permanentDelete": true }), about("lunch"))));
    let tidy = json!({ "moveToFolder": "f-news", "markAsRead": true, "stopProcessingRules": true });
    assert!(!goes(rule("r", "Newsletters", tidy, json!({ "fromAddresses": to("news@fabrikam.com") }))));
    assert!(!goes(rule("r", "Spam", json!({ "delete": true }), about("lottery"))));
    assert!(
        !goes(rule("r", ".", json!({ "assignCategories": ["Red"] }), about("invoice"))),
        "it hides nothing"
    );
}

#[test]
fn a_folder_is_named_only_with_a_permission_that_is_not_asked_for() {
    let hide = [rule("r", "Clean up", json!({ "moveToFolder": "f-rss" }), about("Invoice"))];
    let blind = plan_with(Value::Null, &["MailboxSettings.ReadWrite"], &hide);
    let seeing = plan_with(Value::Null, &["MailboxSettings.ReadWrite", "Mail.ReadBasic.All"], &hide);
    assert!(blind.kept[0].reasons.iter().any(|why| why.contains("Mail.ReadBasic.All")));
    assert!(seeing.changes[0].reasons.iter().any(|why| why.contains("RSS Feeds")));
    let who = adele();
    let graph = Fake::default().with(&rules_of(&who.user.id), json!(hide));
    ready(Action::observe(&ReviewInboxRules, &who, &graph)).unwrap();
    let reads = graph.reads().into_iter().filter(|url| url.starts_with("/v1.0"));
    assert_eq!(reads.collect::<Vec<_>>(), [rules_of(&who.user.id).url()]);
}

#[test]
fn what_can_not_be_or_need_not_be_disabled_is_reported() {
    let out = json!({ "forwardTo": to("drop@fabrikam.com") });
    let mut fixed = rule("a", "Fixed", out.clone(), json!({}));
    fixed["isReadOnly"] = true.into();
    let mut off = rule("b", "Off", out.clone(), json!({}));
    off["isEnabled"] = false.into();
    let plan = plan(&[fixed, off, json!({}), json!(7)]);
    assert!(plan.changes.is_empty());
    assert_eq!((plan.open[0].object_id.as_str(), plan.open[0].decision), ("a", Decision::Ask));
    assert_eq!((plan.kept[0].object_id.as_str(), plan.kept[0].risk), ("b", Some(70)));
}

#[test]
fn the_playbook_sets_the_bar_and_keeps_rules() {
    let rows = [rule("r", "Out", json!({ "forwardTo": to("drop@fabrikam.com") }), about("x"))];
    let with = |settings| plan_with(settings, &[], &rows).changes.len();
    assert_eq!(with(json!({ "min_risk": 61 })), 0);
    assert_eq!(with(json!({ "min_risk": 60 })), 1);
    assert_eq!(with(json!({ "keep": ["r"] })), 0);
    assert_eq!(with(json!({ "keep": "r" })), 0);
    let check = |settings| ReviewInboxRules.check_settings(&settings);
    assert_eq!(check(json!({ "min_risk": 100 })), Ok(()));
    assert!(check(json!({ "min_risk": 101 })).unwrap_err().contains("from 0 to 100"));
}

#[test]
fn what_graph_does_not_show_is_always_open() {
    let plan = plan(&[]);
    assert!(plan.changes.is_empty() && plan.kept.is_empty());
    assert!(plan.open[0].next.as_ref().unwrap().contains("-Mailbox adelev@contoso.com -IncludeHidden"));
}

fn blind(who: &Target, kind: ReadErrorKind, code: &str) -> Result<State, ReadError> {
    let graph = Fake::default().failing_with(&rules_of(&who.user.id), kind, code);
    ready(Action::observe(&ReviewInboxRules, who, &graph))
}

#[test]
fn no_mailbox_is_a_finding_and_no_user_an_error() {
    for (who, decision) in [(adele(), Decision::Keep), (synced(), Decision::Ask)] {
        let state = blind(&who, ReadErrorKind::NotFound, "MailboxNotEnabledForRESTAPI").unwrap();
        let plan = Action::plan(&ReviewInboxRules, &who, &state);
        assert!(plan.changes.is_empty());
        let findings: Vec<_> = plan.kept.iter().chain(&plan.open).collect();
        assert_eq!(findings.iter().map(|f| f.decision).collect::<Vec<_>>(), [decision]);
    }
    assert!(blind(&adele(), ReadErrorKind::NotFound, "ErrorInvalidUser").is_err());
}

#[test]
fn a_refusal_in_spite_of_the_permission_is_a_finding() {
    let mut who = adele();
    assert!(blind(&who, ReadErrorKind::Forbidden, "ErrorAccessDenied").is_err());
    who.operator.permissions = vec!["MailboxSettings.Read".into()];
    let state = blind(&who, ReadErrorKind::Forbidden, "ErrorAccessDenied").unwrap();
    let plan = Action::plan(&ReviewInboxRules, &who, &state);
    assert!(plan.open[0].next.as_ref().unwrap().contains("Get-ApplicationAccessPolicy"));
}

#[test]
fn hidden_rules_are_told_of_and_never_disabled() {
    let who = adele();
    let shown = json!({ "RuleIdentity": "1", "Name": "..", "Enabled": true, "ForwardTo": ["\"x\" [SMTP:drop@fabrikam.com]"] });
    let junk = json!({ "RuleIdentity": 2_u64, "Name": "Junk E-mail Rule", "Enabled": true });
    let mut bad = shown.clone();
    bad["RuleIdentity"] = "3".into();
    let graph = Fake::default()
        .with(&rules_of(&who.user.id), json!([]))
        .with(&hidden::without_hidden(&who.user.id), json!([shown]))
        .with(&hidden::with_hidden(&who.user.id), json!([shown, junk, bad]));
    let state = ready(Action::observe(&ReviewInboxRules, &who, &graph)).unwrap();
    let plan = Action::plan(&ReviewInboxRules, &who, &state);
    assert_eq!((plan.changes.len(), plan.kept.len(), plan.open.len()), (0, 1, 1), "{plan:?}");
    assert_eq!((plan.open[0].object_id.as_str(), plan.kept[0].object_id.as_str()), ("3", "2"));
    assert!(plan.open[0].reasons.join(" ").contains("drop@fabrikam.com"), "{plan:?}");
    assert!(plan.open[0].next.as_ref().unwrap().contains("only Outlook runs"));
}

#[test]
fn where_hidden_rules_cannot_be_seen_the_visible_ones_are_judged_all_the_same() {
    let plan = plan(&[rule("r", "..", json!({ "redirectTo": to("drop@fabrikam.com") }), about("invoice"))]);
    assert_eq!((plan.changes.len(), plan.open.len()), (1, 1));
    assert!(plan.open[0].reasons[0].contains("rules that Outlook hides"));
}

#[test]
fn in_china_nothing_is_asked_and_one_finding_says_how_to_look() {
    let (graph, who) = (Fake::default(), in_cloud(Cloud::China, adele()));
    let state = ready(Action::observe(&ReviewInboxRules, &who, &graph)).unwrap();
    let plan = Action::plan(&ReviewInboxRules, &who, &state);
    assert!(graph.reads().is_empty() && plan.changes.is_empty());
    assert_eq!(plan.open.len(), 1);
    assert!(plan.open[0].next.as_ref().unwrap().contains("Get-InboxRule -Mailbox adelev@contoso.com"));
}
