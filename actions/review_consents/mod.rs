//! `review_consents`: ends what the user gave to risky apps, and says what an administrator has to end.
//!
//! An app that the user consented to keeps its access through a password reset and a new MFA method. Each app
//! is scored by stated rules (`score.rs`) from what its scopes allow (`scopes.rs`), its age in the compromise
//! window, its publisher, reply URLs, name and use. Three answers: it goes, it stays, a person decides.
//! Consents for every user are never deleted; Microsoft's own apps and the runner's are never touched.
//!
//! <https://learn.microsoft.com/security/operations/incident-response-playbook-app-consent>

mod changes;
mod first_party;
mod judge;
mod names;
mod objects;
mod observe;
mod reply_urls;
mod scopes;
mod score;
mod settings;

use crate::{About, Action, Permission, Plan, Read, ReadError, Target, Technique};

pub use observe::State;
pub use settings::Settings;

/// The permissions to write also read, so a runner that may apply needs no wider one to look. Two entries of the
/// same name: one is for the consents, the other for the assignments.
const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "Directory.Read.All",
        &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"],
    ),
    Permission::read("Directory.Read.All", &["AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All"]),
    Permission::read(
        "Application.Read.All",
        &["Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("DelegatedPermissionGrant.ReadWrite.All", &["Directory.ReadWrite.All"]),
    Permission::write("AppRoleAssignment.ReadWrite.All", &[]),
];

/// See the module's page.
pub struct ReviewConsents;

impl Action for ReviewConsents {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_consents",
            title: "end consents to risky apps",
            why: "An app that the user was tricked into, or that the intruder consented to, keeps its access \
                  through a password reset and new MFA. Access tokens that are already out live on until they \
                  expire.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full but for the ids: consents and assignments are given back as new objects",
            attack: &[
                Technique { id: "T1528", name: "Steal Application Access Token" },
                Technique { id: "T1550.001", name: "Application Access Token" },
                Technique { id: "T1671", name: "Cloud Application Integration" },
            ],
            defend: &[Technique { id: "D3-UAP", name: "User Account Permissions" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-list-oauth2permissiongrants",
                "https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete",
                "https://learn.microsoft.com/graph/api/user-list-approleassignments",
                "https://learn.microsoft.com/graph/api/user-delete-approleassignments",
                "https://learn.microsoft.com/security/operations/incident-response-playbook-app-consent",
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

    use super::observe::{app, assignments_of, grants_of, grants_to, tenant_wide};
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};
    use crate::{Change, Finding, ReadErrorKind};

    const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
    const MICROSOFT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";
    const ELSEWHERE: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    const IN_WINDOW: &str = "2026-05-01T09:00:00Z";
    const A_YEAR_AGO: &str = "2025-05-01T09:00:00Z";

    /// A tenant under construction.
    #[derive(Default)]
    struct World {
        grants: Vec<Value>,
        assignments: Vec<Value>,
        tenant_wide: Vec<Value>,
        apps: Vec<(String, Value)>,
    }

    impl World {
        /// The user consented to this app, then; other members of the app as given.
        fn consent(mut self, client: &str, scope: &str, at: &str, mut members: Value) -> Self {
            self.grants.push(json!({ "id": format!("grant-{client}"), "clientId": client,
                "consentType": "Principal", "principalId": USER, "resourceId": "graph", "scope": scope }));
            self.assignments.push(json!({ "id": format!("assigned-{client}"), "resourceId": client,
                "appRoleId": objects::DEFAULT_ACCESS, "principalId": USER, "principalType": "User",
                "createdDateTime": at }));
            members["appId"] = json!(format!("appid-{client}"));
            members["createdDateTime"] = json!("2024-01-01T00:00:00Z");
            self.apps.push((client.into(), members));
            self
        }

        /// An administrator consented to this app for everyone.
        fn for_everyone(mut self, client: &str, scope: &str) -> Self {
            self.tenant_wide.push(json!({ "id": format!("wide-{client}"), "clientId": client,
                "consentType": "AllPrincipals", "principalId": null, "resourceId": "graph", "scope": scope }));
            self
        }

        fn plan(&self, settings: Value) -> Plan {
            let mut graph = Fake::default()
                .with(&grants_of(USER), json!(self.grants))
                .with(&assignments_of(USER), json!(self.assignments))
                .with(&tenant_wide(), json!(self.tenant_wide))
                .with(
                    &app("graph"),
                    json!({ "displayName": "Microsoft Graph", "appOwnerOrganizationId": MICROSOFT }),
                );
            for (client, members) in &self.apps {
                graph = graph.with(&app(client), members.clone()).with(&grants_to(client), json!([]));
            }
            plan(&graph, settings)
        }
    }

    fn plan(graph: &Fake, settings: Value) -> Plan {
        let mut who = adele();
        who.settings = settings;
        let state = ready(Action::observe(&ReviewConsents, &who, graph)).unwrap();
        Action::plan(&ReviewConsents, &who, &state)
    }

    fn stranger() -> Value {
        json!({ "displayName": "Mail Helper", "appOwnerOrganizationId": ELSEWHERE })
    }

    fn verified() -> Value {
        json!({ "displayName": "Fabrikam Travel", "appOwnerOrganizationId": ELSEWHERE,
                "verifiedPublisher": { "displayName": "Fabrikam", "verifiedPublisherId": "1234" } })
    }

    fn ids<'a>(found: impl IntoIterator<Item = &'a Finding>) -> Vec<&'a str> {
        found.into_iter().map(|finding| finding.object_id.as_str()).collect()
    }

    fn calls(changes: &[Change]) -> Vec<String> {
        changes.iter().map(|change| change.call.to_string()).collect()
    }

    #[test]
    fn a_risky_app_loses_consent_and_assignment_and_a_harmless_one_keeps_both() {
        let world = World::default()
            .consent("helper", "Mail.ReadWrite offline_access", IN_WINDOW, stranger())
            .consent("travel", " User.Read  openid", A_YEAR_AGO, verified());
        let plan = world.plan(json!(null));
        assert_eq!(
            calls(&plan.changes),
            [
                "DELETE /v1.0/oauth2PermissionGrants/grant-helper".to_owned(),
                format!("DELETE /v1.0/users/{USER}/appRoleAssignments/assigned-helper"),
            ]
        );
        assert!(plan.changes.iter().all(|change| change.risk >= Some(70)));
        assert_eq!(plan.changes[0].say, "end the user's consent to Mail Helper on Microsoft Graph");
        assert_eq!(ids(&plan.kept), ["grant-travel", "assigned-travel"]);
        assert!(plan.kept[0].risk <= Some(15) && plan.kept[0].reasons[0].contains("is below 50"));
        assert!(plan.open.is_empty());
    }

    #[test]
    fn nothing_consented_is_contained() {
        assert_eq!(World::default().plan(json!(null)), Plan::default());
    }

    #[test]
    fn microsofts_apps_and_the_runner_are_never_touched_also_when_the_playbook_names_them() {
        let teams = json!({ "displayName": ".", "appOwnerOrganizationId": MICROSOFT });
        let mut world = World::default()
            .consent("teams", "Mail.ReadWrite", IN_WINDOW, teams)
            .consent(&adele().operator.object_id, "Mail.ReadWrite", IN_WINDOW, stranger())
            .for_everyone("teams", "Directory.ReadWrite.All");
        world.apps[0].1["appId"] = json!("1fec8e78-bce4-4aaf-ab1b-5451cc387264");
        let settings = json!({ "min_risk": 0, "remove": ["teams", adele().operator.object_id] });
        let plan = world.plan(settings);
        assert!(plan.changes.is_empty() && plan.open.is_empty());
        assert!(plan.kept.iter().all(|kept| kept.risk == Some(0)));
        let teams = plan.kept.iter().find(|kept| kept.object_id == "grant-teams").unwrap();
        assert!(teams.reasons[1].contains("only revoking the sessions"));
    }

    #[test]
    fn the_runner_is_known_by_its_application_id_too() {
        let mut world = World::default().consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger());
        world.apps[0].1["appId"] = json!(adele().operator.app_id.to_uppercase());
        assert!(world.plan(json!(null)).changes.is_empty());
    }

    #[test]
    fn a_name_does_not_make_an_app_microsofts() {
        let fake = json!({ "displayName": "Microsoft Teams", "appOwnerOrganizationId": ELSEWHERE });
        let world = World::default().consent("fake", "Mail.Read", IN_WINDOW, fake);
        assert_eq!(world.plan(json!(null)).changes.len(), 2);
    }

    #[test]
    fn a_consent_for_everyone_is_said_and_never_deleted() {
        let world = World::default()
            .consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger())
            .for_everyone("helper", "openid")
            .for_everyone("archive", "Mail.ReadWrite Directory.ReadWrite.All");
        let plan = world.plan(json!(null));
        assert_eq!(plan.changes.len(), 2);
        assert_eq!(ids(&plan.open), ["wide-archive", "wide-helper"]);
        assert!(plan.open[1].reasons[1].contains("still lets the app in"));
        assert!(plan.open[1].next.as_ref().unwrap().contains("helper"));
        let all_removed = world.plan(json!({ "min_risk": 0, "remove": ["archive"] }));
        assert!(calls(&all_removed.changes).iter().all(|call| !call.contains("wide-")));
    }

    #[test]
    fn a_role_given_to_a_group_stays_and_says_so() {
        let mut world = World::default();
        world.assignments.push(json!({ "id": "a", "resourceId": "helper", "appRoleId": "role",
            "principalId": "staff", "principalType": "Group", "principalDisplayName": "All staff" }));
        world.apps.push(("helper".into(), stranger()));
        let plan = world.plan(json!({ "min_risk": 0, "remove": ["helper"] }));
        assert!(plan.changes.is_empty());
        assert!(plan.kept[0].reasons[0].contains("All staff"));
    }

    #[test]
    fn the_playbook_decides_by_either_id_and_keep_wins() {
        let world = World::default().consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger());
        for id in ["helper", "APPID-helper"] {
            assert!(world.plan(json!({ "keep": [id], "remove": [id] })).changes.is_empty());
        }
        assert!(world.plan(json!({ "min_risk": 100 })).changes.is_empty());
        let plan = world.plan(json!({ "min_risk": 100, "remove": ["appid-helper"] }));
        assert_eq!(plan.changes.len(), 2);
        assert_eq!(plan.changes[0].reasons[0], "the playbook removes it");
        let settings_that_lie = world.plan(json!({ "min_risk": 1000 }));
        assert!(settings_that_lie.changes.is_empty() && settings_that_lie.open.len() == 1);
    }

    #[test]
    fn an_app_that_cannot_be_read_is_left_to_a_person_unless_it_is_named() {
        let mut world = World::default().consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger());
        world.apps.clear();
        let plan = world.plan(json!(null));
        assert!(plan.changes.is_empty());
        assert_eq!(ids(&plan.open), ["grant-helper", "assigned-helper"]);
        assert!(plan.open[0].reasons[0].contains("can't be read") && plan.open[0].next.is_some());
        assert_eq!(world.plan(json!({ "remove": ["helper"] })).changes.len(), 2);
    }

    #[test]
    fn consents_that_cannot_be_read_are_an_error_and_not_an_empty_list() {
        let graph = Fake::default().failing(&grants_of(USER), ReadErrorKind::Forbidden);
        let error = ready(Action::observe(&ReviewConsents, &adele(), &graph)).unwrap_err();
        assert_eq!(error.kind, ReadErrorKind::Forbidden);
    }

    #[test]
    fn what_could_not_be_given_back_is_left_to_a_person() {
        let mut world = World::default().consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger());
        world.grants[0]["id"] = json!(null);
        world.assignments[0]["appRoleId"] = json!(7);
        let plan = world.plan(json!(null));
        assert!(plan.changes.is_empty());
        assert_eq!(ids(&plan.open), ["", "assigned-helper"]);
    }

    #[test]
    fn another_users_consent_in_the_list_is_not_ended() {
        let mut world = World::default().consent("helper", "Mail.ReadWrite", IN_WINDOW, stranger());
        world.grants[0]["principalId"] = json!("alex");
        world.assignments.clear();
        let plan = world.plan(json!({ "min_risk": 0, "remove": ["helper"] }));
        assert!(plan.changes.is_empty());
        assert_eq!(ids(&plan.kept), ["grant-helper"]);
    }
}
