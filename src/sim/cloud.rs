//! What Graph of a national cloud doesn't have: there it is an unknown segment, as any other.
//!
//! <https://learn.microsoft.com/graph/deployments>

use super::error::{GraphError, Outcome};
use super::request::Ask;
use crate::graph::Cloud;

/// The kinds of authentication methods that Graph of the cloud in China has.
const METHODS_IN_CHINA: &[&str] =
    &["microsoftAuthenticatorMethods", "phoneMethods", "platformCredentialMethods"];

/// Refuses what isn't there. Exchange Online's cmdlets are in all clouds.
pub fn check(cloud: Cloud, ask: &Ask) -> Outcome<()> {
    let china = cloud == Cloud::China;
    let missing = match ask.segments().as_slice() {
        ["identityProtection", of @ ("riskyUsers" | "riskDetections"), ..] if china => Some(*of),
        ["users", _, "mailFolders", _, of @ "messageRules", ..] if china => Some(*of),
        ["users", _, "authentication", of, ..] if china && !METHODS_IN_CHINA.contains(of) => Some(*of),
        ["users", _, "authentication", of @ "externalAuthenticationMethods", ..]
            if cloud != Cloud::Global =>
        {
            Some(*of)
        }
        ["security", "identities", of @ "identityAccounts", ..] if cloud != Cloud::Global => Some(*of),
        _ => None,
    };
    missing.map_or(Ok(()), |segment| Err(GraphError::unknown_segment(segment)))
}
