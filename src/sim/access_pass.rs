//! Temporary Access Passes: one a user, and the secret in the first answer alone. Whether one can be used is as the
//! tenant file says; it doesn't end with time.
//!
//! <https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod>

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::directory::{Directory, object_id};
use super::error::{Answer, GraphError, Outcome};
use super::method::Method;
use super::request::Ask;
use super::select;

/// Its kind among the methods.
pub const KIND: &str = "temporaryAccessPass";
/// Its collection.
pub const COLLECTION: &str = "temporaryAccessPassMethods";

/// What the tenant allows. By default what a tenant starts with, but switched on.
///
/// <https://learn.microsoft.com/entra/identity/authentication/howto-authentication-temporary-access-pass>
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whether there are passes at all.
    pub enabled: bool,
    /// The shortest lifetime, in minutes.
    pub minimum: i64,
    /// The longest lifetime, in minutes.
    pub maximum: i64,
    /// Whether each can be used once only.
    pub once_only: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { enabled: true, minimum: 60, maximum: 480, once_only: false }
    }
}

/// What only a pass has.
#[derive(Debug, Clone)]
pub struct Pass {
    minutes: i64,
    once: bool,
    usable: bool,
    /// Made through Graph and not by the tenant file.
    pub issued: bool,
}

impl Pass {
    /// One of the tenant file.
    pub fn described(used: bool) -> Self {
        Self { minutes: 60, once: false, usable: !used, issued: false }
    }

    /// Adds to what a method shows.
    pub fn show(&self, row: &mut Value) {
        row["startDateTime"] = row["createdDateTime"].clone();
        row["lifetimeInMinutes"] = json!(self.minutes);
        row["isUsableOnce"] = json!(self.once);
        row["isUsable"] = json!(self.usable);
        row["methodUsabilityReason"] = json!(if self.usable { "EnabledByPolicy" } else { "Expired" });
        row["temporaryAccessPass"] = Value::Null;
    }
}

/// `POST /users/{id}/authentication/temporaryAccessPassMethods`: the pass that was there ends.
///
/// <https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods>
pub fn post(directory: &mut Directory, ask: &Ask, user_id: String, now: Timestamp) -> Outcome {
    let refused = |message: &str| GraphError::new(400, "badRequest", message);
    let body = ask.object()?;
    let policy = directory.access_pass;
    if !policy.enabled {
        return Err(refused("Temporary Access Pass is disabled by the authentication methods policy."));
    }
    let minutes = body.get("lifetimeInMinutes").map_or(Some(60), Value::as_i64);
    let within = minutes.filter(|minutes| (policy.minimum..=policy.maximum).contains(minutes));
    let minutes = within.ok_or_else(|| refused("The lifetime is outside the limits of the policy."))?;
    let once = body.get("isUsableOnce").map_or(Some(policy.once_only), Value::as_bool);
    let once = once.ok_or_else(|| refused("Invalid value specified for property 'isUsableOnce'."))?;
    if policy.once_only && !once {
        return Err(refused("The policy allows passes that can be used once only."));
    }
    directory.methods.retain(|method| method.user_id != user_id || method.pass.is_none());
    let id = directory.new_object_id("access pass");
    let secret = object_id("the secret of a pass", &id).replace('-', "");
    let pass = Pass { minutes, once, usable: true, issued: true };
    let method = Method::issued(user_id, id, pass, now);
    let mut shown = select::object(ask, "authenticationMethods", &method.json(directory), None);
    shown["temporaryAccessPass"] = json!(secret);
    directory.methods.push(method);
    Ok(Answer::created(shown))
}
