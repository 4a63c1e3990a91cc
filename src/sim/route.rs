//! Which resource answers which method and path.

use jiff::Timestamp;

use super::app_role::{self, End};
use super::directory::Directory;
use super::error::{GraphError, Outcome};
use super::grant::{self, Of};
use super::permission::Caller;
use super::request::Ask;
use super::role_change::{self, Kind};
use super::{
    application, conditional_access, device, group, identity_account, mailbox, method, organization, risk,
    role, service_principal, session, sign_in, user,
};

/// Answers a read from a directory, which may be a stale replica.
pub fn read(directory: &Directory, ask: &Ask, caller: &Caller, now: Timestamp, page_size: usize) -> Outcome {
    match (ask.method.as_str(), ask.segments().as_slice()) {
        ("GET", ["users"]) => user::list(directory, ask, page_size),
        ("GET", ["users", id]) => user::get(directory, ask, id),
        ("GET", ["users", id, "memberOf"]) => {
            role::member_of(directory, ask, caller, (id, false, None), page_size)
        }
        ("GET", ["users", id, "memberOf", cast]) => {
            role::member_of(directory, ask, caller, (id, false, Some(cast)), page_size)
        }
        ("GET", ["users", id, "transitiveMemberOf"]) => {
            role::member_of(directory, ask, caller, (id, true, None), page_size)
        }
        ("GET", ["users", id, "transitiveMemberOf", cast]) => {
            role::member_of(directory, ask, caller, (id, true, Some(cast)), page_size)
        }
        ("POST", ["users", id, "checkMemberGroups"]) => group::check(directory, ask, id),
        ("GET", ["oauth2PermissionGrants"]) => grant::list(directory, ask, Of::All, page_size),
        ("GET", ["oauth2PermissionGrants", id]) => grant::get(directory, ask, id),
        ("GET", ["users", id, "oauth2PermissionGrants"]) => {
            grant::list(directory, ask, Of::User(id), page_size)
        }
        ("GET", ["servicePrincipals", id, "oauth2PermissionGrants"]) => {
            grant::list(directory, ask, Of::Client(id), page_size)
        }
        ("GET", ["servicePrincipals"]) => service_principal::list(directory, ask, page_size),
        ("GET", ["servicePrincipals", id]) => service_principal::get(directory, ask, id),
        ("GET", ["users", id, "ownedObjects"]) => application::owned(directory, ask, caller, id, page_size),
        ("GET", ["applications", id]) => application::get(directory, ask, id),
        ("GET", ["applications", id, "federatedIdentityCredentials"]) => {
            application::federated(directory, ask, id, page_size)
        }
        ("GET", ["identityProtection", "riskyUsers", id]) => risk::get(directory, ask, id),
        ("GET", ["security", "identities", "identityAccounts"]) => {
            identity_account::list(directory, ask, page_size)
        }
        ("GET", ["security", "identities", "identityAccounts", id]) => {
            identity_account::get(directory, ask, id)
        }
        ("GET", ["identity", "conditionalAccess", collection]) => {
            conditional_access::list(directory, ask, collection, page_size)
        }
        ("GET", ["identity", "conditionalAccess", collection, id]) => {
            conditional_access::get(directory, ask, collection, id)
        }
        ("GET", ["roleManagement", "directory", "roleAssignmentSchedules"]) => {
            role_change::schedules(directory, ask, Kind::Active, page_size)
        }
        ("GET", ["roleManagement", "directory", "roleEligibilitySchedules"]) => {
            role_change::schedules(directory, ask, Kind::Eligible, page_size)
        }
        ("GET", ["users", id, "authentication", rest @ ..]) => {
            method::read(directory, ask, id, rest, page_size)
        }
        ("GET", ["users", id, relation @ ("registeredDevices" | "ownedDevices"), cast @ ..]) => {
            device::of_user(directory, ask, caller, (id, relation, cast), page_size)
        }
        ("GET", ["devices", rest @ ..]) => device::read(directory, ask, rest, page_size),
        ("GET", ["users", id, "mailFolders", rest @ ..]) => {
            mailbox::read(directory, ask, id, rest, page_size)
        }
        ("GET", ["auditLogs", "signIns"]) => sign_in::list(directory, ask, now, page_size),
        ("GET", ["organization"]) => organization::list(directory, ask, page_size),
        ("GET", ["organization", id]) => organization::get(directory, ask, id),
        ("GET", ["domains", name]) => organization::domain(directory, ask, name),
        ("GET", ["groups"]) => group::list(directory, ask, page_size),
        ("GET", ["groups", id]) => group::get(directory, ask, id),
        ("GET", ["roleManagement", "directory", "roleAssignments"]) => role::list(directory, ask, page_size),
        ("GET", [of, id, relation]) => app_role::list(directory, ask, end(of, id, relation)?, page_size),
        ("GET", [of, id, relation, row]) => app_role::get(directory, ask, end(of, id, relation)?, row),
        (_, path) => Err(GraphError::unknown_segment(path.last().unwrap_or(&""))),
    }
}

