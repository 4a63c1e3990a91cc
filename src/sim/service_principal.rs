//! Service principals: the tenant's end of an application.
//!
//! <https://learn.microsoft.com/graph/api/resources/serviceprincipal>

use serde_json::{Value, json};

use super::app_role::DEFAULT_ACCESS;
use super::credential::Credentials;
use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::request::Ask;
use super::select;

/// The application id of Microsoft Graph.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
/// The tenant that Microsoft's own applications come from.
pub const MICROSOFT_TENANT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// A service principal.
#[derive(Debug, Clone, Default)]
pub struct ServicePrincipal {
    /// Its name in the tenant file.
    pub name: String,
    pub id: String,
    pub app_id: String,
    pub display_name: String,
    pub enabled: bool,
    pub home_tenant: String,
    pub verified_publisher: Option<(String, Moment)>,
    pub publisher_name: Option<String>,
    pub disabled_by_microsoft: bool,
    pub reply_urls: Vec<String>,
    pub homepage: Option<String>,
    pub tags: Vec<String>,
    pub multi_tenant: bool,
    pub assignment_required: bool,
    /// Roles that it offers: id and value.
    pub app_roles: Vec<(String, String)>,
    /// Delegated scopes that it offers: id and value.
    pub scopes: Vec<(String, String)>,
    /// What its owner signs in with. Not a secret: the tenant is simulated.
    pub secret: Option<String>,
    pub notes: Option<String>,
    /// Holds a role in Exchange itself.
    pub exchange_role: bool,
    /// Object ids of users.
    pub owners: Vec<String>,
    pub credentials: Credentials,
}

impl ServicePrincipal {
    /// Whether a role with this id can be assigned.
    pub fn offers(&self, role_id: &str) -> bool {
        self.app_roles.iter().any(|(id, _)| id == role_id)
            || (self.app_roles.is_empty() && role_id == DEFAULT_ACCESS)
    }

    pub fn json(&self, directory: &Directory) -> Value {
        let roles = self.app_roles.iter().map(|(id, value)| {
            json!({
                "id": id, "value": value, "displayName": value, "description": value, "isEnabled": true,
                "allowedMemberTypes": if self.app_id == GRAPH_APP_ID { ["Application"] } else { ["User"] },
                "origin": "Application",
            })
        });
        let scopes = self.scopes.iter().map(|(id, value)| {
            json!({
                "id": id, "value": value, "type": "User", "isEnabled": true,
                "adminConsentDisplayName": value, "userConsentDisplayName": value,
            })
        });
        let publisher = self.verified_publisher.as_ref();
        json!({
            "id": self.id,
            "deletedDateTime": null,
            "accountEnabled": self.enabled,
            "appDisplayName": self.display_name,
            "appId": self.app_id,
            "appOwnerOrganizationId": self.home_tenant,
            "appRoleAssignmentRequired": self.assignment_required,
            "createdByAppId": null,
            "description": null,
            "disabledByMicrosoftStatus":
                self.disabled_by_microsoft.then_some("DisabledDueToViolationOfServicesAgreement"),
            "displayName": self.display_name,
            "homepage": self.homepage,
            "isDisabled": null,
            "loginUrl": null,
            "notes": self.notes,
            "publisherName": self.publisher_name,
            "replyUrls": self.reply_urls,
            "servicePrincipalNames": [self.app_id],
            "servicePrincipalType": "Application",
            "signInAudience": if self.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
            "tags": self.tags,
            "info": {
                "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
                "termsOfServiceUrl": null,
            },
            "verifiedPublisher": {
                "displayName": publisher.map(|(name, _)| name),
                "verifiedPublisherId": publisher.map(|(name, _)| super::directory::object_id("publisher", name)),
                "addedDateTime": publisher.map(|(_, added)| format!("{:.0}", directory.time(*added))),
            },
            "appRoles": roles.collect::<Vec<_>>(),
            "oauth2PermissionScopes": scopes.collect::<Vec<_>>(),
            "passwordCredentials": [],
            "keyCredentials": [],
        })
    }
}

/// `GET /servicePrincipals/{id}` and `/servicePrincipals(appId='…')`
pub fn get(directory: &Directory, ask: &Ask, key: &str) -> Outcome {
    let found = directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?;
    let mut full = found.json(directory);
    found.credentials.show(directory, ask, &mut full);
    Ok(Answer::ok(select::object(ask, "servicePrincipals", &full, None)))
}

/// `GET /servicePrincipals`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    let all: Vec<Value> = directory.service_principals.iter().map(|sp| sp.json(directory)).collect();
    select::collection(ask, "servicePrincipals", &all, None, &["appId", "id", "displayName"], page_size)
}

/// `PATCH /servicePrincipals/{id}`: `accountEnabled` or `keyCredentials`.
pub fn patch(directory: &mut Directory, ask: &Ask, key: &str) -> Outcome {
    let body = ask.object()?;
    let id = directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?.id.clone();
    if let (1, Some(keys)) = (body.len(), body.get("keyCredentials")) {
        return find_mut(directory, &id)?.credentials.replace_keys(keys);
    }
    let (1, Some(enabled)) = (body.len(), body.get("accountEnabled").and_then(Value::as_bool)) else {
        return Err(GraphError::bad_request(
            "Invalid value specified for a property of resource 'ServicePrincipal'.",
        ));
    };
    find_mut(directory, &id)?.enabled = enabled;
    Ok(Answer::no_content())
}

fn find_mut<'a>(directory: &'a mut Directory, id: &str) -> Outcome<&'a mut ServicePrincipal> {
    let found = directory.service_principals.iter_mut().find(|sp| sp.id == id);
    found.ok_or_else(|| GraphError::not_found(id))
}

/// `POST /servicePrincipals/{id}/removePassword`
pub fn remove_password(directory: &mut Directory, ask: &Ask, id: &str) -> Outcome {
    find_mut(directory, id)?.credentials.remove_password(ask)
}

/// `POST /servicePrincipals`: brings an app that is registered elsewhere into the tenant.
pub fn post(directory: &mut Directory, ask: &Ask) -> Outcome {
    let body = ask.object()?;
    let app_id = body.get("appId").and_then(Value::as_str).unwrap_or_default();
    if uuid::Uuid::parse_str(app_id).is_err() {
        return Err(GraphError::bad_request(
            "The appId of the service principal does not reference a valid application object.",
        ));
    }
    if directory.service_principal(&format!("appId={app_id}")).is_some() {
        return Err(GraphError::new(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            format!(
                "The service principal cannot be created because an object for the app {app_id} already exists."
            ),
        ));
    }
    let made = ServicePrincipal {
        name: app_id.to_owned(),
        id: directory.new_object_id("service principal"),
        app_id: app_id.to_owned(),
        display_name: app_id.to_owned(),
        enabled: body.get("accountEnabled").and_then(Value::as_bool).unwrap_or(true),
        home_tenant: super::directory::object_id("tenant", "elsewhere"),
        multi_tenant: true,
        ..ServicePrincipal::default()
    };
    let answer = select::object(ask, "servicePrincipals", &made.json(directory), None);
    directory.service_principals.push(made);
    Ok(Answer::created(answer))
}

/// `DELETE /servicePrincipals/{id}`
pub fn delete(directory: &mut Directory, key: &str) -> Outcome {
    let id = directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?.id.clone();
    directory.service_principals.retain(|sp| sp.id != id);
    Ok(Answer::no_content())
}
