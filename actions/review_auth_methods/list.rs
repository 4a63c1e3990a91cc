//! Lists the methods: all at once, or those kinds that Graph of the tenant's cloud has.
//!
//! <https://learn.microsoft.com/graph/api/authentication-list-methods>

use futures_util::future::try_join_all;
use serde_json::Value;

use super::kinds::{KINDS, Kind};
use crate::{Cloud, Finding, Get, Path, Read, ReadError, Target};

/// All methods of a user, of every kind.
pub(super) fn methods_of(user: &str) -> Get {
    Get::new(["users", user, "authentication", "methods"])
}

/// Those of one kind.
pub(super) fn of_kind(user: &str, kind: &Kind) -> Get {
    Get { api: kind.api, ..Get::new(["users", user, "authentication", kind.collection]) }
}

/// Reads.
pub(super) async fn read(who: &Target, graph: &dyn Read) -> Result<Vec<Value>, ReadError> {
    let (user, cloud) = (&who.user.id, who.tenant.cloud);
    let all = methods_of(user);
    if cloud.lacks(&all.path).is_none() {
        return graph.all(&all).await;
    }
    let lists = KINDS.iter().filter(|kind| kind.is_in(cloud)).map(|kind| async move {
        let rows = graph.all(&of_kind(user, kind)).await?;
        Ok(rows.into_iter().map(|row| typed(row, kind)))
    });
    Ok(try_join_all(lists).await?.into_iter().flatten().collect())
}

/// A row of a list of one kind doesn't say its type.
fn typed(mut row: Value, kind: &Kind) -> Value {
    if let Some(members) = row.as_object_mut() {
        members
            .entry("@odata.type")
            .or_insert_with(|| format!("#microsoft.graph.{}AuthenticationMethod", kind.id).into());
    }
    row
}

/// The kinds that can't be seen in the tenant's cloud, all in one finding.
pub(super) fn unseen(who: &Target) -> Option<Finding> {
    let unseen: Vec<&str> =
        KINDS.iter().filter(|kind| !kind.is_in(who.tenant.cloud)).map(|kind| kind.name).collect();
    let next = "look at them in Entra (Users, the user, Authentication methods), and delete what was added inside \
                the window";
    (!unseen.is_empty()).then(|| Finding::not_in_cloud(who, &unseen.join(", "), next))
}

impl Kind {
    /// Whether Graph of this cloud has this kind.
    pub(super) fn is_in(&self, cloud: Cloud) -> bool {
        cloud.lacks(&Path::new(["authentication", self.collection])).is_none()
    }
}
