//! `review_groups`: ends the memberships that the playbook names, and lists the others.
//!
//! Graph doesn't say when a membership began, so by default all stay and are said. Groups whose members come
//! from a rule or from on-premises AD can't be changed here.
//!
//! <https://learn.microsoft.com/graph/api/user-list-memberof>

use futures_util::future::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Permission, Plan, Read, ReadError, Seen,
    Target, Technique, Undo,
};

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
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
    // For groups that roles may be given to.
    Permission::write("RoleManagement.ReadWrite.Directory", &[]),
];

/// See the module's page.
pub struct ReviewGroups;

/// What a playbook may set for `review_groups`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Groups that the account leaves, by object id.
    pub remove: Vec<String>,
    /// Whether it leaves every group that directory roles may be given to.
    pub remove_role_assignable: bool,
    /// Groups that it stays in, by object id. Wins over the other two.
    pub keep: Vec<String>,
}

/// The groups of the account, ordered by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    member_of: Vec<Group>,
    owner_of: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Group {
    id: String,
    name: String,
    role_assignable: bool,
    dynamic: bool,
    synced: bool,
}

impl Group {
    const SELECT: &[&str] =
        &["id", "displayName", "isAssignableToRole", "groupTypes", "onPremisesSyncEnabled"];

    fn of(rows: &[Value]) -> Vec<Self> {
        let groups = rows.iter().filter(|row| row["@odata.type"] == "#microsoft.graph.group");
        let mut groups: Vec<Self> = groups
            .map(|row| {
                let id = row["id"].as_str().unwrap_or_default();
                let types = row["groupTypes"].as_array().into_iter().flatten();
                Self {
                    id: id.to_owned(),
                    name: row["displayName"].as_str().unwrap_or(id).to_owned(),
                    role_assignable: row["isAssignableToRole"] == true,
                    dynamic: types.into_iter().any(|kind| kind == "DynamicMembership"),
                    synced: row["onPremisesSyncEnabled"] == true,
                }
            })
            .collect();
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups
    }

    fn is_in(&self, ids: &[String]) -> bool {
        !self.id.is_empty() && ids.iter().any(|id| id.eq_ignore_ascii_case(&self.id))
    }

    fn finding(&self, decision: Decision, reason: &str) -> Finding {
        Finding::of((&self.id, &self.name), decision, vec![reason.to_owned()])
    }
}

/// The groups that hold the user directly, and the directory roles and units.
pub(crate) fn member_of(user: &str) -> Get {
    Get::new(["users", user, "memberOf"]).select(Group::SELECT)
}

fn owned_by(user: &str) -> Get {
    Get::new(["users", user, "ownedObjects"]).select(Group::SELECT)
}

impl Action for ReviewGroups {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_groups",
            title: "end named group memberships",
            why: "A group gives access to data, apps and sometimes directory roles. Graph gives no date of a \
                  membership, so only what the playbook names is ended, and the rest is listed.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the account becomes a member again",
            attack: &[Technique { id: "T1098", name: "Account Manipulation" }],
            defend: &[Technique { id: "D3-UAP", name: "User Account Permissions" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-list-memberof",
                "https://learn.microsoft.com/graph/api/group-delete-members",
                "https://learn.microsoft.com/graph/api/group-post-members",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let (member, owner) = (member_of(&who.user.id), owned_by(&who.user.id));
        let (member, owner) = try_join(graph.all(&member), graph.all(&owner)).await?;
        Ok(State { member_of: Group::of(&member), owner_of: Group::of(&owner) })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        let mut plan = Plan::default();
        for group in &now.member_of {
            let named = group.is_in(&settings.remove);
            let by_kind = settings.remove_role_assignable && group.role_assignable;
            if group.is_in(&settings.keep) || !(named || by_kind) {
                plan.kept.push(group.finding(Decision::Keep, kept_because(group)));
            } else if group.dynamic || group.synced {
                let (reason, next) = if group.dynamic {
                    ("its members come from a rule", "change the rule, or the property that it reads")
                } else {
                    ("it comes from on-premises AD", "take the account out of the group in Active Directory")
                };
                plan.open.push(group.finding(Decision::Ask, reason).next(next));
            } else {
                let why = if named { "the playbook names it" } else { "directory roles may be given to it" };
                plan.changes.push(leave(who, group, why));
            }
        }
        for group in &now.owner_of {
            if group.is_in(&settings.remove) && !group.is_in(&settings.keep) {
                plan.open.push(
                    group
                        .finding(Decision::Ask, "the account owns it, and an owner can add members")
                        .next("take the account from the group's owners in the Entra admin center"),
                );
            } else {
                plan.kept.push(group.finding(
                    Decision::Keep,
                    "owned: Graph gives no date of an ownership, and it does nothing while the account is closed",
                ));
            }
        }
        plan
    }
}

fn kept_because(group: &Group) -> &'static str {
    if group.role_assignable {
        "directory roles may be given to it, and Graph gives no date of a membership"
    } else {
        "Graph gives no date of a membership"
    }
}

