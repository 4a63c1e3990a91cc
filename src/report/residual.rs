//! Until when access tokens that were out before the cut still work. A revocation ends refresh tokens and sessions;
//! an access token is ended only by those who ask again whether it still holds.

use jiff::{SignedDuration, Timestamp};
use oust_actions::User;

use super::ResidualAccess;

/// The documented worst case of continuous access evaluation.
///
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation>
const EVALUATED: SignedDuration = SignedDuration::from_mins(15);
/// The default lifetime is random, 60 to 90 minutes.
///
/// <https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes>
const DEFAULT: SignedDuration = SignedDuration::from_mins(90);
/// In tenants without Conditional Access, for clients such as Teams and Microsoft 365.
///
/// <https://learn.microsoft.com/entra/identity-platform/access-tokens#token-lifetime>
const WITHOUT_CONDITIONAL_ACCESS: SignedDuration = SignedDuration::from_hours(2);

/// By kind of client, the shortest first.
pub(super) fn access(cut: Timestamp, user: &User) -> Vec<ResidualAccess> {
    let entry = |clients: &str, after: SignedDuration, because: &str| ResidualAccess {
        clients: clients.to_owned(),
        until: cut + after,
        because: because.to_owned(),
    };
    let mut all = vec![
        entry(
            "other clients",
            DEFAULT,
            "90 minutes after the cut: the longest default lifetime of an access token",
        ),
        entry(
            "Teams and Microsoft 365 clients of a tenant without Conditional Access",
            WITHOUT_CONDITIONAL_ACCESS,
            "2 hours after the cut: their tokens live that long",
        ),
    ];
    // Guests are not covered by it.
    if !user.is_external_guest() {
        let evaluated = entry(
            "clients with continuous access evaluation (Exchange, SharePoint, Teams)",
            EVALUATED,
            "15 minutes after the cut: the documented worst case for a revocation or a disabled account",
        );
        all.insert(0, evaluated);
    }
    all
}
