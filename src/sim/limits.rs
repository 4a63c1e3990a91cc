//! Throttling: token buckets in resource units, writes and requests, and places at a mailbox.
//!
//! <https://learn.microsoft.com/graph/throttling-limits>

use std::collections::HashMap;

use jiff::Timestamp;

use super::error::GraphError;
use super::request::Ask;

/// The quotas of one application in one tenant. Defaults are those of a small tenant.
///
/// Writes to devices have a quota for each signed-in user too; callers here are applications, which have none.
#[derive(Debug, Clone)]
pub struct Limits {
    units: Bucket,
    writes: Bucket,
    /// Identity Protection and Conditional Access: of all applications together.
    protection: Bucket,
    /// Authentication methods, audit logs, reports.
    reports: Bucket,
    intune: Bucket,
    intune_writes: Bucket,
    mailboxes: HashMap<String, Mailbox>,
    /// What the request that is being answered left used of the resource units.
    share: Option<f64>,
}

/// Requests to one mailbox.
#[derive(Debug, Clone)]
struct Mailbox {
    bucket: Bucket,
    under_way: usize,
}

/// Requests to a mailbox that may be under way at once.
const AT_ONCE: usize = 4;

/// From this share of the limit on, answers tell it.
const TOLD_FROM: f64 = 0.8;

/// Holds up to `size`, and refills in `seconds`.
#[derive(Debug, Clone)]
struct Bucket {
    size: f64,
    seconds: f64,
    level: f64,
    at: Option<Timestamp>,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(3500, 3000)
    }
}

/// Which service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service<'a> {
    Directory,
    Protection,
    Reports,
    Intune,
    Mailbox(&'a str),
}

impl Limits {
    /// So many resource units in 10 seconds, so many writes in 150.
    pub fn new(units: u32, writes: u32) -> Self {
        Self {
            units: Bucket::new(units, 10.0),
            writes: Bucket::new(writes, 150.0),
            protection: Bucket::new(1, 1.0),
            reports: Bucket::new(5, 10.0),
            intune: Bucket::new(1000, 20.0),
            intune_writes: Bucket::new(100, 20.0),
            mailboxes: HashMap::new(),
            share: None,
        }
    }

    /// Takes what the request costs, or says when to come again.
    pub(super) fn charge(&mut self, ask: &Ask, app_id: &str, now: Timestamp) -> Result<(), GraphError> {
        let write = ask.is_write();
        let told = |wait: f64| GraphError::throttled(Some(format!("{:.3}", (wait * 1000.0).ceil() / 1000.0)));
        match service(&ask.segments()) {
            Service::Protection => self.protection.take(1.0, now).map_err(|_| GraphError::throttled(None)),
            Service::Reports => self.reports.take(1.0, now).map_err(told),
            Service::Intune => {
                let any = self.intune.take(1.0, now);
                let writes = if write { self.intune_writes.take(1.0, now) } else { Ok(()) };
                any.and(writes).map_err(told)
            }
            Service::Mailbox(owner) => {
                let mailbox = self.mailbox(owner);
                let within = mailbox.under_way <= AT_ONCE;
                mailbox
                    .bucket
                    .take(1.0, now)
                    .and(if within { Ok(()) } else { Err(1.0) })
                    .map_err(|wait| GraphError { code: "ApplicationThrottled", ..told(wait) })
            }
            Service::Directory => {
                let read = self.units.take(f64::from(cost(ask)), now);
                let writes = if write { self.writes.take(1.0, now) } else { Ok(()) };
                self.share = Some(self.units.used()).filter(|share| *share >= TOLD_FROM);
                for (result, kind, what) in [
                    (read, "ReadWrite", "ResourceUnitLimitExceeded"),
                    (writes, "Write", "WriteLimitExceeded"),
                ] {
                    result.map_err(|wait| {
                        let mut error = told(wait);
                        error
                            .headers
                            .push(("x-ms-throttle-scope", format!("Tenant_Application/{kind}/{app_id}")));
                        error.headers.push(("x-ms-throttle-information", what.to_owned()));
                        error
                    })?;
                }
                Ok(())
            }
        }
    }

    /// What the request that is being answered left used of the limit, where that is told.
    pub(super) fn told_share(&mut self) -> Option<f64> {
        self.share.take()
    }

    /// A request to a mailbox sets out. Gives whose mailbox.
    pub(super) fn enter(&mut self, method: &str, url: &str) -> Option<String> {
        let ask = Ask::parse(method, url)?;
        let Service::Mailbox(owner) = service(&ask.segments()) else { return None };
        self.mailbox(owner).under_way += 1;
        Some(owner.to_owned())
    }

    /// It is back.
    pub(super) fn leave(&mut self, owner: &str) {
        let mailbox = self.mailbox(owner);
        mailbox.under_way = mailbox.under_way.saturating_sub(1);
    }

    fn mailbox(&mut self, owner: &str) -> &mut Mailbox {
        let new = || Mailbox { bucket: Bucket::new(10_000, 600.0), under_way: 0 };
        self.mailboxes.entry(owner.to_ascii_lowercase()).or_insert_with(new)
    }
}

