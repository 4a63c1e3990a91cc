//! Applications registered in this tenant, and what a user owns.
//!
//! <https://learn.microsoft.com/graph/api/resources/application>

use serde_json::{Value, json};

use super::credential::Credentials;
use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::permission::{Caller, READ_APP, READ_GROUP};
use super::request::Ask;
use super::select;

/// A registration.
#[derive(Debug, Clone)]
pub struct Application {
    pub id: String,
    pub app_id: String,
    pub display_name: String,
    pub created: Moment,
    /// Object ids of users.
    pub owners: Vec<String>,
    pub credentials: Credentials,
    pub federated: Vec<Federated>,
}

/// A federated identity credential.
#[derive(Debug, Clone)]
pub struct Federated {
    pub id: String,
    pub name: String,
    pub issuer: String,
    pub subject: String,
    pub audiences: Vec<String>,
}

impl Federated {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "issuer": self.issuer, "subject": self.subject,
            "description": null, "audiences": self.audiences,
        })
    }
}

fn find<'a>(directory: &'a Directory, id: &str) -> Outcome<&'a Application> {
    directory.applications.iter().find(|app| app.id == id).ok_or_else(|| GraphError::not_found(id))
}

fn find_mut<'a>(directory: &'a mut Directory, id: &str) -> Outcome<&'a mut Application> {
    directory.applications.iter_mut().find(|app| app.id == id).ok_or_else(|| GraphError::not_found(id))
}

/// `GET /applications/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    let app = find(directory, id)?;
    let mut full = json(directory, app);
    app.credentials.show(directory, ask, &mut full);
    Ok(Answer::ok(select::object(ask, "applications", &full, None)))
}

fn json(directory: &Directory, app: &Application) -> Value {
    json!({
        "id": app.id,
        "appId": app.app_id,
        "displayName": app.display_name,
        "createdDateTime": format!("{:.0}", directory.time(app.created)),
        "signInAudience": "AzureADMyOrg",
        "isDisabled": null,
    })
}

/// `PATCH /applications/{id}`: `keyCredentials` only.
pub fn patch(directory: &mut Directory, ask: &Ask, id: &str) -> Outcome {
    let body = ask.object()?;
    let app = find_mut(directory, id)?;
    match (body.len(), body.get("keyCredentials")) {
        (1, Some(keys)) => app.credentials.replace_keys(keys),
        _ => {
            Err(GraphError::bad_request("Invalid value specified for a property of resource 'Application'."))
        }
    }
}

/// `POST /applications/{id}/removePassword`
pub fn remove_password(directory: &mut Directory, ask: &Ask, id: &str) -> Outcome {
    find_mut(directory, id)?.credentials.remove_password(ask)
}

/// `GET /applications/{id}/federatedIdentityCredentials`
pub fn federated(directory: &Directory, ask: &Ask, id: &str, page_size: usize) -> Outcome {
    let rows: Vec<Value> = find(directory, id)?.federated.iter().map(Federated::json).collect();
    select::collection(ask, "federatedIdentityCredentials", &rows, None, &["name"], page_size)
}

/// `POST /applications/{id}/federatedIdentityCredentials`
pub fn add_federated(directory: &mut Directory, ask: &Ask, id: &str) -> Outcome {
    let body = ask.object()?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| GraphError::bad_request(format!("A value is required for property '{name}'.")))
    };
    let audiences = body.get("audiences").and_then(Value::as_array).into_iter().flatten();
    let mut made = Federated {
        id: String::new(),
        name: text("name")?,
        issuer: text("issuer")?,
        subject: text("subject")?,
        audiences: audiences.filter_map(|a| a.as_str().map(str::to_owned)).collect(),
    };
    if find(directory, id)?.federated.iter().any(|f| f.name == made.name) {
        return Err(GraphError::new(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            "FederatedIdentityCredential with the name already exists.",
        ));
    }
    made.id = directory.new_id("federated credential");
    let answer = select::object(ask, "federatedIdentityCredentials", &made.json(), None);
    find_mut(directory, id)?.federated.push(made);
    Ok(Answer::created(answer))
}

/// `DELETE /applications/{id}/federatedIdentityCredentials/{id}`
pub fn delete_federated(directory: &mut Directory, id: &str, credential: &str) -> Outcome {
    let app = find_mut(directory, id)?;
    let at = app.federated.iter().position(|f| f.id == credential);
    app.federated.remove(at.ok_or_else(|| GraphError::not_found(credential))?);
    Ok(Answer::no_content())
}

/// `GET /users/{id}/ownedObjects`: an object that the caller may not read is reduced to its type and id.
pub fn owned(directory: &Directory, ask: &Ask, caller: &Caller, user: &str, page_size: usize) -> Outcome {
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?.id.clone();
    let owns = |owners: &[String]| owners.contains(&user);
    let apps = directory
        .applications
        .iter()
        .filter(|app| owns(&app.owners))
        .map(|app| ("#microsoft.graph.application", READ_APP, json(directory, app)));
    let principals = directory
        .service_principals
        .iter()
        .filter(|sp| owns(&sp.owners))
        .map(|sp| ("#microsoft.graph.servicePrincipal", READ_APP, sp.json(directory)));
    let groups = directory.groups.iter().filter(|group| owns(&group.owners));
    let groups = groups.map(|group| ("#microsoft.graph.group", READ_GROUP, group.json()));
    let rows: Vec<Value> = apps
        .chain(principals)
        .chain(groups)
        .map(|(kind, wanted, full)| {
            let readable = caller.has_any(wanted);
            let mut object = json!({ "@odata.type": kind });
            for (name, value) in full.as_object().into_iter().flatten() {
                object[name] = if readable || name == "id" { value.clone() } else { Value::Null };
            }
            object
        })
        .collect();
    select::collection(ask, "directoryObjects", &rows, None, &[], page_size)
}
