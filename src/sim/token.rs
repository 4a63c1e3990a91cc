//! Access tokens and the endpoint that issues them.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use percent_encoding::percent_decode;
use serde_json::{Value, json};

use super::Tenant;
use super::directory::object_id;
use super::error::{GraphError, Outcome};
use super::permission::Caller;
use super::service_principal::{GRAPH_APP_ID, ServicePrincipal};
use crate::graph::Reply;
use crate::graph::known::EXCHANGE_APP_ID;

/// Seconds that a token lives, as the endpoint says.
pub const LIFETIME: i64 = 3599;

/// Whom a token is for, and the application id of that service.
type Audience = (&'static str, &'static str);

const GRAPH: Audience = ("https://graph.microsoft.com", GRAPH_APP_ID);
const EXCHANGE: Audience = ("https://outlook.office365.com", EXCHANGE_APP_ID);

impl Tenant {
    /// A token for the application of that name, with the permissions that it has now. An unknown name gives
    /// a token that Graph refuses.
    pub fn token(&self, app: &str, now: Timestamp) -> String {
        self.token_for(app, GRAPH, now)
    }

    /// A token of the application for Exchange Online.
    pub fn exchange_token(&self, app: &str, now: Timestamp) -> String {
        self.token_for(app, EXCHANGE, now)
    }

