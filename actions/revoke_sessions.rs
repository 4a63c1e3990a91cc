//! `revoke_sessions`: refresh tokens and browser session cookies become void.
//!
//! The service takes a few minutes, and access tokens that are already out live until they expire. It always
//! answers `true`; the proof is that `signInSessionsValidFromDateTime` moved past the cut.
//!
//! <https://learn.microsoft.com/graph/api/user-revokesigninsessions>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    About, Action, Call, Change, Finding, Lasts, Method, NoSettings, Permission, Plan, Read, ReadError, Role,
    Target, Technique, Undo, User,
};

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("User.RevokeSessions.All", &["User.ReadWrite.All", "Directory.ReadWrite.All"]),
];

/// See the module's page.
pub struct RevokeSessions;

/// From when on sessions are valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    valid_from: Option<Timestamp>,
}

impl Action for RevokeSessions {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "revoke_sessions",
            title: "revoke refresh tokens and browser sessions",
            why: "A stolen refresh token or session cookie mints new access tokens until it is revoked. \
                  Access tokens that are already out live on until they expire.",
            permissions: PERMISSIONS,
            roles: &[Role::ForTokensOfAdmins],
            reversibility: "never: the user signs in again",
            attack: &[
                Technique { id: "T1528", name: "Steal Application Access Token" },
                Technique { id: "T1539", name: "Steal Web Session Cookie" },
                Technique { id: "T1550.004", name: "Web Session Cookie" },
            ],
            defend: &[
                Technique { id: "D3-ST", name: "Session Termination" },
                Technique { id: "D3-ANCI", name: "Authentication Cache Invalidation" },
            ],
            pages: &["https://learn.microsoft.com/graph/api/user-revokesigninsessions"],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let user = graph.one(&User::get(&who.user.id)).await?;
        let valid_from = user["signInSessionsValidFromDateTime"].as_str().and_then(|t| t.parse().ok());
        Ok(State { valid_from })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        if who.user.is_external_guest() {
            return Plan { open: vec![guest(who)], ..Plan::default() };
        }
        if now.valid_from.is_some_and(|valid_from| who.is_after_cut(valid_from)) {
            return Plan::default();
        }
        let change = Change {
            object_id: who.user.id.clone(),
            label: who.user.user_principal_name.clone(),
            say: "revoke refresh tokens and browser sessions".into(),
            from: now.valid_from.map_or_else(
                || "sessions of any age are valid".into(),
                |t| format!("sessions since {t:.0} are valid"),
            ),
            to: "only sessions from now on are valid".into(),
            call: Call::new(Method::Post, ["users", &who.user.id, "revokeSignInSessions"]),
            undo: Undo::Never("a revoked session can't be restored; the user signs in again".into()),
            look: None,
            lasts: Lasts::Stays,
            risk: None,
            reasons: vec![],
        };
        Plan { changes: vec![change], ..Plan::default() }
    }
}

/// The service answers 200 for a guest and does nothing.
fn guest(who: &Target) -> Finding {
    Finding::open(
        &who.user,
        "a guest signs in at their home tenant: revoking here is answered with 200 and does nothing",
        "ask the home tenant to revoke; here, disable or delete the guest, or block it by Conditional Access",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::fake::{self, Fake, adele, at, ready};

    fn planned(valid_from: Option<&str>) -> Plan {
        Action::plan(&RevokeSessions, &adele(), &State { valid_from: valid_from.map(at) })
    }

    #[test]
    fn sessions_from_before_the_cut_are_revoked() {
        for valid_from in [Some("2026-05-02T11:59:57Z"), Some("2020-01-01T00:00:00Z"), None] {
            let plan = planned(valid_from);
            assert_eq!(
                plan.changes[0].call.to_string(),
                "POST /v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/revokeSignInSessions"
            );
            assert!(matches!(plan.changes[0].undo, Undo::Never(_)));
        }
    }

    #[test]
    fn a_revocation_at_or_after_the_cut_is_containment_also_when_truncated_to_seconds() {
        for valid_from in ["2026-05-02T11:59:58Z", "2026-05-02T12:00:00Z", "2026-05-02T12:00:05Z"] {
            assert_eq!(planned(Some(valid_from)), Plan::default(), "{valid_from}");
        }
    }

    #[test]
    fn a_guest_is_left_open_because_the_call_would_lie() {
        let plan = Action::plan(&RevokeSessions, &fake::guest(), &State { valid_from: None });
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].next.as_ref().unwrap().contains("home tenant"));
    }

    #[test]
    fn observing_takes_the_one_read_of_the_user_and_tolerates_an_odd_date() {
        for (value, expected) in [
            (json!("2026-05-02T12:00:00Z"), Some(at("2026-05-02T12:00:00Z"))),
            (json!("yesterday"), None),
            (json!(7), None),
            (json!(null), None),
        ] {
            let who = adele();
            let graph = Fake::default()
                .with(&User::get(&who.user.id), json!({ "signInSessionsValidFromDateTime": value }));
            let state = ready(Action::observe(&RevokeSessions, &who, &graph)).unwrap();
            assert_eq!(state.valid_from, expected);
            assert_eq!(graph.reads(), [User::get(&who.user.id).url()]);
        }
    }
}
