//! The tenant file: a tenant as people write it, in YAML.

mod app;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

pub use app::{App, AppCredential, Assignment, Consent, FederatedCredential};

use super::Tenant;
use super::access_pass::Policy;
use super::build;
use super::device;
use super::exchange;
use super::faults::Planted;
use super::intruder;
use super::mailbox;
use super::method;
use super::moment::{Length, Moment};
use super::sign_in;
use crate::failure::{Code, Failure, Result};
use crate::graph::Cloud;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// A tenant to rehearse on. Everything is optional; ids that are not given follow from the names.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantFile {
    /// The tenant itself.
    #[serde(default)]
    pub tenant: About,
    /// The account that a rehearsal contains: a user principal name of this file.
    pub victim: Option<String>,
    /// Accounts.
    #[serde(default)]
    pub users: Vec<User>,
    /// Groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Applications that have a service principal here. `oust` is the name of the runner's own; Microsoft
    /// Graph is always there.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Delegated consents.
    #[serde(default)]
    pub consents: Vec<Consent>,
    /// Who is assigned to which application.
    #[serde(default)]
    pub assignments: Vec<Assignment>,
    /// Authentication methods.
    #[serde(default)]
    pub methods: Vec<method::Described>,
    /// Devices.
    #[serde(default)]
    pub devices: Vec<device::Described>,
    /// Inbox rules.
    #[serde(default)]
    pub rules: Vec<mailbox::Described>,
    /// What Exchange alone shows of mailboxes.
    #[serde(default)]
    pub mailboxes: Vec<exchange::Described>,
    /// The sign-in log.
    #[serde(default)]
    pub sign_ins: Vec<sign_in::Described>,
    /// How the service behaves.
    #[serde(default)]
    pub service: Service,
    /// What the intruder holds, and the story.
    #[serde(default)]
    pub intruder: intruder::Described,
}

/// The tenant itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Tenant id.
    pub id: Option<String>,
    /// Display name; Contoso by default.
    pub name: Option<String>,
    /// Verified domains, the default one first.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Verified domains whose users sign in at another identity provider.
    #[serde(default)]
    pub federated_domains: Vec<String>,
    /// The cloud that it is in: Graph of a national cloud lacks some of its resources.
    #[serde(default)]
    pub cloud: Cloud,
    /// The licence of the tenant; P2 by default.
    #[serde(default)]
    pub licence: Licence,
    /// Defender for Identity watches on-premises AD, and has an account there to act with.
    #[serde(default)]
    pub defender_for_identity: bool,
    /// The policy of Temporary Access Passes.
    #[serde(default)]
    pub access_pass: Policy,
    /// Named locations of Conditional Access: name, and the ranges as CIDR.
    #[serde(default)]
    pub locations: BTreeMap<String, Vec<String>>,
}

/// What the tenant paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Licence {
    /// No Conditional Access, no Identity Protection, no Privileged Identity Management.
    Free,
    /// Conditional Access.
    P1,
    /// All of them.
    #[default]
    P2,
}

/// A directory role with its time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimedRole {
    /// By name or template id.
    pub role: String,
    /// When it was given; 400 days ago by default.
    pub made: Option<Moment>,
    /// When it ends by itself.
    pub ends: Option<Moment>,
    /// It has to be activated before it is in force.
    #[serde(default)]
    pub eligible: bool,
    /// It was activated.
    #[serde(default)]
    pub activated: bool,
}

/// An account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// User principal name. For a guest it may be left out.
    pub upn: Option<String>,
    /// Display name.
    pub name: String,
    /// Object id.
    pub id: Option<String>,
    /// Other mail addresses.
    #[serde(default)]
    pub other_mails: Vec<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// `false`: can't sign in.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The account is invited from this domain, and signs in there.
    pub guest_of: Option<String>,
    /// The account comes from on-premises AD.
    pub synced: Option<Synced>,
    /// Directory roles, by name or template id.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Directory roles with their time.
    #[serde(default)]
    pub timed_roles: Vec<TimedRole>,
    /// Groups that the account is a member of, by name, besides those that list it.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// What Identity Protection says: `atRisk`, `confirmedCompromised`, …
    pub risk: Option<String>,
    /// Sessions from before are void. 90 days ago by default.
    pub sessions_valid_from: Option<Moment>,
    /// When the password was last set. 90 days ago by default.
    pub password_changed: Option<Moment>,
    /// When the account was made. 400 days ago by default.
    pub created: Option<Moment>,
    /// Member of a restricted management administrative unit.
    #[serde(default)]
    pub restricted_management: bool,
    /// `false`: has no mailbox in Exchange Online. A guest has none.
    #[serde(default = "yes")]
    pub mailbox: bool,
}

/// The on-premises AD account of a synced user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Synced {
    /// `false`: was synced once and no longer is.
    #[serde(default = "yes")]
    pub syncing: bool,
    /// What AD says; the next synchronisation puts it back.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// AD logon name; the part of the UPN before the `@` by default.
    pub sam: Option<String>,
    /// AD domain.
    pub domain: Option<String>,
    /// The last synchronisation; 10 minutes ago by default.
    pub last_sync: Option<Moment>,
}

