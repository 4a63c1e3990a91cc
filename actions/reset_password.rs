//! `reset_password`: the password becomes one that nobody knows yet, to be changed at the next sign-in.
//!
//! The new password is a placeholder here; the engine fills it in as the call is sent and never writes it.
//! `User.ReadWrite.All` and `Directory.ReadWrite.All` are not enough for this property, and the service
//! refuses it for federated accounts.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    About, Action, Call, Change, Finding, Lasts, Method, Permission, Plan, Read, ReadError, Role, SECRET_KEY,
    Target, Technique, Undo, User,
};

/// The name of the secret in the body, for the engine to fill in.
const SECRET: &str = "new_password";

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("User-PasswordProfile.ReadWrite.All", &[]),
];

/// See the module's page.
pub struct ResetPassword;

/// What a playbook may set.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What to do with an account that comes from on-premises AD.
    pub synced: Synced,
}

/// What to do with an account that comes from on-premises AD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Synced {
    /// Leave it and say what to do on-premises: a cloud password doesn't change the one in AD.
    #[default]
    Skip,
    /// Set the cloud password all the same.
    Write,
}

/// When the password was last set; `None` when Graph didn't say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    last_change: Option<Timestamp>,
}

impl Action for ResetPassword {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "reset_password",
            title: "reset the password",
            why: "A phished or sprayed password opens the account again once it is enabled. App passwords \
                  and tokens survive a reset: revoke sessions after it.",
            permissions: PERMISSIONS,
            roles: &[Role::ForAnyPassword],
            reversibility: "never: the old password can't be known",
            attack: &[
                Technique { id: "T1078.004", name: "Cloud Accounts" },
                Technique { id: "T1110", name: "Brute Force" },
            ],
            defend: &[
                Technique { id: "D3-PR", name: "Password Rotation" },
                Technique { id: "D3-CRO", name: "Credential Rotation" },
            ],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-update",
                "https://learn.microsoft.com/graph/api/resources/passwordprofile",
                "https://learn.microsoft.com/graph/api/resources/users#who-can-reset-passwords",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let user = graph.one(&User::get(&who.user.id)).await?;
        let last_change = user["lastPasswordChangeDateTime"].as_str().and_then(|t| t.parse().ok());
        Ok(State { last_change })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let open = |finding| Plan { open: vec![finding], ..Plan::default() };
        if who.user.is_external_guest() {
            return open(guest(&who.user));
        }
        if now.last_change.is_some_and(|changed| who.is_after_cut(changed)) {
            return Plan::default();
        }
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        let mut plan = Plan::default();
        if who.user.is_synced() {
            plan.open.push(on_premises(&who.user));
        }
        if !who.user.is_synced() || settings.synced == Synced::Write {
            plan.changes.push(reset(who, now));
        }
        plan
    }
}

fn reset(who: &Target, now: &State) -> Change {
    let body = json!({ "passwordProfile": {
        "password": { SECRET_KEY: SECRET },
        "forceChangePasswordNextSignIn": true,
        // An intruder's own MFA method would pass the check before the change.
        "forceChangePasswordNextSignInWithMfa": false,
    }});
    Change {
        object_id: who.user.id.clone(),
        label: who.user.user_principal_name.clone(),
        say: "reset the password, to be changed at the next sign-in".into(),
        from: now
            .last_change
            .map_or_else(|| "password of unknown age".into(), |t| format!("password set {t:.0}")),
        to: "a new random password".into(),
        call: Call::new(Method::Patch, ["users", &who.user.id]).body(body),
        undo: Undo::Never("the old password can't be known".into()),
        look: None,
        lasts: if who.user.is_synced() {
            Lasts::Reverts("on-premises AD keeps the old password: where it checks the sign-in this one is ignored, and the next change there replaces it; reset it in AD".into())
        } else {
            Lasts::Stays
        },
        risk: None,
        reasons: vec![
            "app passwords survive a reset: if the user has any, delete them under Security info".into(),
        ],
    }
}

fn guest(user: &User) -> Finding {
    Finding::open(
        user,
        "a guest's password is at their home tenant: nothing was changed",
        "ask the home tenant to reset it; here, disable or delete the guest",
    )
}

fn on_premises(user: &User) -> Finding {
    Finding::open(
        user,
        "the password comes from on-premises AD: setting the cloud's doesn't change it, and Graph's writeback \
         method refuses applications",
        "reset it in on-premises AD, twice, so that no cached or delegated use of the old one is left; or let \
         a signed-in administrator reset it in the Entra admin center, where password writeback is on",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AnyAction;
    use crate::contract::fake::{self, Fake, adele, at, ready, synced};

    fn plan(who: &Target, last_change: Option<&str>) -> Plan {
        Action::plan(&ResetPassword, who, &State { last_change: last_change.map(at) })
    }

    #[test]
    fn an_old_password_is_replaced_by_a_placeholder_alone_in_its_patch() {
        for last_change in [Some("2024-01-01T00:00:00Z"), Some("2026-05-02T11:59:57Z"), None] {
            let plan = plan(&adele(), last_change);
            let change = &plan.changes[0];
            assert_eq!(
                change.call.to_string(),
                "PATCH /v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd {\"passwordProfile\":{\"password\":\
                 {\"$secret\":\"new_password\"},\"forceChangePasswordNextSignIn\":true,\
                 \"forceChangePasswordNextSignInWithMfa\":false}}"
            );
            assert!(matches!(change.undo, Undo::Never(_)));
            assert_eq!((&change.look, &change.lasts), (&None, &Lasts::Stays));
            assert!(plan.open.is_empty());
        }
    }

    #[test]
    fn a_password_from_after_the_cut_is_contained_whoever_set_it() {
        for who in [adele(), synced()] {
            assert_eq!(plan(&who, Some("2026-05-02T11:59:58Z")), Plan::default());
        }
    }

    #[test]
    fn a_synced_account_is_left_with_the_way_out_unless_the_playbook_wants_the_write() {
        let mut who = synced();
        let left = plan(&who, None);
        assert!(left.changes.is_empty());
        assert!(left.open[0].next.as_ref().unwrap().contains("twice"));
        who.settings = json!({ "synced": "write" });
        let written = plan(&who, None);
        assert!(matches!(written.changes[0].lasts, Lasts::Reverts(_)));
        assert_eq!(written.open, left.open);
    }

    #[test]
    fn a_guest_is_left_to_the_home_tenant() {
        let plan = plan(&fake::guest(), None);
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].next.as_ref().unwrap().contains("home tenant"));
    }

    #[test]
    fn settings_that_make_no_sense_change_nothing() {
        let mut who = adele();
        who.settings = json!({ "synced": "perhaps" });
        assert!(plan(&who, None).changes.is_empty());
        assert!(ResetPassword.check_settings(&who.settings).unwrap_err().contains("perhaps"));
        assert!(ResetPassword.check_settings(&json!({ "sync": "skip" })).is_err());
        assert_eq!(ResetPassword.check_settings(&json!({ "synced": "skip" })), Ok(()));
    }

    #[test]
    fn observing_reads_the_date_of_the_last_change() {
        let who = adele();
        let graph = Fake::default()
            .with(&User::get(&who.user.id), json!({ "lastPasswordChangeDateTime": "2026-04-02T08:00:00Z" }));
        let state = ready(Action::observe(&ResetPassword, &who, &graph)).unwrap();
        assert_eq!(state.last_change, Some(at("2026-04-02T08:00:00Z")));
    }
}
