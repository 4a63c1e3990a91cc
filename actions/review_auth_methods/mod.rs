//! `review_auth_methods`: what the intruder registered to pass the second factor goes.
//!
//! The methods are listed once, or kind by kind in a cloud without that list, and judged by when they were added. Each is deleted through the collection of its
//! type; the generic one can't. The default method is refused while others exist, so another becomes the default
//! first; where the service doesn't allow that, such a refusal is sent again last.
//!
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview>

mod judge;
mod kinds;
mod list;
mod preferred;
mod removal;
mod seen;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{About, Action, Part, Permission, Plan, Read, ReadError, Target, Technique};

pub use seen::State;

const PERMISSIONS: &[Permission] = &[
    Permission::read("UserAuthenticationMethod.Read.All", &["UserAuthenticationMethod.ReadWrite.All"]),
    ALL_KINDS,
];

/// For every kind, or for one kind each. The default is changed with the first alone.
pub(super) const ALL_KINDS: Permission = Permission::write("UserAuthenticationMethod.ReadWrite.All", &[])
    .in_parts(&[
        part("phoneMethods", "UserAuthMethod-Phone.ReadWrite.All"),
        part("emailMethods", "UserAuthMethod-Email.ReadWrite.All"),
        part("externalAuthenticationMethods", "UserAuthMethod-External.ReadWrite.All"),
        part("temporaryAccessPassMethods", "UserAuthMethod-TAP.ReadWrite.All"),
        part("microsoftAuthenticatorMethods", "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"),
        part("fido2Methods", "UserAuthMethod-Passkey.ReadWrite.All"),
        part("softwareOathMethods", "UserAuthMethod-SoftwareOATH.ReadWrite.All"),
        part("windowsHelloForBusinessMethods", "UserAuthMethod-WindowsHello.ReadWrite.All"),
        part("platformCredentialMethods", "UserAuthMethod-PlatformCred.ReadWrite.All"),
        part("hardwareOathMethods", "UserAuthMethod-HardwareOATH.ReadWrite.All"),
    ]);

const fn part(collection: &'static str, name: &'static str) -> Part {
    Part { collection, name }
}

/// See the module's page.
pub struct ReviewAuthMethods;

/// What a playbook may set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which methods go.
    pub remove: Remove,
    /// Ids of methods that stay in any case.
    pub keep: Vec<String>,
    /// Whether a method that stays becomes the default when the default goes. By Graph's beta edition, which alone
    /// can; `false`: a person does it.
    pub change_default: bool,
    /// Whether a Temporary Access Pass stays that a run kept here issued. It is known by its id: of one that is
    /// made elsewhere nobody can tell whose it is, so it goes. For recovery; an eviction removes every pass.
    pub keep_issued: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { remove: Remove::Since, keep: Vec::new(), change_default: true, keep_issued: false }
    }
}

/// Which methods go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remove {
    /// Those that were added inside the compromise window.
    #[default]
    Since,
    /// All: the user registers everything anew.
    All,
}

impl Action for ReviewAuthMethods {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_auth_methods",
            title: "remove authentication methods of the intruder",
            why: "A phone, an authenticator or a passkey that the intruder added passes the second factor and \
                  resets the password again. App passwords can't be seen through Graph.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "in part: phones, email addresses and external methods come back, what holds a key doesn't",
            attack: &[
                Technique { id: "T1098.005", name: "Device Registration" },
                Technique { id: "T1556.006", name: "Multi-Factor Authentication" },
            ],
            defend: &[Technique { id: "D3-CRO", name: "Credential Rotation" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/authentication-list-methods",
                "https://learn.microsoft.com/graph/api/authentication-update",
                "https://learn.microsoft.com/graph/api/phoneauthenticationmethod-delete",
                "https://learn.microsoft.com/graph/api/windowshelloforbusinessauthenticationmethod-delete",
                "https://learn.microsoft.com/graph/api/temporaryaccesspassauthenticationmethod-delete",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let mut state = State::parse(&list::read(who, graph).await?);
        if let Ok(settings) = who.settings::<Settings>() {
            state.default = preferred::read(who, graph, &state, &settings).await?;
        }
        Ok(state)
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        who.plan_by(|settings: &Settings| judge::judge(who, now, settings))
    }
}

#[cfg(test)]
mod tests;
