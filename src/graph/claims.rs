//! What an access token says about who holds it.
//!
//! Decoded and not validated: Graph validates it, and Microsoft calls it opaque to its bearer. So these are
//! hints for a better message, never proof.
//!
//! <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

/// The claims that we look at. All empty for a token that is no JWT.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `roles`: application permissions. May be missing although some are granted.
    pub roles: Vec<String>,
    /// `scp`: delegated permissions.
    pub scopes: Vec<String>,
    /// `oid`: the service principal, or the user.
    pub oid: Option<String>,
    /// `appid` or `azp`: the application.
    pub app_id: Option<String>,
    /// `tid`: the tenant.
    pub tenant_id: Option<String>,
    /// `exp`.
    pub expires_on: Option<Timestamp>,
    /// `wids`: template ids of the directory roles held, for a delegated token.
    pub directory_roles: Vec<String>,
    /// `idtyp`: `app` or `user`.
    pub kind: Option<String>,
    /// `app_displayname`; hostile until escaped.
    pub app_name: Option<String>,
}

impl Claims {
    /// Reads the payload of a JWT. Anything else gives no claims.
    pub fn decode(token: &str) -> Self {
        Self::payload(token).map(|payload| Self::from_payload(&payload)).unwrap_or_default()
    }

    /// Permissions of either kind.
    pub fn permissions(&self) -> Vec<String> {
        self.roles.iter().chain(&self.scopes).cloned().collect()
    }

    /// Whether the token acts for an application and not for a user.
    pub fn is_app(&self) -> bool {
        self.kind.as_deref().map_or(self.scopes.is_empty(), |kind| kind == "app")
    }

    fn payload(token: &str) -> Option<Value> {
        let mut parts = token.split('.');
        let (_, payload) = (parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn from_payload(payload: &Value) -> Self {
        let text = |name: &str| payload[name].as_str().map(str::to_owned);
        let list = |name: &str| {
            let items = payload[name].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            roles: list("roles"),
            scopes: payload["scp"]
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            oid: text("oid"),
            app_id: text("appid").or_else(|| text("azp")),
            tenant_id: text("tid"),
            expires_on: payload["exp"].as_i64().and_then(|s| Timestamp::from_second(s).ok()),
            directory_roles: list("wids"),
            kind: text("idtyp"),
            app_name: text("app_displayname"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn jwt(payload: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload.to_string()))
    }

    #[test]
    fn an_app_token_tells_its_permissions() {
        let claims = Claims::decode(&jwt(&json!({
            "roles": ["User.Read.All", 7, "User.RevokeSessions.All"], "oid": "o", "appid": "a", "tid": "t",
            "exp": 1_700_000_000, "idtyp": "app", "app_displayname": "oust",
        })));
        assert_eq!(claims.roles, ["User.Read.All", "User.RevokeSessions.All"]);
        assert_eq!((claims.oid.as_deref(), claims.app_id.as_deref()), (Some("o"), Some("a")));
        assert_eq!(claims.expires_on.unwrap().as_second(), 1_700_000_000);
        assert!(claims.is_app());
    }

    #[test]
    fn a_delegated_token_tells_scopes_and_roles() {
        let claims =
            Claims::decode(&jwt(&json!({ "scp": "User.Read Mail.Read", "azp": "a", "wids": ["w"] })));
        assert_eq!(claims.permissions(), ["User.Read", "Mail.Read"]);
        assert_eq!(claims.directory_roles, ["w"]);
        assert_eq!(claims.app_id.as_deref(), Some("a"));
        assert!(!claims.is_app());
    }

    #[test]
    fn an_opaque_or_odd_token_has_no_claims() {
        for token in ["", "opaque", "a.b.c", "a.e30", "..", &jwt(&json!([1])), &jwt(&json!({"exp": "x"}))] {
            assert_eq!(Claims::decode(token), Claims::default(), "{token}");
        }
        let odd = jwt(&json!({"exp": i64::MAX, "roles": "User.Read.All", "scp": 1, "oid": null}));
        assert_eq!(Claims::decode(&odd), Claims::default());
    }
}
