//! The tenant as a value to compare: what a rollback has to put back.

use serde_json::{Map, Value, json};

use super::Tenant;
use super::conditional_access::Entry;
use super::credential::{Certificate, Credentials};
use super::method;
use super::user::User;

impl Tenant {
    /// Everything that a rollback has to restore, in a stable order and without the ids that the service
    /// assigns anew. What can't be restored is in `irreversible`.
    pub fn snapshot(&self) -> Value {
        self.part(&|_| true, &|_| true)
    }

    /// The part of one user, by object id: the account and what belongs to it.
    pub fn snapshot_of(&self, user_id: &str) -> Value {
        self.part(&|user| user == user_id, &|principal| principal == Some(user_id))
    }

    /// Everything but one user's part.
    pub fn snapshot_without(&self, user_id: &str) -> Value {
        self.part(&|user| user != user_id, &|principal| principal != Some(user_id))
    }

    fn part(&self, has_user: &dyn Fn(&str) -> bool, has_principal: &dyn Fn(Option<&str>) -> bool) -> Value {
        let directory = &self.directory;
        let users = || directory.users.iter().filter(|u| has_user(&u.id));
        let of_everyone = has_principal(None);
        let grants = directory.grants.iter().filter(|g| has_principal(g.principal_id.as_deref())).map(|g| {
            let mut scopes: Vec<&str> = g.scope.split_whitespace().collect();
            scopes.sort_unstable();
            let principal = g.principal_id.as_deref().unwrap_or("*");
            (format!("{} {} {}", g.client_id, principal, g.resource_id), json!(scopes))
        });
        let app_roles =
            directory.app_roles.iter().filter(|a| has_principal(Some(&a.principal_id))).map(|a| {
                (format!("{} {} {}", a.principal_id, a.resource_id, a.app_role_id), json!(a.principal_type))
            });
        let roles = directory
            .roles
            .iter()
            .filter(|r| has_principal(Some(&r.principal_id)))
            .map(|r| (format!("{} {}", r.principal_id, r.role_definition_id), json!(true)));
        let eligible = directory
            .eligible
            .iter()
            .filter(|r| has_principal(Some(&r.principal_id)))
            .map(|r| (format!("{} {}", r.principal_id, r.role_definition_id), json!(true)));
        let members = directory.groups.iter().flat_map(|g| g.members.iter().map(move |m| (g, m)));
        let members = members
            .filter(|(_, member)| has_principal(Some(member)))
            .map(|(group, member)| (format!("{} {member}", group.id), json!(true)));
        let groups = directory
            .groups
            .iter()
            .filter(|_| of_everyone)
            .map(|g| (g.id.clone(), json!({"name": g.display_name, "owners": g.owners})));
        let risks = directory.risks.iter().filter(|r| has_principal(Some(&r.user_id)));
        let risks = risks
            .filter(|r| !r.lasting && !matches!(r.state.as_str(), "none" | "dismissed"))
            .map(|r| (r.user_id.clone(), json!([r.state, r.level])));
        let access = directory.conditional_access.iter().filter(|e| has_principal(only_user(e)));
        let access = access.map(|e| {
            let mut whole = e.whole.clone();
            whole["id"] = e.collection.into();
            (format!("{} {}", e.collection, e.whole["displayName"]), whole)
        });
        let apps = directory.service_principals.iter().filter(|_| of_everyone).map(|sp| {
            let keys = key_ids(&sp.credentials);
            let seen = json!({"name": sp.display_name, "accountEnabled": sp.enabled, "keys": keys});
            (sp.app_id.clone(), seen)
        });
        // An app belongs to the part of its first owner, who is who can change it.
        let registered =
            || directory.applications.iter().filter(|a| has_principal(a.owners.first().map(String::as_str)));
        let applications = registered().map(|app| {
            let mut federated: Vec<&str> = app.federated.iter().map(|f| f.name.as_str()).collect();
            federated.sort_unstable();
            let keys = key_ids(&app.credentials);
            let owners = &app.owners;
            (app.app_id.clone(), json!({"keys": keys, "federated": federated, "owners": owners}))
        });
        let secrets = registered().map(|app| {
            let ids: Vec<&str> = app.credentials.secrets.iter().map(|s| s.key_id.as_str()).collect();
            (format!("secrets of {}", app.app_id), json!(ids))
        });
        let principals = directory.service_principals.iter().filter(|_| of_everyone);
        let secrets = secrets.chain(principals.filter(|sp| !sp.credentials.secrets.is_empty()).map(|sp| {
            let ids: Vec<&str> = sp.credentials.secrets.iter().map(|s| s.key_id.as_str()).collect();
            (format!("secrets of the service principal {}", sp.app_id), json!(ids))
        }));
        let lasting = directory.risks.iter().filter(|r| r.lasting && has_principal(Some(&r.user_id)));
        let lasting = lasting.map(|r| (format!("risk of {}", r.user_id), json!([r.state, r.level])));
        let methods = users().flat_map(|u| {
            let again = method::snapshot(directory, &u.id).0;
            again.into_iter().map(|held| (format!("{} {held}", u.principal_name), json!(true)))
        });
        let devices = directory
            .devices
            .iter()
            .filter(|d| has_user(&d.owner))
            .map(|d| (d.id.clone(), json!({"name": d.display_name, "accountEnabled": d.enabled})));
        let rules = directory
            .rules
            .iter()
            .filter(|r| has_user(&r.user_id))
            .map(|r| (format!("{} {}", r.user_id, r.id), r.json()));
        let mailboxes = directory.mailboxes.iter().filter(|(owner, _)| has_user(owner));
        let mailboxes = mailboxes.flat_map(|(owner, mailbox)| mailbox.snapshot(owner));
        json!({
            "mailboxes": sorted(mailboxes),
            "authenticationMethods": sorted(methods),
            "devices": sorted(devices),
            "messageRules": sorted(rules),
            "users": sorted(users().map(|u| (u.principal_name.clone(), account(u)))),
            "oauth2PermissionGrants": sorted(grants),
            "appRoleAssignments": sorted(app_roles),
            "roleAssignments": sorted(roles),
            "roleEligibilities": sorted(eligible),
            "groups": sorted(groups),
            "members": sorted(members),
            "servicePrincipals": sorted(apps),
            "applications": sorted(applications),
            "riskyUsers": sorted(risks),
            "conditionalAccess": sorted(access),
            "irreversible":
                sorted(users().map(|u| (u.principal_name.clone(), self.lasting(u))).chain(secrets).chain(lasting)),
        })
    }

