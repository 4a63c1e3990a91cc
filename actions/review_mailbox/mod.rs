//! `review_mailbox`: forwarding of the whole mailbox ends, and delegates are listed or lose their access.
//!
//! Graph shows none of it, so all goes through Exchange Online's cmdlets, where the operator opted in. Neither
//! forwarding nor a permission has a date. So forwarding is judged by where it leads, and of delegates a person
//! decides.
//!
//! <https://learn.microsoft.com/powershell/module/exchange/get-mailbox>

mod changes;
mod judge;
mod observe;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{About, Action, Permission, Plan, Read, ReadError, Target, Technique};

pub use observe::State;

const PERMISSIONS: &[Permission] = &[Permission::EXCHANGE];

/// See the module's page.
pub struct ReviewMailbox;

/// What a playbook may set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which forwarding ends.
    pub forwarding: Forwarding,
    /// What becomes of delegates.
    pub delegates: Delegates,
    /// Delegates that stay, as Exchange names them.
    pub keep: Vec<String>,
}

/// Which forwarding of the mailbox ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Forwarding {
    /// What leads out of the tenant's verified domains. A person decides on the rest.
    #[default]
    External,
    /// Any.
    All,
}

/// What becomes of whoever may open the mailbox or send in its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delegates {
    /// A person decides.
    #[default]
    Ask,
    /// They lose the access.
    Remove,
}

impl Action for ReviewMailbox {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_mailbox",
            title: "end forwarding of the mailbox, list its delegates",
            why: "Forwarding and delegates outlive the account: mail flows on and somebody else reads it. Graph \
                  shows neither, so this takes `exchange = true` in the configuration, the permission \
                  Exchange.ManageAsApp of Office 365 Exchange Online, and a role in Exchange, such as Exchange \
                  Administrator; without them it says what can't be seen.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: forwarding and permissions are set again; full access is given back with \
                            automapping, which can't be read",
            attack: &[
                Technique { id: "T1114.003", name: "Email Forwarding Rule" },
                Technique { id: "T1098.002", name: "Additional Email Delegate Permissions" },
            ],
            defend: &[Technique { id: "D3-UAP", name: "User Account Permissions" }],
            pages: &[
                "https://learn.microsoft.com/powershell/module/exchange/get-mailbox",
                "https://learn.microsoft.com/powershell/module/exchange/set-mailbox",
                "https://learn.microsoft.com/powershell/module/exchange/get-mailboxpermission",
                "https://learn.microsoft.com/powershell/module/exchange/get-recipientpermission",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        observe::observe(who, graph).await
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        who.plan_by(|settings: &Settings| judge::judge(who, now, settings))
    }
}

#[cfg(test)]
mod tests;
