//! `review_devices`: devices that the intruder registered are disabled, and with them their primary refresh
//! tokens. None is deleted: that would take BitLocker keys along.
//!
//! <https://learn.microsoft.com/graph/api/device-update>

mod marked;

use futures_util::future::join;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Lasts, Look, Method, Permission, Plan, Read,
    ReadError, ReadErrorKind, Role, Seen, Target, Technique, Undo,
};

const READ_DEVICE: Permission = Permission::read(
    "Device.Read.All",
    &["Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
);
const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    READ_DEVICE,
    Permission::write("Device.ReadWrite.All", &["Directory.ReadWrite.All"]),
];

/// How devices belong to a user; a device can be in both.
const RELATIONS: [&str; 2] = ["registeredDevices", "ownedDevices"];

const SELECT: &[&str] = &[
    "id",
    "displayName",
    "accountEnabled",
    "operatingSystem",
    "trustType",
    "registrationDateTime",
    "onPremisesSyncEnabled",
];

/// See the module's page.
pub struct ReviewDevices;

/// What a playbook may set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which devices are disabled.
    pub disable: Disable,
    /// Object ids of devices that stay in any case.
    pub keep: Vec<String>,
}

/// Which devices are disabled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disable {
    /// Those that were registered inside the compromise window.
    #[default]
    Since,
    /// All of the user's.
    All,
}

/// The user's devices, and the lists that the service refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    devices: Vec<Device>,
    unreadable: Vec<String>,
    /// What bears the mark of the user's registration was looked at in their place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    by_mark: bool,
}

/// One device.
///
/// <https://learn.microsoft.com/graph/api/resources/device>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Device {
    id: String,
    /// Hostile.
    display_name: Option<String>,
    account_enabled: Option<bool>,
    operating_system: Option<String>,
    trust_type: Option<String>,
    registration_date_time: Option<Timestamp>,
    on_premises_sync_enabled: Option<bool>,
    /// Whether the user owns it; missing when the list of owned devices couldn't be read.
    owned: Option<bool>,
    /// No list names it as the user's, only the mark of its registration does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_mark: bool,
}

impl Action for ReviewDevices {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "review_devices",
            title: "disable devices of the intruder",
            why: "A device that the intruder registered keeps a primary refresh token and counts as known to \
                  Conditional Access. An application can disable Windows devices only. Where the service doesn't \
                  let it list the user's devices, those that the user registered are found by a mark that \
                  Microsoft doesn't document, and their registered owner decides.",
            permissions: PERMISSIONS,
            roles: &[Role::ForDevices],
            reversibility: "full: the devices are enabled again",
            attack: &[
                Technique { id: "T1098.005", name: "Device Registration" },
                Technique { id: "T1078.004", name: "Cloud Accounts" },
            ],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/user-list-registereddevices",
                "https://learn.microsoft.com/graph/api/user-list-owneddevices",
                "https://learn.microsoft.com/graph/api/device-list-registeredowners",
                "https://learn.microsoft.com/graph/api/device-update",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let [registered, owned] = RELATIONS.map(|relation| devices_of(&who.user.id, relation));
        let (registered, owned) = join(graph.all(&registered), graph.all(&owned)).await;
        let mut state = State::default();
        let mut lists = Vec::new();
        for (relation, rows) in RELATIONS.into_iter().zip([registered, owned]) {
            lists.push(match rows {
                Ok(rows) => Some(rows.iter().filter_map(Device::parse).collect::<Vec<_>>()),
                // Microsoft's pages disagree whether an application may list these at all.
                Err(error) if error.kind == ReadErrorKind::Forbidden && may_read(who) => {
                    state.unreadable.push(relation.to_owned());
                    None
                }
                Err(error) => return Err(error),
            });
        }
        let owned: Option<Vec<String>> =
            lists[1].as_ref().map(|devices| devices.iter().map(|device| device.id.clone()).collect());
        state.devices = lists.into_iter().flatten().flatten().collect();
        state.devices.sort_by(|a, b| a.id.cmp(&b.id));
        state.devices.dedup_by(|a, b| a.id == b.id);
        for device in &mut state.devices {
            device.owned = owned.as_ref().map(|owned| owned.contains(&device.id));
        }
        if !state.unreadable.is_empty()
            && let Some(marked) = marked::look(who, graph).await?
        {
            state.add_marked(marked);
        }
        match state.devices.iter().find(|device| device.account_enabled.is_none()) {
            Some(device) if !may_read_devices(who) => Err(reduced(device)),
            _ => Ok(state),
        }
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        let mut plan = Plan::default();
        for device in &now.devices {
            match verdict(who, device, &settings) {
                Verdict::Disable(why) => plan.changes.push(disable(device, why)),
                Verdict::Keep(why) => plan.kept.push(device.finding(Decision::Keep, why, None)),
                Verdict::Ask(why, next) => plan.open.push(device.finding(Decision::Ask, why, Some(next))),
            }
        }
        plan.open.extend(now.unreadable.iter().map(|relation| unreadable(who, relation, now.by_mark)));
        plan
    }
}

impl State {
    /// Adds what the lists don't hold. What they hold may get its owner from here.
    fn add_marked(&mut self, marked: Vec<Device>) {
        self.by_mark = true;
        for device in marked {
            match self.devices.iter_mut().find(|known| known.id == device.id) {
                Some(known) => known.owned = known.owned.or(device.owned),
                None => self.devices.push(device),
            }
        }
        self.devices.sort_by(|a, b| a.id.cmp(&b.id));
    }
}

fn devices_of(user: &str, relation: &str) -> Get {
    Get::new(["users", user, relation]).select(SELECT)
}

fn may_read(who: &Target) -> bool {
    PERMISSIONS.iter().filter(|p| !p.write).all(|p| p.is_met_by(&who.operator.permissions))
}

