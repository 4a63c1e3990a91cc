//! What the tenant says, against what a document says. Nothing here asks the engine.

use oust::report::{ChangeDocument, Outcome, RollbackState, RunDocument, State, UserDocument};
use oust_actions::{Method, Undo};
use serde_json::Value;

use super::World;

/// A snapshot without what nothing can restore.
pub fn restorable(snapshot: &Value) -> Value {
    let mut snapshot = snapshot.clone();
    snapshot.as_object_mut().unwrap().remove("irreversible");
    snapshot
}

/// Where two snapshots differ, as paths with both values.
pub fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                compare(&format!("{path}/{key}"), &before[key], &after[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let lost =
                a.iter().filter(|item| !b.contains(item)).map(|item| format!("{path}: {item} is gone"));
            let new = b.iter().filter(|item| !a.contains(item)).map(|item| format!("{path}: {item} is new"));
            found.extend(lost.chain(new));
        }
        (a, b) if a != b => found.push(format!("{path}: {a} is now {b}")),
        _ => {}
    }
}

/// What a document claims and the tenant denies.
pub fn lies(world: &World, document: &RunDocument) -> Vec<String> {
    let now = world.snapshot();
    let mut lies = Vec::new();
    let mut all_good = true;
    for user in &document.users {
        for change in user.steps.iter().flat_map(|step| &step.changes) {
            let undone = change.rollback.as_ref().map(|r| r.state);
            if matches!(undone, Some(RollbackState::Restored | RollbackState::Already)) {
                continue;
            }
            let said_good = matches!(change.state, State::Effective | State::WillRevert | State::Already);
            all_good &= said_good;
            if said_good && !is_in_force(world, document, user, change, &now) {
                lies.push(format!("{} is said to be {:?} and is not", change.call, change.state));
            }
        }
        all_good &= user.steps.iter().all(|step| step.error.is_none());
    }
    if matches!(document.outcome, Outcome::Contained | Outcome::Recovered) && !all_good {
        lies.push("the run is called contained with something left".into());
    }
    if document.exit_code == 0 && !all_good && document.outcome != Outcome::RolledBack {
        lies.push(format!("exit status 0 for {:?} with something left", document.outcome));
    }
    lies
}

fn is_in_force(
    world: &World,
    document: &RunDocument,
    user: &UserDocument,
    change: &ChangeDocument,
    now: &Value,
) -> bool {
    let upn = &user.user_principal_name;
    let (was, is) = (&world.original["irreversible"][upn], &now["irreversible"][upn]);
    let url = change.call.url();
    let body = change.call.body.as_ref().unwrap_or(&Value::Null);
    let undo = match &change.undo {
        Undo::Call(call) => call.body.clone().unwrap_or_default(),
        Undo::Never(_) => Value::Null,
    };
    let text = |name: &str| undo[name].as_str().unwrap_or_default();
    if let Some(true_now) = of_apps_roles_and_blocks(user, change, now) {
        return true_now;
    }
    if url.starts_with("/exchange/") {
        return !is_in_mailbox(user, &url, body, now);
    }
    let is_gone = |part: &str, key: String| now[part].get(&key).is_none();
    if url.ends_with("/revokeSignInSessions") {
        let valid_from: jiff::Timestamp =
            is["signInSessionsValidFromDateTime"].as_str().unwrap().parse().unwrap();
        return valid_from.as_second() >= document.started_at.unwrap().as_second();
    }
    let last = url.rsplit('/').next().unwrap_or_default();
    if url.contains("/authentication/") && change.call.method == Method::Delete {
        let kind = url.rsplit('/').nth(1).unwrap_or_default().trim_end_matches("Methods");
        let key = format!("{upn} {} {undo}", kind.trim_end_matches("Authentication"));
        let keys = is["authenticationMethods"].as_array().unwrap();
        return is_gone("authenticationMethods", key)
            && !keys.iter().any(|held| held.as_str().unwrap().ends_with(last));
    }
    if url.ends_with("/signInPreferences") {
        return is["preferredMethod"] == body["userPreferredMethodForSecondaryAuthentication"];
    }
    if url.ends_with("/temporaryAccessPassMethods") {
        let usable = !is_gone("authenticationMethods", format!("{upn} temporaryAccessPass {{}}"));
        // A pass that nobody can read is none.
        return usable && document.sealed.iter().any(|path| std::fs::exists(path).unwrap());
    }
    if url.contains("/devices/") {
        return now["devices"][last]["accountEnabled"] == body["accountEnabled"];
    }
    if url.contains("/messageRules/") {
        let rule = format!("{} {last}", user.id);
        return now["messageRules"][&rule]["isEnabled"] == body["isEnabled"];
    }
    if change.call.method == Method::Patch && body.get("accountEnabled").is_some() {
        return now["users"][upn]["accountEnabled"] == body["accountEnabled"];
    }
    if change.call.method == Method::Patch && body.get("passwordProfile").is_some() {
        return is["passwordVersion"].as_u64() > was["passwordVersion"].as_u64();
    }
    if change.call.method == Method::Delete && url.contains("/oauth2PermissionGrants/") {
        let key = format!("{} {} {}", text("clientId"), text("principalId"), text("resourceId"));
        return is_gone("oauth2PermissionGrants", key);
    }
    if change.call.method == Method::Delete && url.contains("/appRoleAssignments/") {
        let key = format!("{} {} {}", text("principalId"), text("resourceId"), text("appRoleId"));
        return is_gone("appRoleAssignments", key);
    }
    // Not judged here: what the snapshot doesn't show by the call alone. Law 1 still looks at it.
    true
}

