//! `review_owned_apps`: removes the credentials that were added to the user's own apps since the compromise.
//!
//! Whoever owns an application can add a secret to it and sign in as the application, which needs neither the
//! user's password nor a session. Credentials from before the window stay. A secret can't be given back; a
//! certificate can, since its public half is read before.
//!
//! <https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app>

mod changes;
mod judge;
mod observe;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{About, Action, Permission, Plan, Read, ReadError, Target, Technique};

pub use observe::State;

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::read(
        "Application.Read.All",
        &["Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("Application.ReadWrite.All", &["Directory.ReadWrite.All"]),
];

/// See the module's page.
pub struct ReviewOwnedApps;

/// What a playbook may set for `review_owned_apps`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Credentials that stay, by their key id or federated credential id. Wins over `remove`.
    pub keep: Vec<String>,
    /// Credentials that go whatever their date.
    pub remove: Vec<String>,
}

impl Action for ReviewOwnedApps {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_owned_apps",
            title: "remove credentials added to owned apps",
            why: "An owner can add a secret, a certificate or a federated credential to an application and sign \
                  in as it, with no password, MFA or session of the user. Access tokens that are already out \
                  live on until they expire.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "certificates and federated credentials are given back; a removed secret is not",
            attack: &[
                Technique { id: "T1098.001", name: "Additional Cloud Credentials" },
                Technique { id: "T1550.001", name: "Application Access Token" },
            ],
            defend: &[Technique { id: "D3-CR", name: "Credential Revocation" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-list-ownedobjects",
                "https://learn.microsoft.com/graph/api/application-removepassword",
                "https://learn.microsoft.com/graph/api/application-update",
                "https://learn.microsoft.com/graph/api/federatedidentitycredential-delete",
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
mod tests {
    use serde_json::{Value, json};

    use super::observe::{application, federated_of, owned_by, service_principal};
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};
    use crate::{ReadErrorKind, Seen, Undo};

    const OLD: &str = "2025-01-01T00:00:00Z";
    const NEW: &str = "2026-05-01T09:00:00Z";

    fn key(id: &str, start: &str) -> Value {
        json!({ "keyId": id, "displayName": id, "startDateTime": start, "key": "cHVibGlj",
                "type": "AsymmetricX509Cert", "usage": "Verify" })
    }

    fn tenant(app: &Value, federated: &Value) -> Fake {
        let user = adele().user.id;
        Fake::default()
            .with(
                &owned_by(&user),
                json!([
                    { "@odata.type": "#microsoft.graph.application", "id": "app" },
                    { "@odata.type": "#microsoft.graph.group", "id": "group" },
                ]),
            )
            .with(&application("app"), app.clone())
            .with(&federated_of("app"), federated.clone())
    }

    fn plan(graph: &Fake, settings: Value) -> Plan {
        let mut who = adele();
        who.settings = settings;
        let state = ready(Action::observe(&ReviewOwnedApps, &who, graph)).unwrap();
        let state = serde_json::from_value(serde_json::to_value(state).unwrap()).unwrap();
        Action::plan(&ReviewOwnedApps, &who, &state)
    }

    fn calls(plan: &Plan) -> Vec<String> {
        plan.changes.iter().map(|change| change.call.to_string()).collect()
    }

    #[test]
    fn a_secret_from_the_window_goes_and_an_older_one_stays() {
        let app = json!({ "appId": "a", "displayName": "Reports", "createdDateTime": OLD, "passwordCredentials": [
            { "keyId": "old", "displayName": "pipeline", "startDateTime": OLD },
            { "keyId": "new", "displayName": "backup", "startDateTime": NEW } ] });
        let graph = tenant(&app, &json!([]));
        let plan = plan(&graph, json!(null));
        assert_eq!(calls(&plan), [r#"POST /v1.0/applications/app/removePassword {"keyId":"new"}"#]);
        assert!(matches!(plan.changes[0].undo, Undo::Never(_)));
        assert_eq!(plan.changes[0].object_id, "new");
        let kept: Vec<&str> = plan.kept.iter().map(|kept| kept.object_id.as_str()).collect();
        assert_eq!(kept, ["app", "old"]);
        assert!(plan.kept[1].reasons[0].contains("before the window"));
        assert!(plan.open.is_empty());
    }

    #[test]
    fn two_new_secrets_of_an_app_are_two_changes_that_are_told_apart() {
        let app = json!({ "appId": "a", "passwordCredentials": [
            { "keyId": "1", "startDateTime": NEW }, { "keyId": "2", "startDateTime": NEW } ] });
        let plan = plan(&tenant(&app, &json!([])), json!(null));
        assert_ne!(plan.changes[0].write(), plan.changes[1].write());
    }

    #[test]
    fn new_certificates_go_by_the_list_of_those_that_stay_and_come_back_whole() {
        let app = json!({ "appId": "a", "keyCredentials": [key("old", OLD), key("new", NEW)] });
        let plan = plan(&tenant(&app, &json!([])), json!(null));
        let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
        assert_eq!(change.call.body, Some(json!({ "keyCredentials": [key("old", OLD)] })));
        let Undo::Call(undo) = &change.undo else { panic!("the public half is known") };
        assert_eq!(undo.body, Some(json!({ "keyCredentials": [key("old", OLD), key("new", NEW)] })));
        let look = change.look.as_ref().unwrap();
        assert_eq!(look.after, Seen::With(json!({ "keyCredentials": [{ "keyId": "old" }] })));
    }

    #[test]
    fn certificates_whose_public_half_is_hidden_are_not_replaced() {
        let mut hidden = key("old", OLD);
        hidden["key"] = json!(null);
        let app = json!({ "appId": "a", "keyCredentials": [hidden, key("new", NEW)] });
        let plan = plan(&tenant(&app, &json!([])), json!(null));
        assert!(plan.changes.is_empty());
        assert_eq!(plan.open[0].object_id, "new");
    }

    #[test]
    fn what_has_no_date_is_left_to_a_person_unless_named_or_the_app_is_new() {
        let federated = json!([{ "id": "f", "name": "ci", "issuer": "https://token.example.com", "subject": "s",
                                 "audiences": ["api://AzureADTokenExchange"] }]);
        let app = json!({ "appId": "a", "createdDateTime": OLD,
                          "passwordCredentials": [{ "keyId": "k", "startDateTime": null }] });
        let graph = tenant(&app, &federated);
        let asked = plan(&graph, json!(null));
        assert!(asked.changes.is_empty());
        let open: Vec<&str> = asked.open.iter().map(|open| open.object_id.as_str()).collect();
        assert_eq!(open, ["k", "f"]);
        let named = plan(&graph, json!({ "remove": ["f"] }));
        assert_eq!(calls(&named), ["DELETE /v1.0/applications/app/federatedIdentityCredentials/f"]);
        let Undo::Call(undo) = &named.changes[0].undo else { panic!("it can be made again") };
        assert!(undo.to_string().starts_with("POST /v1.0/applications/app/federatedIdentityCredentials {"));
        let mut new = app;
        new["createdDateTime"] = json!(NEW);
        assert_eq!(plan(&tenant(&new, &federated), json!(null)).changes.len(), 2);
    }

    #[test]
    fn the_runners_own_app_is_never_touched() {
        let app = json!({ "appId": adele().operator.app_id.to_uppercase(), "passwordCredentials": [
            { "keyId": "new", "startDateTime": NEW } ] });
        let plan = plan(&tenant(&app, &json!([])), json!({ "remove": ["new"] }));
        assert!(plan.changes.is_empty() && plan.open.is_empty());
        assert!(plan.kept[0].reasons[0].contains("never touched"));
    }

    #[test]
    fn an_owned_service_principal_is_looked_at_too() {
        let user = adele().user.id;
        let graph = Fake::default()
            .with(
                &owned_by(&user),
                json!([{ "@odata.type": "#microsoft.graph.servicePrincipal", "id": "sp" }]),
            )
            .with(
                &service_principal("sp"),
                json!({ "appId": "a", "passwordCredentials": [{ "keyId": "k", "startDateTime": NEW }] }),
            );
        assert_eq!(
            calls(&plan(&graph, json!(null))),
            [r#"POST /v1.0/servicePrincipals/sp/removePassword {"keyId":"k"}"#]
        );
    }

    #[test]
    fn an_app_that_is_unreadable_is_open_and_a_missing_permission_is_an_error() {
        let odd = tenant(&json!({}), &json!([])).failing(&application("app"), ReadErrorKind::NotFound);
        let found = plan(&odd, json!(null));
        assert_eq!(found.open[0].object_id, "app");
        let denied = tenant(&json!({}), &json!([])).failing(&application("app"), ReadErrorKind::Forbidden);
        assert!(ready(Action::observe(&ReviewOwnedApps, &adele(), &denied)).is_err());
    }
}
