//! The tenant as a value to compare: what a rollback has to put back.

use serde_json::{Map, Value, json};

use super::Tenant;
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
        let groups = directory.groups.iter().filter(|_| of_everyone).map(|g| {
            let mut members = g.members.clone();
            members.sort_unstable();
            (g.id.clone(), json!(members))
        });
        let apps = directory
            .service_principals
            .iter()
            .filter(|_| of_everyone)
            .map(|sp| (sp.id.clone(), json!({"name": sp.display_name, "accountEnabled": sp.enabled})));
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
        json!({
            "authenticationMethods": sorted(methods),
            "devices": sorted(devices),
            "messageRules": sorted(rules),
            "users": sorted(users().map(|u| (u.principal_name.clone(), account(u)))),
            "oauth2PermissionGrants": sorted(grants),
            "appRoleAssignments": sorted(app_roles),
            "roleAssignments": sorted(roles),
            "groups": sorted(groups),
            "servicePrincipals": sorted(apps),
            "irreversible": sorted(users().map(|u| (u.principal_name.clone(), self.lasting(u)))),
        })
    }

    fn lasting(&self, user: &User) -> Value {
        json!({
            "signInSessionsValidFromDateTime": self.directory.start
                .map(|_| format!("{:.0}", self.directory.time(user.sessions_valid_from))),
            "authenticationMethods": method::snapshot(&self.directory, &user.id).1,
            "passwordVersion": user.password_version,
            "mustChangePassword": user.must_change_password,
        })
    }
}

fn account(user: &User) -> Value {
    json!({
        "id": user.id,
        "displayName": user.display_name,
        "accountEnabled": user.enabled,
        "userType": if user.guest { "Guest" } else { "Member" },
    })
}

fn sorted(pairs: impl Iterator<Item = (String, Value)>) -> Value {
    let mut pairs: Vec<(String, Value)> = pairs.collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}
