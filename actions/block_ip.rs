//! `block_ip`: adds the intruder's addresses to a named location that a Conditional Access policy blocks.
//!
//! A named location alone blocks nothing. The team makes one beforehand, with a policy that blocks it, and names
//! it in the playbook. Without one the addresses are put into a location of their own, and the policy is left to
//! a person. An intruder changes addresses within minutes, so this slows them down and no more. From which addresses
//! an account was used is told by `review_sign_ins`.
//!
//! <https://learn.microsoft.com/graph/api/resources/ipnamedlocation>

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Finding, Get, Look, Method, Permission, Plan, Read, ReadError, Repeat, Seen,
    Target, Technique, Undo,
};

const PERMISSIONS: &[Permission] =
    &[Permission::read("Policy.Read.All", &[]), Permission::write("Policy.ReadWrite.ConditionalAccess", &[])];

/// See the module's page.
pub struct BlockIp;

/// What a playbook may set for `block_ip`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The addresses to block, as CIDR: `203.0.113.4/32`.
    #[serde(deserialize_with = "ranges")]
    pub addresses: Vec<String>,
    /// Id of the named location that a policy blocks.
    pub location: Option<String>,
}

/// Reads ranges, and refuses those that would block a good part of the internet.
fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ranges = Vec::<String>::deserialize(deserializer)?;
    for range in &ranges {
        let read = range.split_once('/').and_then(|(address, bits)| {
            let address: IpAddr = address.parse().ok()?;
            let bits: u8 = bits.parse().ok()?;
            let (least, most) = if address.is_ipv4() { (16, 32) } else { (32, 128) };
            (least..=most).contains(&bits).then_some(())
        });
        if read.is_none() {
            return Err(de::Error::custom(format_args!(
                "{range:?} is no range of addresses: write 203.0.113.4/32; from /16 on for IPv4, /32 for IPv6"
            )));
        }
    }
    Ok(ranges)
}

/// The location that takes the addresses; `None`: there is none yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    location: Option<Location>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Location {
    id: String,
    name: String,
    ranges: Vec<Value>,
    trusted: bool,
}

impl Location {
    fn has(&self, range: &str) -> bool {
        self.ranges.iter().any(|known| known["cidrAddress"] == range)
    }
}

fn locations() -> Get {
    Get::new(["identity", "conditionalAccess", "namedLocations"])
}

/// The name by which a location of ours is found again.
fn marker(addresses: &[String]) -> String {
    let first = addresses.first().map_or("", String::as_str);
    format!("oust block {first}")
}