    fn lasting(&self, user: &User) -> Value {
        json!({
            "signInSessionsValidFromDateTime": self.directory.start
                .map(|_| format!("{:.0}", self.directory.time(user.sessions_valid_from))),
            "authenticationMethods": method::snapshot(&self.directory, &user.id).1,
            "preferredMethod": self.directory.preferred.get(&user.id),
            "passwordVersion": user.password_version,
            "mustChangePassword": user.must_change_password,
        })
    }
}

/// The user of a policy that is about one user.
fn only_user(entry: &Entry) -> Option<&str> {
    match entry.whole["conditions"]["users"]["includeUsers"].as_array()?.as_slice() {
        [only] => only.as_str().filter(|id| *id != "All"),
        _ => None,
    }
}

fn key_ids(credentials: &Credentials) -> Vec<&str> {
    let mut ids: Vec<&str> = credentials.certificates.iter().map(Certificate::key_id).collect();
    ids.sort_unstable();
    ids
}

fn account(user: &User) -> Value {
    json!({
        "id": user.id,
        "displayName": user.display_name,
        "accountEnabled": user.enabled,
        "userType": if user.guest { "Guest" } else { "Member" },
        "enabledOnPremises": user.on_premises.as_ref().map(|ad| ad.enabled),
    })
}

fn sorted(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    let mut pairs: Vec<(String, Value)> = pairs.collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}