    fn token_for(&self, app: &str, (audience, resource): Audience, now: Timestamp) -> String {
        let found = self.app(app);
        let claims = json!({
            "aud": audience,
            "iss": format!("https://sts.windows.net/{}/", self.tenant_id),
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": now.as_second() + LIFETIME,
            "app_displayname": found.map(|sp| &sp.display_name),
            "appid": found.map(|sp| &sp.app_id),
            "idtyp": "app",
            "oid": found.map(|sp| &sp.id),
            "roles": found.map(|sp| self.permissions_at(resource, sp)),
            "sub": found.map(|sp| &sp.id),
            "tid": self.tenant_id,
            "ver": "1.0",
        });
        let header = json!({"typ": "JWT", "alg": "none"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode("simulated"))
    }

    /// The application permissions of a service principal.
    pub(super) fn permissions_of(&self, sp: &ServicePrincipal) -> Vec<String> {
        [GRAPH_APP_ID, EXCHANGE_APP_ID].iter().flat_map(|app_id| self.permissions_at(app_id, sp)).collect()
    }

    /// The values of the roles of one service that have been assigned to a service principal.
    fn permissions_at(&self, app_id: &str, sp: &ServicePrincipal) -> Vec<String> {
        let graph = self.directory.service_principal(&format!("appId={app_id}"));
        let graph_id = graph.map(|g| g.id.as_str()).unwrap_or_default();
        let roles = graph.map(|g| g.app_roles.as_slice()).unwrap_or_default();
        self.directory
            .app_roles
            .iter()
            .filter(|a| a.principal_id == sp.id && a.resource_id == graph_id)
            .filter_map(|a| roles.iter().find(|(id, _)| *id == a.app_role_id).map(|(_, value)| value.clone()))
            .collect()
    }

    /// Reads a token, as Graph would.
    pub(super) fn caller(&self, bearer: Option<&str>, now: Timestamp) -> Outcome<Caller> {
        self.caller_at(GRAPH, bearer, now)
    }

    /// Reads a token, as Exchange Online would.
    pub(super) fn exchange_caller(&self, bearer: Option<&str>, now: Timestamp) -> Outcome<Caller> {
        self.caller_at(EXCHANGE, bearer, now)
    }

    fn caller_at(&self, at: Audience, bearer: Option<&str>, now: Timestamp) -> Outcome<Caller> {
        let (audience, app_id) = at;
        let refuse = GraphError::token;
        let token = bearer.filter(|t| !t.is_empty()).ok_or_else(|| refuse("Access token is empty."))?;
        let claims =
            claims(token).ok_or_else(|| refuse("CompactToken parsing failed with error code: 80049217"))?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default();
        if text("aud").trim_end_matches('/') != audience && text("aud") != app_id {
            return Err(refuse("Access token validation failure. Invalid audience."));
        }
        if claims["exp"].as_i64().is_none_or(|exp| exp <= now.as_second()) {
            return Err(refuse("Lifetime validation failed, the token is expired."));
        }
        if text("tid") != self.tenant_id {
            return Err(refuse("Access token validation failure. Invalid tenant."));
        }
        let known = self.directory.service_principals.iter().any(|sp| sp.id == text("oid"));
        if !known {
            return Err(GraphError::new(
                401,
                "Authorization_IdentityNotFound",
                "The identity of the calling application could not be established.",
            ));
        }
        let roles = claims["roles"].as_array().into_iter().flatten();
        Ok(Caller {
            app_id: text("appid").to_owned(),
            object_id: text("oid").to_owned(),
            permissions: roles.filter_map(|r| r.as_str().map(str::to_owned)).collect(),
        })
    }

    /// `POST /{tenant}/oauth2/v2.0/token`
    pub(super) fn issue(&mut self, tenant: &str, form: &[u8], now: Timestamp) -> Reply {
        let form: Vec<(String, String)> = form
            .split(|b| *b == b'&')
            .map(|pair| {
                let (name, value) = pair.split_at(pair.iter().position(|b| *b == b'=').unwrap_or(pair.len()));
                (decode(name), decode(value.strip_prefix(b"=").unwrap_or_default()))
            })
            .collect();
        let field = |name: &str| form.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
        let (status, body) = match self.sign_in(tenant, &field, now) {
            Ok(token) => {
                let body = json!({
                    "token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME,
                    "access_token": token,
                });
                (200, body)
            }
            Err(refusal) => {
                self.answered += 1;
                let trace = object_id("trace", &self.answered.to_string());
                (refusal.status, refusal.body(&trace, now))
            }
        };
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Reply { status, headers, body: body.to_string().into_bytes() }
    }

    fn sign_in<'a>(
        &self,
        tenant: &str,
        field: &dyn Fn(&str) -> &'a str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let here = tenant == self.tenant_id
            || self.directory.domains.iter().any(|d| d.name.eq_ignore_ascii_case(tenant));
        if !here {
            return Err(Refusal::new(
                400,
                "invalid_request",
                90002,
                format!(
                    "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
                ),
            ));
        }
        if field("grant_type") != "client_credentials" {
            return Err(Refusal::new(
                400,
                "unsupported_grant_type",
                70003,
                "The app requested an unsupported grant type.".into(),
            ));
        }
        if !field("scope").ends_with("/.default") {
            return Err(Refusal::new(400, "invalid_scope", 70011, "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid.".into()));
        }
        let client = field("client_id");
        let app =
            self.directory.service_principals.iter().find(|sp| sp.app_id == client).ok_or_else(|| {
                Refusal::new(
                    400,
                    "unauthorized_client",
                    700_016,
                    format!(
                        "Application with identifier '{client}' was not found in the directory '{}'.",
                        self.directory.display_name
                    ),
                )
            })?;
        if !app.enabled {
            return Err(Refusal::new(
                401,
                "invalid_client",
                7_000_112,
                format!("Application '{client}' is disabled."),
            ));
        }
        let asserted = claims(field("client_assertion")).is_some_and(|c| {
            c["iss"] == client
                && c["sub"] == client
                && c["exp"].as_i64().is_some_and(|exp| exp > now.as_second())
        });
        let signed_in = match field("client_secret") {
            "" if field("client_assertion").is_empty() => false,
            "" if !asserted => {
                return Err(Refusal::new(401, "invalid_client", 700_027, "The certificate with identifier used to sign the client assertion is not registered on application.".into()));
            }
            "" => true,
            secret => app.secret.as_deref() == Some(secret),
        };
        if !signed_in {
            return Err(Refusal::new(
                401,
                "invalid_client",
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
                ),
            ));
        }
        let for_exchange = field("scope").starts_with("https://outlook.");
        Ok(self.token_for(&app.name, if for_exchange { EXCHANGE } else { GRAPH }, now))
    }
}

fn decode(text: &[u8]) -> String {
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

/// The payload of a JWT; its signature means nothing here.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// An error of the token endpoint.
struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    message: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, code: u32, message: String) -> Self {
        Self { status, error, code, message }
    }

    fn body(&self, trace: &str, now: Timestamp) -> Value {
        let stamp = format!("{now:.0}").replace('T', " ");
        json!({
            "error": self.error,
            "error_description": format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {trace} Timestamp: {stamp}", self.code, self.message),
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": trace,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        })
    }
}