impl Action for BlockIp {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "block_ip",
            title: "block addresses by a named location",
            why: "Keeps the intruder's addresses out of the whole tenant, once a policy blocks the location. \
                  An intruder changes addresses within minutes: never the only measure. Needs an Entra ID P1 \
                  licence.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the addresses are taken out again",
            attack: &[Technique { id: "T1078.004", name: "Cloud Accounts" }],
            defend: &[Technique { id: "D3-ITF", name: "Inbound Traffic Filtering" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/conditionalaccessroot-post-namedlocations",
                "https://learn.microsoft.com/graph/api/ipnamedlocation-update",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let settings = who.settings::<Settings>().unwrap_or_default();
        if settings.addresses.is_empty() {
            return Ok(State::default());
        }
        let rows = graph.all(&locations()).await?;
        let marker = marker(&settings.addresses);
        let found = rows.iter().find(|row| match &settings.location {
            Some(id) => row["id"] == id.as_str(),
            None => row["displayName"] == marker.as_str(),
        });
        let location = found.filter(|row| row["ipRanges"].is_array()).map(|row| Location {
            id: row["id"].as_str().unwrap_or_default().to_owned(),
            name: row["displayName"].as_str().unwrap_or_default().to_owned(),
            ranges: row["ipRanges"].as_array().cloned().unwrap_or_default(),
            trusted: row["isTrusted"] == true,
        });
        Ok(State { location })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        let mut plan = Plan::default();
        if settings.addresses.is_empty() {
            return plan;
        }
        let mut open = |reason: String, next: &str| plan.open.push(Finding::open(&who.user, reason, next));
        if settings.location.is_none() {
            open(
                "a named location alone blocks nothing".into(),
                "make a Conditional Access policy that blocks the location, and name it under `location`",
            );
        }
        match (&now.location, &settings.location) {
            (None, Some(id)) => open(
                format!("there is no named location of addresses {id}, so no address was blocked"),
                "correct the id under `location` in the playbook",
            ),
            (Some(location), _) if location.trusted => open(
                format!("the named location {} is a trusted one: nothing was added to it", location.name),
                "name a location under `location` that isn't trusted and that a policy blocks",
            ),
            (Some(location), _) => {
                if settings.addresses.iter().any(|range| !location.has(range)) {
                    plan.changes.push(extend(location, &settings.addresses));
                }
            }
            (None, None) => plan.changes.push(create(&settings.addresses)),
        }
        plan
    }
}

fn range(cidr: &str) -> Value {
    let kind = if cidr.contains(':') { "iPv6CidrRange" } else { "iPv4CidrRange" };
    json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": cidr })
}

fn create(addresses: &[String]) -> Change {
    let name = marker(addresses);
    let ranges: Vec<Value> = addresses.iter().map(|cidr| range(cidr)).collect();
    Change::new(
        (&name, &name),
        format!("make a named location of {}", addresses.join(", ")),
        ("no location", "location that no policy blocks yet"),
        Call::new(Method::Post, ["identity", "conditionalAccess", "namedLocations"])
            .body(json!({
                "@odata.type": "#microsoft.graph.ipNamedLocation",
                "displayName": name,
                "isTrusted": false,
                "ipRanges": ranges,
            }))
            .repeat(Repeat::Duplicates),
        Undo::Call(Call::on_found(Method::Delete, ["identity", "conditionalAccess", "namedLocations"])),
    )
    .look(Look::pick(
        locations(),
        json!({ "displayName": name }),
        Seen::Absent,
        Seen::With(json!({ "displayName": name })),
    ))
}

/// The list is replaced as a whole, so it holds what was there.
fn extend(location: &Location, addresses: &[String]) -> Change {
    let added: Vec<&str> = addresses.iter().map(String::as_str).filter(|cidr| !location.has(cidr)).collect();
    let all: Vec<Value> =
        location.ranges.iter().cloned().chain(added.iter().map(|cidr| range(cidr))).collect();
    let set = |ranges: &[Value]| {
        Call::new(Method::Patch, ["identity", "conditionalAccess", "namedLocations", &location.id])
            .body(json!({ "@odata.type": "#microsoft.graph.ipNamedLocation", "ipRanges": ranges }))
    };
    let seen = |ranges: &[Value]| {
        let ranges: Vec<Value> =
            ranges.iter().map(|range| json!({ "cidrAddress": range["cidrAddress"] })).collect();
        Seen::With(json!({ "ipRanges": ranges }))
    };
    Change::new(
        (&location.id, &location.name),
        format!("add {} to the named location {}", added.join(", "), location.name),
        (&format!("{} ranges", location.ranges.len()), &format!("{} ranges", all.len())),
        set(&all),
        Undo::Call(set(&location.ranges)),
    )
    .look(Look::pick(locations(), json!({ "id": location.id }), seen(&location.ranges), seen(&all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    fn plan(rows: Value, settings: Value) -> Plan {
        let mut who = adele();
        who.settings = settings;
        let graph = Fake::default().with(&locations(), rows);
        let state = ready(Action::observe(&BlockIp, &who, &graph)).unwrap();
        Action::plan(&BlockIp, &who, &state)
    }

    fn blocked(ranges: &[&str]) -> Value {
        let ranges: Vec<Value> = ranges.iter().map(|cidr| range(cidr)).collect();
        json!([{ "id": "l", "displayName": "Blocked", "isTrusted": false, "ipRanges": ranges }])
    }

    #[test]
    fn addresses_join_those_that_are_blocked_and_leave_again() {
        let settings = json!({ "addresses": ["203.0.113.4/32", "198.51.100.0/24"], "location": "l" });
        let plan = plan(blocked(&["198.51.100.0/24"]), settings.clone());
        let body = plan.changes[0].call.body.as_ref().unwrap();
        assert_eq!(body["ipRanges"], json!([range("198.51.100.0/24"), range("203.0.113.4/32")]));
        let Undo::Call(undo) = &plan.changes[0].undo else { panic!("it must be reversible") };
        assert_eq!(undo.body.as_ref().unwrap()["ipRanges"], json!([range("198.51.100.0/24")]));
        let after = super::tests::plan(blocked(&["203.0.113.4/32", "198.51.100.0/24"]), settings);
        assert_eq!(after, Plan::default());
    }

    #[test]
    fn without_a_location_one_is_made_and_the_policy_is_left_to_a_person() {
        let plan = plan(json!([]), json!({ "addresses": ["203.0.113.4/32"] }));
        assert_eq!(plan.changes[0].call.repeat, Repeat::Duplicates);
        assert!(plan.open[0].reasons[0].contains("alone blocks nothing"));
        let mut made = plan.changes[0].call.body.clone().unwrap();
        made["id"] = json!("made");
        let after = super::tests::plan(json!([made]), json!({ "addresses": ["203.0.113.4/32"] }));
        assert!(after.changes.is_empty());
    }

    #[test]
    fn a_trusted_or_missing_location_takes_nothing() {
        let settings = json!({ "addresses": ["203.0.113.4/32"], "location": "l" });
        let mut trusted = blocked(&[]);
        trusted[0]["isTrusted"] = json!(true);
        for rows in [trusted, json!([])] {
            let plan = plan(rows, settings.clone());
            assert!(plan.changes.is_empty() && plan.open.len() == 1);
        }
    }

    #[test]
    fn what_is_no_range_or_half_the_internet_is_refused() {
        for range in ["203.0.113.4", "0.0.0.0/0", "10.0.0.0/8", "::/0", "203.0.113.4/33", "x/24"] {
            let read = Settings::deserialize(json!({ "addresses": [range] }));
            assert!(read.is_err(), "{range}");
        }
        assert!(Settings::deserialize(json!({ "addresses": ["2001:db8::/32"] })).is_ok());
        assert_eq!(plan(json!([]), json!(null)), Plan::default());
    }
}
