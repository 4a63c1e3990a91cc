//! Which Microsoft cloud a tenant is in, and what Graph lacks there.
//!
//! <https://learn.microsoft.com/graph/deployments>

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Path, Target};

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// Everybody, GCC included.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (DoD).
    UsDod,
    /// China, operated by 21Vianet.
    China,
}

/// The cloud in China alone.
pub(crate) const IN_CHINA: &[Cloud] = &[Cloud::China];
/// Every national cloud.
pub(crate) const BUT_GLOBAL: &[Cloud] = &[Cloud::UsGov, Cloud::UsDod, Cloud::China];

/// What the schema of a cloud doesn't have: the end of a resource's path, and where it is missing. The sign-in
/// preferences are in no published schema; they are taken to be where the list of methods is.
///
/// <https://github.com/microsoftgraph/msgraph-metadata/tree/master/schemas>
const MISSING: &[(&str, &[Cloud])] = &[
    ("/identityProtection/riskyUsers", IN_CHINA),
    ("/identityProtection/riskDetections", IN_CHINA),
    ("/messageRules", IN_CHINA),
    ("/authentication/methods", IN_CHINA),
    ("/authentication/signInPreferences", IN_CHINA),
    ("/authentication/passwordMethods", IN_CHINA),
    ("/authentication/emailMethods", IN_CHINA),
    ("/authentication/temporaryAccessPassMethods", IN_CHINA),
    ("/authentication/fido2Methods", IN_CHINA),
    ("/authentication/softwareOathMethods", IN_CHINA),
    ("/authentication/hardwareOathMethods", IN_CHINA),
    ("/authentication/windowsHelloForBusinessMethods", IN_CHINA),
    ("/authentication/externalAuthenticationMethods", BUT_GLOBAL),
    ("/security/identities/identityAccounts", BUT_GLOBAL),
];

impl Cloud {
    /// For `skip_serializing_if`: most tenants are there.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_global(&self) -> bool {
        *self == Self::Global
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "the global cloud",
            Self::UsGov => "the US Government cloud (GCC High)",
            Self::UsDod => "the US Government cloud (DoD)",
            Self::China => "the cloud in China (21Vianet)",
        }
    }

    /// The resource on this path that Graph lacks in this cloud; such a request ends in a 400 for certain.
    pub fn lacks(self, path: &Path) -> Option<&'static str> {
        // Graph takes names in any case. A name from outside can't hold a slash: it is encoded.
        let path = format!("{path}/").to_ascii_lowercase();
        let on_path = |resource: &str| path.contains(&format!("{resource}/").to_ascii_lowercase());
        let missing = MISSING.iter().find(|(resource, clouds)| clouds.contains(&self) && on_path(resource));
        missing.and_then(|(resource, _)| resource.rsplit('/').next())
    }
}

impl Finding {
    /// What a person does where Graph of the tenant's cloud has none of this.
    pub fn not_in_cloud(who: &Target, what: &str, next: impl Into<String>) -> Self {
        let cloud = who.tenant.cloud.name();
        Self::open(&who.user, format!("{cloud} has no {what} in Graph: left to a person"), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Get, Tenant};

    #[test]
    fn a_cloud_lacks_a_resource_with_all_below_it_and_nothing_that_only_sounds_like_it() {
        let lacks = |cloud: Cloud, path: &[&str]| cloud.lacks(&Get::new(path.iter().copied()).path);
        let rule = ["users", "u", "mailFolders", "inbox", "MessageRules", "r"];
        assert_eq!(lacks(Cloud::China, &rule), Some("messageRules"));
        assert_eq!(lacks(Cloud::UsGov, &rule), None);
        let methods = ["users", "u", "authentication", "methods"];
        assert_eq!(lacks(Cloud::China, &methods), Some("methods"));
        assert_eq!(lacks(Cloud::China, &["users", "u", "authentication", "phoneMethods"]), None);
        assert_eq!(lacks(Cloud::China, &["users", "u", "authentication/methods"]), None);
        let invoke = ["security", "identities", "identityAccounts", "i", "invokeAction"];
        for cloud in BUT_GLOBAL {
            assert_eq!(lacks(*cloud, &invoke), Some("identityAccounts"));
        }
        for (resource, _) in MISSING {
            let path: Vec<&str> = resource.split('/').skip(1).collect();
            assert_eq!(lacks(Cloud::Global, &path), None, "{resource}");
            assert!(lacks(Cloud::China, &path).is_some(), "{resource}");
        }
    }

    #[test]
    fn a_tenant_of_an_older_journal_is_in_the_global_cloud_and_reads_as_before() {
        let old = r#"{"id":"i","display_name":"Contoso","domains":["contoso.com"]}"#;
        let tenant: Tenant = serde_json::from_str(old).unwrap();
        assert_eq!(tenant.cloud, Cloud::Global);
        assert_eq!(serde_json::to_string(&tenant).unwrap(), old);
        let china = Tenant { cloud: Cloud::China, ..tenant };
        let json = serde_json::to_value(&china).unwrap();
        assert_eq!(json["cloud"], "china");
        assert_eq!(serde_json::from_value::<Tenant>(json).unwrap(), china);
    }
}
