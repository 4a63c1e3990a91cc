//! How a [`Graph`] keeps within the quotas of its tenant, and what it tells about that.

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::client::{Graph, Outgoing, Session};
use super::family::Family;
use super::limits::{Permit, TellWait, TenantSize};
use super::request_time::RequestTime;
use super::retry::{RetryAfter, TooLong};
use super::{Claims, Reply};

impl Graph {
    /// Doesn't pace itself to the published limits; it still waits when an answer asks for it. For a simulated
    /// tenant that doesn't throttle.
    #[must_use]
    pub fn unpaced(mut self) -> Self {
        self.limits = self.limits.unpaced();
        self
    }

    /// Says how large the tenant is, which decides how much it may be asked. Small otherwise.
    #[must_use]
    pub fn sized(mut self, size: TenantSize) -> Self {
        self.limits = self.limits.sized(size);
        self
    }

    /// Stays within the quotas together with all processes that share this folder. It is made when it is first needed;
    /// where it can't be used, that is logged once and this process keeps to the quotas by itself.
    #[must_use]
    pub fn sharing_limits(mut self, folder: PathBuf) -> Self {
        self.limits = self.limits.sharing(folder);
        self
    }

    /// Tells of the waits that are worth a word: why, and how long.
    #[must_use]
    pub fn telling(mut self, to: TellWait) -> Self {
        self.limits = self.limits.telling(to);
        self
    }

    /// Waits before a request is sent again.
    pub(super) async fn pause(&self, out: &Outgoing<'_>, wait: RetryAfter, status: Option<u16>, why: &str) {
        let family = out.load().family;
        let why = match status {
            Some(429) => format!("the service throttles {} requests", family.name()),
            Some(status) => format!("{family} requests: HTTP {status}: {why}", family = family.name()),
            None => format!("{} requests: {why}", family.name()),
        };
        self.limits.told.waits(family, &why, wait.wait, self.clock().steady());
        self.clock().sleep(wait.wait).await;
    }

    /// How many answers of this tenant were 429 so far.
    pub fn throttled(&self) -> u64 {
        self.limits.throttled()
    }

    /// Until when the service has asked a family of this tenant to wait, by the machine's clock; `None` when there is
    /// no such wait, or it is over.
    pub fn throttled_until(&self) -> Option<(Family, Timestamp)> {
        self.limits.throttled_until()
    }

    /// Waits for a request's turn.
    pub(super) async fn admit(
        &self,
        out: &Outgoing<'_>,
        session: &Session,
        time: &mut RequestTime<'_>,
    ) -> Result<Permit, TooLong> {
        self.limits.join(|| Claims::decode(session.token.secret.expose_secret()));
        self.limits.admit(&out.load(), time).await
    }

    /// Makes the whole family wait when the answer was 429.
    pub(super) fn heed(&self, out: &Outgoing<'_>, reply: Option<&Reply>, asked: RetryAfter) {
        if reply.is_some_and(|reply| reply.status == 429) {
            self.limits.refused(&out.load(), asked.wait);
        }
    }
}