impl Bucket {
    fn new(size: u32, seconds: f64) -> Self {
        Self { size: f64::from(size), seconds, level: f64::from(size), at: None }
    }

    /// `Err`: the seconds until there is enough.
    fn take(&mut self, cost: f64, now: Timestamp) -> Result<(), f64> {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        self.at = Some(now);
        self.level = (self.level + passed * self.size / self.seconds).min(self.size);
        if self.level >= cost {
            self.level -= cost;
            return Ok(());
        }
        Err((cost - self.level) * self.seconds / self.size)
    }

    fn used(&self) -> f64 {
        1.0 - self.level / self.size
    }
}

fn service<'a>(path: &[&'a str]) -> Service<'a> {
    match path {
        ["identityProtection", ..] | ["identity", "conditionalAccess", ..] => Service::Protection,
        ["users", _, "authentication", ..] | ["auditLogs" | "reports", ..] => Service::Reports,
        ["deviceManagement" | "deviceAppManagement", ..] => Service::Intune,
        ["users", owner, "mailFolders" | "mailboxSettings" | "messages" | "inferenceClassification", ..] => {
            Service::Mailbox(owner)
        }
        _ => Service::Directory,
    }
}

/// The published base costs; what is not here costs 1. `*` is any segment.
const COSTS: &[(&str, &str, u32)] = &[
    ("GET", "applications", 2),
    ("GET", "applications/*/extensionProperties", 2),
    ("GET", "contracts", 3),
    ("POST", "directoryObjects/getByIds", 5),
    ("GET", "domains/*/domainNameReferences", 4),
    ("GET", "groups/*/members", 3),
    ("GET", "groups/*/transitiveMembers", 5),
    ("POST", "users/*/isMemberOf", 4),
    ("POST", "users/*/checkMemberGroups", 4),
    ("POST", "users/*/checkMemberObjects", 4),
    ("POST", "users/*/getMemberGroups", 2),
    ("POST", "users/*/getMemberObjects", 2),
    ("GET", "users/*/licenseDetails", 2),
    ("GET", "users/*/memberOf", 2),
    ("GET", "users/*/ownedObjects", 2),
    ("GET", "users/*/transitiveMemberOf", 2),
    ("GET", "oauth2PermissionGrants", 2),
    ("GET", "oauth2PermissionGrants/*", 2),
    ("GET", "users/*/oauth2PermissionGrants", 2),
    ("GET", "servicePrincipals/*/oauth2PermissionGrants", 2),
    ("GET", "servicePrincipals/*/appRoleAssignments", 2),
    ("GET", "subscribedSkus", 3),
    ("GET", "users", 2),
];

