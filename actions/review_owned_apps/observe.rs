//! Reads the apps that the user owns, with their credentials.

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Get, Read, ReadError, ReadErrorKind, Target};

/// The apps that the user owns, ordered by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The apps.
    pub apps: Vec<Owned>,
}

/// Which of the two objects of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The registration.
    Application,
    /// The tenant's end of it.
    ServicePrincipal,
}

impl Kind {
    /// The collection that it is in.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Application => "applications",
            Self::ServicePrincipal => "servicePrincipals",
        }
    }
}

/// An app that the user owns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Registration or service principal.
    pub kind: Kind,
    /// Object id.
    pub id: String,
    /// Application id.
    pub app_id: String,
    /// Name; hostile.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Why it can't be read, when it can't.
    pub unread: Option<ReadErrorKind>,
    /// Client secrets.
    pub secrets: Vec<Credential>,
    /// Certificates, with their public halves.
    pub keys: Vec<Credential>,
    /// Federated credentials, which have no date.
    pub federated: Vec<Credential>,
}

/// A credential, as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// Its key id, or its id.
    pub id: String,
    /// Name; hostile.
    pub name: String,
    /// From when on it is valid; whoever adds it may choose that.
    pub start: Option<Timestamp>,
    /// The whole object.
    pub whole: Value,
}

impl Credential {
    fn parse(whole: &Value, id: &str, name: &str) -> Self {
        let text = |member: &str| whole[member].as_str().unwrap_or_default().to_owned();
        Self {
            id: text(id),
            name: text(name),
            start: whole["startDateTime"].as_str().and_then(|at| at.parse().ok()),
            whole: whole.clone(),
        }
    }

    fn list(value: &Value) -> Vec<Self> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| Self::parse(item, "keyId", "displayName")).collect()
    }
}

/// What the user owns: apps, groups and more.
pub(super) fn owned_by(user: &str) -> Get {
    Get::new(["users", user, "ownedObjects"]).select(&["id"])
}

/// An app's registration. Graph gives the public halves of certificates only when they are selected.
pub(super) fn application(id: &str) -> Get {
    Get::new(["applications", id]).select(SELECT)
}

/// An app's service principal.
pub(super) fn service_principal(id: &str) -> Get {
    Get::new(["servicePrincipals", id]).select(SELECT)
}

const SELECT: &[&str] =
    &["id", "appId", "displayName", "createdDateTime", "passwordCredentials", "keyCredentials"];

/// The federated credentials of a registration.
pub(super) fn federated_of(id: &str) -> Get {
    Get::new(["applications", id, "federatedIdentityCredentials"])
}

/// Reads it all, in two rounds.
pub(super) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let rows = graph.all(&owned_by(&who.user.id)).await?;
    let apps = rows.iter().filter_map(|row| {
        let kind = match row["@odata.type"].as_str()? {
            "#microsoft.graph.application" => Kind::Application,
            "#microsoft.graph.servicePrincipal" => Kind::ServicePrincipal,
            _ => return None,
        };
        Some((kind, row["id"].as_str().filter(|id| !id.is_empty())?.to_owned()))
    });
    let apps = join_all(apps.map(|(kind, id)| read_app(graph, kind, id))).await;
    let mut apps = apps.into_iter().collect::<Result<Vec<_>, _>>()?;
    apps.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(State { apps })
}

async fn read_app(graph: &dyn Read, kind: Kind, id: String) -> Result<Owned, ReadError> {
    let mut owned = Owned {
        kind,
        id,
        app_id: String::new(),
        name: String::new(),
        created: None,
        unread: None,
        secrets: vec![],
        keys: vec![],
        federated: vec![],
    };
    let read = match kind {
        Kind::Application => {
            let (app, federated) = (application(&owned.id), federated_of(&owned.id));
            let (app, federated) = futures_util::future::join(graph.one(&app), graph.all(&federated)).await;
            app.and_then(|app| Ok((app, federated?)))
        }
        Kind::ServicePrincipal => graph.one(&service_principal(&owned.id)).await.map(|app| (app, vec![])),
    };
    match read {
        Ok((app, federated)) => {
            app["appId"].as_str().unwrap_or_default().clone_into(&mut owned.app_id);
            app["displayName"].as_str().unwrap_or_default().clone_into(&mut owned.name);
            owned.created = app["createdDateTime"].as_str().and_then(|at| at.parse().ok());
            owned.secrets = Credential::list(&app["passwordCredentials"]);
            owned.keys = Credential::list(&app["keyCredentials"]);
            owned.federated = federated.iter().map(|item| Credential::parse(item, "id", "name")).collect();
        }
        Err(error)
            if matches!(
                error.kind,
                ReadErrorKind::NotFound | ReadErrorKind::Refused | ReadErrorKind::Unreadable
            ) =>
        {
            owned.unread = Some(error.kind);
        }
        Err(error) => return Err(error),
    }
    Ok(owned)
}
