//! The three writes: remove a secret, replace the list of certificates, remove a federated credential.

use serde_json::{Map, Value, json};

use super::observe::{Credential, Kind, Owned, federated_of};
use crate::{Call, Change, Get, Look, Method, Repeat, Seen, Undo};

/// The members of a certificate that Graph takes back.
const KEY_MEMBERS: &[&str] =
    &["customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type", "usage"];

fn from(credential: &Credential) -> String {
    credential.start.map_or_else(|| "valid".into(), |start| format!("valid since {start:.0}"))
}

/// Removes a client secret. Nobody can give it back: Graph shows its value only once, when it is made.
///
/// <https://learn.microsoft.com/graph/api/application-removepassword>
pub(super) fn remove_secret(app: &Owned, secret: &Credential, reason: String) -> Change {
    Change::new(
        (&secret.id, &app.name),
        format!("remove the secret {} of {}", quoted(&secret.name), app.name),
        (&from(secret), "removed"),
        Call::new(Method::Post, [app.kind.collection(), &app.id, "removePassword"])
            .body(json!({ "keyId": secret.id })),
        Undo::Never(
            "the value of a removed secret can't be read; whoever needs one adds a new secret".into(),
        ),
    )
    .because(reason)
}

/// Replaces an app's list of certificates by those that stay: `removeKey` needs a signature by the app itself.
/// `None`: a certificate that stays has no public half here, so replacing the list would damage it.
///
/// <https://learn.microsoft.com/graph/api/application-update>
pub(super) fn replace_keys(app: &Owned, going: &[(&Credential, String)]) -> Option<Change> {
    let goes = |key: &Credential| going.iter().any(|(gone, _)| gone.id == key.id);
    let staying: Vec<&Credential> = app.keys.iter().filter(|key| !goes(key)).collect();
    if !staying.iter().all(|key| is_whole(key)) {
        return None;
    }
    let path = || [app.kind.collection(), app.id.as_str()];
    let undo = if app.keys.iter().all(is_whole) {
        Undo::Call(
            Call::new(Method::Patch, path())
                .body(json!({ "keyCredentials": app.keys.iter().map(written).collect::<Vec<_>>() })),
        )
    } else {
        Undo::Never("the public half of a removed certificate could not be read".into())
    };
    let names: Vec<String> = going.iter().map(|(key, _)| quoted(&key.name)).collect();
    let ids = |keys: Vec<&Credential>| -> Value {
        keys.into_iter().map(|key| json!({ "keyId": key.id })).collect::<Vec<_>>().into()
    };
    let change = Change::new(
        (&app.id, &app.name),
        format!("remove the certificate {} of {}", names.join(", "), app.name),
        (&count(app.keys.len()), &count(staying.len())),
        Call::new(Method::Patch, path()).body(json!({
            "keyCredentials": staying.iter().map(|key| written(key)).collect::<Vec<_>>(),
        })),
        undo,
    )
    .look(Look::at(
        Get::new(path()).select(&["keyCredentials"]),
        Seen::With(json!({ "keyCredentials": ids(app.keys.iter().collect()) })),
        Seen::With(json!({ "keyCredentials": ids(staying) })),
    ));
    Some(going.iter().fold(change, |change, (_, reason)| change.because(reason.clone())))
}

/// Removes a federated credential, with which tokens of another issuer sign in as the app.
///
/// <https://learn.microsoft.com/graph/api/federatedidentitycredential-delete>
pub(super) fn remove_federated(app: &Owned, credential: &Credential, reason: String) -> Change {
    debug_assert_eq!(app.kind, Kind::Application);
    let whole = &credential.whole;
    let mut again = json!({
        "name": whole["name"], "issuer": whole["issuer"], "subject": whole["subject"],
        "audiences": whole["audiences"],
    });
    if !whole["description"].is_null() {
        again["description"] = whole["description"].clone();
    }
    let same = json!({ "name": whole["name"], "issuer": whole["issuer"], "subject": whole["subject"] });
    let issuer = whole["issuer"].as_str().unwrap_or_default();
    let collection = || ["applications", app.id.as_str(), "federatedIdentityCredentials"];
    Change::new(
        (&credential.id, &app.name),
        format!("remove the federated credential {} of {}", quoted(&credential.name), app.name),
        (&format!("trusts {issuer}"), "removed"),
        Call::new(Method::Delete, collection().into_iter().chain([credential.id.as_str()])),
        Undo::Call(Call::new(Method::Post, collection()).body(again).repeat(Repeat::Conflicts)),
    )
    .because(reason)
    .look(Look::pick(federated_of(&app.id), same.clone(), Seen::With(same), Seen::Absent))
}

fn is_whole(key: &Credential) -> bool {
    !key.id.is_empty() && key.whole["key"].as_str().is_some_and(|key| !key.is_empty())
}

fn written(key: &Credential) -> Value {
    let members = key.whole.as_object().into_iter().flatten();
    let members = members.filter(|(name, value)| KEY_MEMBERS.contains(&name.as_str()) && !value.is_null());
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

fn count(certificates: usize) -> String {
    if certificates == 1 { "1 certificate".into() } else { format!("{certificates} certificates") }
}

fn quoted(name: &str) -> String {
    if name.is_empty() { "without a name".into() } else { format!("{name:?}") }
}
