//! Which application permissions a request needs.
//!
//! <https://learn.microsoft.com/graph/permissions-reference>

use super::error::{GraphError, Outcome};
use super::request::Ask;

/// Any one of these will do.
type AnyOf = &'static [&'static str];

pub const READ_USER: AnyOf =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
pub const WRITE_USER: AnyOf = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
pub const READ_GROUP: AnyOf = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub const READ_ROLE: AnyOf = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const REVOKE: AnyOf = &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_MEMBERSHIP: AnyOf = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBER_OF: AnyOf = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// <https://learn.microsoft.com/graph/api/oauth2permissiongrant-list#permissions>: the permission to write
/// also reads.
const READ_GRANT: AnyOf =
    &["Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_GRANT: AnyOf = &["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_APP_ROLE: AnyOf =
    &["AppRoleAssignment.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_APP_ROLE: AnyOf = &["AppRoleAssignment.ReadWrite.All"];
/// <https://learn.microsoft.com/graph/api/serviceprincipal-get#permissions>, and the same for both lists of
/// app role assignments.
pub const READ_APP: AnyOf = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_APP: AnyOf = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_ORGANIZATION: AnyOf =
    &["Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_DOMAIN: AnyOf =
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

const WRITE_MEMBER: AnyOf = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_ROLE: AnyOf = &["RoleManagement.ReadWrite.Directory"];
const READ_SCHEDULE: AnyOf = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
];
const WRITE_SCHEDULE: AnyOf =
    &["RoleManagement.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory"];
const READ_ELIGIBILITY: AnyOf = &[
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
];
const WRITE_ELIGIBILITY: AnyOf =
    &["RoleManagement.ReadWrite.Directory", "RoleEligibilitySchedule.ReadWrite.Directory"];
const READ_RISK: AnyOf = &["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"];
const WRITE_RISK: AnyOf = &["IdentityRiskyUser.ReadWrite.All"];
const READ_IDENTITY: AnyOf = &["SecurityIdentitiesAccount.Read.All"];
const ACT_ON_IDENTITY: AnyOf = &["SecurityIdentitiesActions.ReadWrite.All"];
const READ_POLICY: AnyOf = &["Policy.Read.All"];
const WRITE_POLICY: AnyOf = &["Policy.ReadWrite.ConditionalAccess"];
const READ_METHOD: AnyOf = &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"];
const ALL_METHODS: &str = "UserAuthenticationMethod.ReadWrite.All";
pub const READ_DEVICE: AnyOf =
    &["Device.Read.All", "Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_DEVICE: AnyOf = &["Device.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_MAIL: AnyOf = &["Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"];
const READ_MAILBOX: AnyOf = &["MailboxSettings.Read", "MailboxSettings.ReadWrite"];
const READ_LOG: AnyOf = &["AuditLog.Read.All"];
const WRITE_MAILBOX: AnyOf = &["MailboxSettings.ReadWrite"];

/// Who calls, as the token says.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    pub app_id: String,
    pub object_id: String,
    pub permissions: Vec<String>,
}

impl Caller {
    /// Whether the token has this permission.
    pub fn has(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p == permission)
    }

    /// Whether the token has one of these.
    pub fn has_any(&self, permissions: &[&str]) -> bool {
        permissions.iter().any(|p| self.has(p))
    }

    /// Refuses a request whose permissions the token lacks.
    pub fn may(&self, ask: &Ask) -> Outcome<()> {
        let needed = needed(ask)?;
        if needed.iter().all(|any| self.has_any(any)) { Ok(()) } else { Err(GraphError::denied()) }
    }
}

/// The permissions of a method and path, all of them. A PATCH of a user is judged by property instead.
fn needed(ask: &Ask) -> Outcome<&'static [AnyOf]> {
    let path = ask.segments();
    Ok(match (ask.method.as_str(), path.as_slice()) {
        (
            "GET",
            ["users"]
            | ["users", _]
            | ["users", _, "ownedObjects"]
            | ["users", _, "registeredDevices" | "ownedDevices", ..],
        ) => &[READ_USER],
        ("PATCH", ["users", _]) => &[],
        ("POST", ["users", _, "revokeSignInSessions"]) => &[REVOKE],
        ("POST", ["users", _, "checkMemberGroups"]) => &[READ_USER, READ_GROUP],
        ("GET", ["users", _, "memberOf", ..]) => &[READ_MEMBER_OF],
        ("GET", ["users", _, "transitiveMemberOf", ..]) => &[READ_MEMBERSHIP],
        ("GET", [.., "oauth2PermissionGrants"] | ["oauth2PermissionGrants", _]) => &[READ_GRANT],
        ("POST", ["oauth2PermissionGrants"]) | ("PATCH" | "DELETE", ["oauth2PermissionGrants", _]) => {
            &[WRITE_GRANT]
        }
        ("GET", ["users", _, "appRoleAssignments"] | ["users", _, "appRoleAssignments", _]) => {
            &[READ_APP_ROLE]
        }
        ("POST", ["users", _, "appRoleAssignments"]) => &[WRITE_APP_ROLE],
        ("DELETE", ["users" | "servicePrincipals", _, "appRoleAssignments" | "appRoleAssignedTo", _]) => {
            &[WRITE_APP_ROLE]
        }
        ("POST", ["servicePrincipals", _, "appRoleAssignments" | "appRoleAssignedTo"]) => {
            &[WRITE_APP_ROLE, READ_APP]
        }
        (
            "GET",
            ["servicePrincipals"]
            | ["servicePrincipals", _]
            | ["servicePrincipals", _, "appRoleAssignments" | "appRoleAssignedTo", ..]
            | ["applications", ..],
        ) => &[READ_APP],
        ("PATCH" | "DELETE", ["servicePrincipals", _] | ["applications", ..])
        | (
            "POST",
            ["servicePrincipals"]
            | ["servicePrincipals", _, "removePassword"]
            | ["applications", _, "removePassword" | "federatedIdentityCredentials"],
        ) => &[WRITE_APP],
        ("POST" | "DELETE", ["groups", _, "members", .., "$ref"]) => &[WRITE_MEMBER],
        ("POST" | "DELETE", ["roleManagement", "directory", "roleAssignments", ..]) => &[WRITE_ROLE],
        ("GET", ["roleManagement", "directory", "roleAssignmentSchedules"]) => &[READ_SCHEDULE],
        ("GET", ["roleManagement", "directory", "roleEligibilitySchedules"]) => &[READ_ELIGIBILITY],
        ("POST", ["roleManagement", "directory", "roleAssignmentScheduleRequests"]) => &[WRITE_SCHEDULE],
        ("POST", ["roleManagement", "directory", "roleEligibilityScheduleRequests"]) => &[WRITE_ELIGIBILITY],
        ("GET", ["identityProtection", "riskyUsers", _]) => &[READ_RISK],
        ("POST", ["identityProtection", "riskyUsers", _]) => &[WRITE_RISK],
        ("GET", ["security", "identities", "identityAccounts", ..]) => &[READ_IDENTITY],
        ("POST", ["security", "identities", "identityAccounts", _, "invokeAction"]) => &[ACT_ON_IDENTITY],
        ("GET", ["identity", "conditionalAccess", ..]) => &[READ_POLICY],
        (_, ["identity", "conditionalAccess", ..]) => &[READ_POLICY, WRITE_POLICY],
        ("GET", ["users", _, "authentication", ..]) => &[READ_METHOD],
        (_, ["users", _, "authentication", collection, ..]) => write_method(collection),
        ("GET", ["devices", ..]) => &[READ_DEVICE],
        ("PATCH", ["devices", _]) => &[WRITE_DEVICE],
        ("GET", ["users", _, "mailFolders"]) => &[READ_MAIL],
        ("GET", ["users", _, "mailFolders", _, "messageRules", ..]) => &[READ_MAILBOX],
        ("PATCH", ["users", _, "mailFolders", _, "messageRules", _]) => &[WRITE_MAILBOX],
        ("GET", ["auditLogs", "signIns"]) => &[READ_LOG],
        ("GET", ["organization", ..]) => &[READ_ORGANIZATION],
        ("GET", ["domains", _]) => &[READ_DOMAIN],
        ("GET", ["groups"] | ["groups", _]) => &[READ_GROUP],
        ("GET", ["roleManagement", "directory", "roleAssignments"]) => &[READ_ROLE],
        _ => return Err(GraphError::unknown_segment(path.last().unwrap_or(&""))),
    })
}