/// Carries a write out.
pub fn write(directory: &mut Directory, ask: &Ask, caller: &Caller, now: Timestamp) -> Outcome {
    match (ask.method.as_str(), ask.segments().as_slice()) {
        ("PATCH", ["users", id]) => user::patch(directory, ask, caller, id, now),
        ("POST", ["users", id, "revokeSignInSessions"]) => session::revoke(directory, ask, caller, id, now),
        ("POST", ["oauth2PermissionGrants"]) => grant::post(directory, ask),
        ("PATCH", ["oauth2PermissionGrants", id]) => grant::patch(directory, ask, id),
        ("DELETE", ["oauth2PermissionGrants", id]) => grant::delete(directory, id),
        ("PATCH", ["servicePrincipals", id]) => service_principal::patch(directory, ask, id),
        ("POST", ["servicePrincipals"]) => service_principal::post(directory, ask),
        ("DELETE", ["servicePrincipals", id]) => service_principal::delete(directory, id),
        ("POST", ["servicePrincipals", id, "removePassword"]) => {
            service_principal::remove_password(directory, ask, id)
        }
        ("PATCH", ["applications", id]) => application::patch(directory, ask, id),
        ("POST", ["applications", id, "removePassword"]) => application::remove_password(directory, ask, id),
        ("POST", ["applications", id, "federatedIdentityCredentials"]) => {
            application::add_federated(directory, ask, id)
        }
        ("DELETE", ["applications", id, "federatedIdentityCredentials", credential]) => {
            application::delete_federated(directory, id, credential)
        }
        ("POST", ["groups", id, "members", "$ref"]) => group::add_member(directory, ask, caller, id),
        ("DELETE", ["groups", id, "members", member, "$ref"]) => {
            group::remove_member(directory, caller, id, member)
        }
        ("POST", ["identityProtection", "riskyUsers", "confirmCompromised"]) => {
            risk::set(directory, ask, true)
        }
        ("POST", ["identityProtection", "riskyUsers", "dismiss"]) => risk::set(directory, ask, false),
        ("POST", ["security", "identities", "identityAccounts", id, "invokeAction"]) => {
            identity_account::invoke(directory, ask, id, now)
        }
        ("POST", ["identity", "conditionalAccess", collection]) => {
            conditional_access::post(directory, ask, collection)
        }
        ("PATCH", ["identity", "conditionalAccess", collection, id]) => {
            conditional_access::patch(directory, ask, collection, id)
        }
        ("DELETE", ["identity", "conditionalAccess", collection, id]) => {
            conditional_access::delete(directory, collection, id)
        }
        ("POST", ["roleManagement", "directory", "roleAssignments"]) => {
            role_change::post(directory, ask, now)
        }
        ("DELETE", ["roleManagement", "directory", "roleAssignments", id]) => {
            role_change::delete(directory, id)
        }
        ("POST", ["roleManagement", "directory", "roleAssignmentScheduleRequests"]) => {
            role_change::request(directory, ask, Kind::Active, now)
        }
        ("POST", ["roleManagement", "directory", "roleEligibilityScheduleRequests"]) => {
            role_change::request(directory, ask, Kind::Eligible, now)
        }
        ("POST" | "PATCH" | "DELETE", ["users", id, "authentication", rest @ ..]) => {
            method::write(directory, ask, id, rest, now)
        }
        ("PATCH", ["devices", id]) => device::patch(directory, ask, caller, id),
        ("PATCH", ["users", id, "mailFolders", "inbox", "messageRules", rule]) => {
            mailbox::patch(directory, ask, id, rule)
        }
        ("POST", [of, id, relation]) => app_role::post(directory, ask, end(of, id, relation)?, now),
        ("DELETE", [of, id, relation, row]) => app_role::delete(directory, end(of, id, relation)?, row),
        (_, path) => Err(GraphError::unknown_segment(path.last().unwrap_or(&""))),
    }
}

fn end<'a>(of: &str, id: &'a str, relation: &str) -> Outcome<End<'a>> {
    match (of, relation) {
        ("users", "appRoleAssignments") => Ok(End::User(id)),
        ("servicePrincipals", "appRoleAssignments") => Ok(End::Client(id)),
        ("servicePrincipals", "appRoleAssignedTo") => Ok(End::Resource(id)),
        _ => Err(GraphError::unknown_segment(relation)),
    }
}
