//! `revoke_sessions`: refresh tokens and browser session cookies become void.
//!
//! <https://learn.microsoft.com/graph/api/user-revokesigninsessions>

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    About, Action, Call, Change, Decision, Finding, Lasts, Method, NoSettings, Permission, Plan, Read,
    ReadError, Role, Target, Technique, Undo, User,
};

/// Graph truncates the moment to whole seconds, and its clock and ours differ by a little.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

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
        if now.valid_from.is_some_and(|valid_from| valid_from >= who.cut_after - SKEW) {
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
    Finding {
        object_id: who.user.id.clone(),
        label: who.user.user_principal_name.clone(),
        decision: Decision::Ask,
        risk: None,
        reasons: vec![
            "a guest signs in at their home tenant: revoking here is answered with 200 and does nothing".into(),
        ],
        next: Some(
            "ask the home tenant to revoke; here, disable or delete the guest, or block it by Conditional Access".into(),
        ),
    }
}
