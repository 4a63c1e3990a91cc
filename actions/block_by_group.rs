//! `block_by_group`: puts the account into a group that a Conditional Access policy of the tenant blocks.
//!
//! It works where disabling doesn't last: for accounts from on-premises AD and for guests. The team makes the
//! group and the policy beforehand, and names the group in the playbook.
//!
//! <https://learn.microsoft.com/graph/api/group-post-members>

use futures_util::future::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::review_groups::member_of;
use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Permission, Plan, Read, ReadError,
    ReadErrorKind, Seen, Target, Technique, Undo,
};

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "GroupMember.Read.All",
        &[
            "GroupMember.ReadWrite.All",
            "Group.Read.All",
            "Group.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
    ),
    Permission::write("GroupMember.ReadWrite.All", &["Group.ReadWrite.All", "Directory.ReadWrite.All"]),
];

/// See the module's page.
pub struct BlockByGroup;

/// What a playbook may set for `block_by_group`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Object id of the group that a policy blocks.
    pub group: Option<String>,
}

/// The group, and whether the account is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    group: Option<Group>,
    member: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    id: String,
    name: String,
    role_assignable: bool,
    dynamic: bool,
    synced: bool,
}

fn group(id: &str) -> Get {
    Get::new(["groups", id]).select(&[
        "id",
        "displayName",
        "isAssignableToRole",
        "groupTypes",
        "onPremisesSyncEnabled",
    ])
}

impl Action for BlockByGroup {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "block_by_group",
            title: "block by a Conditional Access group",
            why: "A disabled account from on-premises AD is enabled by the next synchronisation, and a guest \
                  signs in elsewhere; a policy that blocks a group holds for both. Conditional Access may take \
                  a day to see a new member unless sessions are revoked too.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the account leaves the group",
            attack: &[Technique { id: "T1078.004", name: "Cloud Accounts" }],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &["https://learn.microsoft.com/graph/api/group-post-members"],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let Some(id) = who.settings::<Settings>().ok().and_then(|settings| settings.group) else {
            return Ok(State::default());
        };
        let (read, groups) = (group(&id), member_of(&who.user.id));
        let read = async {
            match graph.one(&read).await {
                Ok(group) => Ok(Some(group)),
                // An id that is none is refused.
                Err(e) if matches!(e.kind, ReadErrorKind::NotFound | ReadErrorKind::Refused) => Ok(None),
                Err(e) => Err(e),
            }
        };
        let (group, groups) = try_join(read, graph.all(&groups)).await?;
        let group = group.map(|row| Group {
            id: row["id"].as_str().unwrap_or(&id).to_owned(),
            name: row["displayName"].as_str().unwrap_or(&id).to_owned(),
            role_assignable: row["isAssignableToRole"] == true,
            dynamic: row["groupTypes"].as_array().into_iter().flatten().any(|t| t == "DynamicMembership"),
            synced: row["onPremisesSyncEnabled"] == true,
        });
        let is_it =
            |row: &serde_json::Value| group.as_ref().is_some_and(|group| row["id"] == group.id.as_str());
        Ok(State { member: groups.iter().any(is_it), group })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let open = |reason: String, next: &str| Plan {
            open: vec![Finding::open(&who.user, reason, next)],
            ..Plan::default()
        };
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        let Some(id) = settings.group else {
            return open(
                "no group is configured, so the account was not blocked by one".into(),
                "make a group that a Conditional Access policy blocks, and name its object id under `group`",
            );
        };
        let Some(group) = &now.group else {
            return open(
                format!("there is no group {id}, so the account was not blocked by it"),
                "correct the object id under `group` in the playbook",
            );
        };
        let why_not = match group {
            _ if now.member => {
                let reason = vec!["the account is in it already".to_owned()];
                let kept = Finding::of((&group.id, &group.name), Decision::Keep, reason);
                return Plan { kept: vec![kept], ..Plan::default() };
            }
            Group { dynamic: true, .. } => "its members come from a rule",
            Group { synced: true, .. } => "it comes from on-premises AD",
            Group { role_assignable: true, .. } => "directory roles may be given to it",
            _ => return Plan { changes: vec![join(who, group)], ..Plan::default() },
        };
        open(
            format!("the group {} can't be used: {why_not}", group.name),
            "make a plain security group for the policy that blocks, and name its object id under `group`",
        )
    }
}

fn join(who: &Target, group: &Group) -> Change {
    let user = &who.user.id;
    let same = json!({ "id": group.id });
    Change::new(
        (&group.id, &group.name),
        format!("add the account to the blocked group {}", group.name),
        ("not a member", "member"),
        Call::add_member(&group.id, user),
        Undo::Call(Call::remove_member(&group.id, user)),
    )
    .look(Look::pick(member_of(user), same.clone(), Seen::Absent, Seen::With(same)))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn plan(graph: &Fake, settings: Value) -> Plan {
        let mut who = adele();
        who.settings = settings;
        let state = ready(Action::observe(&BlockByGroup, &who, graph)).unwrap();
        Action::plan(&BlockByGroup, &who, &state)
    }

    fn tenant(group_is: Value, member: bool) -> Fake {
        let groups = if member { json!([{ "id": "g" }]) } else { json!([]) };
        Fake::default().with(&group("g"), group_is).with(&member_of(USER), groups)
    }

    #[test]
    fn the_account_joins_and_leaves_by_the_link() {
        let graph = tenant(json!({ "id": "g", "displayName": "Blocked" }), false);
        let plan = plan(&graph, json!({ "group": "g" }));
        assert!(plan.changes[0].call.to_string().starts_with("POST /v1.0/groups/g/members/$ref {"));
        let Undo::Call(undo) = &plan.changes[0].undo else { panic!("it must be reversible") };
        assert_eq!(undo.to_string(), format!("DELETE /v1.0/groups/g/members/{USER}/$ref"));
    }

    #[test]
    fn a_member_is_contained() {
        let graph = tenant(json!({ "id": "g", "groupTypes": ["DynamicMembership"] }), true);
        let plan = plan(&graph, json!({ "group": "g" }));
        assert!(plan.changes.is_empty() && plan.open.is_empty() && plan.kept.len() == 1);
    }

    #[test]
    fn without_a_usable_group_the_way_is_open_and_says_what_to_do() {
        for (graph, settings) in [
            (Fake::default(), json!(null)),
            (Fake::default().with(&member_of(USER), json!([])), json!({ "group": "g" })),
            (tenant(json!({ "id": "g", "onPremisesSyncEnabled": true }), false), json!({ "group": "g" })),
            (tenant(json!({ "id": "g", "isAssignableToRole": true }), false), json!({ "group": "g" })),
        ] {
            let plan = plan(&graph, settings);
            assert!(plan.changes.is_empty() && plan.open[0].next.is_some());
        }
    }
}
