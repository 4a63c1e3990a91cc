//! Throttling of the directory: token buckets in resource units and writes.
//!
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>

use jiff::Timestamp;

use super::error::GraphError;
use super::request::Ask;

/// The quotas of one application in one tenant. Defaults are those of a small tenant.
#[derive(Debug, Clone)]
pub struct Limits {
    units: Bucket,
    writes: Bucket,
    /// Identity Protection and Conditional Access: of all applications together.
    protection: Bucket,
    /// Authentication methods.
    reports: Bucket,
    device_writes: Bucket,
}

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

impl Limits {
    /// So many resource units in 10 seconds, so many writes in 150.
    pub fn new(units: u32, writes: u32) -> Self {
        Self {
            units: Bucket::new(units, 10.0),
            writes: Bucket::new(writes, 150.0),
            protection: Bucket::new(1, 1.0),
            reports: Bucket::new(5, 10.0),
            device_writes: Bucket::new(25, 10.0),
        }
    }

    /// Takes what the request costs, or says when to come again.
    pub(super) fn charge(&mut self, ask: &Ask, app_id: &str, now: Timestamp) -> Result<u32, GraphError> {
        let cost = cost(ask);
        let protected = matches!(
            ask.segments().as_slice(),
            ["identityProtection", ..] | ["identity", "conditionalAccess", ..]
        );
        if protected && self.protection.take(1.0, now).is_err() {
            return Err(GraphError::throttled(None));
        }
        let own = match ask.segments().as_slice() {
            ["users", _, "authentication", ..] => Some(&mut self.reports),
            ["devices", ..] if ask.is_write() => Some(&mut self.device_writes),
            _ => None,
        };
        if let Some(Err(wait)) = own.map(|bucket| bucket.take(1.0, now)) {
            return Err(GraphError::throttled(Some(format!("{wait:.3}"))));
        }
        let read = self.units.take(f64::from(cost), now);
        let write = if ask.is_write() { self.writes.take(1.0, now) } else { Ok(()) };
        for (result, kind, what) in
            [(read, "ReadWrite", "ResourceUnitLimitExceeded"), (write, "Write", "WriteLimitExceeded")]
        {
            if let Err(wait) = result {
                let mut error = GraphError::throttled(Some(format!("{wait:.3}")));
                error.headers.push(("x-ms-throttle-scope", format!("Tenant_Application/{kind}/{app_id}")));
                error.headers.push(("x-ms-throttle-information", what.to_owned()));
                return Err(error);
            }
        }
        Ok(cost)
    }
}

impl Bucket {
    fn new(size: u32, seconds: f64) -> Self {
        Self { size: f64::from(size), seconds, level: f64::from(size), at: None }
    }

    /// `Err`: the seconds until there is enough.
    fn take(&mut self, cost: f64, now: Timestamp) -> Result<(), f64> {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        self.at = Some(now);
        self.level = (self.level + passed * self.size / self.seconds).min(self.size);
        if self.level >= cost {
            self.level -= cost;
            return Ok(());
        }
        Err((cost - self.level) * self.seconds / self.size)
    }
}

/// Resource units of a request.
pub fn cost(ask: &Ask) -> u32 {
    if ask.is_write() {
        return 1;
    }
    let base: u32 = match ask.segments().as_slice() {
        [.., "checkMemberGroups"] => 4,
        ["users"]
        | [.., "memberOf" | "transitiveMemberOf" | "ownedObjects" | "oauth2PermissionGrants"]
        | ["oauth2PermissionGrants", _]
        | ["servicePrincipals", _, "appRoleAssignments"] => 2,
        _ => 1,
    };
    let few = ask.option("$top").and_then(|t| t.parse::<u32>().ok()).is_some_and(|top| top < 20);
    let less = u32::from(ask.option("$select").is_some()) + u32::from(few);
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
}
