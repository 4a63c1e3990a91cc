//! Users.
//!
//! <https://learn.microsoft.com/graph/api/resources/user>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::permission::{Caller, READ_USER, WRITE_USER};
use super::rank::Deed;
use super::request::Ask;
use super::select;

/// What comes back without `$select`.
const DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

const FILTERABLE: &[&str] = &[
    "id",
    "userPrincipalName",
    "mail",
    "displayName",
    "accountEnabled",
    "userType",
    "otherMails",
    "proxyAddresses",
];

/// A user account.
#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub principal_name: String,
    pub display_name: String,
    pub mail: Option<String>,
    pub other_mails: Vec<String>,
    pub job_title: Option<String>,
    /// Invited from another tenant, where the sessions and the password are.
    pub external: bool,
    pub guest: bool,
    pub enabled: bool,
    pub on_premises: Option<OnPremises>,
    pub sessions_valid_from: Moment,
    pub password_changed: Moment,
    /// Counts resets, in place of the password itself.
    pub password_version: u32,
    pub must_change_password: bool,
    pub created: Moment,
    pub restricted_management: bool,
    /// Has a mailbox in Exchange Online.
    pub mailbox: bool,
}

/// The on-premises AD account behind a synced user.
#[derive(Debug, Clone)]
pub struct OnPremises {
    /// `false`: was synced once.
    pub syncing: bool,
    pub enabled: bool,
    pub last_sync: Moment,
    pub sam_account_name: String,
    pub domain: String,
    /// When the next synchronisation puts a differing value back.
    pub due: Option<Timestamp>,
}

impl User {
    /// Whether that object id or user principal name is this user's.
    pub fn is(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id) || self.principal_name.eq_ignore_ascii_case(id)
    }

    /// The SID of its AD account, made from the object id.
    pub fn security_identifier(&self) -> String {
        let bits = uuid::Uuid::parse_str(&self.id).unwrap_or_default().as_u64_pair().0;
        format!("S-1-5-21-{}-{}-{}", bits >> 32, bits & 0xffff_ffff, 1000 + bits % 9000)
    }

    /// Lets the next directory synchronisation come, where AD and the cloud differ.
    pub fn schedule_sync(&mut self, now: Timestamp, sync_every: SignedDuration) {
        let Some(ad) = self.on_premises.as_mut().filter(|ad| ad.syncing) else { return };
        let next = ad.due.or_else(|| now.checked_add(sync_every).ok());
        ad.due = next.filter(|_| ad.enabled != self.enabled);
    }

    fn domain(&self) -> &str {
        self.principal_name.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Lets the directory synchronisation put the on-premises value back.
    pub fn synchronise(&mut self, now: Timestamp) {
        let Some(ad) = &mut self.on_premises else { return };
        if let Some(due) = ad.due.filter(|due| *due <= now) {
            self.enabled = ad.enabled;
            ad.last_sync = Moment::At(due);
            ad.due = None;
        }
    }

    fn json(&self, directory: &Directory) -> Value {
        let time = |moment| format!("{:.0}", directory.time(moment));
        let (given, surname) = self.display_name.split_once(' ').unzip();
        let ad = self.on_premises.as_ref();
        json!({
            "id": self.id,
            "businessPhones": [],
            "displayName": self.display_name,
            "givenName": given,
            "jobTitle": self.job_title,
            "mail": self.mail,
            "mobilePhone": null,
            "officeLocation": null,
            "preferredLanguage": null,
            "surname": surname,
            "userPrincipalName": self.principal_name,
            "accountEnabled": self.enabled,
            "userType": if self.guest { "Guest" } else { "Member" },
            "externalUserState": self.external.then_some("Accepted"),
            "onPremisesSyncEnabled": ad.map(|a| a.syncing),
            "onPremisesLastSyncDateTime": ad.map(|a| time(a.last_sync)),
            "onPremisesSamAccountName": ad.map(|a| &a.sam_account_name),
            "onPremisesDomainName": ad.map(|a| &a.domain),
            "onPremisesSecurityIdentifier": ad.map(|_| self.security_identifier()),
            "onPremisesImmutableId": null,
            "onPremisesUserPrincipalName": ad.map(|_| &self.principal_name),
            "signInSessionsValidFromDateTime": time(self.sessions_valid_from),
            "lastPasswordChangeDateTime": time(self.password_changed),
            "passwordPolicies": null,
            "passwordProfile": {
                "forceChangePasswordNextSignIn": self.must_change_password,
                "forceChangePasswordNextSignInWithMfa": false,
                "password": null,
            },
            "proxyAddresses": self.mail.iter().map(|mail| format!("SMTP:{mail}")).collect::<Vec<_>>(),
            "assignedLicenses": [],
            "identities": [],
            "otherMails": self.other_mails,
            "isManagementRestricted": self.restricted_management,
            "createdDateTime": time(self.created),
            "employeeLeaveDateTime": null,
        })
    }
}

