//! Which limit of Graph a request counts against.
//!
//! <https://learn.microsoft.com/graph/throttling-limits>

use serde::{Deserialize, Serialize};

/// Endpoints that are throttled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Users, groups, applications, grants, roles.
    Identity,
    /// Writes to devices.
    DeviceWrites,
    /// Authentication methods, sign-ins, audit logs.
    Reports,
    /// Risk and Conditional Access; a 429 names no time.
    Protection,
    /// Mailboxes.
    Outlook,
    /// Intune.
    Intune,
    /// Cmdlets of Exchange Online: no limit is published, so few at a time.
    Exchange,
}

impl Family {
    /// The family of a request, from its method and its path with the API version.
    pub fn of(method: &str, path: &str) -> Self {
        let parts = segments(path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            _ if path.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("/exchange/")) => {
                Self::Exchange
            }
            ["auditlogs" | "reports", ..] | [_, _, "authentication", ..] => Self::Reports,
            ["identityprotection", ..] | ["identity", "conditionalaccess", ..] => Self::Protection,
            ["users", _, part, ..] | ["me", part, ..] if is_mailbox(part) => Self::Outlook,
            ["devicemanagement" | "deviceappmanagement", ..] => Self::Intune,
            ["devices", ..] if method != "GET" => Self::DeviceWrites,
            _ => Self::Identity,
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "directory",
            Self::DeviceWrites => "device",
            Self::Reports => "authentication method and report",
            Self::Protection => "identity protection and conditional access",
            Self::Outlook => "mailbox",
            Self::Intune => "intune",
            Self::Exchange => "Exchange Online",
        }
    }
}

/// The segments of a path below its API version, in lower case: `users('x')` is `users`, `x`.
pub fn segments(path: &str) -> Vec<String> {
    let path = path.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
    parts
        .flat_map(|part| match part.strip_suffix("')").and_then(|keyed| keyed.split_once('(')) {
            Some((name, key)) => vec![name.to_owned(), key.trim_start_matches('\'').to_owned()],
            None => vec![part.to_owned()],
        })
        .collect()
}

fn is_mailbox(part: &str) -> bool {
    const MAILBOX: [&str; 8] = [
        "mailfolders",
        "messages",
        "mailboxsettings",
        "inferenceclassification",
        "calendar",
        "calendars",
        "events",
        "sendmail",
    ];
    MAILBOX.contains(&part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_family() {
        for (method, path, family) in [
            ("GET", "/v1.0/users/x?$select=id", Family::Identity),
            ("POST", "/v1.0/users/x/revokeSignInSessions", Family::Identity),
            ("GET", "/v1.0/users/x/authentication/methods", Family::Reports),
            ("GET", "/beta/users/x/authentication/signInPreferences", Family::Reports),
            ("GET", "/v1.0/auditLogs/signIns?$filter=x", Family::Reports),
            ("GET", "/v1.0/reports/authenticationMethods/userRegistrationDetails", Family::Reports),
            ("POST", "/v1.0/identityProtection/riskyUsers/confirmCompromised", Family::Protection),
            ("GET", "/v1.0/identity/conditionalAccess/policies", Family::Protection),
            ("GET", "/v1.0/users/x/mailFolders/inbox/messageRules", Family::Outlook),
            ("GET", "/v1.0/users/x/mailFolders('inbox')/messageRules", Family::Outlook),
            ("GET", "/v1.0/users/x/mailboxSettings", Family::Outlook),
            ("GET", "/v1.0/users/x/memberOf", Family::Identity),
            ("PATCH", "/v1.0/devices/d", Family::DeviceWrites),
            ("GET", "/v1.0/devices/d", Family::Identity),
            ("POST", "/v1.0/deviceManagement/managedDevices/d/wipe", Family::Intune),
            ("GET", "/v1.0/users/authentication", Family::Identity),
            ("GET", "", Family::Identity),
        ] {
            assert_eq!(Family::of(method, path), family, "{method} {path}");
        }
    }
}
