//! Devices and whose they are.
//!
//! <https://learn.microsoft.com/graph/api/resources/device>

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::directory::{Directory, object_id};
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::permission::{Caller, READ_DEVICE};
use super::request::Ask;
use super::role::Role;
use super::select;

/// A device of the tenant file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Display name, and its name in this file.
    pub name: String,
    /// Object id.
    pub id: Option<String>,
    /// Who owns it and is registered on it, by UPN.
    pub owner: String,
    /// Who else is registered on it, by UPN.
    #[serde(default)]
    pub users: Vec<String>,
    /// Operating system; Windows by default. An application can disable no other.
    pub os: Option<String>,
    /// `Workplace` (registered) by default, `AzureAd` (joined) or `ServerAd` (hybrid).
    pub trust: Option<String>,
    /// When it was registered; 400 days ago by default.
    pub registered: Option<Moment>,
    /// The service doesn't say when it was registered.
    #[serde(default)]
    pub undated: bool,
    /// `false`: disabled.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// A device object.
#[derive(Debug, Clone)]
pub struct Device {
    pub id: String,
    pub display_name: String,
    pub enabled: bool,
    pub owner: String,
    users: Vec<String>,
    os: String,
    trust: String,
    registered: Option<Moment>,
}

impl Device {
    /// Makes one of the tenant file.
    pub fn describe(owner: String, users: Vec<String>, described: &Described) -> Self {
        Self {
            id: described.id.clone().unwrap_or_else(|| object_id("device", &described.name)),
            display_name: described.name.clone(),
            enabled: described.enabled,
            owner,
            users,
            os: described.os.clone().unwrap_or_else(|| "Windows".into()),
            trust: described.trust.clone().unwrap_or_else(|| "Workplace".into()),
            registered: Some(described.registered.unwrap_or(Moment::days_ago(400)))
                .filter(|_| !described.undated),
        }
    }

    fn json(&self, directory: &Directory) -> Value {
        json!({
            "@odata.type": "#microsoft.graph.device",
            "id": self.id,
            "deviceId": object_id("device id", &self.id),
            "displayName": self.display_name,
            "accountEnabled": self.enabled,
            "operatingSystem": self.os,
            "operatingSystemVersion": null,
            "trustType": self.trust,
            "registrationDateTime": self.registered.map(|at| format!("{:.0}", directory.time(at))),
            "approximateLastSignInDateTime": null,
            "physicalIds": [format!("[USER-GID]:{}:6755416654410028", self.owner), "[GID]:g:6755416654410028"],
            "onPremisesSyncEnabled": (self.trust == "ServerAd").then_some(true),
            "isCompliant": null,
            "isManaged": null,
            "manufacturer": null,
            "model": null,
        })
    }
}

/// `GET /users/{id}/registeredDevices` and `ownedDevices`, optionally cast. Without the permission to read devices
/// they are ids alone.
pub fn of_user(
    directory: &Directory,
    ask: &Ask,
    caller: &Caller,
    (user, relation, cast): (&str, &str, &[&str]),
    page_size: usize,
) -> Outcome {
    if let Some(other) = cast.iter().find(|cast| **cast != "microsoft.graph.device") {
        return Err(GraphError::unknown_segment(other));
    }
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?;
    let registered = relation == "registeredDevices";
    let is_of = |device: &&Device| device.owner == user.id || registered && device.users.contains(&user.id);
    let readable = caller.has_any(READ_DEVICE);
    let rows: Vec<Value> = directory
        .devices
        .iter()
        .filter(is_of)
        .map(|device| {
            let mut row = device.json(directory);
            for (name, value) in row.as_object_mut().into_iter().flatten() {
                if !readable && !matches!(name.as_str(), "@odata.type" | "id") {
                    *value = Value::Null;
                }
            }
            row
        })
        .collect();
    select::collection(ask, "directoryObjects", &rows, None, &[], page_size)
}

/// `GET /devices`, `/devices/{id}` and its `registeredOwners`
pub fn read(directory: &Directory, ask: &Ask, rest: &[&str], page_size: usize) -> Outcome {
    match rest {
        [] => {
            let mut rows: Vec<Value> = directory.devices.iter().map(|d| d.json(directory)).collect();
            let mut ask = ask.clone();
            if let Some(prefix) = by_physical_id(&ask) {
                rows.retain(|row| has_physical_id(row, &prefix));
                ask.query.retain(|(name, _)| name != "$filter");
            }
            select::collection(&ask, "devices", &rows, None, &["displayName", "deviceId"], page_size)
        }
        [id, "registeredOwners"] => {
            let device = directory.devices.iter().find(|d| d.id == *id);
            let device = device.ok_or_else(|| GraphError::not_found(id))?;
            let owner = json!({ "@odata.type": "#microsoft.graph.user", "id": device.owner });
            select::collection(ask, "directoryObjects", &[owner], None, &[], page_size)
        }
        [id] => {
            let device = directory.devices.iter().find(|d| d.id == *id);
            let device = device.ok_or_else(|| GraphError::not_found(id))?;
            Ok(Answer::ok(select::object(ask, "devices", &device.json(directory), None)))
        }
        _ => Err(GraphError::unknown_segment(rest.last().unwrap_or(&""))),
    }
}

/// The prefix in a filter by physical id, which is an advanced query.
///
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
fn by_physical_id(ask: &Ask) -> Option<String> {
    let filter = ask.option("$filter").filter(|_| ask.eventual && ask.option("$count") == Some("true"))?;
    let prefix = filter.strip_prefix("physicalIds/any(p:startswith(p,'")?.strip_suffix("'))")?;
    Some(prefix.to_ascii_lowercase())
}

fn has_physical_id(row: &Value, prefix: &str) -> bool {
    let mut ids = row["physicalIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
    ids.any(|id| id.to_ascii_lowercase().starts_with(prefix))
}

/// `PATCH /devices/{id}`: an application may enable and disable Windows devices, with a role.
///
/// <https://learn.microsoft.com/graph/api/device-update>
pub fn patch(directory: &mut Directory, ask: &Ask, caller: &Caller, id: &str) -> Outcome {
    let body = ask.object()?;
    let held = directory.roles_of(&caller.object_id);
    let may =
        [Role::CloudDeviceAdmin, Role::GlobalAdmin].iter().any(|role| held.contains(&role.template_id()));
    let device = directory.devices.iter_mut().find(|d| d.id == id);
    let device = device.ok_or_else(|| GraphError::not_found(id))?;
    let (1, Some(enabled)) = (body.len(), body.get("accountEnabled").and_then(Value::as_bool)) else {
        return Err(GraphError::bad_request(
            "Invalid value specified for property 'accountEnabled' of resource 'Device'.",
        ));
    };
    if !may || !device.os.eq_ignore_ascii_case("windows") {
        return Err(GraphError::denied());
    }
    device.enabled = enabled;
    Ok(Answer::no_content())
}
