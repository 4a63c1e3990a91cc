//! `block_sign_in_by_policy`: a Conditional Access policy that blocks this one account everywhere.
//!
//! It works where disabling doesn't last: for accounts from on-premises AD and for guests. The policy carries a
//! name that follows from the account, by which it is found again. Needs a P1 licence.
//!
//! <https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Method, NoSettings, Permission, Plan, Read,
    ReadError, ReadErrorKind, Repeat, Seen, Target, Technique, Undo,
};

const READ: Permission = Permission::read("Policy.Read.All", &[]);
const PERMISSIONS: &[Permission] = &[READ, Permission::write("Policy.ReadWrite.ConditionalAccess", &[])];

/// See the module's page.
pub struct BlockSignInByPolicy;

/// The policy of ours, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is none.
    Absent,
    /// There is one.
    Policy(Policy),
    /// Refused although the permission is there.
    NoLicence,
}

/// What counts of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    id: String,
    state: String,
    /// Whether it still blocks the account: for all apps, with nobody left out.
    blocks: bool,
}

fn policies() -> Get {
    Get::new(["identity", "conditionalAccess", "policies"])
}

/// The name by which the policy is found again.
fn marker(user: &str) -> String {
    format!("oust block {user}")
}

impl Action for BlockSignInByPolicy {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "block_sign_in_by_policy",
            title: "block sign-in by a Conditional Access policy",
            why: "A disabled account from on-premises AD is enabled by the next synchronisation, and a guest \
                  signs in elsewhere; a policy holds for both. Tokens that are already out live on until they \
                  expire or sessions are revoked. Needs an Entra ID P1 licence.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the policy is deleted",
            attack: &[Technique { id: "T1078.004", name: "Cloud Accounts" }],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies",
                "https://learn.microsoft.com/graph/api/conditionalaccesspolicy-delete",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let rows = match graph.all(&policies()).await {
            Ok(rows) => rows,
            // A missing licence and a missing permission are both 403; the token tells them apart.
            Err(error)
                if error.kind == ReadErrorKind::Forbidden && READ.is_met_by(&who.operator.permissions) =>
            {
                return Ok(State::NoLicence);
            }
            Err(error) => return Err(error),
        };
        let marker = marker(&who.user.id);
        let mut ours: Vec<Policy> = rows
            .iter()
            .filter(|row| row["displayName"] == marker.as_str())
            .map(|row| Policy {
                id: row["id"].as_str().unwrap_or_default().to_owned(),
                state: row["state"].as_str().unwrap_or_default().to_owned(),
                blocks: blocks(row, &who.user.id),
            })
            .collect();
        ours.sort_by(|a, b| (!a.blocks, &a.state, &a.id).cmp(&(!b.blocks, &b.state, &b.id)));
        // "enabled" would sort behind "disabled", so look for it.
        let enabled = ours.iter().position(|policy| policy.blocks && policy.state == "enabled");
        Ok(match enabled.or(if ours.is_empty() { None } else { Some(0) }) {
            Some(at) => State::Policy(ours.swap_remove(at)),
            None => State::Absent,
        })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let change = match now {
            State::NoLicence => {
                let open = Finding::open(
                    &who.user,
                    "Conditional Access refuses although the permission is there: the tenant has no P1 licence",
                    "block the account otherwise: disable it, on-premises for a synced one",
                );
                return Plan { open: vec![open], ..Plan::default() };
            }
            State::Policy(policy) if !policy.blocks => {
                let reason = "a policy of this name doesn't block the account any more: somebody changed it";
                let finding =
                    Finding::of((&policy.id, &marker(&who.user.id)), Decision::Ask, vec![reason.into()])
                        .next("look who changed it and why, delete it, and run again");
                return Plan { open: vec![finding], ..Plan::default() };
            }
            State::Policy(policy) if policy.state == "enabled" => return Plan::default(),
            State::Policy(policy) => enable(who, policy),
            State::Absent => create(who),
        };
        Plan { changes: vec![change], ..Plan::default() }
    }
}