/// Resource units of a request.
pub fn cost(ask: &Ask) -> u32 {
    let cast = ask.path.last().is_some_and(|last| last.starts_with("microsoft.graph."));
    let path = &ask.path[..ask.path.len() - usize::from(cast)];
    let fits = |pattern: &str| {
        pattern.split('/').count() == path.len()
            && pattern.split('/').zip(path).all(|(wanted, part)| wanted == "*" || wanted == part)
    };
    let listed = COSTS.iter().find(|(method, pattern, _)| *method == ask.method && fits(pattern));
    let base = listed.map_or(1, |(.., cost)| *cost);
    if ask.is_write() {
        return base;
    }
    let selects = ask.option("$select").is_some();
    if selects && path.last().is_some_and(|last| last == "getByIds") {
        return 2;
    }
    let few = ask.option("$top").and_then(|t| t.parse::<u32>().ok()).is_some_and(|top| top < 20);
    let less = u32::from(selects) + u32::from(few);
    (base + u32::from(ask.option("$expand").is_some())).saturating_sub(less).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_refuses_and_says_how_long() {
        let mut limits = Limits::new(2, 100);
        let ask = Ask::parse("GET", "https://h/v1.0/users/x").unwrap();
        let start = Timestamp::UNIX_EPOCH;
        assert!(limits.charge(&ask, "app", start).is_ok());
        assert!(limits.charge(&ask, "app", start).is_ok());
        let refused = limits.charge(&ask, "app", start).unwrap_err();
        assert_eq!(refused.status, 429);
        assert_eq!(refused.headers[0], ("retry-after", "5.000".to_owned()));
        assert!(limits.charge(&ask, "app", Timestamp::from_second(5).unwrap()).is_ok());
    }

    #[test]
    fn risk_and_conditional_access_take_one_a_second_and_do_not_say_how_long() {
        let mut limits = Limits::default();
        let ask = Ask::parse("GET", "https://h/v1.0/identity/conditionalAccess/policies").unwrap();
        let start = Timestamp::UNIX_EPOCH;
        assert!(limits.charge(&ask, "a", start).is_ok());
        let refused = limits.charge(&ask, "a", start).unwrap_err();
        assert_eq!((refused.status, refused.headers.len()), (429, 0));
        assert!(limits.charge(&ask, "a", Timestamp::from_second(1).unwrap()).is_ok());
    }

    #[test]
    fn select_makes_a_read_cheaper() {
        let cost_of = |url| cost(&Ask::parse("GET", url).unwrap());
        assert_eq!(cost_of("https://h/v1.0/users/x/transitiveMemberOf"), 2);
        assert_eq!(cost_of("https://h/v1.0/users/x/transitiveMemberOf?$select=id"), 1);
        assert_eq!(cost_of("https://h/v1.0/users/x?$select=id"), 1);
    }

    #[test]
    fn the_client_reads_the_documentation_as_the_service_does() {
        use crate::graph::limits::Load;
        let objects =
            ["users", "groups", "servicePrincipals", "applications", "devices", "domains", "contracts"];
        let roots = ["oauth2PermissionGrants", "subscribedSkus", "organization", "directoryObjects/getByIds"];
        let relations = [
            "",
            "memberOf",
            "transitiveMemberOf",
            "members",
            "transitiveMembers",
            "ownedObjects",
            "licenseDetails",
            "oauth2PermissionGrants",
            "appRoleAssignments",
            "appRoleAssignedTo",
            "extensionProperties",
            "domainNameReferences",
            "checkMemberGroups",
            "getMemberGroups",
            "checkMemberObjects",
            "getMemberObjects",
            "revokeSignInSessions",
            "registeredDevices",
            "authentication/methods",
            "mailFolders/inbox/messageRules",
        ];
        let queries =
            ["", "?$select=id", "?$expand=x", "?$top=5", "?$top=500", "?$select=id&$top=1&$expand=x"];
        let of = |object: &str| relations.map(|r| format!("{object}/i/{r}").trim_end_matches('/').to_owned());
        let mut paths: Vec<String> = objects.iter().flat_map(|object| of(object)).collect();
        paths.extend(objects.iter().chain(&roots).map(|root| (*root).to_owned()));
        paths.push("users/i/transitiveMemberOf/microsoft.graph.group".into());
        paths.push("servicePrincipals(appId='a')/appRoleAssignments".into());
        let mut compared = 0;
        for (path, method) in paths.iter().flat_map(|p| ["GET", "POST", "PATCH", "DELETE"].map(|m| (p, m))) {
            let posted = ["Groups", "Objects", "getByIds", "Sessions"].iter().any(|end| path.ends_with(end));
            // What the directory has no such method for costs nothing that anybody published.
            if posted != (method == "POST") && (posted || method == "POST")
                || path == "users/i/ownedObjects/x"
            {
                continue;
            }
            let users = [
                "memberOf",
                "transitiveMemberOf",
                "ownedObjects",
                "licenseDetails",
                "MemberGroups",
                "MemberObjects",
            ];
            if !path.starts_with("users") && users.iter().any(|end| path.ends_with(end)) {
                continue;
            }
            for query in queries {
                let ask = Ask::parse(method, &format!("https://h/v1.0/{path}{query}")).unwrap();
                let load = Load::of(method, &format!("/v1.0/{path}"), query.trim_start_matches('?'));
                assert_eq!((load.units, load.write), (cost(&ask), ask.is_write()), "{method} {path}{query}");
                compared += 1;
            }
        }
        assert!(compared > 1000, "{compared}");
    }

    #[test]
    fn a_mailbox_takes_four_requests_at_once() {
        let mut limits = Limits::default();
        let url = "https://h/v1.0/users/x/mailFolders/inbox/messageRules";
        let (ask, start) = (Ask::parse("GET", url).unwrap(), Timestamp::UNIX_EPOCH);
        for _ in 0..4 {
            assert_eq!(limits.enter("GET", url).as_deref(), Some("x"));
            assert!(limits.charge(&ask, "a", start).is_ok());
        }
        limits.enter("GET", url);
        let refused = limits.charge(&ask, "a", start).unwrap_err();
        assert_eq!((refused.status, refused.code), (429, "ApplicationThrottled"));
        limits.leave("X");
        assert!(limits.charge(&ask, "a", start).is_ok());
    }

    #[test]
    fn a_limit_that_is_nearly_used_up_is_told() {
        let mut limits = Limits::new(10, 100);
        let ask = Ask::parse("GET", "https://h/v1.0/users/x").unwrap();
        let mut told = Vec::new();
        for _ in 0..10 {
            limits.charge(&ask, "a", Timestamp::UNIX_EPOCH).unwrap();
            told.extend(limits.told_share());
        }
        assert_eq!(told.len(), 3);
        assert!((told[2] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn reports_share_five_in_ten_seconds_and_leave_the_directory_alone() {
        let mut limits = Limits::new(1, 1);
        let mut charge = |path: &str| {
            let ask = Ask::parse("GET", &format!("https://h/v1.0/{path}")).unwrap();
            limits.charge(&ask, "a", Timestamp::UNIX_EPOCH).is_ok()
        };
        let reports =
            ["users/x/authentication/methods", "auditLogs/signIns", "reports/authenticationMethods/x"];
        assert_eq!(reports.map(&mut charge), [true; 3]);
        assert_eq!([reports[0]; 3].map(&mut charge), [true, true, false]);
        assert!(charge("users/x"));
    }
}
