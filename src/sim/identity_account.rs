//! Defender for Identity: the on-premises accounts that it watches, and what it does to them.
//!
//! <https://learn.microsoft.com/graph/api/resources/security-identityaccounts>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::directory::{Directory, object_id};
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;
use super::user::{OnPremises, User};

fn watched(directory: &Directory) -> Outcome<impl Iterator<Item = (&User, &OnPremises)>> {
    if !directory.defender_for_identity {
        return Err(GraphError::new(
            403,
            "Forbidden",
            "The tenant is not onboarded to Defender for Identity.",
        ));
    }
    Ok(directory.users.iter().filter_map(|user| Some((user, user.on_premises.as_ref()?))))
}

fn id(user: &User) -> String {
    object_id("identity account", &user.principal_name)
}

fn id_in_ad(user: &User) -> String {
    object_id("AD account", &user.principal_name)
}

fn json(user: &User, ad: &OnPremises) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.security.user",
        "id": id(user),
        "displayName": user.display_name,
        "domain": ad.domain,
        "onPremisesSecurityIdentifier": user.security_identifier(),
        "cloudSecurityIdentifier": null,
        "isEnabled": ad.enabled,
        "emailAddress": user.mail,
        "userPrincipalName": user.principal_name,
        "accounts": [{
            "identifier": id_in_ad(user),
            "identityProvider": "activeDirectory",
            "actions": ["disable", "enable", "forcePasswordReset"],
        }],
    })
}

/// `GET /security/identities/identityAccounts`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    let rows: Vec<Value> = watched(directory)?.map(|(user, ad)| json(user, ad)).collect();
    let filterable = &["onPremisesSecurityIdentifier", "displayName", "domain"];
    select::collection(ask, "security/identities/identityAccounts", &rows, None, filterable, page_size)
}

/// `GET /security/identities/identityAccounts/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    let found = watched(directory)?.find(|(user, _)| self::id(user) == id);
    let (user, ad) = found.ok_or_else(|| GraphError::not_found(id))?;
    Ok(Answer::ok(select::object(ask, "security/identities/identityAccounts", &json(user, ad), None)))
}

/// `POST /security/identities/identityAccounts/{id}/invokeAction`: AD has it at once here; the directory
/// synchronisation brings it to the cloud.
pub fn invoke(directory: &mut Directory, ask: &Ask, id: &str, now: Timestamp) -> Outcome {
    let wanted = Value::Object(ask.object()?.clone());
    let enabled = match (wanted["action"].as_str(), wanted["identityProvider"].as_str()) {
        (Some("disable"), Some("activeDirectory")) => false,
        (Some("enable"), Some("activeDirectory")) => true,
        _ => return Err(GraphError::bad_request("The action is not supported for this identity provider.")),
    };
    let found = watched(directory)?.map(|(user, _)| user).find(|user| self::id(user) == id);
    let user = found.ok_or_else(|| GraphError::not_found(id))?;
    if wanted["accountId"] != id_in_ad(user) {
        return Err(GraphError::bad_request("The account does not belong to the identity."));
    }
    let (user_id, sync_every) = (user.id.clone(), directory.sync_every);
    if let Some(user) = directory.user_mut(&user_id) {
        if let Some(ad) = &mut user.on_premises {
            ad.enabled = enabled;
        }
        user.schedule_sync(now, sync_every);
    }
    Ok(Answer::ok(json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.invokeActionResult",
        "accountId": wanted["accountId"],
        "action": wanted["action"],
        "identityProvider": wanted["identityProvider"],
        "correlationId": object_id("correlation", &format!("{user_id} {now}")),
    })))
}
