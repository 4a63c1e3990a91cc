//! Who is contained, where, by whom, and what counts as "since the compromise".

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cloud, Finding, Get, Plan, Settings};

/// Graph truncates some moments to whole seconds, and clocks inside the service differ by a little.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// One user to contain, with all that an action may base a decision on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// The account.
    pub user: User,
    /// Its tenant.
    pub tenant: Tenant,
    /// Who runs this.
    pub operator: Operator,
    /// Start of the compromise window: what was added since is suspect.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The moment of planning, for ages.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// A session or a password that is older than this is not contained. Service time.
    #[schemars(with = "String")]
    pub cut_after: Timestamp,
    /// This step's `with:` of the playbook.
    #[serde(default)]
    pub settings: Value,
    /// Ids of the objects that runs kept here created for the user by a call whose answer they sealed. By the id
    /// and by nothing else they are known apart from what an intruder made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issued: Vec<String>,
    /// How many other users are contained together with this one: what many of them have in common is no sign that
    /// it is in common use.
    #[serde(default, skip_serializing_if = "is_none")]
    pub companions: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
fn is_none(companions: &u32) -> bool {
    *companions == 0
}

impl Target {
    /// The step's settings, or the plan that leaves the step to a person because they can't be read.
    ///
    /// # Errors
    /// That plan.
    pub fn settings_or_open<S: Settings>(&self) -> Result<S, Plan> {
        let open = |wrong: String| vec![Finding::unreadable_settings(&self.user, &wrong)];
        self.settings().map_err(|wrong| Plan { open: open(wrong), ..Plan::default() })
    }

    /// The plan by the step's settings, or the one that leaves the step to a person because they can't be read.
    pub fn plan_by<S: Settings>(&self, decide: impl FnOnce(&S) -> Plan) -> Plan {
        self.settings_or_open().map_or_else(|open| open, |settings| decide(&settings))
    }

    /// The step's settings, with the action's defaults for what is not given.
    ///
    /// # Errors
    /// The sentence of what is wrong with them. The playbook loader has asked before, so an action may pass
    /// it on.
    pub fn settings<S: Settings>(&self) -> Result<S, String> {
        if self.settings.is_null() {
            return Ok(S::default());
        }
        S::deserialize(&self.settings).map_err(|e| e.to_string())
    }

    /// Whether a session or a password of this moment is from after the cut, give or take two seconds.
    pub fn is_after_cut(&self, moment: Timestamp) -> bool {
        moment.duration_since(self.cut_after) >= -SKEW
    }
}

/// The fields of a user that decisions rest on.
///
/// <https://learn.microsoft.com/graph/api/resources/user>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// Object id.
    pub id: String,
    /// Sign-in name.
    pub user_principal_name: String,
    /// Name for people; hostile.
    pub display_name: Option<String>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// Set for an invited guest, who signs in at a home tenant of their own.
    pub external_user_state: Option<String>,
    /// `false` is disabled. Missing means that it couldn't be read, not that it is `false`.
    pub account_enabled: Option<bool>,
    /// `true`: comes from on-premises AD; `false`: once did; missing: never.
    pub on_premises_sync_enabled: Option<bool>,
    /// The last time that the directory synchronisation wrote it.
    #[schemars(with = "Option<String>")]
    pub on_premises_last_sync_date_time: Option<Timestamp>,
    /// The AD logon name, for the on-premises way out; hostile.
    pub on_premises_sam_account_name: Option<String>,
    /// The AD domain, for the on-premises way out; hostile.
    pub on_premises_domain_name: Option<String>,
    /// The SID of the AD account, which names it for certain.
    pub on_premises_security_identifier: Option<String>,
    /// Sessions and refresh tokens from before this are void.
    #[schemars(with = "Option<String>")]
    pub sign_in_sessions_valid_from_date_time: Option<Timestamp>,
    /// When the password was last set.
    #[schemars(with = "Option<String>")]
    pub last_password_change_date_time: Option<Timestamp>,
    /// When the account was made.
    #[schemars(with = "Option<String>")]
    pub created_date_time: Option<Timestamp>,
}

impl User {
    /// What `$select` has to name for the fields above.
    pub const SELECT: &'static [&'static str] = &[
        "id",
        "userPrincipalName",
        "displayName",
        "userType",
        "externalUserState",
        "accountEnabled",
        "onPremisesSyncEnabled",
        "onPremisesLastSyncDateTime",
        "onPremisesSamAccountName",
        "onPremisesDomainName",
        "onPremisesSecurityIdentifier",
        "signInSessionsValidFromDateTime",
        "lastPasswordChangeDateTime",
        "createdDateTime",
    ];

    /// The read of a user by object id or UPN. The engine answers it from the read that resolved the target
    /// while it plans, so that an action which uses it costs no round trip.
    pub fn get(id: &str) -> Get {
        Get::new(["users", id]).select(Self::SELECT)
    }

    /// Whether the account signs in at another tenant, whose sessions and password are not ours.
    pub fn is_external_guest(&self) -> bool {
        self.user_type.as_deref() == Some("Guest")
            && (self.external_user_state.is_some() || self.user_principal_name.contains("#EXT#"))
    }

    /// The AD account for people, `DOMAIN\name` where both are known. Hostile.
    pub fn on_premises_account(&self) -> String {
        match (&self.on_premises_domain_name, &self.on_premises_sam_account_name) {
            (Some(domain), Some(sam)) => format!("{domain}\\{sam}"),
            (None, Some(sam)) => sam.clone(),
            _ => "the account".into(),
        }
    }

    /// Whether on-premises AD is the source of authority.
    pub fn is_synced(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }
}

/// The tenant that the token is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tenant {
    /// Tenant id.
    pub id: String,
    /// Name for people; hostile.
    pub display_name: String,
    /// Verified domains.
    pub domains: Vec<String>,
    /// The cloud that it is in: not every one has all of Graph.
    #[serde(skip_serializing_if = "Cloud::is_global")]
    pub cloud: Cloud,
}

/// The application that runs this: its service principal in the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Operator {
    /// Application (client) id.
    pub app_id: String,
    /// Object id of the service principal, or of the user for a delegated token.
    pub object_id: String,
    /// Granted permissions, from the token. A hint and not proof: Microsoft calls tokens opaque.
    pub permissions: Vec<String>,
    /// Template ids of the directory roles held; `None` when they could not be read.
    pub roles: Option<Vec<String>>,
    /// Whether the Exchange Online route is open: the operator opted in and there is a token for it, whose
    /// permissions are among the granted ones.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exchange: bool,
}
