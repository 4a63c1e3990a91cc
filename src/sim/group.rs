//! Groups and their members.
//!
//! <https://learn.microsoft.com/graph/api/resources/group>

use serde_json::{Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::grant::invalid_reference;
use super::permission::Caller;
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
    /// Its members follow from a rule.
    pub dynamic: bool,
    /// Object ids of users.
    pub owners: Vec<String>,
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
            "groupTypes": if self.dynamic { &["DynamicMembership"][..] } else { &[] },
            "mailEnabled": false,
            "securityEnabled": true,
            "isAssignableToRole": self.role_assignable.then_some(true),
            "membershipRule": self.dynamic.then_some("(user.department -eq \"Retail\")"),
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

/// A group whose members can be changed by this caller.
fn changeable<'a>(directory: &'a mut Directory, caller: &Caller, id: &str) -> Outcome<&'a mut Group> {
    let group = directory.groups.iter_mut().find(|g| g.id == id).ok_or_else(|| GraphError::not_found(id))?;
    if group.role_assignable && !caller.has("RoleManagement.ReadWrite.Directory") {
        return Err(GraphError::denied());
    }
    if group.dynamic || group.synced {
        return Err(GraphError::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects with dynamic membership.",
        ));
    }
    Ok(group)
}

/// `POST /groups/{id}/members/$ref`. The reference must be to this service.
pub fn add_member(directory: &mut Directory, ask: &Ask, caller: &Caller, id: &str) -> Outcome {
    let reference = ask.object()?.get("@odata.id").and_then(Value::as_str).unwrap_or_default();
    let (_, path) = reference.split_once("/v1.0/directoryObjects/").ok_or_else(invalid_reference)?;
    let member = path.to_owned();
    if !reference.starts_with(&ask.base) && !ask.base.ends_with("/beta") {
        return Err(invalid_reference());
    }
    if !directory.users.iter().any(|u| u.id == member) {
        return Err(GraphError::not_found(&member));
    }
    let group = changeable(directory, caller, id)?;
    if group.has(&member) {
        return Err(GraphError::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    group.members.push(member);
    Ok(Answer::no_content())
}

/// `DELETE /groups/{id}/members/{id}/$ref`
pub fn remove_member(directory: &mut Directory, caller: &Caller, id: &str, member: &str) -> Outcome {
    let group = changeable(directory, caller, id)?;
    let at = group.members.iter().position(|m| m == member).ok_or_else(|| GraphError::not_found(member))?;
    group.members.remove(at);
    Ok(Answer::no_content())
}