fn leave(who: &Target, group: &Group, why: &str) -> Change {
    let user = &who.user.id;
    let same = json!({ "id": group.id });
    Change::new(
        (&group.id, &group.name),
        format!("take the account out of the group {}", group.name),
        ("member", "not a member"),
        Call::remove_member(&group.id, user),
        Undo::Call(Call::add_member(&group.id, user)),
    )
    .because(why)
    .look(Look::pick(member_of(user), same.clone(), Seen::With(same), Seen::Absent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn plan(settings: Value) -> Plan {
        let group = |id: &str, more: Value| {
            let mut group = json!({ "@odata.type": "#microsoft.graph.group", "id": id, "displayName": id });
            for (name, value) in more.as_object().unwrap() {
                group[name] = value.clone();
            }
            group
        };
        let graph = Fake::default()
            .with(
                &member_of(USER),
                json!([
                    group("staff", json!({})),
                    group("rule", json!({ "groupTypes": ["DynamicMembership"] })),
                    group("ad", json!({ "onPremisesSyncEnabled": true })),
                    group("tier0", json!({ "isAssignableToRole": true })),
                    { "@odata.type": "#microsoft.graph.directoryRole", "id": "role" },
                ]),
            )
            .with(&owned_by(USER), json!([group("team", json!({}))]));
        let mut who = adele();
        who.settings = settings;
        let state = ready(Action::observe(&ReviewGroups, &who, &graph)).unwrap();
        Action::plan(&ReviewGroups, &who, &state)
    }

    #[test]
    fn by_default_all_are_listed_and_none_is_left() {
        let plan = plan(json!(null));
        assert!(plan.changes.is_empty() && plan.open.is_empty());
        let kept: Vec<&str> = plan.kept.iter().map(|kept| kept.object_id.as_str()).collect();
        assert_eq!(kept, ["ad", "rule", "staff", "tier0", "team"]);
    }

    #[test]
    fn a_named_group_is_left_by_the_link_and_joined_again() {
        let plan = plan(json!({ "remove": ["STAFF"] }));
        let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
        assert_eq!(change.call.to_string(), format!("DELETE /v1.0/groups/staff/members/{USER}/$ref"));
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        assert!(undo.to_string().starts_with("POST /v1.0/groups/staff/members/$ref {"));
    }

    #[test]
    fn role_assignable_groups_are_left_when_the_playbook_says_so_and_keep_wins() {
        assert_eq!(plan(json!({ "remove_role_assignable": true })).changes[0].object_id, "tier0");
        let kept = plan(json!({ "remove_role_assignable": true, "keep": ["tier0"] }));
        assert!(kept.changes.is_empty());
    }

    #[test]
    fn what_a_rule_or_active_directory_decides_is_open() {
        let plan = plan(json!({ "remove": ["rule", "ad", "team"] }));
        assert!(plan.changes.is_empty());
        let open: Vec<&str> = plan.open.iter().map(|open| open.object_id.as_str()).collect();
        assert_eq!(open, ["ad", "rule", "team"]);
    }
}
