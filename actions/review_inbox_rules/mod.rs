//! `review_inbox_rules`: rules that send mail out, destroy it or hide it are disabled, none is deleted.
//!
//! A rule has no date, so it is judged by what it does: every sign has points, and a rule with enough of them is
//! disabled. Rules that Outlook hides are out of Graph's sight: Exchange Online shows them, where that is open.
//!
//! <https://learn.microsoft.com/graph/api/resources/messagerule>

mod hidden;
mod judge;
mod observe;
mod rule;
mod score;
mod signs;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::{About, Action, IN_CHINA, Permission, Plan, Read, ReadError, Target, Technique};

pub use observe::State;

const READ_RULES: Permission =
    Permission::read("MailboxSettings.Read", &["MailboxSettings.ReadWrite"]).not_in(IN_CHINA);
const WRITE_RULES: Permission = Permission::write("MailboxSettings.ReadWrite", &[]).not_in(IN_CHINA);
const PERMISSIONS: &[Permission] = &[READ_RULES, WRITE_RULES];

/// See the module's page.
pub struct ReviewInboxRules;

/// What a playbook may set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// From this risk on a rule is disabled.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    pub min_risk: u8,
    /// Ids of rules that stay, whatever their risk.
    pub keep: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { min_risk: 50, keep: vec![] }
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        percent @ 0..=100 => Ok(percent),
        more => Err(de::Error::custom(format_args!("min_risk is {more}, and must be from 0 to 100"))),
    }
}

impl Action for ReviewInboxRules {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_inbox_rules",
            title: "disable inbox rules of the intruder",
            why: "A rule goes on forwarding or hiding mail when the account is closed. Hidden rules \
                  can't be seen through Graph: with `exchange = true` in the configuration they are listed. With Mail.ReadBasic.All besides, the \
                  folder that a rule moves mail to has a name.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the rules are enabled again",
            attack: &[
                Technique { id: "T1114.003", name: "Email Forwarding Rule" },
                Technique { id: "T1564.008", name: "Email Hiding Rules" },
            ],
            defend: &[Technique { id: "D3-UAP", name: "User Account Permissions" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/mailfolder-list-messagerules",
                "https://learn.microsoft.com/graph/api/messagerule-update",
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
