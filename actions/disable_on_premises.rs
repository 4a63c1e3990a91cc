//! `disable_on_premises`: the account is disabled in Active Directory, by Defender for Identity's action.
//!
//! It is the only way through Graph to an on-premises account, and makes `disable_user` last for one that is
//! synchronised. It needs sensors and an action account on the domain controllers, so a tenant without them is no
//! error: the step then says what to do in AD. In the Global cloud only.
//!
//! <https://learn.microsoft.com/graph/api/security-identityaccounts-invokeaction>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Method, NoSettings, Permission, Plan, Read,
    ReadError, ReadErrorKind, Seen, Target, Technique, Undo, User,
};

const READ: Permission = Permission::read("SecurityIdentitiesAccount.Read.All", &[]).optional();
const ACT: Permission = Permission::write("SecurityIdentitiesActions.ReadWrite.All", &[]).optional();
const PERMISSIONS: &[Permission] = &[READ, ACT];

/// See the module's page.
pub struct DisableOnPremises;

/// What Defender for Identity says of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The account is not synchronised from AD: nothing was asked.
    Cloud,
    /// The runner may not ask, or may not act: the permission that it lacks.
    NotPermitted(String),
    /// The service refuses: there is no Defender for Identity in this tenant or cloud.
    Unavailable,
    /// It doesn't know the account, or not surely.
    Unknown,
    /// It knows the account.
    Known(Account),
}

/// The account as Defender for Identity knows it.
///
/// <https://learn.microsoft.com/graph/api/resources/security-identityaccounts>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    id: String,
    /// The id in AD, which the action takes.
    id_in_ad: String,
    /// Missing when the service didn't say.
    enabled: Option<bool>,
    /// `false`: the actions that are offered for it don't hold this one.
    offers_disable: bool,
    /// The cloud's value and when AD last wrote it, for want of `enabled`.
    cloud_enabled: Option<bool>,
    last_sync: Option<Timestamp>,
}

fn accounts() -> Get {
    Get::new(["security", "identities", "identityAccounts"])
}

/// Every account, where the service doesn't take the filter.
async fn read(user: &User, graph: &dyn Read) -> Result<Vec<Value>, ReadError> {
    let Some(sid) = &user.on_premises_security_identifier else { return graph.all(&accounts()).await };
    let narrow = accounts().filter(format!("onPremisesSecurityIdentifier eq {}", Get::quote(sid)));
    match graph.all(&narrow).await {
        Err(error) if error.kind == ReadErrorKind::Refused => graph.all(&accounts()).await,
        answer => answer,
    }
}

