//! Which limit of Graph a request counts against.
//!
//! <https://learn.microsoft.com/graph/throttling-limits>

use std::time::Duration;

/// Endpoints that are throttled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Users, groups, applications, grants, roles: a large quota that we don't pace ourselves to.
    Identity,
    /// Writes to devices.
    DeviceWrites,
    /// Authentication methods, sign-ins, audit logs: 5 in 10 seconds.
    Reports,
    /// Risk and Conditional Access: 1 a second for the whole tenant, and its 429 names no time.
    Protection,
    /// Mailboxes: 4 at a time each.
    Outlook,
    /// Intune.
    Intune,
    /// Cmdlets of Exchange Online: no limit is published, so few at a time.
    Exchange,
}

impl Family {
    /// The family of a request, from its method and its path with the API version.
    pub fn of(method: &str, path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).skip(1).collect();
        match parts.as_slice() {
            _ if path.starts_with("/exchange/") => Self::Exchange,
            ["auditlogs" | "reports", ..] | [_, _, "authentication", ..] => Self::Reports,
            ["identityprotection", ..] | ["identity", "conditionalaccess", ..] => Self::Protection,
            ["users", _, part, ..] | ["me", part, ..] if is_mailbox(part) => Self::Outlook,
            ["devicemanagement" | "deviceappmanagement", ..] => Self::Intune,
            ["devices", ..] if method != "GET" => Self::DeviceWrites,
            _ => Self::Identity,
        }
    }

    /// How many requests may begin in a stretch of time.
    pub fn pace(self) -> Option<(usize, Duration)> {
        match self {
            Self::Identity | Self::Outlook | Self::Exchange => None,
            Self::DeviceWrites => Some((25, Duration::from_secs(10))),
            Self::Reports => Some((5, Duration::from_secs(10))),
            Self::Protection => Some((1, Duration::from_secs(1))),
            Self::Intune => Some((100, Duration::from_secs(20))),
        }
    }

    /// How many requests may run at once: for one mailbox, or for all of Exchange Online's cmdlets.
    pub fn at_once(self) -> Option<usize> {
        matches!(self, Self::Outlook | Self::Exchange).then_some(4)
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
    MAILBOX.contains(&part.split('(').next().unwrap_or_default())
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
