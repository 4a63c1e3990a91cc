//! The user's devices where the service doesn't let an application list them: by what their registration left on
//! them.
//!
//! A device holds `[USER-GID]:<object id of the user>:<number>` among its physical ids. Microsoft doesn't document
//! that, so it only names candidates: whose a device is, its registered owner says, which is whoever registered it.
//!
//! <https://learn.microsoft.com/graph/api/device-list-registeredowners>

use futures_util::future::{join, try_join_all};
use serde_json::Value;

use super::{Device, SELECT};
use crate::{Get, Read, ReadError, ReadErrorKind, Target};

fn mark(user: &str) -> String {
    format!("[USER-GID]:{user}:")
}

/// The devices that bear the mark. An advanced query, from an index that lags.
///
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
pub(super) fn candidates(user: &str) -> Get {
    let marked = format!("physicalIds/any(p:startswith(p,{}))", Get::quote(&mark(user)));
    let get = Get::new(["devices"]).select(&["id", "physicalIds"]).filter(marked).query("$count", "true");
    Get { eventual: true, ..get }
}

pub(super) fn device(id: &str) -> Get {
    Get::new(["devices", id]).select(SELECT)
}

pub(super) fn owners(id: &str) -> Get {
    Get::new(["devices", id, "registeredOwners"]).select(&["id"])
}

/// Looks for them; `None`: the service refuses this too, or is out of reach.
pub(super) async fn look(who: &Target, graph: &dyn Read) -> Result<Option<Vec<Device>>, ReadError> {
    let Some(rows) = tolerant(graph.all(&candidates(&who.user.id)).await)? else { return Ok(None) };
    let mark = mark(&who.user.id).to_ascii_lowercase();
    let bears = |row: &&Value| {
        let mut ids = row["physicalIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
        ids.any(|id| id.to_ascii_lowercase().starts_with(&mark))
    };
    let ids = rows.iter().filter(bears).filter_map(|row| row["id"].as_str()).filter(|id| !id.is_empty());
    let found = try_join_all(ids.map(|id| one(who, graph, id))).await?;
    Ok(found.into_iter().collect())
}

/// The device as it is now, and whether the user registered it. `None`: it can't be read.
async fn one(who: &Target, graph: &dyn Read, id: &str) -> Result<Option<Device>, ReadError> {
    let (device, owners) = (device(id), owners(id));
    let (row, owners) = join(graph.one(&device), graph.all(&owners)).await;
    let (Some(row), owners) = (tolerant(row)?, tolerant(owners)?) else { return Ok(None) };
    let is_user = |row: &Value| row["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(&who.user.id));
    // A device from on-premises AD has no owner, which says nothing of whose it is.
    let owned = owners.filter(|rows| !rows.is_empty()).map(|rows| rows.iter().any(is_user));
    Ok(Device::parse(&row).map(|device| Device { owned, by_mark: true, ..device }))
}

/// What is refused here leaves things as they were without it.
fn tolerant<T>(read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == ReadErrorKind::Stopped => Err(error),
        Err(_) => Ok(None),
    }
}
