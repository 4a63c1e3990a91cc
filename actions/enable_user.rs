//! `enable_user`: sign-in to the account is allowed again.
//!
//! The opposite of the cut, so it belongs into a stage that waits until all before it is verified. One property
//! in one PATCH. For an account that comes from on-premises AD the value there decides at the next
//! synchronisation.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use crate::account_enabled::{self, PERMISSIONS, State};
use crate::{
    About, Action, Change, Finding, Lasts, NoSettings, Plan, Read, ReadError, Role, Target, Technique,
};

/// See the module's page.
pub struct EnableUser;

impl Action for EnableUser {
    type State = State;
    type Settings = NoSettings;

    fn about(&self) -> About {
        About {
            id: "enable_user",
            title: "enable the account",
            why: "Gives the account back once it is clean. Whatever still lets the intruder in works again, so \
                  a playbook puts it into a stage that waits for the proof of all others (`after: verified`).",
            permissions: PERMISSIONS,
            roles: &[Role::ForSensitiveAction],
            reversibility: "full: the account is disabled again",
            attack: &[],
            defend: &[Technique { id: "D3-ULA", name: "Unlock Account" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-update",
                "https://learn.microsoft.com/security/operations/token-theft-playbook",
            ],
        }
    }

    fn gives_back(&self) -> bool {
        true
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        account_enabled::observe(who, graph).await
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        match now.account_enabled {
            Some(true) => Plan::default(),
            Some(false) => Plan { changes: vec![enable(who)], ..Plan::default() },
            None => {
                let open = Finding::open(
                    &who.user,
                    "whether the account is enabled could not be read, so it was not changed",
                    "check that the runner holds User.Read.All, then run again; or enable the account in the \
                     Entra admin center",
                );
                Plan { open: vec![open], ..Plan::default() }
            }
        }
    }
}

fn enable(who: &Target) -> Change {
    let after = "enabled; services notice within about 40 minutes";
    let mut change = account_enabled::set(who, true, ("enable the account", "disabled", after));
    if who.user.is_synced() {
        change.lasts = Lasts::Reverts(format!(
            "the next directory synchronisation sets what on-premises AD says: enable {} there too",
            who.user.on_premises_account()
        ));
    }
    change
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::fake::{Fake, adele, ready, synced};
    use crate::{Seen, Undo, User};

    fn plan(who: &Target, account_enabled: Option<bool>) -> Plan {
        Action::plan(&EnableUser, who, &State { account_enabled })
    }

    #[test]
    fn a_disabled_account_is_enabled_alone_and_can_be_disabled_again() {
        let plan = plan(&adele(), Some(false));
        let change = &plan.changes[0];
        let path = "/v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd";
        assert_eq!(change.call.to_string(), format!(r#"PATCH {path} {{"accountEnabled":true}}"#));
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        assert_eq!(undo.to_string(), format!(r#"PATCH {path} {{"accountEnabled":false}}"#));
        assert_eq!(change.look.as_ref().unwrap().before, Seen::With(json!({ "accountEnabled": false })));
        assert_eq!(change.lasts, Lasts::Stays);
    }

    #[test]
    fn an_enabled_account_needs_nothing_and_an_unreadable_one_is_left_to_a_person() {
        assert_eq!(plan(&adele(), Some(true)), Plan::default());
        let unknown = plan(&adele(), None);
        assert!(unknown.changes.is_empty() && unknown.open[0].reasons[0].contains("could not be read"));
    }

    #[test]
    fn of_a_synced_account_it_is_said_where_it_has_to_be_enabled_too() {
        let plan = plan(&synced(), Some(false));
        let Lasts::Reverts(why) = &plan.changes[0].lasts else { panic!("it must be said to revert") };
        assert!(why.contains(r"contoso.local\adelev"), "{why}");
    }

    #[test]
    fn it_says_of_itself_that_it_gives_access_back() {
        assert!(Action::gives_back(&EnableUser));
        assert!(!Action::gives_back(&crate::disable_user::DisableUser));
    }

    #[test]
    fn a_missing_or_odd_field_is_unknown() {
        let who = adele();
        for (user, expected) in [
            (json!({ "accountEnabled": false }), Some(false)),
            (json!({ "accountEnabled": "false" }), None),
            (json!({}), None),
        ] {
            let graph = Fake::default().with(&User::get(&who.user.id), user);
            let state = ready(Action::observe(&EnableUser, &who, &graph)).unwrap();
            assert_eq!(state.account_enabled, expected);
        }
    }
}