/// `GET /users/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    let user = directory.user(id).ok_or_else(|| GraphError::not_found(id))?;
    Ok(Answer::ok(select::object(ask, "users", &user.json(directory), Some(DEFAULT))))
}

/// `GET /users`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    let users: Vec<Value> = directory.users.iter().map(|u| u.json(directory)).collect();
    select::collection(ask, "users", &users, Some(DEFAULT), FILTERABLE, page_size)
}

/// `PATCH /users/{id}`: each property has a permission of its own, and one that is missing refuses them all.
///
/// <https://learn.microsoft.com/graph/api/user-update>
pub fn patch(directory: &mut Directory, ask: &Ask, caller: &Caller, id: &str, now: Timestamp) -> Outcome {
    let properties = ask.object()?;
    for name in properties.keys() {
        caller.may_patch_user(name)?;
    }
    let user = directory.user(id).ok_or_else(|| GraphError::not_found(id))?;
    for name in properties.keys() {
        match name.as_str() {
            "accountEnabled" => caller.outranks(directory, &user.id, Deed::Sensitive)?,
            "passwordProfile" => caller.outranks(directory, &user.id, Deed::Password)?,
            _ => {
                return Err(GraphError::bad_request(format!(
                    "Property '{name}' is read-only and cannot be set."
                )));
            }
        }
    }
    let enabled = properties.get("accountEnabled").map(enabled_value).transpose()?;
    let password = properties.get("passwordProfile").map(profile).transpose()?;
    let federated =
        directory.domains.iter().any(|d| d.federated && d.name.eq_ignore_ascii_case(user.domain()));
    if password.is_some() && (federated || user.external) {
        return Err(GraphError::bad_request("Resetting the password of a federated user is not supported."));
    }
    let sync_every = directory.sync_every;
    let Some(user) = directory.user_mut(id) else { return Err(GraphError::not_found(id)) };
    if let Some(profile) = password {
        if profile.contains_key("password") {
            user.password_version += 1;
            user.password_changed = Moment::At(now);
        }
        let flag = |name: &str| profile.get(name).and_then(Value::as_bool).unwrap_or(false);
        user.must_change_password =
            flag("forceChangePasswordNextSignIn") || flag("forceChangePasswordNextSignInWithMfa");
    }
    if let Some(enabled) = enabled {
        user.enabled = enabled;
        user.schedule_sync(now, sync_every);
    }
    Ok(Answer::no_content())
}

fn enabled_value(value: &Value) -> Outcome<bool> {
    value.as_bool().ok_or_else(|| {
        GraphError::bad_request("Invalid value specified for property 'accountEnabled' of resource 'User'.")
    })
}

fn profile(value: &Value) -> Outcome<&Map<String, Value>> {
    let invalid = || {
        GraphError::bad_request("Invalid value specified for property 'passwordProfile' of resource 'User'.")
    };
    let profile = value.as_object().ok_or_else(invalid)?;
    match profile.get("password") {
        None => Ok(profile),
        Some(Value::String(password)) if is_complex(password) => Ok(profile),
        Some(Value::String(_)) => Err(GraphError::bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        )),
        Some(_) => Err(invalid()),
    }
}

/// 8 to 256 characters, of three of the four kinds.
///
/// <https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy>
fn is_complex(password: &str) -> bool {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    (8..=256).contains(&password.chars().count())
        && kinds.iter().filter(|kind| password.chars().any(**kind)).count() >= 3
}

impl Caller {
    /// The permissions that a PATCH of this property needs.
    fn may_patch_user(&self, property: &str) -> Outcome<()> {
        let allowed = match property {
            "accountEnabled" => {
                self.has_any(WRITE_USER)
                    || (self.has("User.EnableDisableAccount.All") && self.has_any(READ_USER))
            }
            "passwordProfile" => self.has("User-PasswordProfile.ReadWrite.All"),
            _ => self.has_any(WRITE_USER),
        };
        if allowed { Ok(()) } else { Err(GraphError::denied()) }
    }
}
