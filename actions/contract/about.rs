//! What is known about an action without running it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The card of an action: listing, docs, permission manifest and playbook schema come from it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct About {
    /// Its id in a playbook, `snake_case`.
    pub id: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// Why a responder wants it: which way in it closes, and what it can't do.
    pub why: &'static str,
    /// Application permissions it needs, all of them.
    pub permissions: &'static [Permission],
    /// Directory roles that the runner's service principal needs, by the kind of target.
    pub roles: &'static [Role],
    /// What rollback can do, in a sentence.
    pub reversibility: &'static str,
    /// The adversary techniques that it answers (MITRE ATT&CK v19).
    pub attack: &'static [Technique],
    /// The countermeasures that it is (MITRE D3FEND v1.2.0).
    pub defend: &'static [Technique],
    /// The Graph pages that it rests on.
    pub pages: &'static [&'static str],
}

/// The service that an application permission is an app role of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Microsoft Graph.
    #[default]
    Graph,
    /// Office 365 Exchange Online. Needed only where the operator opted in to that route.
    Exchange,
}

/// An application permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Permission {
    /// Its name, as in the token's `roles` claim.
    pub name: &'static str,
    /// Wider permissions that also do.
    pub or: &'static [&'static str],
    /// Whether it is needed to read, or only to write.
    pub write: bool,
    /// Whose app role it is.
    pub resource: Resource,
}

impl Permission {
    /// What lets an application run Exchange Online's cmdlets. Which ones is decided by a role in Exchange.
    ///
    /// <https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2>
    pub const EXCHANGE: Self =
        Self { name: "Exchange.ManageAsApp", or: &[], write: false, resource: Resource::Exchange };

    /// Needed to observe and plan.
    pub const fn read(name: &'static str, or: &'static [&'static str]) -> Self {
        Self { name, or, write: false, resource: Resource::Graph }
    }

    /// Needed to apply.
    pub const fn write(name: &'static str, or: &'static [&'static str]) -> Self {
        Self { name, or, write: true, resource: Resource::Graph }
    }

    /// Whether a token with these permissions may do it.
    pub fn is_met_by<S: AsRef<str>>(&self, granted: &[S]) -> bool {
        granted.iter().any(|g| g.as_ref() == self.name || self.or.contains(&g.as_ref()))
    }
}

/// When the runner's service principal needs a directory role besides the permission.
///
/// <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// For targets that hold a directory role: one that outranks it ("who can perform sensitive actions").
    ForSensitiveAction,
    /// For targets that hold a directory role: one that may reset passwords and invalidate refresh tokens.
    ForTokensOfAdmins,
    /// For every target, also without a role: User Administrator at least.
    ForAnyPassword,
    /// For every device: Cloud Device Administrator at least.
    ForDevices,
}

/// An entry of a public catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Technique {
    /// Its id: `T1528`, `D3-AL`.
    pub id: &'static str,
    /// Its name there.
    pub name: &'static str,
}