/// Each kind of method has a permission of its own beside the one for all.
fn write_method(collection: &str) -> &'static [AnyOf] {
    match collection {
        "phoneMethods" => &[&[ALL_METHODS, "UserAuthMethod-Phone.ReadWrite.All"]],
        "emailMethods" => &[&[ALL_METHODS, "UserAuthMethod-Email.ReadWrite.All"]],
        "externalAuthenticationMethods" => &[&[ALL_METHODS, "UserAuthMethod-External.ReadWrite.All"]],
        "temporaryAccessPassMethods" => &[&[ALL_METHODS, "UserAuthMethod-TAP.ReadWrite.All"]],
        "microsoftAuthenticatorMethods" => &[&[ALL_METHODS, "UserAuthMethod-MicrosoftAuthApp.ReadWrite.All"]],
        "fido2Methods" => &[&[ALL_METHODS, "UserAuthMethod-Passkey.ReadWrite.All"]],
        "softwareOathMethods" => &[&[ALL_METHODS, "UserAuthMethod-SoftwareOATH.ReadWrite.All"]],
        "windowsHelloForBusinessMethods" => &[&[ALL_METHODS, "UserAuthMethod-WindowsHello.ReadWrite.All"]],
        "platformCredentialMethods" => &[&[ALL_METHODS, "UserAuthMethod-PlatformCred.ReadWrite.All"]],
        "hardwareOathMethods" => &[&[ALL_METHODS, "UserAuthMethod-HardwareOATH.ReadWrite.All"]],
        _ => &[&[ALL_METHODS]],
    }
}
