//! What the action decides, asked with accounts as Defender for Identity shows them.

use super::*;
use crate::Cloud;
use crate::contract::fake::{Fake, adele, at, in_cloud, ready, synced};

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

fn diego() -> Target {
    let mut who = synced();
    who.user.on_premises_security_identifier = Some(SID.into());
    who
}

fn row(enabled: Option<bool>) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.security.user", "id": "i", "isEnabled": enabled,
        "onPremisesSecurityIdentifier": SID, "userPrincipalName": "adelev@contoso.com",
        "accounts": [
            {"identifier": "in-entra", "identityProvider": "entraID", "actions": ["revokeAllSessions"]},
            {"identifier": "in-ad", "identityProvider": "activeDirectory", "actions": ["disable", "enable"]},
        ],
    })
}

fn narrow() -> Get {
    accounts().filter(format!("onPremisesSecurityIdentifier eq '{SID}'"))
}

fn plan_of(who: &Target, graph: &Fake) -> Plan {
    let state = ready(Action::observe(&DisableOnPremises, who, graph)).unwrap();
    Action::plan(&DisableOnPremises, who, &state)
}

#[test]
fn a_cloud_account_costs_no_read_and_no_word() {
    let graph = Fake::default();
    assert_eq!(plan_of(&adele(), &graph), Plan::default());
    assert!(graph.reads().is_empty());
}

#[test]
fn an_enabled_account_is_disabled_in_ad_and_can_be_enabled_again() {
    let graph = Fake::default().with(&narrow(), json!([row(Some(true))]));
    let plan = plan_of(&diego(), &graph);
    let change = &plan.changes[0];
    let path = "POST /v1.0/security/identities/identityAccounts/i/invokeAction";
    let body = |action: &str| {
        format!(r#"{{"accountId":"in-ad","action":"{action}","identityProvider":"activeDirectory"}}"#)
    };
    assert_eq!(change.call.to_string(), format!("{path} {}", body("disable")));
    let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
    assert_eq!(undo.to_string(), format!("{path} {}", body("enable")));
    assert_eq!(change.label, r"contoso.local\adelev");
    assert!(plan.open.is_empty());
}

#[test]
fn an_account_that_ad_has_disabled_is_contained() {
    let graph = Fake::default().with(&narrow(), json!([row(Some(false))]));
    let plan = plan_of(&diego(), &graph);
    assert!(plan.changes.is_empty() && plan.open.is_empty() && plan.kept.len() == 1);
}

#[test]
fn whatever_the_service_filtered_only_the_same_sid_is_this_account() {
    let mut other = row(Some(true));
    other["onPremisesSecurityIdentifier"] = format!("{SID}7").into();
    let graph = Fake::default().with(&narrow(), json!([other]));
    let plan = plan_of(&diego(), &graph);
    assert!(plan.changes.is_empty() && plan.open.len() == 1, "{plan:#?}");
    let twice = Fake::default().with(&narrow(), json!([row(Some(true)), row(Some(true))]));
    assert!(plan_of(&diego(), &twice).changes.is_empty(), "two are none");
}

#[test]
fn a_service_that_takes_no_filter_is_asked_for_all_and_without_a_sid_the_name_decides() {
    let all = json!([row(Some(true))]);
    let graph = Fake::default().failing(&narrow(), ReadErrorKind::Refused).with(&accounts(), all.clone());
    assert_eq!(plan_of(&diego(), &graph).changes.len(), 1);
    let graph = Fake::default().with(&accounts(), all);
    assert_eq!(plan_of(&synced(), &graph).changes.len(), 1);
}

#[test]
fn what_is_missing_is_one_open_finding_with_the_way_out_and_never_an_error() {
    let mut unpermitted = diego();
    unpermitted.operator.permissions = vec!["SecurityIdentitiesAccount.Read.All".into()];
    let mut no_action = row(Some(true));
    no_action["accounts"][1]["actions"] = json!(["enable"]);
    for (who, graph) in [
        (unpermitted, Fake::default()),
        (diego(), Fake::default()),
        (diego(), Fake::default().failing(&narrow(), ReadErrorKind::Forbidden)),
        (diego(), Fake::default().with(&narrow(), json!([]))),
        (diego(), Fake::default().with(&narrow(), json!([{"onPremisesSecurityIdentifier": SID}]))),
        (diego(), Fake::default().with(&narrow(), json!([no_action]))),
    ] {
        let plan = plan_of(&who, &graph);
        assert!(plan.changes.is_empty() && plan.open.len() == 1, "{plan:#?}");
        assert!(plan.open[0].next.as_ref().unwrap().contains(r"disable contoso.local\adelev"));
    }
    let down = Fake::default().failing(&narrow(), ReadErrorKind::Unavailable);
    assert!(ready(Action::observe(&DisableOnPremises, &diego(), &down)).is_err(), "to be tried again");
}

#[test]
fn without_a_field_of_its_own_only_a_later_synchronisation_proves_it() {
    let who = diego();
    for (enabled, synced_at, contained) in [
        (false, "2026-05-02T11:50:00Z", false),
        (true, "2026-05-02T12:20:00Z", false),
        (false, "2026-05-02T12:20:00Z", true),
    ] {
        let cloud = json!({ "accountEnabled": enabled, "onPremisesLastSyncDateTime": synced_at });
        let graph = Fake::default().with(&narrow(), json!([row(None)])).with(&User::get(&who.user.id), cloud);
        let plan = plan_of(&who, &graph);
        assert_eq!(plan.changes.is_empty(), contained, "{enabled} {synced_at}");
    }
    let account = Account {
        id: "i".into(),
        id_in_ad: "a".into(),
        enabled: None,
        offers_disable: true,
        cloud_enabled: Some(false),
        last_sync: Some(at("2026-05-02T11:50:00Z")),
    };
    let mut disabled_before = diego();
    disabled_before.user.account_enabled = Some(false);
    assert!(matches!(disable(&disabled_before, &account).undo, Undo::Never(_)));
}

#[test]
fn only_the_global_cloud_is_asked() {
    for cloud in [Cloud::UsGov, Cloud::UsDod, Cloud::China] {
        let (graph, who) = (Fake::default(), in_cloud(cloud, diego()));
        let plan = plan_of(&who, &graph);
        assert!(graph.reads().is_empty() && plan.changes.is_empty());
        assert_eq!(plan.open.len(), 1);
        assert!(plan.open[0].next.as_ref().unwrap().contains("Disable-ADAccount"), "{plan:#?}");
    }
}
