//! What is known about an action without running it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Change, Cloud};

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
    /// The step does without it: what it would have done becomes an open finding.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Narrower permissions that do for a part of the writes each.
    #[serde(default, skip_serializing_if = "<[Part]>::is_empty")]
    pub parts: &'static [Part],
    /// Clouds where nothing is asked that takes it.
    #[serde(default, skip_serializing_if = "<[Cloud]>::is_empty")]
    pub not_in: &'static [Cloud],
}

/// A permission for the writes to one collection, where a wider one covers several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Part {
    /// The segment of the path that tells its writes: `phoneMethods`.
    pub collection: &'static str,
    /// The permission's name.
    pub name: &'static str,
}

impl Permission {
    /// What lets an application run Exchange Online's cmdlets. Which ones is decided by a role in Exchange.
    ///
    /// <https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2>
    pub const EXCHANGE: Self =
        Self { resource: Resource::Exchange, ..Self::read("Exchange.ManageAsApp", &[]) };

    /// Needed to observe and plan.
    pub const fn read(name: &'static str, or: &'static [&'static str]) -> Self {
        Self { name, or, write: false, resource: Resource::Graph, optional: false, parts: &[], not_in: &[] }
    }

    /// Needed to apply.
    pub const fn write(name: &'static str, or: &'static [&'static str]) -> Self {
        Self { write: true, ..Self::read(name, or) }
    }

    /// The step does without it.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Nothing is asked in these clouds that takes it.
    #[must_use]
    pub const fn not_in(self, clouds: &'static [Cloud]) -> Self {
        Self { not_in: clouds, ..self }
    }

    /// Narrower ones do for their part.
    #[must_use]
    pub const fn in_parts(self, parts: &'static [Part]) -> Self {
        Self { parts, ..self }
    }

    /// Whether a token with these permissions may do it, all parts of it.
    pub fn is_met_by<S: AsRef<str>>(&self, granted: &[S]) -> bool {
        self.is_met_whole(granted)
            || !self.parts.is_empty() && self.parts.iter().all(|part| part.is_in(granted))
    }

    /// The names of what such a token lacks for these changes: of a part, when it has others.
    pub fn lacking<S: AsRef<str>>(&self, granted: &[S], changes: &[&Change]) -> Vec<&'static str> {
        if self.is_met_by(granted) {
            return vec![];
        }
        if !self.write || !self.parts.iter().any(|part| part.is_in(granted)) {
            return vec![self.name];
        }
        let part_of = |change: &&Change| {
            self.parts.iter().find(|part| change.call.path.as_str().split('/').any(|s| s == part.collection))
        };
        let missing = |change| match part_of(change) {
            Some(part) => (!part.is_in(granted)).then_some(part.name),
            None => Some(self.name),
        };
        let mut names: Vec<&'static str> = changes.iter().filter_map(missing).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn is_met_whole<S: AsRef<str>>(&self, granted: &[S]) -> bool {
        granted.iter().any(|g| g.as_ref() == self.name || self.or.contains(&g.as_ref()))
    }
}

impl Part {
    /// Whether a token with these permissions has this one.
    pub fn is_in<S: AsRef<str>>(&self, granted: &[S]) -> bool {
        granted.iter().any(|g| g.as_ref() == self.name)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Method, Undo};

    const WIDE: Permission = Permission::write("All.ReadWrite", &[]).in_parts(&[
        Part { collection: "phones", name: "Phones.ReadWrite" },
        Part { collection: "keys", name: "Keys.ReadWrite" },
    ]);

    fn change(collection: &str) -> Change {
        let call = Call::new(Method::Delete, ["users", "u", collection, "x"]);
        Change::new(("x", "x"), String::new(), ("", ""), call, Undo::Never(String::new()))
    }

    #[test]
    fn narrower_permissions_do_for_their_part_and_all_of_them_for_the_whole() {
        let (phone, key, other) = (change("phones"), change("keys"), change("others"));
        let lacks = |granted: &[&str], changes: &[&Change]| WIDE.lacking(granted, changes).join(" ");
        assert_eq!(lacks(&["All.ReadWrite"], &[&other]), "");
        assert_eq!(lacks(&["Phones.ReadWrite"], &[&phone]), "");
        assert_eq!(lacks(&["Phones.ReadWrite"], &[&phone, &key, &key]), "Keys.ReadWrite");
        assert_eq!(lacks(&["Phones.ReadWrite"], &[&other]), "All.ReadWrite");
        assert_eq!(lacks(&["Something.Else"], &[&phone]), "All.ReadWrite");
        assert!(
            WIDE.is_met_by(&["Keys.ReadWrite", "Phones.ReadWrite"]) && !WIDE.is_met_by(&["Keys.ReadWrite"])
        );
    }
}