/// The one row that is this user. By the SID, whatever the service filtered; by the name only without one.
fn find<'a>(user: &User, rows: &'a [Value]) -> Option<&'a Value> {
    let same = |row: &&Value, member: &str, wanted: &str| {
        row[member].as_str().is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    let mut found = rows.iter().filter(|row| match &user.on_premises_security_identifier {
        Some(sid) => same(row, "onPremisesSecurityIdentifier", sid),
        None => same(row, "userPrincipalName", &user.user_principal_name),
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn account(row: &Value) -> Option<Account> {
    let mut accounts = row["accounts"].as_array()?.iter();
    let in_ad = accounts.find(|account| account["identityProvider"] == "activeDirectory")?;
    let offered = in_ad["actions"].as_array().filter(|actions| !actions.is_empty());
    let id = |value: &Value| value.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    Some(Account {
        id: id(&row["id"])?,
        id_in_ad: id(&in_ad["identifier"])?,
        enabled: row["isEnabled"].as_bool(),
        offers_disable: offered.is_none_or(|actions| {
            actions.iter().filter_map(Value::as_str).any(|a| a.eq_ignore_ascii_case("disable"))
        }),
        cloud_enabled: None,
        last_sync: None,
    })
}

impl Action for DisableOnPremises {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "disable_on_premises",
            title: "disable the on-premises account, where there is one",
            why: "An account from on-premises AD that is disabled in the cloud alone is enabled again by the \
                  next synchronisation. Defender for Identity can disable it at its source. Needs its sensors \
                  and an action account on the domain controllers; the Global cloud only.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the account is enabled again in AD, if it was",
            attack: &[
                Technique { id: "T1078.002", name: "Domain Accounts" },
                Technique { id: "T1078.004", name: "Cloud Accounts" },
            ],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/security-identityaccounts-invokeaction",
                "https://learn.microsoft.com/graph/api/resources/security-identityaccounts",
                "https://learn.microsoft.com/graph/api/resources/security-account",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        if !who.user.is_synced() {
            return Ok(State::Cloud);
        }
        // Which token doesn't say what it may do is found out by asking.
        let held = &who.operator.permissions;
        if let Some(lacks) = PERMISSIONS.iter().find(|p| !held.is_empty() && !p.is_met_by(held)) {
            return Ok(State::NotPermitted(lacks.name.to_owned()));
        }
        let rows = match read(&who.user, graph).await {
            Ok(rows) => rows,
            Err(error) => {
                return match error.kind {
                    ReadErrorKind::Forbidden | ReadErrorKind::NotFound | ReadErrorKind::Refused => {
                        Ok(State::Unavailable)
                    }
                    _ => Err(error),
                };
            }
        };
        let Some(mut account) = find(&who.user, &rows).and_then(account) else { return Ok(State::Unknown) };
        if account.enabled.is_none() {
            let cloud = graph.one(&User::get(&who.user.id)).await?;
            account.cloud_enabled = cloud["accountEnabled"].as_bool();
            account.last_sync = cloud["onPremisesLastSyncDateTime"].as_str().and_then(|t| t.parse().ok());
        }
        Ok(State::Known(account))
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let account = match now {
            State::Cloud => return Plan::default(),
            State::NotPermitted(name) => {
                return open(
                    who,
                    &format!(
                        "Defender for Identity was not asked to disable it in on-premises AD: the runner lacks the application permission {name}"
                    ),
                );
            }
            State::Unavailable => {
                return open(
                    who,
                    "Defender for Identity refuses: this tenant or this cloud doesn't have it, so it can't disable the account in on-premises AD",
                );
            }
            State::Unknown => {
                return open(
                    who,
                    "Defender for Identity doesn't know the on-premises account for sure, so it was not asked to disable it",
                );
            }
            State::Known(account) => account,
        };
        if account.is_disabled(who) {
            let reason = vec!["it is disabled in on-premises AD".to_owned()];
            let object = (who.user.id.as_str(), who.user.user_principal_name.as_str());
            return Plan { kept: vec![Finding::of(object, Decision::Keep, reason)], ..Plan::default() };
        }
        if !account.offers_disable {
            return open(
                who,
                "Defender for Identity offers no disable action for the on-premises account: it may lack an action account in that domain",
            );
        }
        Plan { changes: vec![disable(who, account)], ..Plan::default() }
    }
}

impl Account {
    /// By its own field. Without one: AD has written the account since the cut, and it stayed disabled.
    fn is_disabled(&self, who: &Target) -> bool {
        self.enabled.map_or_else(
            || self.cloud_enabled == Some(false) && self.last_sync.is_some_and(|t| who.is_after_cut(t)),
            |enabled| !enabled,
        )
    }
}

fn disable(who: &Target, account: &Account) -> Change {
    let post = |action: &str| {
        let path = ["security", "identities", "identityAccounts", &account.id, "invokeAction"];
        Call::new(Method::Post, path)
            .body(json!({
                "accountId": account.id_in_ad, "action": action, "identityProvider": "activeDirectory",
            }))
            .by_hand(way_out(&who.user))
    };
    let was_enabled = account.enabled.or(who.user.account_enabled) == Some(true);
    let seen = |enabled: bool| json!({ "isEnabled": enabled });
    let one =
        Get::new(["security", "identities", "identityAccounts", &account.id]).select(&["id", "isEnabled"]);
    Change::new(
        (&account.id, &who.user.on_premises_account()),
        "disable the account in on-premises AD, through Defender for Identity".into(),
        (if account.enabled.is_some() { "enabled in AD" } else { "unknown in AD" }, "disabled in AD"),
        post("disable"),
        if was_enabled {
            Undo::Call(post("enable"))
        } else {
            Undo::Never("whether it was enabled in on-premises AD could not be seen".into())
        },
    )
    // Where the service doesn't tell, anything but "enabled" may be ours.
    .look(Look::at(
        one,
        Seen::With(seen(true)),
        account.enabled.map_or(Seen::Any, |_| Seen::With(seen(false))),
    ))
}

fn open(who: &Target, reason: &str) -> Plan {
    Plan { open: vec![Finding::open(&who.user, reason, way_out(&who.user))], ..Plan::default() }
}

/// What a person does in AD.
fn way_out(user: &User) -> String {
    format!("on a domain controller: disable {} (Disable-ADAccount)", user.on_premises_account())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::{Fake, adele, at, ready, synced};

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
            let graph =
                Fake::default().with(&narrow(), json!([row(None)])).with(&User::get(&who.user.id), cloud);
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
}