fn blocks(row: &Value, user: &str) -> bool {
    let conditions = &row["conditions"];
    let has = |list: &Value, wanted: &str| {
        list.as_array().into_iter().flatten().any(|item| item.as_str() == Some(wanted))
    };
    let none = |list: &Value| list.as_array().is_none_or(Vec::is_empty);
    has(&conditions["users"]["includeUsers"], user)
        && has(&conditions["applications"]["includeApplications"], "All")
        && none(&conditions["users"]["excludeUsers"])
        && none(&conditions["applications"]["excludeApplications"])
        && has(&row["grantControls"]["builtInControls"], "block")
}

fn create(who: &Target) -> Change {
    let name = marker(&who.user.id);
    let body = json!({
        "displayName": name,
        "state": "enabled",
        "conditions": {
            "users": { "includeUsers": [who.user.id] },
            "applications": { "includeApplications": ["All"] },
            "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    });
    Change::new(
        (&who.user.id, &who.user.user_principal_name),
        "block every sign-in of the account by a Conditional Access policy".into(),
        ("no policy", &format!("policy {name:?}")),
        Call::new(Method::Post, ["identity", "conditionalAccess", "policies"])
            .body(body)
            .repeat(Repeat::Duplicates),
        Undo::Call(Call::on_found(Method::Delete, ["identity", "conditionalAccess", "policies"])),
    )
    .look(Look::pick(
        policies(),
        json!({ "displayName": name }),
        Seen::Absent,
        Seen::With(json!({ "state": "enabled" })),
    ))
}

fn enable(who: &Target, policy: &Policy) -> Change {
    let set = |state: &str| {
        Call::new(Method::Patch, ["identity", "conditionalAccess", "policies", &policy.id])
            .body(json!({ "state": state }))
    };
    let look = Look::pick(
        policies(),
        json!({ "id": policy.id }),
        Seen::With(json!({ "state": policy.state })),
        Seen::With(json!({ "state": "enabled" })),
    );
    Change::new(
        (&policy.id, &marker(&who.user.id)),
        "enable the policy that blocks the account".into(),
        (&policy.state, "enabled"),
        set("enabled"),
        Undo::Call(set(&policy.state)),
    )
    .look(look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    fn plan(rows: Value) -> Plan {
        let graph = Fake::default().with(&policies(), rows);
        let state = ready(Action::observe(&BlockSignInByPolicy, &adele(), &graph)).unwrap();
        Action::plan(&BlockSignInByPolicy, &adele(), &state)
    }

    fn ours(state: &str) -> Value {
        let Some(mut body) = plan(json!([])).changes.remove(0).call.body else { panic!("it has a body") };
        body["id"] = json!("made");
        body["state"] = json!(state);
        body
    }

    #[test]
    fn the_policy_is_made_once_and_deleted_by_the_id_it_got() {
        let plan = plan(json!([{ "id": "other", "displayName": "Require MFA", "state": "enabled" }]));
        let change = &plan.changes[0];
        assert_eq!(change.call.repeat, Repeat::Duplicates);
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        let undo = undo.found(&json!({ "id": "made" })).unwrap();
        assert_eq!(undo.to_string(), "DELETE /v1.0/identity/conditionalAccess/policies/made");
        assert_eq!(super::tests::plan(json!([ours("enabled")])), Plan::default());
    }

    #[test]
    fn a_policy_that_was_disabled_is_enabled_and_one_that_was_changed_is_open() {
        let disabled = plan(json!([ours("disabled")]));
        assert_eq!(
            disabled.changes[0].call.to_string(),
            r#"PATCH /v1.0/identity/conditionalAccess/policies/made {"state":"enabled"}"#
        );
        assert_eq!(plan(json!([ours("disabled"), ours("enabled")])), Plan::default());
        let mut changed = ours("enabled");
        changed["conditions"]["users"]["excludeUsers"] = json!([adele().user.id]);
        let open = plan(json!([changed]));
        assert!(open.changes.is_empty() && open.open.len() == 1);
    }

    #[test]
    fn a_missing_licence_is_open_and_a_missing_permission_is_an_error() {
        let graph = Fake::default().failing(&policies(), ReadErrorKind::Forbidden);
        let mut who = adele();
        assert!(ready(Action::observe(&BlockSignInByPolicy, &who, &graph)).is_err());
        who.operator.permissions = vec!["Policy.Read.All".into()];
        let state = ready(Action::observe(&BlockSignInByPolicy, &who, &graph)).unwrap();
        assert!(Action::plan(&BlockSignInByPolicy, &who, &state).open[0].reasons[0].contains("P1"));
    }
}