fn may_read_devices(who: &Target) -> bool {
    READ_DEVICE.is_met_by(&who.operator.permissions)
}

/// Without the permission to read devices the service lists their ids alone.
fn reduced(device: &Device) -> ReadError {
    ReadError {
        kind: ReadErrorKind::Forbidden,
        path: Get::new(["devices", &device.id]).path.to_string(),
        status: Some(403),
        code: None,
        message: "the list holds ids alone, because the token lacks the permission to read devices".into(),
        request_id: None,
    }
}

impl Device {
    /// A device of a list that can hold other objects too.
    fn parse(row: &Value) -> Option<Self> {
        let other = row["@odata.type"].as_str().is_some_and(|of| of != "#microsoft.graph.device");
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("id").filter(|id| !other && !id.is_empty())?,
            display_name: text("displayName"),
            account_enabled: row["accountEnabled"].as_bool(),
            operating_system: text("operatingSystem"),
            trust_type: text("trustType"),
            registration_date_time: row["registrationDateTime"].as_str().and_then(|at| at.parse().ok()),
            on_premises_sync_enabled: row["onPremisesSyncEnabled"].as_bool(),
            owned: None,
            by_mark: false,
        })
    }

    fn label(&self) -> String {
        let name = self.display_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.id);
        match &self.operating_system {
            Some(system) if !system.is_empty() => format!("{name} ({system})"),
            _ => name.to_owned(),
        }
    }

    fn is_windows(&self) -> bool {
        self.operating_system.as_deref().is_some_and(|system| system.eq_ignore_ascii_case("windows"))
    }

    /// Whether on-premises AD is the source of authority.
    fn is_hybrid(&self) -> bool {
        self.trust_type.as_deref() == Some("ServerAd") || self.on_premises_sync_enabled == Some(true)
    }

    fn finding(&self, decision: Decision, why: String, next: Option<String>) -> Finding {
        Finding {
            object_id: self.id.clone(),
            label: self.label(),
            decision,
            risk: None,
            reasons: vec![why],
            next,
        }
    }
}

enum Verdict {
    Disable(String),
    Keep(String),
    Ask(String, String),
}

fn verdict(who: &Target, device: &Device, settings: &Settings) -> Verdict {
    let registered = device.registration_date_time;
    if device.account_enabled == Some(false) {
        return Verdict::Keep("it is disabled already".into());
    }
    if settings.keep.iter().any(|id| id.eq_ignore_ascii_case(&device.id)) {
        return Verdict::Keep("the playbook keeps it".into());
    }
    let why = match registered {
        _ if settings.disable == Disable::All => "the playbook disables all devices of the user".to_owned(),
        Some(at) if at >= who.since => format!("registered inside the compromise window ({at:.0})"),
        Some(at) => return Verdict::Keep(format!("registered before the compromise window ({at:.0})")),
        None => {
            return Verdict::Ask(
                "the service doesn't say when it was registered, so nothing was changed".into(),
                "ask the user whether it is theirs; if not, disable it in Entra (Devices), or run again with \
                 `disable: all`"
                    .into(),
            );
        }
    };
    if device.account_enabled.is_none() {
        return Verdict::Ask(
            format!("{why}, and whether it is enabled can't be read"),
            "look at it in Entra (Devices)".into(),
        );
    }
    if device.owned == Some(false) {
        return Verdict::Ask(
            format!("{why}; somebody else owns it, who would be locked out of it too"),
            "ask its owner (Entra, Devices, the device), and disable it there if it is the intruder's".into(),
        );
    }
    if device.by_mark && device.owned.is_none() {
        return Verdict::Ask(
            format!("{why}; it bears the mark of a registration by the user, and its owner can't be read"),
            "look at it in Entra (Devices), and disable it there if it is the intruder's".into(),
        );
    }
    if device.is_hybrid() {
        return Verdict::Ask(
            format!("{why}; it comes from on-premises AD, whose next synchronisation would enable it again"),
            format!(
                "disable the computer account in AD (Disable-ADAccount), then synchronise: {}",
                device.display_name.as_deref().unwrap_or(&device.id)
            ),
        );
    }
    Verdict::Disable(why)
}

fn disable(device: &Device, why: String) -> Change {
    let path = ["devices", &device.id];
    let enabled = |to: bool| Call::new(Method::Patch, path).body(json!({ "accountEnabled": to }));
    let mut reasons = vec![why];
    if !device.is_windows() {
        reasons.push("applications may not disable devices other than Windows: expect a refusal".into());
    }
    Change {
        object_id: device.id.clone(),
        label: device.label(),
        say: format!("disable the device {}", device.label()),
        from: "enabled".into(),
        to: "disabled".into(),
        call: enabled(false).by_hand(
            "disable it signed in as Cloud Device Administrator: Entra, Devices, the device, Disable; where \
             Intune manages it, retire it there",
        ),
        undo: Undo::Call(enabled(true)),
        look: Some(Look {
            get: Get::new(path).select(&["id", "accountEnabled"]),
            pick: None,
            before: Seen::With(json!({ "accountEnabled": true })),
            after: Seen::With(json!({ "accountEnabled": false })),
        }),
        lasts: Lasts::Stays,
        risk: None,
        reasons,
    }
}

fn unreadable(who: &Target, relation: &str, by_mark: bool) -> Finding {
    let instead =
        if by_mark { "; devices that the user registered were found by a mark on them instead" } else { "" };
    Finding::open(
        &who.user,
        format!("the service doesn't let this application list the user's {relation}{instead}"),
        "look at them in Entra (Users, the user, Devices), and disable what was registered inside the window",
    )
}

#[cfg(test)]
mod tests;
