//! `confirm_compromised`: tells Identity Protection that the account is compromised.
//!
//! The risk becomes high, which risk-based Conditional Access acts on, and which ends sessions of apps that
//! evaluate access continuously. Needs a P2 licence. Taking it back dismisses all risk, and leaves a history.
//!
//! <https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised>

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    About, Action, Call, Change, Finding, Get, IN_CHINA, Look, Method, NoSettings, Permission, Plan, Read,
    ReadError, ReadErrorKind, Seen, Target, Technique, Undo,
};

const READ: Permission =
    Permission::read("IdentityRiskyUser.Read.All", &["IdentityRiskyUser.ReadWrite.All"]).not_in(IN_CHINA);
const WRITE: Permission = Permission::write("IdentityRiskyUser.ReadWrite.All", &[]).not_in(IN_CHINA);
const PERMISSIONS: &[Permission] = &[READ, WRITE];

/// See the module's page.
pub struct ConfirmCompromised;

/// What Identity Protection says of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It never was at risk.
    Never,
    /// `atRisk`, `confirmedCompromised`, `dismissed`, …
    Known(String),
    /// Graph has no Identity Protection in the tenant's cloud: nothing was asked.
    NotInCloud,
    /// Refused although the permission is there.
    NoLicence,
}

fn risk(user: &str) -> Get {
    Get::new(["identityProtection", "riskyUsers", user]).select(&["id", "riskState", "riskLevel"])
}

impl Action for ConfirmCompromised {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "confirm_compromised",
            title: "confirm the compromise to Identity Protection",
            why: "Raises the user risk to high, so that risk-based policies block what sign-ins are left and \
                  apps that evaluate access continuously drop their sessions. Needs an Entra ID P2 licence.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "by dismissing the risk, only when there was none before; the history remains",
            attack: &[Technique { id: "T1078.004", name: "Cloud Accounts" }],
            defend: &[Technique { id: "D3-ST", name: "Session Termination" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/riskyuser-confirmcompromised",
                "https://learn.microsoft.com/graph/api/riskyuser-dismiss",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let risk = risk(&who.user.id);
        if who.tenant.cloud.lacks(&risk.path).is_some() {
            return Ok(State::NotInCloud);
        }
        match graph.one(&risk).await {
            Ok(user) => Ok(State::Known(user["riskState"].as_str().unwrap_or("none").to_owned())),
            Err(error) if error.kind == ReadErrorKind::NotFound => Ok(State::Never),
            // A missing licence and a missing permission are both 403; the token tells them apart.
            Err(error)
                if error.kind == ReadErrorKind::Forbidden && READ.is_met_by(&who.operator.permissions) =>
            {
                Ok(State::NoLicence)
            }
            Err(error) => Err(error),
        }
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let before = match now {
            State::NoLicence => {
                let open = Finding::open(
                    &who.user,
                    "Identity Protection refuses although the permission is there: the tenant has no P2 licence",
                    "nothing is to be done without the licence; the other steps don't depend on it",
                );
                return Plan { open: vec![open], ..Plan::default() };
            }
            State::NotInCloud => {
                let open = Finding::not_in_cloud(
                    who,
                    "Identity Protection",
                    "where a policy acts on risk, nothing blocks the account by it: see that the account is \
                     disabled and its sessions are revoked",
                );
                return Plan { open: vec![open], ..Plan::default() };
            }
            State::Known(state) if state == "confirmedCompromised" => return Plan::default(),
            State::Known(state) => state.as_str(),
            State::Never => "none",
        };
        let post = |what: &str| {
            Call::new(Method::Post, ["identityProtection", "riskyUsers", what])
                .body(json!({ "userIds": [who.user.id] }))
        };
        let undo = if before == "none" {
            Undo::Call(post("dismiss"))
        } else {
            Undo::Never(format!(
                "the risk was {before} before, and dismissing would clear that too; dismiss it by hand if it \
                 was a false alarm"
            ))
        };
        let confirmed = json!({ "riskState": "confirmedCompromised" });
        let change = Change::new(
            (&who.user.id, &who.user.user_principal_name),
            "confirm to Identity Protection that the account is compromised".into(),
            (&format!("risk: {before}"), "risk: confirmed compromised"),
            post("confirmCompromised"),
            undo,
        )
        .look(Look::at(risk(&who.user.id), Seen::Without(confirmed.clone()), Seen::With(confirmed)));
        Plan { changes: vec![change], ..Plan::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cloud;
    use crate::contract::fake::{Fake, adele, in_cloud, ready};

    fn observed(graph: &Fake, permissions: &[&str]) -> Result<State, ReadError> {
        let mut who = adele();
        who.operator.permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
        ready(Action::observe(&ConfirmCompromised, &who, graph))
    }

    fn planned(state: &State) -> Plan {
        Action::plan(&ConfirmCompromised, &adele(), state)
    }

    #[test]
    fn a_user_who_never_was_at_risk_is_confirmed_and_may_be_dismissed() {
        assert_eq!(observed(&Fake::default(), &[]).unwrap(), State::Never);
        let plan = planned(&State::Never);
        assert_eq!(
            plan.changes[0].call.to_string(),
            r#"POST /v1.0/identityProtection/riskyUsers/confirmCompromised {"userIds":["87d349ed-44d7-43e1-9a83-5f2406dee5bd"]}"#
        );
        assert!(matches!(&plan.changes[0].undo, Undo::Call(call) if call.url().ends_with("/dismiss")));
    }

    #[test]
    fn risk_from_before_is_not_dismissed() {
        let graph = Fake::default().with(&risk(&adele().user.id), json!({ "riskState": "atRisk" }));
        let state = observed(&graph, &[]).unwrap();
        assert!(matches!(&planned(&state).changes[0].undo, Undo::Never(why) if why.contains("atRisk")));
    }

    #[test]
    fn confirmed_is_contained() {
        assert_eq!(planned(&State::Known("confirmedCompromised".into())), Plan::default());
    }

    #[test]
    fn in_china_nothing_is_asked_and_one_finding_says_so() {
        let (graph, who) = (Fake::default(), in_cloud(Cloud::China, adele()));
        let state = ready(Action::observe(&ConfirmCompromised, &who, &graph)).unwrap();
        let plan = Action::plan(&ConfirmCompromised, &who, &state);
        assert!(graph.reads().is_empty() && plan.changes.is_empty());
        assert_eq!(plan.open.len(), 1);
        assert!(plan.open[0].reasons[0].contains("China"), "{plan:#?}");
    }

    #[test]
    fn a_missing_licence_is_open_and_a_missing_permission_is_an_error() {
        let graph = Fake::default().failing(&risk(&adele().user.id), ReadErrorKind::Forbidden);
        let state = observed(&graph, &["IdentityRiskyUser.ReadWrite.All"]).unwrap();
        assert_eq!(state, State::NoLicence);
        assert!(planned(&state).open[0].reasons[0].contains("P2"));
        assert!(observed(&graph, &["User.Read.All"]).is_err());
    }
}
