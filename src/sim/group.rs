//! Groups and their members.
//!
//! <https://learn.microsoft.com/graph/api/resources/group>

use serde_json::{Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    pub id: String,
    pub display_name: String,
    /// Object ids of users and groups.
    pub members: Vec<String>,
    pub role_assignable: bool,
    pub synced: bool,
}

impl Group {
    /// Whether it holds the object itself, not through another group.
    pub fn has(&self, id: &str) -> bool {
        self.members.iter().any(|m| m == id)
    }

    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "displayName": self.display_name,
            "description": null,
            "groupTypes": [],
            "mailEnabled": false,
            "securityEnabled": true,
            "isAssignableToRole": self.role_assignable.then_some(true),
            "membershipRule": null,
            "onPremisesSyncEnabled": self.synced.then_some(true),
        })
    }
}

/// `GET /groups/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    let group = directory.group(id).ok_or_else(|| GraphError::not_found(id))?;
    Ok(Answer::ok(select::object(ask, "groups", &group.json(), None)))
}

/// `GET /groups`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    let groups: Vec<Value> = directory.groups.iter().map(Group::json).collect();
    select::collection(ask, "groups", &groups, None, &["id", "displayName"], page_size)
}

/// `POST /users/{id}/checkMemberGroups`: which of these groups hold the user, through others too.
///
/// <https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups>
pub fn check(directory: &Directory, ask: &Ask, user: &str) -> Outcome {
    let body = ask.object()?;
    let Some(ids) =
        body.get("groupIds").and_then(Value::as_array).filter(|ids| !ids.is_empty() && ids.len() <= 20)
    else {
        return Err(GraphError::bad_request("groupIds must hold 1 to 20 ids."));
    };
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?;
    let groups = directory.groups_of(&user.id);
    let found: Vec<&Value> = ids.iter().filter(|id| groups.iter().any(|g| **id == g.id)).collect();
    let context = format!("{}/$metadata#Collection(Edm.String)", ask.base);
    Ok(Answer::ok(json!({ "@odata.context": context, "value": found })))
}
