//! Delegated consents.
//!
//! <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>

use serde_json::{Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;

/// `oauth2PermissionGrant`: which scopes a client may use on a resource, for one user or for all.
#[derive(Debug, Clone)]
pub struct Grant {
    pub id: String,
    pub client_id: String,
    /// `None`: for everyone (`AllPrincipals`).
    pub principal_id: Option<String>,
    pub resource_id: String,
    pub scope: String,
}

const FILTERABLE: &[&str] = &["clientId", "consentType", "principalId", "resourceId"];

impl Grant {
    pub fn consent_type(&self) -> &'static str {
        if self.principal_id.is_some() { "Principal" } else { "AllPrincipals" }
    }

    fn json(&self) -> Value {
        json!({
            "clientId": self.client_id,
            "consentType": self.consent_type(),
            "id": self.id,
            "principalId": self.principal_id,
            "resourceId": self.resource_id,
            "scope": self.scope,
        })
    }
}

/// `GET /oauth2PermissionGrants`, `/users/{id}/oauth2PermissionGrants`, `/servicePrincipals/{id}/…`.
pub fn list(directory: &Directory, ask: &Ask, of: Of<'_>, page_size: usize) -> Outcome {
    let belongs: Box<dyn Fn(&Grant) -> bool> = match of {
        Of::All => Box::new(|_| true),
        Of::User(key) => {
            let user = directory.user(key).ok_or_else(|| GraphError::not_found(key))?;
            Box::new(|g| g.principal_id.as_deref() == Some(&user.id))
        }
        Of::Client(key) => {
            let client = directory.service_principal(key).ok_or_else(|| GraphError::not_found(key))?;
            Box::new(|g| g.client_id == client.id)
        }
    };
    let client = ask.option("$filter").and_then(only_client);
    let may_fit = |g: &&Grant| belongs(g) && client.is_none_or(|id| g.client_id.eq_ignore_ascii_case(id));
    let rows: Vec<&Grant> = directory.grants.iter().filter(may_fit).collect();
    select::collection_of(ask, "oauth2PermissionGrants", &rows, |grant| grant.json(), FILTERABLE, page_size)
}

/// The client of a filter that asks for one client and nothing else.
fn only_client(filter: &str) -> Option<&str> {
    let id = filter.strip_prefix("clientId eq '")?.strip_suffix('\'')?;
    (!id.contains('\'')).then_some(id)
}

/// Whose grants.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    All,
    User(&'a str),
    Client(&'a str),
}

/// `GET /oauth2PermissionGrants/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    let grant = directory.grants.iter().find(|g| g.id == id).ok_or_else(|| GraphError::not_found(id))?;
    Ok(Answer::ok(select::object(ask, "oauth2PermissionGrants", &grant.json(), None)))
}

/// `DELETE /oauth2PermissionGrants/{id}`
pub fn delete(directory: &mut Directory, id: &str) -> Outcome {
    let at = directory.grants.iter().position(|g| g.id == id).ok_or_else(|| GraphError::not_found(id))?;
    directory.grants.remove(at);
    Ok(Answer::no_content())
}

/// `PATCH /oauth2PermissionGrants/{id}`: replaces the scopes.
pub fn patch(directory: &mut Directory, ask: &Ask, id: &str) -> Outcome {
    let body = ask.object()?;
    let grant = directory.grants.iter_mut().find(|g| g.id == id).ok_or_else(|| GraphError::not_found(id))?;
    match (body.len(), body.get("scope").and_then(Value::as_str)) {
        (1, Some(scope)) => scope.clone_into(&mut grant.scope),
        _ => {
            return Err(GraphError::bad_request(
                "Only the property 'scope' can be updated, and it must be a string.",
            ));
        }
    }
    Ok(Answer::no_content())
}

/// `POST /oauth2PermissionGrants`
pub fn post(directory: &mut Directory, ask: &Ask) -> Outcome {
    let body = ask.object()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let required = |name: &str| {
        text(name).ok_or_else(|| {
            GraphError::bad_request(format!(
                "A value is required for property '{name}' of resource 'OAuth2PermissionGrant'."
            ))
        })
    };
    let (client_id, resource_id, scope) =
        (required("clientId")?, required("resourceId")?, required("scope")?);
    let principal_id = match (required("consentType")?, text("principalId")) {
        ("AllPrincipals", None) => None,
        ("Principal", Some(id)) => Some(id.to_owned()),
        _ => {
            return Err(GraphError::bad_request(
                "Invalid value specified for property 'consentType' or 'principalId' of resource 'OAuth2PermissionGrant'.",
            ));
        }
    };
    for id in [client_id, resource_id] {
        directory.service_principals.iter().find(|sp| sp.id == id).ok_or_else(invalid_reference)?;
    }
    if principal_id.as_ref().is_some_and(|id| !directory.users.iter().any(|u| u.id == *id)) {
        return Err(invalid_reference());
    }
    let same = |g: &Grant| {
        g.client_id == client_id && g.resource_id == resource_id && g.principal_id == principal_id
    };
    if directory.grants.iter().any(same) {
        return Err(GraphError::new(409, "Request_BadRequest", "Permission entry already exists."));
    }
    let grant = Grant {
        id: directory.new_id("grant"),
        client_id: client_id.to_owned(),
        principal_id,
        resource_id: resource_id.to_owned(),
        scope: scope.to_owned(),
    };
    let body = select::object(ask, "oauth2PermissionGrants", &grant.json(), None);
    directory.grants.push(grant);
    Ok(Answer::created(body))
}

pub fn invalid_reference() -> GraphError {
    GraphError::bad_request("Not a valid reference update.")
}
