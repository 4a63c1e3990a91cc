//! Owners and credentials of a tenant file's apps, owners and memberships of groups, named locations.

use serde_json::json;

use super::application::{Application, Federated};
use super::build::{Problem, user};
use super::conditional_access::Entry;
use super::credential::{Certificate, Credential, Credentials};
use super::directory::{Directory, object_id};
use super::file::{self, TenantFile};
use super::moment::Moment;

/// Registers the apps that are at home here, and gives apps and groups their owners.
pub fn own(directory: &mut Directory, file: &TenantFile) -> Result<(), Problem> {
    for app in &file.apps {
        let owners = users(directory, &app.owners)?;
        let local = app.home.is_none();
        let only_principal = app.secrets.iter().chain(&app.certificates).any(|c| !c.on_service_principal);
        if !local && (only_principal || !app.federated.is_empty()) {
            let what =
                format!("{:?} is registered elsewhere: its credentials are on_service_principal", app.name);
            return Err(Problem::new(&app.name, what));
        }
        let Some(sp) = directory.service_principals.iter_mut().find(|sp| sp.name == app.name) else {
            continue;
        };
        sp.credentials = credentials(app, true);
        if !local {
            sp.owners = owners;
            continue;
        }
        let (app_id, display_name) = (sp.app_id.clone(), sp.display_name.clone());
        directory.applications.push(Application {
            id: object_id("application", &app.name),
            app_id,
            display_name,
            created: app.created.unwrap_or(Moment::days_ago(400)),
            owners,
            credentials: credentials(app, false),
            federated: app
                .federated
                .iter()
                .map(|f| Federated {
                    id: object_id("federated", &format!("{} {}", app.name, f.name)),
                    name: f.name.clone(),
                    issuer: f.issuer.clone(),
                    subject: f.subject.clone(),
                    audiences: vec!["api://AzureADTokenExchange".into()],
                })
                .collect(),
        });
    }
    for member in &file.users {
        let id = user(directory, member.upn.as_deref().unwrap_or(&member.name))?;
        for name in &member.member_of {
            let group = directory.groups.iter_mut().find(|g| g.display_name == *name || g.id == *name);
            let group = group.ok_or_else(|| Problem::new(name, format!("there is no group {name:?}")))?;
            if !group.has(&id) {
                group.members.push(id.clone());
            }
        }
    }
    for (at, group) in file.groups.iter().enumerate() {
        let owners = users(directory, &group.owners)?;
        if let Some(group) = directory.groups.get_mut(at) {
            group.owners = owners;
        }
    }
    Ok(())
}

fn users(directory: &Directory, names: &[String]) -> Result<Vec<String>, Problem> {
    names.iter().map(|name| user(directory, name)).collect()
}

fn credentials(app: &file::App, on_service_principal: bool) -> Credentials {
    let of = |list: &[file::AppCredential], kind: &str| -> Vec<Credential> {
        let here = list.iter().filter(|c| c.on_service_principal == on_service_principal);
        here.map(|c| Credential {
            key_id: object_id(kind, &format!("{} {}", app.name, c.name)),
            name: c.name.clone(),
            start: c.added,
        })
        .collect()
    };
    Credentials {
        secrets: of(&app.secrets, "secret"),
        certificates: of(&app.certificates, "certificate").into_iter().map(Certificate::Described).collect(),
    }
}

/// A named location.
pub fn location(name: &str, ranges: &[String]) -> Entry {
    let ranges: Vec<_> = ranges
        .iter()
        .map(|cidr| {
            let kind = if cidr.contains(':') { "iPv6CidrRange" } else { "iPv4CidrRange" };
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": cidr })
        })
        .collect();
    Entry {
        collection: "namedLocations",
        whole: json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "id": object_id("named location", name),
            "displayName": name,
            "isTrusted": false,
            "ipRanges": ranges,
        }),
    }
}
