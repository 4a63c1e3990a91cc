//! What a request costs, and which quotas of the service it counts against.
//!
//! <https://learn.microsoft.com/graph/throttling-limits>

use serde::Deserialize;

use super::window::{Counts, Quota};
use crate::graph::family::{Family, segments};

/// How many users a tenant has: its quota of resource units grows with them.
///
/// <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantSize {
    /// Fewer than 50: 3,500 resource units in 10 seconds. What a tenant is taken for if nobody says.
    #[default]
    Small,
    /// 50 to 500: 5,000.
    Medium,
    /// More than 500: 8,000.
    Large,
}

impl TenantSize {
    /// Of a tenant that is known to have so many users.
    pub fn of(users: usize) -> Self {
        match users {
            0..50 => Self::Small,
            50..=500 => Self::Medium,
            _ => Self::Large,
        }
    }

    fn units(self) -> u32 {
        match self {
            Self::Small => 3500,
            Self::Medium => 5000,
            Self::Large => 8000,
        }
    }
}

/// The quotas that are counted together, and shared by processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Identity and access, devices with it: of an application in a tenant.
    Directory,
    /// Identity and access reports: of an application in a tenant.
    Reports,
    /// Identity Protection and Conditional Access: of a tenant, whichever the application.
    Protection,
    /// Of an application in a tenant.
    Intune,
    /// Of an application and a mailbox.
    Mailbox,
    /// Nothing is published.
    Exchange,
}

impl Scope {
    /// Its quotas. Only a token that acts for a signed-in user has the quota of a user.
    pub fn quotas(self, size: TenantSize, delegated: bool) -> Vec<Quota> {
        match self {
            Self::Directory => {
                let own = [
                    Quota::new(size.units(), 10, Counts::Units).refilled(),
                    Quota::new(3000, 150, Counts::Writes).refilled(),
                    Quota::new(25, 10, Counts::DeviceWrites),
                ];
                own[..if delegated { 3 } else { 2 }].to_vec()
            }
            Self::Reports => vec![Quota::new(5, 10, Counts::Requests)],
            Self::Protection => vec![Quota::new(1, 1, Counts::Requests)],
            Self::Intune => {
                vec![Quota::new(1000, 20, Counts::Requests), Quota::new(100, 20, Counts::Writes)]
            }
            Self::Mailbox => vec![Quota::new(10_000, 600, Counts::Requests)],
            Self::Exchange => vec![],
        }
    }

    /// How many requests may run at once.
    pub fn at_once(self) -> Option<usize> {
        matches!(self, Self::Mailbox | Self::Exchange).then_some(4)
    }

    /// What the file of a scope that processes share is called, and whether applications have one each.
    pub fn file(self) -> Option<(&'static str, bool)> {
        match self {
            Self::Directory => Some(("directory", true)),
            Self::Reports => Some(("reports", true)),
            Self::Protection => Some(("protection", false)),
            Self::Intune => Some(("intune", true)),
            Self::Mailbox | Self::Exchange => None,
        }
    }
}

/// A request as the quotas see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// What is throttled together.
    pub family: Family,
    /// Whether it counts as a write.
    pub write: bool,
    /// Resource units.
    pub units: u32,
    /// Whose mailbox, for [`Scope::Mailbox`].
    pub mailbox: String,
}

