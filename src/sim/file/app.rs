//! Applications of a tenant file, what was consented to them and who is assigned to them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::yes;
use crate::sim::moment::Moment;

/// A secret or a certificate of an app.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppCredential {
    /// Its name.
    pub name: String,
    /// When it was added.
    pub added: Option<Moment>,
    /// It is at the service principal, and not at the registration.
    #[serde(default)]
    pub on_service_principal: bool,
}

/// A federated credential of an app.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// Its name.
    pub name: String,
    /// Whose tokens are trusted.
    pub issuer: String,
    /// The subject of the tokens.
    pub subject: String,
}

/// An application's service principal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name in this file.
    pub name: String,
    /// Display name, when it differs.
    pub display_name: Option<String>,
    /// Object id of the service principal.
    pub id: Option<String>,
    /// Application (client) id.
    pub app_id: Option<String>,
    /// Where it is registered: `microsoft`, a tenant id, or a name that an id is made from. This tenant by
    /// default.
    pub home: Option<String>,
    /// The verified publisher's name.
    pub verified_publisher: Option<String>,
    /// The publisher's name, which nobody verified.
    pub publisher: Option<String>,
    /// `false`: disabled in this tenant.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Microsoft has disabled it everywhere.
    #[serde(default)]
    pub disabled_by_microsoft: bool,
    /// Only assigned users may sign in.
    #[serde(default)]
    pub assignment_required: bool,
    /// It holds a role in Exchange itself, of those that allow the cmdlets; so does who is Exchange or Global
    /// Administrator.
    #[serde(default)]
    pub exchange_role: bool,
    /// Redirect URLs.
    #[serde(default)]
    pub reply_urls: Vec<String>,
    /// Home page.
    pub homepage: Option<String>,
    /// Notes of the tenant's administrators.
    pub notes: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Application permissions on Microsoft Graph.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// Directory roles of the service principal.
    #[serde(default)]
    pub roles: Vec<String>,
    /// App roles that it offers to users.
    #[serde(default)]
    pub offers: Vec<String>,
    /// Owners of the registration, and of the service principal when the app comes from elsewhere: users by
    /// UPN.
    #[serde(default)]
    pub owners: Vec<String>,
    /// When it was registered; 400 days ago by default.
    pub created: Option<Moment>,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<AppCredential>,
    /// Certificates.
    #[serde(default)]
    pub certificates: Vec<AppCredential>,
    /// Federated credentials.
    #[serde(default)]
    pub federated: Vec<FederatedCredential>,
    /// The client secret that the token endpoint takes.
    pub secret: Option<String>,
}

/// A delegated consent (`oauth2PermissionGrant`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The client, by its name in this file.
    pub app: String,
    /// The user, by UPN; left out: an administrator consented for everyone.
    pub user: Option<String>,
    /// Scopes, separated by spaces and kept as they are.
    pub scopes: String,
    /// The resource, by its name in this file; Microsoft Graph by default.
    pub resource: Option<String>,
    /// Id.
    pub id: Option<String>,
}

/// An app role assignment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The resource, by its name in this file.
    pub app: String,
    /// The role, one that the app offers; default access otherwise.
    pub role: Option<String>,
    /// To a user, by UPN.
    pub user: Option<String>,
    /// To a group, by name.
    pub group: Option<String>,
    /// When; 400 days ago by default.
    pub created: Option<Moment>,
    /// Id.
    pub id: Option<String>,
}
