//! `revokeSignInSessions`.
//!
//! <https://learn.microsoft.com/graph/api/user-revokesigninsessions>

use jiff::Timestamp;
use serde_json::json;

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::permission::Caller;
use super::rank::Deed;
use super::request::Ask;

/// `POST /users/{id}/revokeSignInSessions`: answers `true` also for a guest of another tenant, whom it does
/// not touch.
pub fn revoke(directory: &mut Directory, ask: &Ask, caller: &Caller, id: &str, now: Timestamp) -> Outcome {
    let user = directory.user(id).ok_or_else(|| GraphError::not_found(id))?;
    caller.outranks(directory, &user.id, Deed::Tokens)?;
    if let Some(user) = directory.user_mut(id).filter(|u| !u.external) {
        // Graph keeps whole seconds.
        user.sessions_valid_from = Moment::At(Timestamp::from_second(now.as_second()).unwrap_or(now));
    }
    Ok(Answer::ok(json!({"@odata.context": format!("{}/$metadata#Edm.Boolean", ask.base), "value": true})))
}
