//! `review_sign_ins`: from where the account was used since the compromise began, and whether anybody got in after it
//! was cut off.
//!
//! It only looks. The log is read page by page and folded into a summary of a few kilobytes, however long it is. A
//! replayed token shows among the non-interactive sign-ins, which only the beta edition of Graph gives; where that
//! edition refuses, the interactive ones are read and the report says what was not seen.
//!
//! An application needs `AuditLog.Read.All` and the tenant a P1 licence; a person who is signed in needs a role as well,
//! such as Reports Reader or Security Reader.
//!
//! <https://learn.microsoft.com/graph/api/signin-list>

mod judge;
mod observe;
mod sign_in;
mod summary;
mod tally;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{About, Action, Permission, Plan, Read, ReadError, Target, Technique};

pub use summary::Summary;

const READ: Permission = Permission::read("AuditLog.Read.All", &[]);
const PERMISSIONS: &[Permission] = &[READ];

/// See the module's page.
pub struct ReviewSignIns;

/// What a playbook may set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether sign-ins are read in which nobody was asked for anything, such as those by a refresh token. By Graph's
    /// beta edition, which alone has them; `false`: interactive ones alone, and a replayed token isn't seen.
    pub non_interactive: bool,
    /// Ids of sign-ins after the cut that a person has judged, as the findings name them. What comes later from the
    /// same address is asked again.
    pub keep: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { non_interactive: true, keep: Vec::new() }
    }
}

/// What the log shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was read.
    Seen(Box<Summary>),
    /// The service says that the tenant has no licence for it.
    NoLicence,
    /// It was refused although the permission is there.
    Refused,
}

impl Action for ReviewSignIns {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_sign_ins",
            title: "review sign-ins",
            why: "Shows from which addresses, countries, apps and clients the account was used since the compromise \
                  began, and whether anybody got in after it was cut off. It changes nothing. The log lags by minutes \
                  to hours, so silence is no proof. Needs an Entra ID P1 licence.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "nothing is changed",
            attack: &[
                Technique { id: "T1078.004", name: "Cloud Accounts" },
                Technique { id: "T1550.001", name: "Application Access Token" },
            ],
            defend: &[Technique { id: "D3-UGLPA", name: "User Geolocation Logon Pattern Analysis" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/signin-list",
                "https://learn.microsoft.com/graph/api/resources/signin",
                "https://learn.microsoft.com/entra/identity/monitoring-health/concept-noninteractive-sign-ins",
            ],
        }
    }

    fn only_looks(&self) -> bool {
        true
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        // The loader has refused settings that can't be read; the plan says so.
        let settings = who.settings::<Settings>().unwrap_or_default();
        observe::read(who, graph, &settings).await
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        who.plan_by(|settings: &Settings| judge::judge(who, now, settings))
    }
}

#[cfg(test)]
mod tests;
