//! Reads the roles that the user holds: active, eligible, through a group.

use futures_util::future::{join, join_all, try_join};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Get, Read, ReadError, ReadErrorKind, Target};

/// Template id of Global Administrator.
pub(super) const GLOBAL_ADMIN: &str = "62e90394-69f5-4237-9190-012177145e10";

/// All that the review rests on, in an order that doesn't depend on Graph's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Roles that are in force.
    pub active: Vec<Held>,
    /// When and until when they are in force. `None`: Privileged Identity Management doesn't answer.
    pub schedules: Option<Vec<Schedule>>,
    /// Roles that the user may activate. `None`: Privileged Identity Management doesn't answer.
    pub eligible: Option<Vec<Schedule>>,
    /// Roles through groups.
    pub through: Vec<Through>,
    /// Whether somebody else is a Global Administrator; asked only when the user is one.
    pub other_global_admin: bool,
}

/// A role in a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// Id of the assignment.
    pub id: String,
    /// Id of the role.
    pub role: String,
    /// Its name; hostile for a custom role.
    pub name: String,
    /// `/` for the whole directory.
    pub scope: String,
}

/// A role in a scope, with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// The role; its id is the schedule's.
    pub held: Held,
    /// `Direct`, or through a group.
    pub direct: bool,
    /// Activated from an eligibility.
    pub activated: bool,
    /// When it was made, or else when it begins.
    pub made: Option<Timestamp>,
    /// Its times, as they were read.
    pub info: Value,
}

impl Schedule {
    /// Whether it ends by itself.
    pub fn ends(&self) -> bool {
        self.info["expiration"]["type"].as_str().is_some_and(|kind| kind != "noExpiration")
    }
}

/// A role through a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Through {
    /// Object id of the group.
    pub group: String,
    /// Its name; hostile.
    pub group_name: String,
    /// The role's name.
    pub role: String,
}

/// The rows of a collection of roles that are a principal's.
pub(super) fn of_principal(collection: &str, principal: &str) -> Get {
    Get::new(["roleManagement", "directory", collection])
        .filter(format!("principalId eq {}", Get::quote(principal)))
        .query("$expand", "roleDefinition")
}

/// The same, as a look compares it.
pub(super) fn plain(collection: &str, principal: &str) -> Get {
    Get::new(["roleManagement", "directory", collection])
        .filter(format!("principalId eq {}", Get::quote(principal)))
}

/// Who holds a role.
pub(super) fn holders_of(role: &str) -> Get {
    Get::new(["roleManagement", "directory", "roleAssignments"])
        .filter(format!("roleDefinitionId eq {}", Get::quote(role)))
}

/// The groups of a user, through others too.
pub(super) fn groups_of(user: &str) -> Get {
    Get::new(["users", user, "transitiveMemberOf"]).select(&["id", "displayName", "isAssignableToRole"])
}

/// Reads it all, in two rounds.
pub(super) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let user = &who.user.id;
    let (active, groups) = (of_principal("roleAssignments", user), groups_of(user));
    let (active, groups) = try_join(graph.all(&active), graph.all(&groups)).await?;
    let mut active: Vec<Held> = active.iter().map(held).collect();
    active.sort();
    let groups = groups.iter().filter(|row| may_hold_roles(row));
    let through = join_all(groups.map(|group| through(graph, group)));
    let global = async {
        if !active.iter().any(|held| held.role == GLOBAL_ADMIN) {
            return Ok(false);
        }
        let rows = graph.all(&holders_of(GLOBAL_ADMIN)).await?;
        let others = rows.iter().filter_map(|row| row["principalId"].as_str());
        Ok(others.into_iter().any(|id| id != user && id != who.operator.object_id))
    };
    let (((schedules, eligible), through), global) = join(
        join(
            join(
                schedules(graph, "roleAssignmentSchedules", user),
                schedules(graph, "roleEligibilitySchedules", user),
            ),
            through,
        ),
        global,
    )
    .await;
    let mut state = State {
        active: vec![],
        schedules: schedules?,
        eligible: eligible?,
        through: vec![],
        other_global_admin: global?,
    };
    state.active = active;
    for rows in through {
        state.through.extend(rows?);
    }
    state.through.sort();
    Ok(state)
}

/// A group that the caller can't read comes with its id alone, and may be one.
fn may_hold_roles(row: &Value) -> bool {
    row["@odata.type"] == "#microsoft.graph.group"
        && (row["isAssignableToRole"] == true || row["displayName"].is_null())
}

async fn through(graph: &dyn Read, group: &Value) -> Result<Vec<Through>, ReadError> {
    let text = |member: &str| group[member].as_str().unwrap_or_default().to_owned();
    let rows = graph.all(&of_principal("roleAssignments", &text("id"))).await?;
    let named = |row| Through { group: text("id"), group_name: text("displayName"), role: held(row).name };
    Ok(rows.iter().map(named).collect())
}

/// `None`: the tenant has no licence for it. The permission is that of the assignments, which were read.
async fn schedules(
    graph: &dyn Read,
    collection: &str,
    user: &str,
) -> Result<Option<Vec<Schedule>>, ReadError> {
    match graph.all(&of_principal(collection, user)).await {
        Ok(rows) => {
            let mut rows: Vec<Schedule> = rows.iter().map(schedule).collect();
            rows.sort_by(|a, b| a.held.cmp(&b.held));
            Ok(Some(rows))
        }
        Err(error)
            if matches!(
                error.kind,
                ReadErrorKind::Forbidden | ReadErrorKind::Refused | ReadErrorKind::NotFound
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn schedule(row: &Value) -> Schedule {
    let time = |value: &Value| value.as_str().and_then(|at| at.parse().ok());
    Schedule {
        held: held(row),
        direct: row["memberType"] == "Direct",
        activated: row["assignmentType"] == "Activated",
        made: time(&row["createdDateTime"]).or_else(|| time(&row["scheduleInfo"]["startDateTime"])),
        info: row["scheduleInfo"].clone(),
    }
}

fn held(row: &Value) -> Held {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let role = text(&row["roleDefinitionId"]);
    let name = row["roleDefinition"]["displayName"].as_str().unwrap_or(&role).to_owned();
    Held { id: text(&row["id"]), name, role, scope: text(&row["directoryScopeId"]) }
}
