//! Cmdlets of Exchange Online over HTTP: the envelope, and what its errors mean.
//!
//! A cmdlet is a POST whatever it does, so what reads is told from what writes by its verb, here and nowhere
//! else: a read of any verb but `Get` is not sent.
//!
//! The address is the one that Microsoft's PowerShell module uses; it is not documented as an API of its own.
//! <https://learn.microsoft.com/exchange/reference/admin-api-get-started> documents the envelope.

use oust_actions::{Call, Get, Path, ReadError, ReadErrorKind as Kind};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::cloud::Endpoint;
use super::error_body::ErrorBody;
use super::fetch::error;
use crate::failure::Failure;

/// Why the way is closed when nobody opened it.
pub const NOT_ASKED_FOR: &str = "`exchange = true` is not set for the tenant in the configuration";

/// The mailbox that an application's cmdlets are routed by.
const SYSTEM_MAILBOX: &str = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}";

/// Where the cmdlets of a tenant are run.
pub(super) struct Address {
    pub url: String,
    pub anchor: String,
}

impl Address {
    pub fn of(endpoint: &Endpoint, tenant: &str) -> Self {
        let url = endpoint.url(Path::new(["adminapi", "beta", tenant, "InvokeCommand"]).as_str());
        Self { anchor: anchor(&url), url }
    }
}

/// The mailbox to route by, for the tenant of this URL.
pub(super) fn anchor(url: &str) -> String {
    let tenant = url.split("/adminapi/beta/").nth(1).and_then(|rest| rest.split('/').next());
    format!("{SYSTEM_MAILBOX}@{}", tenant.unwrap_or_default())
}

/// The body of a read.
///
/// # Errors
/// It is no cmdlet that reads: nothing may be sent.
pub(super) fn reading(get: &Get) -> Result<Zeroizing<Vec<u8>>, String> {
    let name = cmdlet(&get.path).filter(|name| name.starts_with("Get-"));
    let name = name.ok_or_else(|| format!("{} is no cmdlet that reads; nothing was sent", get.path))?;
    let parameters = get.query.iter().map(|(name, value)| (name.clone(), typed(value)));
    Ok(envelope(name, &Value::Object(parameters.collect::<Map<_, _>>())))
}

/// The body of a write; `filled` is the call's own with its secrets.
///
/// # Errors
/// It is no cmdlet: nothing may be sent.
pub(super) fn writing(call: &Call, filled: Option<&Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, String> {
    let name = cmdlet(&call.path).ok_or_else(|| format!("{} is no cmdlet; nothing was sent", call.path))?;
    let parameters = filled.map_or_else(|| Ok(json!({})), |bytes| serde_json::from_slice(bytes));
    parameters.map(|parameters| envelope(name, &parameters)).map_err(|e| e.to_string())
}

fn envelope(name: &str, parameters: &Value) -> Zeroizing<Vec<u8>> {
    let body = json!({ "CmdletInput": { "CmdletName": name, "Parameters": parameters } });
    Zeroizing::new(body.to_string().into_bytes())
}

/// The name of a cmdlet: `Verb-Noun`, letters alone.
fn cmdlet(path: &Path) -> Option<&str> {
    let name = path.as_str().strip_prefix('/')?;
    let (verb, noun) = name.split_once('-')?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic());
    (is_word(verb) && is_word(noun)).then_some(name)
}

fn typed(value: &str) -> Value {
    match value {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => text.into(),
    }
}

/// What kind of failure it is, by the exception of the cmdlet rather than by the status, which is often 400.
pub(super) fn sort(by_status: Kind, body: &ErrorBody) -> Kind {
    match body.code.as_deref() {
        Some("ManagementObjectNotFoundException") => Kind::NotFound,
        Some("CmdletAccessDeniedException") => Kind::Forbidden,
        // Only the cmdlet itself can say that there is no mailbox, not something between us and it.
        _ if by_status == Kind::NotFound => Kind::Refused,
        // The token is good: signing in again won't help.
        _ if by_status == Kind::SignIn => Kind::Forbidden,
        _ => by_status,
    }
}

/// What a refusal means, where it is one of access.
pub(super) fn denial(status: u16, body: &ErrorBody) -> Option<String> {
    let said = body.message.as_deref().map(|text| format!(" (it says: {text})")).unwrap_or_default();
    if status == 401 {
        return Some(format!(
            "Exchange Online takes no token without the application permission Exchange.ManageAsApp{said}"
        ));
    }
    let no_role = status == 403
        || body.code.as_deref() == Some("CmdletAccessDeniedException")
        || body.message.as_deref().is_some_and(|text| text.contains("isn't supported in this scenario"));
    no_role.then(|| {
        format!(
            "the service principal holds no role in Exchange that allows the cmdlet: assign Exchange \
             Administrator, or a role group of its own{said}"
        )
    })
}

/// A cmdlet that found nothing.
pub(super) fn nothing(get: &Get) -> ReadError {
    error(get, Kind::NotFound, "the cmdlet found nothing")
}

/// The way there is closed.
pub(super) fn closed(get: &Get, why: &Failure) -> ReadError {
    error(get, Kind::Closed, why.what.clone())
}

#[cfg(test)]
mod tests;