impl Load {
    /// From the method, the path with the API version, and the query of the URL.
    pub fn of(method: &str, path: &str, query: &str) -> Self {
        let family = Family::of(method, path);
        let parts = segments(path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let write = method != "GET" && asked(&parts).is_none();
        Self {
            family,
            write,
            units: units(write, &parts, query),
            mailbox: match (family, parts.as_slice()) {
                (Family::Outlook, ["users", owner, ..]) => (*owner).to_owned(),
                _ => String::new(),
            },
        }
    }

    /// The quotas that it counts against.
    pub fn scope(&self) -> Scope {
        match self.family {
            Family::Identity | Family::DeviceWrites => Scope::Directory,
            Family::Reports => Scope::Reports,
            Family::Protection => Scope::Protection,
            Family::Outlook => Scope::Mailbox,
            Family::Intune => Scope::Intune,
            Family::Exchange => Scope::Exchange,
        }
    }

    /// How much of a quota it takes.
    pub fn takes(&self, quota: &Quota) -> u32 {
        match quota.counts {
            Counts::Units => self.units,
            Counts::Requests => 1,
            Counts::Writes => self.write.into(),
            Counts::DeviceWrites => (self.family == Family::DeviceWrites).into(),
        }
    }
}

/// Base cost of a read that is sent with POST.
fn asked(parts: &[&str]) -> Option<u32> {
    match parts {
        [.., "checkmembergroups" | "checkmemberobjects" | "ismemberof"] => Some(4),
        [.., "getmembergroups" | "getmemberobjects"] => Some(2),
        [.., "getbyids" | "getobjectsbyid"] => Some(5),
        _ => None,
    }
}

/// Resource units. What the table has for `me` goes for `users/{id}` too; a cast at its end changes nothing.
fn units(write: bool, parts: &[&str], query: &str) -> u32 {
    if write {
        return 1;
    }
    let base: u32 = asked(parts).unwrap_or(match parts {
        ["groups", _, "transitivemembers", ..] => 5,
        ["domains", _, "domainnamereferences"] => 4,
        ["contracts" | "subscribedskus"] | ["groups", _, "members", ..] => 3,
        ["applications" | "users"]
        | ["applications", _, "extensionproperties"]
        | ["serviceprincipals", _, "approleassignments"]
        | ["oauth2permissiongrants", ..]
        | ["users" | "serviceprincipals", _, "oauth2permissiongrants"]
        | ["users", _, "memberof" | "transitivememberof" | "ownedobjects" | "licensedetails", ..]
        | ["me", "memberof" | "transitivememberof" | "ownedobjects" | "licensedetails", ..] => 2,
        _ => 1,
    });
    let selects = option(query, "$select").is_some();
    if selects && matches!(parts, [.., "getbyids" | "getobjectsbyid"]) {
        return 2;
    }
    let few = option(query, "$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|top| top < 20);
    let more = u32::from(option(query, "$expand").is_some());
    (base + more).saturating_sub(u32::from(selects) + u32::from(few)).max(1)
}

/// A query option, also where its name is percent-encoded, as in a link to the next page.
fn option<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find_map(|(key, value)| {
        let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_the_documentation() {
        for (method, path, query, units, write) in [
            ("GET", "/v1.0/users", "", 2, false),
            ("GET", "/v1.0/users", "$select=id", 1, false),
            ("GET", "/v1.0/users", "%24select=id&%24top=5&$expand=manager", 1, false),
            ("GET", "/v1.0/users", "$top=20", 2, false),
            ("GET", "/v1.0/users/x", "$select=id", 1, false),
            ("GET", "/v1.0/users/x", "$expand=manager", 2, false),
            ("GET", "/v1.0/groups/g/members", "", 3, false),
            ("GET", "/v1.0/groups/g/transitiveMembers/microsoft.graph.user", "", 5, false),
            ("GET", "/v1.0/users/x/transitiveMemberOf/microsoft.graph.group", "", 2, false),
            ("POST", "/v1.0/users/x/checkMemberGroups", "", 4, false),
            ("POST", "/v1.0/users/x/getMemberObjects", "", 2, false),
            ("POST", "/v1.0/directoryObjects/getByIds", "", 5, false),
            ("POST", "/v1.0/directoryObjects/getByIds", "$select=id", 2, false),
            ("GET", "/v1.0/servicePrincipals(appId='a')/appRoleAssignments", "", 2, false),
            ("GET", "/v1.0/servicePrincipals/a/appRoleAssignedTo", "", 1, false),
            ("GET", "/v1.0/oauth2PermissionGrants/g", "", 2, false),
            ("GET", "/v1.0/subscribedSkus", "", 3, false),
            ("POST", "/v1.0/users/x/revokeSignInSessions", "", 1, true),
            ("DELETE", "/v1.0/oauth2PermissionGrants/g", "", 1, true),
            ("PATCH", "/v1.0/users/x", "", 1, true),
        ] {
            let load = Load::of(method, path, query);
            assert_eq!((load.units, load.write), (units, write), "{method} {path}?{query}");
        }
    }

    #[test]
    fn a_device_write_counts_with_the_directory_and_for_the_signed_in_user() {
        let load = Load::of("PATCH", "/v1.0/devices/d", "");
        let taken = |delegated| {
            let quotas = load.scope().quotas(TenantSize::Large, delegated);
            quotas.iter().map(|quota| (quota.most, load.takes(quota))).collect::<Vec<_>>()
        };
        assert_eq!(taken(false), [(8000, 1), (3000, 1)]);
        assert_eq!(taken(true), [(8000, 1), (3000, 1), (25, 1)]);
    }

    #[test]
    fn mailboxes_have_quotas_of_their_own() {
        let of = |path| Load::of("GET", path, "").mailbox;
        assert_eq!(of("/v1.0/users/A@contoso.com/mailFolders/inbox/messageRules"), "a@contoso.com");
        assert_eq!(of("/v1.0/users/b/mailboxSettings"), "b");
        assert_eq!(of("/v1.0/users/b/memberOf"), "");
    }
}
