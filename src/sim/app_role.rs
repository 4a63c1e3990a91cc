//! App role assignments: who may use an application, and what an application may do on its own.
//!
//! <https://learn.microsoft.com/graph/api/resources/approleassignment>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::directory::{Directory, object_id, object_key};
use super::error::{Answer, GraphError, Outcome};
use super::grant::invalid_reference;
use super::moment::Moment;
use super::request::Ask;
use super::select;
use super::service_principal::GRAPH_APP_ID;
use crate::graph::known::EXCHANGE_APP_ID;

/// Access without a particular role.
pub const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// An assignment of a principal to a role of a resource.
#[derive(Debug, Clone)]
pub struct AppRoleAssignment {
    pub id: String,
    pub app_role_id: String,
    pub created: Moment,
    pub principal_id: String,
    pub principal_type: &'static str,
    pub resource_id: String,
}

impl AppRoleAssignment {
    fn json(&self, directory: &Directory) -> Value {
        json!({
            "id": self.id,
            "deletedDateTime": null,
            "appRoleId": self.app_role_id,
            "createdDateTime": format!("{:.0}", directory.time(self.created)),
            "principalDisplayName": directory.display_name_of(&self.principal_id),
            "principalId": self.principal_id,
            "principalType": self.principal_type,
            "resourceDisplayName": directory.display_name_of(&self.resource_id),
            "resourceId": self.resource_id,
        })
    }
}

/// Tells the assignments at one end.
type Holds = Box<dyn Fn(&AppRoleAssignment) -> bool>;

/// One end of the assignments.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// A user's: also rows of the groups that the user is a direct member of.
    User(&'a str),
    /// What a client has been given.
    Client(&'a str),
    /// Who has been given a resource's roles.
    Resource(&'a str),
}

impl End<'_> {
    fn holds(self, directory: &Directory) -> Outcome<Holds> {
        Ok(match self {
            Self::User(key) => {
                let user = directory.user(key).ok_or_else(|| GraphError::not_found(key))?;
                let groups = directory.groups.iter().filter(|g| g.has(&user.id)).map(|g| g.id.clone());
                let (own, groups): (String, Vec<String>) = (user.id.clone(), groups.collect());
                Box::new(move |a| a.principal_id == own || groups.contains(&a.principal_id))
            }
            Self::Client(key) => {
                let id =
                    directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?.id.clone();
                Box::new(move |a| a.principal_id == id)
            }
            Self::Resource(key) => {
                let id =
                    directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?.id.clone();
                Box::new(move |a| a.resource_id == id)
            }
        })
    }
}

/// `GET …/appRoleAssignments` and `…/appRoleAssignedTo`
pub fn list(directory: &Directory, ask: &Ask, end: End<'_>, page_size: usize) -> Outcome {
    let holds = end.holds(directory)?;
    let rows: Vec<Value> =
        directory.app_roles.iter().filter(|a| holds(a)).map(|a| a.json(directory)).collect();
    select::collection(ask, "appRoleAssignments", &rows, None, &["resourceId", "principalId"], page_size)
}

/// `GET …/appRoleAssignments/{id}`
pub fn get(directory: &Directory, ask: &Ask, end: End<'_>, id: &str) -> Outcome {
    let holds = end.holds(directory)?;
    let row = directory
        .app_roles
        .iter()
        .find(|a| a.id == id && holds(a))
        .ok_or_else(|| GraphError::not_found(id))?;
    Ok(Answer::ok(select::object(ask, "appRoleAssignments", &row.json(directory), None)))
}

/// `DELETE …/appRoleAssignments/{id}`: through a user it also removes a group's, for the whole group.
pub fn delete(directory: &mut Directory, end: End<'_>, id: &str) -> Outcome {
    let holds = end.holds(directory)?;
    let at = directory
        .app_roles
        .iter()
        .position(|a| a.id == id && holds(a))
        .ok_or_else(|| GraphError::not_found(id))?;
    directory.app_roles.remove(at);
    Ok(Answer::no_content())
}

/// `POST …/appRoleAssignments`
pub fn post(directory: &mut Directory, ask: &Ask, end: End<'_>, now: Timestamp) -> Outcome {
    let body = ask.object()?;
    let required = |name: &str| {
        body.get(name).and_then(Value::as_str).ok_or_else(|| {
            GraphError::bad_request(format!(
                "A value is required for property '{name}' of resource 'AppRoleAssignment'."
            ))
        })
    };
    let (principal, resource, role) =
        (required("principalId")?, required("resourceId")?, required("appRoleId")?);
    let holds = end.holds(directory)?;
    let principal_type = if directory.user(principal).is_some_and(|u| u.id == principal) {
        "User"
    } else if directory.group(principal).is_some() {
        "Group"
    } else if directory.service_principals.iter().any(|sp| sp.id == principal) {
        "ServicePrincipal"
    } else {
        return Err(invalid_reference());
    };
    let target =
        directory.service_principals.iter().find(|sp| sp.id == resource).ok_or_else(invalid_reference)?;
    if !target.offers(role) {
        return Err(GraphError::bad_request("Permission being assigned was not found on application."));
    }
    let same = |a: &AppRoleAssignment| {
        a.principal_id == principal && a.resource_id == resource && a.app_role_id == role
    };
    if directory.app_roles.iter().any(same) {
        return Err(GraphError::bad_request("Permission being assigned already exists on the object."));
    }
    let assignment = AppRoleAssignment {
        id: String::new(),
        app_role_id: role.to_owned(),
        created: Moment::At(now),
        principal_id: principal.to_owned(),
        principal_type,
        resource_id: resource.to_owned(),
    };
    if !holds(&assignment) {
        return Err(invalid_reference());
    }
    let assignment = AppRoleAssignment { id: directory.new_id("app role"), ..assignment };
    let body = select::object(ask, "appRoleAssignments", &assignment.json(directory), None);
    directory.app_roles.push(assignment);
    Ok(Answer::created(body))
}

impl Directory {
    /// Object id of Microsoft Graph, or of Exchange Online, and the id of one of its application permissions.
    pub fn graph_role(&self, permission: &str) -> Option<(String, String)> {
        let services = [GRAPH_APP_ID, EXCHANGE_APP_ID];
        let mut offering = self.service_principals.iter().filter(|sp| services.contains(&sp.app_id.as_str()));
        offering.find_map(|service| {
            let (role, _) = service.app_roles.iter().find(|(_, value)| value == permission)?;
            Some((service.id.clone(), role.clone()))
        })
    }

    /// Gives an application permission on Microsoft Graph, which offers any that is asked for.
    pub fn assign_permission(&mut self, principal: &str, permission: &str) -> bool {
        if self.graph_role(permission).is_none() {
            let graph = self.service_principals.iter_mut().find(|sp| sp.app_id == GRAPH_APP_ID);
            if let Some(graph) = graph {
                graph.app_roles.push((object_id("permission", permission), permission.to_owned()));
            }
        }
        let Some((graph, role)) = self.graph_role(permission) else { return false };
        self.app_roles.push(AppRoleAssignment {
            id: object_key("app role", &format!("{principal} {graph} {role}")),
            app_role_id: role,
            created: Moment::days_ago(400),
            principal_id: principal.to_owned(),
            principal_type: "ServicePrincipal",
            resource_id: graph,
        });
        true
    }
}