/// Whether a mailbox still has what a cmdlet takes away.
fn is_in_mailbox(user: &UserDocument, url: &str, body: &Value, now: &Value) -> bool {
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    let key = match url.trim_start_matches("/exchange/") {
        "Remove-MailboxPermission" => format!("{} full access {}", user.id, text("User")),
        "Remove-RecipientPermission" => format!("{} send as {}", user.id, text("Trustee")),
        "Set-Mailbox" if body.get("GrantSendOnBehalfTo").is_some() => format!("{} on behalf", user.id),
        "Set-Mailbox" => format!("{} forwards", user.id),
        other => panic!("no cmdlet of an action: {other}"),
    };
    now["mailboxes"].get(&key).is_some()
}

/// `None`: the change is of another kind.
fn of_apps_roles_and_blocks(user: &UserDocument, change: &ChangeDocument, now: &Value) -> Option<bool> {
    let (call, undo) = (&change.call, &change.undo);
    let url = call.url();
    let body = call.body.clone().unwrap_or_default();
    let again = match undo {
        Undo::Call(call) => call.body.clone().unwrap_or_default(),
        Undo::Never(_) => Value::Null,
    };
    let of = |part: &str| now[part].as_object().unwrap().values().cloned().collect::<Vec<_>>();
    let held = |part: &str, key: &str| now[part].get(key).is_some();
    let strings = |list: &Value, member: &str| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        let mut found: Vec<String> =
            items.map(|i| i[member].as_str().or(i.as_str()).unwrap().to_owned()).collect();
        found.sort();
        found
    };
    let role = |of: &Value| {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        format!("{} {}", text("principalId"), text("roleDefinitionId"))
    };
    let parts: Vec<&str> = url.split('/').skip(2).collect();
    Some(match parts.as_slice() {
        [.., "removePassword"] => {
            let left = now["irreversible"].as_object().unwrap().iter();
            let mut left = left.filter(|(name, _)| name.starts_with("secrets of "));
            !left.any(|(_, ids)| ids.as_array().unwrap().contains(&body["keyId"]))
        }
        ["applications", _] => {
            let wanted = strings(&body["keyCredentials"], "keyId");
            of("applications").iter().any(|app| strings(&app["keys"], "") == wanted)
        }
        ["applications", _, "federatedIdentityCredentials", _] => !of("applications")
            .iter()
            .any(|app| app["federated"].as_array().unwrap().contains(&again["name"])),
        ["servicePrincipals", _] => of("servicePrincipals")
            .iter()
            .any(|sp| sp["name"] == change.label && sp["accountEnabled"] == body["accountEnabled"]),
        ["servicePrincipals"] => {
            now["servicePrincipals"][body["appId"].as_str().unwrap()]["accountEnabled"] == false
        }
        [_, _, "roleAssignments", _] => !held("roleAssignments", &role(&again)),
        [_, _, "roleAssignmentScheduleRequests"] => !held("roleAssignments", &role(&body)),
        [_, _, "roleEligibilityScheduleRequests"] => !held("roleEligibilities", &role(&body)),
        ["groups", group, "members", "$ref"] => held("members", &format!("{group} {}", user.id)),
        ["groups", group, "members", member, "$ref"] => !held("members", &format!("{group} {member}")),
        ["security", "identities", "identityAccounts", _, "invokeAction"] => {
            now["users"][&user.user_principal_name]["enabledOnPremises"] == (body["action"] == "enable")
        }
        ["identityProtection", ..] => {
            let before_too = &now["irreversible"][format!("risk of {}", user.id)][0];
            now["riskyUsers"][&user.id][0] == "confirmedCompromised" || before_too == "confirmedCompromised"
        }
        ["identity", "conditionalAccess", collection] => {
            held("conditionalAccess", &format!("{collection} {}", body["displayName"]))
        }
        ["identity", "conditionalAccess", collection, _] => {
            let entry = &now["conditionalAccess"][format!("{collection} {:?}", change.label)];
            body.as_object().unwrap().iter().all(|(name, value)| entry[name] == *value)
        }
        _ => return None,
    })
}
