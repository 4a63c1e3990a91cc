//! `disable_user`: sign-in to the account is blocked.
//!
//! One property in one PATCH, because a refusal of any property refuses all of them. For an account that
//! comes from on-premises AD the cloud value holds only until the next directory synchronisation.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use crate::account_enabled::{self, PERMISSIONS, State};
use crate::{
    About, Action, Change, Finding, Lasts, NoSettings, Plan, Read, ReadError, Role, Target, Technique, User,
};

/// See the module's page.
pub struct DisableUser;

impl Action for DisableUser {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "disable_user",
            title: "disable the account",
            why: "A disabled account gets no new tokens and can't sign in, whatever the intruder knows. \
                  Access tokens that are already out live on until they expire or the service evaluates \
                  access again.",
            permissions: PERMISSIONS,
            roles: &[Role::ForSensitiveAction],
            reversibility: "full: the account is enabled again, if it was; services notice within about 40 minutes",
            attack: &[Technique { id: "T1078.004", name: "Cloud Accounts" }],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-update",
                "https://learn.microsoft.com/entra/identity/users/users-revoke-access",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        account_enabled::observe(who, graph).await
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let mut open = Vec::new();
        if who.user.is_synced() {
            open.push(Finding::open(
                &who.user,
                "the account comes from on-premises AD: a disable that was made in the cloud alone holds only \
                 until the next directory synchronisation (every 30 minutes by default)",
                on_premises_way_out(&who.user),
            ));
        }
        let changes = match now.account_enabled {
            Some(true) => vec![disable(who)],
            Some(false) => vec![],
            None => {
                open.push(Finding::open(
                    &who.user,
                    "whether the account is enabled could not be read, so it was not changed",
                    "check that the runner holds User.Read.All, then run again; or disable the account in \
                     the Entra admin center",
                ));
                vec![]
            }
        };
        Plan { changes, kept: vec![], open }
    }
}

fn disable(who: &Target) -> Change {
    let mut change = account_enabled::set(who, false, ("disable the account", "enabled", "disabled"));
    if who.user.is_external_guest() {
        change = change.because("blocks the guest in this tenant only: their home account stays as it is");
    }
    if who.user.is_synced() {
        change.lasts = Lasts::Reverts(format!(
            "the next directory synchronisation restores the on-premises value; {}",
            on_premises_way_out(&who.user)
        ));
    }
    change
}

/// What keeps a synchronised account out.
fn on_premises_way_out(user: &User) -> String {
    format!(
        "disable {} in on-premises AD, or through Defender for Identity (`disable_on_premises`), or put the \
         user into a group that Conditional Access blocks",
        user.on_premises_account()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::fake::{Fake, adele, guest, ready, synced};
    use crate::{Seen, Undo};

    fn plan(who: &Target, account_enabled: Option<bool>) -> Plan {
        Action::plan(&DisableUser, who, &State { account_enabled })
    }

    #[test]
    fn an_enabled_account_is_disabled_alone_and_can_be_enabled_again() {
        let plan = plan(&adele(), Some(true));
        let change = &plan.changes[0];
        let path = "/v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd";
        assert_eq!(change.call.to_string(), format!(r#"PATCH {path} {{"accountEnabled":false}}"#));
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        assert_eq!(undo.to_string(), format!(r#"PATCH {path} {{"accountEnabled":true}}"#));
        let look = change.look.as_ref().unwrap();
        assert_eq!(look.get.url(), format!("{path}?$select=id%2CaccountEnabled"));
        assert_eq!(look.before, Seen::With(json!({ "accountEnabled": true })));
        assert_eq!(look.after, Seen::With(json!({ "accountEnabled": false })));
        assert_eq!(change.lasts, Lasts::Stays);
        assert!(plan.open.is_empty() && plan.kept.is_empty());
    }

    #[test]
    fn a_disabled_account_is_contained() {
        assert_eq!(plan(&adele(), Some(false)), Plan::default());
    }

    #[test]
    fn an_unreadable_state_is_said_and_never_taken_for_disabled() {
        let plan = plan(&adele(), None);
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].reasons[0].contains("could not be read"));
    }

    #[test]
    fn a_synced_account_is_disabled_and_said_to_come_back_with_the_way_out() {
        let plan_now = plan(&synced(), Some(true));
        let Lasts::Reverts(why) = &plan_now.changes[0].lasts else { panic!("it must be said to revert") };
        assert!(why.contains(r"contoso.local\adelev"), "{why}");
        assert!(plan_now.open[0].next.as_ref().unwrap().contains(r"contoso.local\adelev"));
        let later = plan(&synced(), Some(false));
        assert!(later.changes.is_empty());
        assert_eq!(later.open, plan_now.open, "the synchronisation is still to come");
    }

    #[test]
    fn an_unknown_logon_name_leaves_no_hole_in_the_sentence() {
        let mut who = synced();
        who.user.on_premises_sam_account_name = None;
        let next = plan(&who, Some(true)).open[0].next.clone().unwrap();
        assert!(next.starts_with("disable the account in on-premises AD"), "{next}");
    }

    #[test]
    fn a_guest_is_disabled_here_and_told_apart_from_the_home_account() {
        let plan = plan(&guest(), Some(true));
        assert!(plan.changes[0].reasons[0].contains("in this tenant only"));
    }

    #[test]
    fn a_missing_or_odd_field_is_unknown() {
        let who = adele();
        for (user, expected) in [
            (json!({ "accountEnabled": true }), Some(true)),
            (json!({ "accountEnabled": "true" }), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            let graph = Fake::default().with(&User::get(&who.user.id), user);
            let state = ready(Action::observe(&DisableUser, &who, &graph)).unwrap();
            assert_eq!(state.account_enabled, expected);
        }
    }
}
