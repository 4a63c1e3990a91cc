//! What the tenant's directory holds, as one value that a replica can lag behind with.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::access_pass::Policy;
use super::app_role::AppRoleAssignment;
use super::application::Application;
use super::conditional_access::Entry;
use super::device::Device;
use super::exchange::Mailbox;
use super::file::Licence;
use super::grant::Grant;
use super::group::Group;
use super::index::Index;
use super::mailbox::Rule;
use super::method::Method;
use super::moment::Moment;
use super::risk::Risk;
use super::role::RoleAssignment;
use super::service_principal::ServicePrincipal;
use super::sign_in;
use super::user::User;
use crate::graph::Cloud;

/// The objects of a tenant and how they refer to each other.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    pub tenant_id: String,
    pub display_name: String,
    pub domains: Vec<Domain>,
    pub cloud: Cloud,
    /// What relative times of the tenant file count from.
    pub start: Option<Timestamp>,
    /// How long after a write the next directory synchronisation comes.
    pub sync_every: SignedDuration,
    pub users: Vec<User>,
    pub(super) index: Index,
    /// Some user comes from on-premises AD.
    pub(super) hybrid: bool,
    pub groups: Vec<Group>,
    pub service_principals: Vec<ServicePrincipal>,
    pub grants: Vec<Grant>,
    pub app_roles: Vec<AppRoleAssignment>,
    pub roles: Vec<RoleAssignment>,
    /// Roles that can be activated.
    pub eligible: Vec<RoleAssignment>,
    pub applications: Vec<Application>,
    pub risks: Vec<Risk>,
    pub conditional_access: Vec<Entry>,
    pub licence: Licence,
    /// Defender for Identity watches on-premises AD.
    pub defender_for_identity: bool,
    pub access_pass: Policy,
    pub methods: Vec<Method>,
    /// The second factor that each user prefers, by object id.
    pub preferred: BTreeMap<String, String>,
    pub devices: Vec<Device>,
    pub rules: Vec<Rule>,
    /// The sign-in log, as it is described.
    pub sign_ins: Vec<sign_in::Series>,
    /// What Exchange alone knows of a mailbox, by the object id of its owner.
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// Counts what the service created, so that a recreated object has a new id.
    pub created: u64,
}

/// A verified domain.
#[derive(Debug, Clone)]
pub struct Domain {
    pub name: String,
    /// Passwords are checked by another identity provider.
    pub federated: bool,
}

impl Directory {
    /// The moment on the time line of this tenant.
    pub fn time(&self, moment: Moment) -> Timestamp {
        moment.at(self.start.unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// A service principal by object id, or by `appId=…`.
    pub fn service_principal(&self, key: &str) -> Option<&ServicePrincipal> {
        self.service_principals.iter().find(|sp| match key.strip_prefix("appId=") {
            Some(app_id) => sp.app_id.eq_ignore_ascii_case(app_id),
            None => sp.id.eq_ignore_ascii_case(key),
        })
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == id)
    }

    /// The groups that hold the object, through others too.
    pub fn groups_of(&self, id: &str) -> Vec<&Group> {
        let mut found: Vec<&Group> = self.groups.iter().filter(|g| g.has(id)).collect();
        let mut at = 0;
        while let Some(inner) = found.get(at).map(|g| g.id.clone()) {
            for outer in self.groups.iter().filter(|g| g.has(&inner)) {
                if !found.iter().any(|g| g.id == outer.id) {
                    found.push(outer);
                }
            }
            at += 1;
        }
        found
    }

    /// Template ids of the directory roles that the object holds, through groups too.
    pub fn roles_of(&self, id: &str) -> Vec<&str> {
        let groups = self.groups_of(id);
        self.roles
            .iter()
            .filter(|r| r.principal_id == id || groups.iter().any(|g| g.id == r.principal_id))
            .map(|r| r.role_definition_id.as_str())
            .collect()
    }

    /// A name for people of any principal.
    pub fn display_name_of(&self, id: &str) -> String {
        let user = self.user(id).filter(|u| u.id == id).map(|u| u.display_name.clone());
        let group = || self.group(id).map(|g| g.display_name.clone());
        let app = || self.service_principal(id).map(|sp| sp.display_name.clone());
        user.or_else(group).or_else(app).unwrap_or_default()
    }

    /// An id that no object had before, in the form of a consent's or an assignment's.
    pub fn new_id(&mut self, kind: &str) -> String {
        self.created += 1;
        object_key(kind, &format!("created {}", self.created))
    }

    /// The same in the form of an object id.
    pub fn new_object_id(&mut self, kind: &str) -> String {
        self.created += 1;
        object_id(kind, &format!("created {}", self.created))
    }

    /// Lets the directory synchronisation put back what AD says.
    pub fn synchronise(&mut self, now: Timestamp) {
        for user in self.users.iter_mut().filter(|_| self.hybrid) {
            user.synchronise(now);
        }
    }
}

/// A stable object id from a name: the same file gives the same ids on every machine.
pub fn object_id(kind: &str, name: &str) -> String {
    let hash = digest(&SHA256, format!("oust simulated tenant\n{kind}\n{name}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// A stable id in the form that Graph gives to consents and assignments.
pub fn object_key(kind: &str, name: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("oust simulated tenant\n{kind}\n{name}").as_bytes()))
}
