//! What a tenant file grants: delegated consents, and assignments to app roles.

use super::app_role::{AppRoleAssignment, DEFAULT_ACCESS};
use super::build::{GRAPH, Problem, app, group, user};
use super::directory::{Directory, object_id, object_key};
use super::file;
use super::grant::Grant;
use super::moment::Moment;

pub fn consent(directory: &mut Directory, consent: &file::Consent) -> Result<(), Problem> {
    let client_id = app(directory, &consent.app)?;
    let resource = consent.resource.as_deref().unwrap_or(GRAPH);
    let resource_id = app(directory, resource)?;
    let principal_id = consent.user.as_deref().map(|u| user(directory, u)).transpose()?;
    let name = format!("{client_id} {} {resource_id}", principal_id.as_deref().unwrap_or("*"));
    if let Some(sp) = directory.service_principals.iter_mut().find(|sp| sp.id == resource_id) {
        for scope in consent.scopes.split_whitespace() {
            if !sp.scopes.iter().any(|(_, value)| value == scope) {
                sp.scopes.push((object_id("scope", &format!("{resource} {scope}")), scope.to_owned()));
            }
        }
    }
    let id = consent.id.clone().unwrap_or_else(|| object_key("grant", &name));
    directory.grants.push(Grant { id, client_id, principal_id, resource_id, scope: consent.scopes.clone() });
    Ok(())
}

pub fn assignment(directory: &mut Directory, assignment: &file::Assignment) -> Result<(), Problem> {
    let resource_id = app(directory, &assignment.app)?;
    let (principal_id, principal_type) = match (&assignment.user, &assignment.group) {
        (Some(name), None) => (user(directory, name)?, "User"),
        (None, Some(name)) => (group(directory, name)?, "Group"),
        _ => {
            let what = format!("the assignment to {:?} needs a user or a group", assignment.app);
            return Err(Problem::new(&assignment.app, what));
        }
    };
    let offered =
        directory.service_principals.iter().find(|sp| sp.id == resource_id).map(|sp| sp.app_roles.as_slice());
    let app_role_id = match &assignment.role {
        None => DEFAULT_ACCESS.to_owned(),
        Some(role) => {
            let found = offered.unwrap_or_default().iter().find(|(_, value)| value == role);
            let what = || format!("{:?} does not offer the role {role:?}", assignment.app);
            found.map(|(id, _)| id.clone()).ok_or_else(|| Problem::new(role, what()))?
        }
    };
    let name = format!("{principal_id} {resource_id} {app_role_id}");
    directory.app_roles.push(AppRoleAssignment {
        id: assignment.id.clone().unwrap_or_else(|| object_key("app role", &name)),
        app_role_id,
        created: assignment.created.unwrap_or(Moment::days_ago(400)),
        principal_id,
        principal_type,
        resource_id,
    });
    Ok(())
}
