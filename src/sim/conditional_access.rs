//! Conditional Access: policies and named locations. Needs a P1 licence.
//!
//! <https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy>

use serde_json::Value;

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::file::Licence;
use super::request::Ask;
use super::select;

/// A policy or a named location, as it was written.
#[derive(Debug, Clone)]
pub struct Entry {
    pub collection: &'static str,
    pub whole: Value,
}

fn collection(directory: &Directory, name: &str) -> Outcome<&'static str> {
    if directory.licence == Licence::Free {
        return Err(GraphError::new(
            403,
            "AccessDenied",
            "Your tenant is not licensed for this feature. An Entra ID P1 license is required.",
        ));
    }
    match name {
        "policies" => Ok("policies"),
        "namedLocations" => Ok("namedLocations"),
        other => Err(GraphError::unknown_segment(other)),
    }
}

fn position(directory: &Directory, collection: &str, id: &str) -> Outcome<usize> {
    let found = directory
        .conditional_access
        .iter()
        .position(|entry| entry.collection == collection && entry.whole["id"] == id);
    found.ok_or_else(|| GraphError::not_found(id))
}

/// `GET /identity/conditionalAccess/{collection}`
pub fn list(directory: &Directory, ask: &Ask, name: &str, page_size: usize) -> Outcome {
    let collection = collection(directory, name)?;
    let entries = directory.conditional_access.iter().filter(|entry| entry.collection == collection);
    let rows: Vec<Value> = entries.map(|entry| entry.whole.clone()).collect();
    select::collection(ask, collection, &rows, None, &["displayName"], page_size)
}

/// `GET /identity/conditionalAccess/{collection}/{id}`
pub fn get(directory: &Directory, ask: &Ask, name: &str, id: &str) -> Outcome {
    let collection = collection(directory, name)?;
    let whole = &directory.conditional_access[position(directory, collection, id)?].whole;
    Ok(Answer::ok(select::object(ask, collection, whole, None)))
}

/// `POST /identity/conditionalAccess/{collection}`: the same name twice makes two objects.
pub fn post(directory: &mut Directory, ask: &Ask, name: &str) -> Outcome {
    let collection = collection(directory, name)?;
    let mut whole = Value::Object(ask.object()?.clone());
    let needed: &[&str] = match collection {
        "policies" => &["displayName", "state", "conditions", "grantControls"],
        _ => &["@odata.type", "displayName", "ipRanges"],
    };
    if let Some(missing) = needed.iter().find(|name| whole[**name].is_null()) {
        return Err(GraphError::bad_request(format!("1000: Invalid request: '{missing}' is required.")));
    }
    whole["id"] = directory.new_id(collection).into();
    let answer = select::object(ask, collection, &whole, None);
    directory.conditional_access.push(Entry { collection, whole });
    Ok(Answer::created(answer))
}

/// `PATCH /identity/conditionalAccess/{collection}/{id}`
pub fn patch(directory: &mut Directory, ask: &Ask, name: &str, id: &str) -> Outcome {
    let collection = collection(directory, name)?;
    let at = position(directory, collection, id)?;
    for (name, value) in ask.object()? {
        directory.conditional_access[at].whole[name] = value.clone();
    }
    Ok(Answer::no_content())
}

/// `DELETE /identity/conditionalAccess/{collection}/{id}`
pub fn delete(directory: &mut Directory, name: &str, id: &str) -> Outcome {
    let collection = collection(directory, name)?;
    let at = position(directory, collection, id)?;
    directory.conditional_access.remove(at);
    Ok(Answer::no_content())
}
