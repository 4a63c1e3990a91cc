//! What is read, in our words: consents, assignments and apps. Odd or missing members become "unknown",
//! never an error, because an app's owner chooses most of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The role that stands for "may use the app, with no role in it".
///
/// <https://learn.microsoft.com/graph/api/resources/approleassignment>
pub(super) const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// A delegated consent. It has no creation date.
///
/// <https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Id of the grant.
    pub id: String,
    /// Service principal that may act.
    pub client: String,
    /// Service principal that it may act on.
    pub resource: String,
    /// Whose data, for a user's own consent; `None` for everyone's.
    pub principal: Option<String>,
    /// `Principal` or `AllPrincipals`.
    pub consent_type: String,
    /// Scopes as Graph wrote them: spaces in front and between vary, and the undo must give them back.
    pub scope: String,
}

impl Grant {
    /// Reads one from Graph's JSON.
    pub fn parse(json: &Value) -> Self {
        Self {
            id: text(json, "id").unwrap_or_default(),
            client: text(json, "clientId").unwrap_or_default(),
            resource: text(json, "resourceId").unwrap_or_default(),
            principal: text(json, "principalId"),
            consent_type: text(json, "consentType").unwrap_or_default(),
            scope: text(json, "scope").unwrap_or_default(),
        }
    }

    /// Whether an administrator consented for every user.
    pub fn is_tenant_wide(&self) -> bool {
        self.consent_type == "AllPrincipals"
    }

    /// Whether it has all that ending it and giving it back need.
    pub fn is_whole(&self) -> bool {
        ![&self.id, &self.client, &self.resource, &self.scope].iter().any(|part| part.is_empty())
    }

    /// The scopes, one by one.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.split_whitespace()
    }
}

/// An app-role assignment of the user, or of a group of theirs.
///
/// <https://learn.microsoft.com/graph/api/resources/approleassignment>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Id of the assignment.
    pub id: String,
    /// The role in the app.
    pub role: String,
    /// Service principal of the app.
    pub resource: String,
    /// Name of the app; hostile.
    pub resource_name: String,
    /// Who holds it.
    pub principal: String,
    /// `User` or `Group`.
    pub principal_type: String,
    /// Name of who holds it; hostile.
    pub principal_name: String,
    /// When it was given. Consent gives one, so this dates the consent.
    pub created: Option<Timestamp>,
}

impl Assignment {
    /// Reads one from Graph's JSON.
    pub fn parse(json: &Value) -> Self {
        Self {
            id: text(json, "id").unwrap_or_default(),
            role: text(json, "appRoleId").unwrap_or_default(),
            resource: text(json, "resourceId").unwrap_or_default(),
            resource_name: text(json, "resourceDisplayName").unwrap_or_default(),
            principal: text(json, "principalId").unwrap_or_default(),
            principal_type: text(json, "principalType").unwrap_or_default(),
            principal_name: text(json, "principalDisplayName").unwrap_or_default(),
            created: moment(json, "createdDateTime"),
        }
    }

    /// Whether it has all that ending it and giving it back need.
    pub fn is_whole(&self) -> bool {
        ![&self.id, &self.role, &self.resource].iter().any(|part| part.is_empty())
    }

    /// Whether it is the user's own. The list also holds those of groups that the user is a member of.
    pub fn is_own(&self, user_id: &str) -> bool {
        self.principal_type == "User" && self.principal == user_id
    }
}

/// A service principal: an app as this tenant sees it.
///
/// <https://learn.microsoft.com/graph/api/resources/serviceprincipal>
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Application (client) id, the same in every tenant.
    pub application_id: String,
    /// Name; hostile.
    pub name: String,
    /// `false`: disabled in this tenant.
    pub enabled: Option<bool>,
    /// Set when Microsoft disabled it everywhere.
    pub disabled_by_microsoft: Option<String>,
    /// The tenant in which it is registered.
    pub home_tenant: Option<String>,
    /// Name of the publisher, when Microsoft verified it; hostile.
    pub verified_publisher: Option<String>,
    /// Where tokens and codes are sent; hostile.
    pub reply_urls: Vec<String>,
    /// Whether it names a home page, terms of service or a privacy statement.
    pub has_pages: bool,
    /// Whether it is hidden from the user's app list.
    pub hidden: bool,
    /// Whether sign-in needs an assignment.
    pub assignment_required: bool,
    /// When it came into this tenant.
    pub created: Option<Timestamp>,
}

