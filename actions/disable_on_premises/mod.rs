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
    About, Action, BUT_GLOBAL, Call, Change, Decision, Finding, Get, Look, Method, NoSettings, Permission,
    Plan, Read, ReadError, ReadErrorKind, Seen, Target, Technique, Undo, User,
};

const READ: Permission =
    Permission::read("SecurityIdentitiesAccount.Read.All", &[]).optional().not_in(BUT_GLOBAL);
const ACT: Permission =
    Permission::write("SecurityIdentitiesActions.ReadWrite.All", &[]).optional().not_in(BUT_GLOBAL);
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
    /// Graph has none of it in the tenant's cloud: nothing was asked.
    NotInCloud,
    /// The service refuses: there is no Defender for Identity in this tenant.
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
        if who.tenant.cloud.lacks(&accounts().path).is_some() {
            return Ok(State::NotInCloud);
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
            State::NotInCloud => {
                let open = Finding::not_in_cloud(who, "Defender for Identity", way_out(&who.user));
                return Plan { open: vec![open], ..Plan::default() };
            }
            State::Unavailable => {
                return open(
                    who,
                    "Defender for Identity refuses: this tenant doesn't have it, so it can't disable the account in on-premises AD",
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
mod tests;