/// A group.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Display name.
    pub name: String,
    /// Object id.
    pub id: Option<String>,
    /// Users by UPN, groups by name.
    #[serde(default)]
    pub members: Vec<String>,
    /// Directory roles may be given to it.
    #[serde(default)]
    pub role_assignable: bool,
    /// Directory roles that its members have through it.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Comes from on-premises AD.
    #[serde(default)]
    pub synced: bool,
    /// Its members follow from a rule.
    #[serde(default)]
    pub dynamic: bool,
    /// Users by UPN.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// How the service behaves.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Objects on a page; 100 by default.
    pub page_size: Option<usize>,
    /// How long a request takes; nothing by default.
    pub latency: Option<Length>,
    /// How long after a write the next directory synchronisation comes; 30 minutes by default.
    pub sync_every: Option<Length>,
    /// Seed of everything that is random.
    #[serde(default)]
    pub seed: u64,
    /// Replicas lag behind.
    pub lag: Option<Lag>,
    /// Throttles as the documentation says.
    #[serde(default)]
    pub throttle: bool,
    /// What goes wrong.
    #[serde(default)]
    pub faults: Vec<Planted>,
}

/// How far replicas lag behind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lag {
    /// How long after a write one object may be stale.
    pub object: Length,
    /// How long after a write a collection may be stale.
    pub list: Length,
    /// How likely such a read is stale, 0 to 1.
    pub probability: f64,
}

fn yes() -> bool {
    true
}

/// Reads a tenant file.
///
/// # Errors
/// [`Code::InvalidTenantFile`], with the line and column where there is one.
pub fn parse(text: &str) -> Result<Tenant> {
    let invalid = |what: String| {
        Failure::new(Code::InvalidTenantFile, what).next("see `oust schema tenant` and the example tenants")
    };
    if text.len() > MAX_BYTES {
        return Err(invalid(format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: 100_000,
            max_events: 400_000,
            max_depth: 32,
            max_aliases: 1000,
            max_anchors: 1000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 1000,
        },
    };
    let file: TenantFile = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map(|at| format!("line {}, column {}: ", at.line(), at.column()));
        let what = error.without_snippet().to_string();
        invalid(format!("{}{what}", place.unwrap_or_default()))
    })?;
    build::tenant(&file).map_err(|problem| {
        let place = problem.place(text).map(|(line, column)| format!("line {line}, column {column}: "));
        invalid(format!("{}{}", place.unwrap_or_default(), problem.what))
    })
}

/// The JSON schema of a tenant file.
pub fn schema() -> Schema {
    schemars::schema_for!(TenantFile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.code, Code::InvalidTenantFile);
        failure.what
    }

    #[test]
    fn the_examples_parse() {
        for text in [
            include_str!("../../../examples/tenants/contoso.yaml"),
            include_str!("../../../examples/tenants/synced.yaml"),
            include_str!("../../../examples/tenants/minimal.yaml"),
            include_str!("../../../examples/tenants/china.yaml"),
        ] {
            let tenant = parse(text).unwrap();
            assert!(tenant.user_id(tenant.victim.as_ref().unwrap()).is_some());
            assert!(tenant.app_object_id("oust").is_some());
        }
    }

    #[test]
    fn a_mistake_is_told_with_line_and_column() {
        let what = refusal("users:\n  - name: Adele Vance\n    upm: x\n");
        assert!(what.starts_with("line 3, column 5: "), "{what}");
        let what = refusal("users:\n  - name: [1]\n");
        assert!(what.starts_with("line 2, column 11: "), "{what}");
    }

    #[test]
    fn a_name_that_nothing_has_is_told_with_its_line() {
        let what = refusal("users:\n  - name: Adele Vance\n    upn: a@contoso.com\nvictim: b@contoso.com\n");
        assert!(what.starts_with("line 4, column 9: "), "{what}");
        assert!(what.contains("b@contoso.com"), "{what}");
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x,x]\n");
        bomb.extend(('b'..='j').zip('a'..).map(|(this, last)| {
            let row = vec![format!("*{last}"); 10].join(",");
            format!("{this}: &{this} [{row}]\n")
        }));
        refusal(&bomb);
        let repeated = vec!["*a"; 1500].join(", ");
        refusal(&format!("intruder: {{story: [&a \"{}\", {repeated}]}}", "x".repeat(10_000)));
    }

    #[test]
    fn junk_is_refused() {
        for text in ["\u{0}\u{1}\u{2}", "[]", "users: 5", "users: [{}]", "%", "&", "a: *b", "- x", "7"] {
            refusal(text);
        }
        refusal(&"x".repeat(MAX_BYTES + 1));
    }

    #[test]
    fn the_schema_describes_every_part() {
        let schema = schema().to_value().to_string();
        for part in ["users", "consents", "refresh_token", "retry_after", "wrong_host_next_link"] {
            assert!(schema.contains(part), "{part}");
        }
    }
}
