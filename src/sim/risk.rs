//! Identity Protection: users at risk. Needs a P2 licence.
//!
//! <https://learn.microsoft.com/graph/api/resources/riskyuser>

use serde_json::{Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;

/// A user who was at risk at some time.
#[derive(Debug, Clone)]
pub struct Risk {
    pub user_id: String,
    /// `atRisk`, `confirmedCompromised`, `dismissed`, …
    pub state: String,
    pub level: String,
    pub detail: &'static str,
    /// There was risk before anybody confirmed it: nothing gives that back.
    pub lasting: bool,
}

fn licensed(directory: &Directory) -> Outcome<()> {
    if directory.licence == super::file::Licence::P2 {
        return Ok(());
    }
    Err(GraphError::new(
        403,
        "Forbidden",
        "Your tenant is not licensed for this feature. An Entra ID P2 license is required.",
    ))
}

/// `GET /identityProtection/riskyUsers/{id}`: 404 for a user who never was at risk.
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    licensed(directory)?;
    let risk = directory.risks.iter().find(|r| r.user_id == id).ok_or_else(|| GraphError::not_found(id))?;
    let full = json!({
        "id": risk.user_id, "isDeleted": false, "isProcessing": false, "riskState": risk.state,
        "riskLevel": risk.level, "riskDetail": risk.detail,
    });
    Ok(Answer::ok(select::object(ask, "identityProtection/riskyUsers", &full, None)))
}

/// `POST /identityProtection/riskyUsers/confirmCompromised` and `…/dismiss`
pub fn set(directory: &mut Directory, ask: &Ask, compromised: bool) -> Outcome {
    licensed(directory)?;
    let ids = ask.object()?.get("userIds").and_then(Value::as_array);
    let ids: Vec<String> =
        ids.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if ids.is_empty() || ids.len() > 60 {
        return Err(GraphError::bad_request("userIds must hold 1 to 60 ids."));
    }
    for id in ids {
        if !directory.users.iter().any(|user| user.id == id) {
            return Err(GraphError::not_found(&id));
        }
        let lasting = directory.risks.iter().any(|risk| risk.user_id == id && risk.lasting);
        directory.risks.retain(|risk| risk.user_id != id);
        let (state, level, detail) = if compromised {
            ("confirmedCompromised", "high", "adminConfirmedUserCompromised")
        } else {
            ("dismissed", "none", "adminDismissedAllRiskForUser")
        };
        directory.risks.push(Risk { user_id: id, state: state.into(), level: level.into(), detail, lasting });
    }
    Ok(Answer::no_content())
}
