//! `review_roles`: takes directory roles from the account that were given to it since the compromise.
//!
//! An intruder with an administrator's session gives the account roles, active or eligible, to come back with.
//! A role assignment has no date of its own; Privileged Identity Management knows when it was made. Where it
//! doesn't answer, a person decides. Roles that come through a group are said and stay with the group, and the
//! last Global Administrator stays one.
//!
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>

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
    Permission::read("RoleManagement.Read.Directory", &["RoleManagement.ReadWrite.Directory"]),
    Permission::write("RoleManagement.ReadWrite.Directory", &[]),
];

/// See the module's page.
pub struct ReviewRoles;

/// What a playbook may set for `review_roles`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which roles go.
    pub remove: Remove,
    /// Roles that stay, by role id. Wins over `remove`.
    pub keep: Vec<String>,
}

/// Which roles go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remove {
    /// Those that were given since the compromise.
    #[default]
    Since,
    /// All of them.
    All,
    /// None: they are only listed.
    None,
}

impl Action for ReviewRoles {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_roles",
            title: "take back directory roles",
            why: "A role that was given to the account during the compromise, active or eligible, lets the \
                  intruder undo the containment of others. Roles through a group stay with the group.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full but for the ids: a role is assigned again; an activation comes back as an \
                            assignment until its former end",
            attack: &[Technique { id: "T1098.003", name: "Additional Cloud Roles" }],
            defend: &[Technique { id: "D3-UAP", name: "User Account Permissions" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments",
                "https://learn.microsoft.com/graph/api/unifiedroleassignment-delete",
                "https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignmentschedulerequests",
                "https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests",
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

    use super::observe::{GLOBAL_ADMIN, groups_of, holders_of, of_principal};
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};
    use crate::{ReadErrorKind, Undo};

    const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
    const OLD: &str = "2025-01-01T00:00:00Z";
    const NEW: &str = "2026-05-01T09:00:00Z";
    const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";

    fn active(role: &str) -> Value {
        json!({ "id": format!("a-{role}"), "principalId": USER, "roleDefinitionId": role,
                "directoryScopeId": "/", "roleDefinition": { "displayName": "a role" } })
    }

    fn schedule(role: &str, made: &str, kind: &str, end: &Value) -> Value {
        let expiration = if end.is_null() {
            json!({ "type": "noExpiration", "endDateTime": null })
        } else {
            json!({ "type": "afterDateTime", "endDateTime": end })
        };
        json!({ "id": format!("s-{role}"), "principalId": USER, "roleDefinitionId": role,
                "directoryScopeId": "/", "memberType": "Direct", "assignmentType": kind,
                "createdDateTime": made, "scheduleInfo": { "startDateTime": made, "expiration": expiration } })
    }

    fn tenant(assigned: Value, schedules: Value, eligible: Value) -> Fake {
        Fake::default()
            .with(&of_principal("roleAssignments", USER), assigned)
            .with(&of_principal("roleAssignmentSchedules", USER), schedules)
            .with(&of_principal("roleEligibilitySchedules", USER), eligible)
            .with(&groups_of(USER), json!([]))
            .with(
                &holders_of(GLOBAL_ADMIN),
                json!([{ "principalId": USER }, { "principalId": adele().operator.object_id }]),
            )
    }

    fn plan(graph: &Fake, settings: Value) -> Plan {
        let mut who = adele();
        who.settings = settings;
        let state = ready(Action::observe(&ReviewRoles, &who, graph)).unwrap();
        let state = serde_json::from_value(serde_json::to_value(state).unwrap()).unwrap();
        Action::plan(&ReviewRoles, &who, &state)
    }

    fn undo(plan: &Plan) -> String {
        let Undo::Call(call) = &plan.changes[0].undo else { panic!("it must be reversible") };
        call.to_string()
    }

    #[test]
    fn a_role_from_the_window_goes_and_an_older_one_stays() {
        let graph = tenant(
            json!([active(HELPDESK), active("old")]),
            json!([
                schedule(HELPDESK, NEW, "Assigned", &json!(null)),
                schedule("old", OLD, "Assigned", &json!(null))
            ]),
            json!([]),
        );
        let plan = plan(&graph, json!(null));
        assert_eq!(plan.changes.len(), 1);
        assert_eq!(
            plan.changes[0].call.to_string(),
            format!("DELETE /v1.0/roleManagement/directory/roleAssignments/a-{HELPDESK}")
        );
        assert_eq!(
            undo(&plan),
            format!(
                r#"POST /v1.0/roleManagement/directory/roleAssignments {{"principalId":"{USER}","roleDefinitionId":"{HELPDESK}","directoryScopeId":"/"}}"#
            )
        );
        assert_eq!(plan.kept[0].object_id, "a-old");
        assert!(plan.open.is_empty());
    }

    #[test]
    fn an_activated_role_is_removed_through_its_schedule_and_given_back_until_its_end() {
        let end = "2026-05-02T20:00:00Z";
        let graph = tenant(
            json!([active(HELPDESK)]),
            json!([schedule(HELPDESK, NEW, "Activated", &json!(end))]),
            json!([]),
        );
        let plan = plan(&graph, json!(null));
        let call = plan.changes[0].call.to_string();
        assert!(call.contains("/roleAssignmentScheduleRequests ") && call.contains("adminRemove"), "{call}");
        assert!(undo(&plan).contains("adminAssign") && undo(&plan).contains(end));
    }

    #[test]
    fn an_eligibility_goes_by_its_own_date() {
        let eligible = |made| json!([schedule(HELPDESK, made, "", &json!(null))]);
        let new = plan(&tenant(json!([]), json!([]), eligible(NEW)), json!(null));
        let call = new.changes[0].call.to_string();
        assert!(call.contains("/roleEligibilityScheduleRequests ") && call.contains("adminRemove"), "{call}");
        assert!(undo(&new).contains("adminAssign"));
        let old = plan(&tenant(json!([]), json!([]), eligible(OLD)), json!(null));
        assert!(old.changes.is_empty() && old.kept.len() == 1);
    }

    #[test]
    fn without_a_date_a_person_decides_and_the_playbook_may() {
        for kind in [ReadErrorKind::Forbidden, ReadErrorKind::Refused] {
            let graph = tenant(json!([active(HELPDESK)]), json!([]), json!([]))
                .failing(&of_principal("roleAssignmentSchedules", USER), kind)
                .failing(&of_principal("roleEligibilitySchedules", USER), kind);
            let asked = plan(&graph, json!(null));
            assert!(asked.changes.is_empty());
            assert!(asked.open[0].reasons[0].contains("no date"));
            assert!(asked.open.iter().any(|open| open.reasons[0].contains("eligible")));
            assert_eq!(plan(&graph, json!({ "remove": "all" })).changes.len(), 1);
            let kept = plan(&graph, json!({ "remove": "all", "keep": [HELPDESK] }));
            assert!(kept.changes.is_empty());
            assert!(plan(&graph, json!({ "remove": "none" })).changes.is_empty());
        }
    }

    #[test]
    fn the_last_global_administrator_stays_one() {
        let assigned = json!([active(GLOBAL_ADMIN)]);
        let alone = tenant(assigned.clone(), json!([]), json!([]));
        let open = plan(&alone, json!({ "remove": "all" }));
        assert!(open.changes.is_empty() && open.open[0].reasons[0].contains("last Global Administrator"));
        let two = tenant(assigned, json!([]), json!([]))
            .with(&holders_of(GLOBAL_ADMIN), json!([{ "principalId": USER }, { "principalId": "megan" }]));
        assert_eq!(plan(&two, json!({ "remove": "all" })).changes.len(), 1);
    }

    #[test]
    fn a_role_through_a_group_is_open() {
        let graph = tenant(json!([]), json!([]), json!([]))
            .with(
                &groups_of(USER),
                json!([{ "@odata.type": "#microsoft.graph.group", "id": "g", "displayName": "Tier 0",
                         "isAssignableToRole": true }]),
            )
            .with(
                &of_principal("roleAssignments", "g"),
                json!([{ "id": "x", "principalId": "g", "roleDefinitionId": HELPDESK,
                         "roleDefinition": { "displayName": "Helpdesk Administrator" } }]),
            );
        let plan = plan(&graph, json!({ "remove": "all" }));
        assert!(plan.changes.is_empty());
        assert!(plan.open[0].reasons[0].contains("Tier 0"));
    }
}