impl App {
    /// What `$select` has to name.
    pub const SELECT: &'static [&'static str] = &[
        "id",
        "appId",
        "displayName",
        "appDisplayName",
        "accountEnabled",
        "disabledByMicrosoftStatus",
        "appOwnerOrganizationId",
        "verifiedPublisher",
        "servicePrincipalType",
        "signInAudience",
        "replyUrls",
        "homepage",
        "info",
        "tags",
        "appRoleAssignmentRequired",
        "createdDateTime",
    ];

    /// Reads one from Graph's JSON.
    pub fn parse(json: &Value) -> Self {
        let disabled_by_microsoft =
            text(json, "disabledByMicrosoftStatus").filter(|status| status != "NotDisabled");
        let publisher = &json["verifiedPublisher"];
        let verified_publisher =
            text(publisher, "verifiedPublisherId").map(|id| text(publisher, "displayName").unwrap_or(id));
        let info = &json["info"];
        Self {
            application_id: text(json, "appId").unwrap_or_default(),
            name: text(json, "displayName").or_else(|| text(json, "appDisplayName")).unwrap_or_default(),
            enabled: json["accountEnabled"].as_bool(),
            disabled_by_microsoft,
            home_tenant: text(json, "appOwnerOrganizationId"),
            verified_publisher,
            reply_urls: strings(json, "replyUrls"),
            has_pages: text(json, "homepage").is_some()
                || ["termsOfServiceUrl", "privacyStatementUrl"].iter().any(|page| text(info, page).is_some()),
            hidden: strings(json, "tags").iter().any(|tag| tag == "HideApp"),
            assignment_required: json["appRoleAssignmentRequired"].as_bool().unwrap_or_default(),
            created: moment(json, "createdDateTime"),
        }
    }
}

/// A string member; an empty one is as good as none.
fn text(json: &Value, name: &str) -> Option<String> {
    json[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn strings(json: &Value, name: &str) -> Vec<String> {
    json[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn moment(json: &Value, name: &str) -> Option<Timestamp> {
    json[name].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_split_at_any_spaces() {
        let grant = Grant::parse(&json!({ "scope": "  Mail.Read   openid\u{a0}profile " }));
        assert_eq!(grant.scopes().collect::<Vec<_>>(), ["Mail.Read", "openid", "profile"]);
        assert_eq!(grant.scope, "  Mail.Read   openid\u{a0}profile ", "the undo gives it back as it was");
    }

    #[test]
    fn any_json_is_an_object_of_unknowns() {
        for odd in
            [json!(null), json!([1]), json!("x"), json!({ "id": 7, "replyUrls": { "a": 1 }, "info": [] })]
        {
            assert_eq!(Grant::parse(&odd).id, "");
            assert_eq!(Assignment::parse(&odd).created, None);
            assert_eq!(App::parse(&odd), App::default());
        }
    }

    #[test]
    fn a_publisher_is_verified_by_its_id_and_not_by_a_name() {
        let of = |publisher| App::parse(&json!({ "verifiedPublisher": publisher })).verified_publisher;
        assert_eq!(of(json!({ "displayName": "Fabrikam" })), None);
        assert_eq!(of(json!({ "displayName": null, "verifiedPublisherId": null })), None);
        assert_eq!(
            of(json!({ "displayName": "Fabrikam", "verifiedPublisherId": "5555" })),
            Some("Fabrikam".into())
        );
    }

    #[test]
    fn an_assignment_of_a_group_is_not_the_users_own() {
        let of = |kind, principal: &str| {
            Assignment::parse(&json!({ "principalType": kind, "principalId": principal })).is_own("adele")
        };
        assert!(of("User", "adele"));
        assert!(!of("Group", "adele") && !of("User", "alex") && !of("Group", "staff"));
    }
}
