//! Who gives and takes directory roles: assignments, and Privileged Identity Management, which needs P2.
//!
//! <https://learn.microsoft.com/graph/api/resources/unifiedroleassignment>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::file::Licence;
use super::grant::invalid_reference;
use super::moment::Moment;
use super::request::Ask;
use super::role::{Role, RoleAssignment, by_template};
use super::select;

/// In force, or to be activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Active,
    Eligible,
}

fn rows(directory: &mut Directory, kind: Kind) -> &mut Vec<RoleAssignment> {
    match kind {
        Kind::Active => &mut directory.roles,
        Kind::Eligible => &mut directory.eligible,
    }
}

fn licensed(directory: &Directory) -> Outcome<()> {
    if directory.licence == Licence::P2 {
        return Ok(());
    }
    Err(GraphError::new(
        400,
        "AadPremiumLicenseRequired",
        "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
    ))
}

/// `GET /roleManagement/directory/roleAssignmentSchedules` and `…/roleEligibilitySchedules`
pub fn schedules(directory: &Directory, ask: &Ask, kind: Kind, page_size: usize) -> Outcome {
    licensed(directory)?;
    let expand = ask.option("$expand") == Some("roleDefinition");
    let held = if kind == Kind::Active { &directory.roles } else { &directory.eligible };
    let rows: Vec<Value> = held.iter().map(|row| schedule(directory, row, kind, expand)).collect();
    if ask.option("$filter").is_none() {
        return Err(GraphError::bad_request("A filter on principalId or roleDefinitionId is required."));
    }
    select::collection(ask, "schedules", &rows, None, &["principalId", "roleDefinitionId"], page_size)
}

fn schedule(directory: &Directory, row: &RoleAssignment, kind: Kind, expand: bool) -> Value {
    let time = |moment| format!("{:.0}", directory.time(moment));
    let mut schedule = json!({
        "id": row.id,
        "principalId": row.principal_id,
        "roleDefinitionId": row.role_definition_id,
        "directoryScopeId": "/",
        "memberType": "Direct",
        "status": "Provisioned",
        "createdDateTime": time(row.made),
        "scheduleInfo": {
            "startDateTime": time(row.made),
            "expiration": match row.ends {
                Some(ends) => json!({ "type": "afterDateTime", "endDateTime": time(ends), "duration": null }),
                None => json!({ "type": "noExpiration", "endDateTime": null, "duration": null }),
            },
        },
    });
    if kind == Kind::Active {
        schedule["assignmentType"] = if row.activated { "Activated" } else { "Assigned" }.into();
    }
    if expand {
        let role = by_template(&row.role_definition_id);
        schedule["roleDefinition"] = json!({ "id": row.role_definition_id, "displayName": role.title() });
    }
    schedule
}

fn identity(directory: &Directory, body: &Map<String, Value>) -> Outcome<(String, String)> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (principal, role) = (text("principalId"), text("roleDefinitionId"));
    let known = directory.users.iter().any(|u| u.id == principal)
        || directory.group(&principal).is_some()
        || directory.service_principal(&principal).is_some();
    if !known || text("directoryScopeId") != "/" || role.is_empty() {
        return Err(invalid_reference());
    }
    Ok((principal, role))
}

/// `POST /roleManagement/directory/roleAssignments`
pub fn post(directory: &mut Directory, ask: &Ask, now: Timestamp) -> Outcome {
    let (principal_id, role) = identity(directory, ask.object()?)?;
    assign(directory, Kind::Active, (principal_id, role), Moment::At(now), None)?;
    let made = directory.roles.last().map(|row| row.json(false)).unwrap_or_default();
    Ok(Answer::created(select::object(ask, "roleManagement/directory/roleAssignments", &made, None)))
}

fn assign(
    directory: &mut Directory,
    kind: Kind,
    (principal_id, role_definition_id): (String, String),
    made: Moment,
    ends: Option<Moment>,
) -> Outcome<()> {
    let id = directory.new_id("role");
    let rows = rows(directory, kind);
    if rows.iter().any(|r| r.principal_id == principal_id && r.role_definition_id == role_definition_id) {
        return Err(GraphError::bad_request(
            "A conflicting object with one or more of the specified property values is present in the directory.",
        ));
    }
    rows.push(RoleAssignment { id, principal_id, role_definition_id, made, ends, activated: false });
    Ok(())
}

/// `DELETE /roleManagement/directory/roleAssignments/{id}`: the last Global Administrator stays one.
pub fn delete(directory: &mut Directory, id: &str) -> Outcome {
    let row = directory.roles.iter().find(|r| r.id == id).ok_or_else(|| GraphError::not_found(id))?;
    let global = Role::GlobalAdmin.template_id();
    let holders = directory.roles.iter().filter(|r| r.role_definition_id == global).count();
    if row.role_definition_id == global && holders == 1 {
        return Err(GraphError::bad_request("Cannot remove the last Global Administrator."));
    }
    directory.roles.retain(|r| r.id != id);
    Ok(Answer::no_content())
}

/// `POST …/roleAssignmentScheduleRequests` and `…/roleEligibilityScheduleRequests`
pub fn request(directory: &mut Directory, ask: &Ask, kind: Kind, now: Timestamp) -> Outcome {
    licensed(directory)?;
    let body = ask.object()?;
    let (principal, role) = identity(directory, body)?;
    let status = match body.get("action").and_then(Value::as_str) {
        Some("adminRemove") => {
            let rows = rows(directory, kind);
            let at = rows.iter().position(|r| r.principal_id == principal && r.role_definition_id == role);
            rows.remove(at.ok_or_else(|| {
                GraphError::new(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
            })?);
            "Revoked"
        }
        Some("adminAssign") => {
            let end = body.get("scheduleInfo").map(|info| &info["expiration"]["endDateTime"]);
            let end = end.and_then(Value::as_str).and_then(|at| at.parse().ok()).map(Moment::At);
            assign(directory, kind, (principal, role), Moment::At(now), end)?;
            "Provisioned"
        }
        _ => return Err(GraphError::bad_request("The action is not supported.")),
    };
    let mut answer = Value::Object(body.clone());
    answer["id"] = directory.new_id("role request").into();
    answer["status"] = status.into();
    Ok(Answer::created(select::object(ask, "scheduleRequests", &answer, None)))
}
