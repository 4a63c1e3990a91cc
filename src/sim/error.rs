//! Error answers, as each back-end of Graph words them.
//!
//! <https://learn.microsoft.com/graph/errors>

use jiff::Timestamp;
use serde_json::{Value, json};

/// What a resource answers.
pub type Outcome<T = Answer> = Result<T, GraphError>;

/// An accepted request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Option<Value>,
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    pub fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    pub fn no_content() -> Self {
        Self { status: 204, body: None }
    }
}

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphError {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub headers: Vec<(&'static str, String)>,
    /// The exception of a cmdlet of Exchange Online, whose errors look different.
    pub exception: Option<&'static str>,
}

impl GraphError {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new(), exception: None }
    }

    /// A cmdlet of Exchange Online failed.
    pub fn cmdlet(status: u16, exception: &'static str, message: impl Into<String>) -> Self {
        Self { exception: Some(exception), ..Self::new(status, "BadRequest", message) }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub fn unsupported_query() -> Self {
        Self::new(400, "Request_UnsupportedQuery", "Unsupported Query.")
    }

    /// The same body for a missing permission and a missing directory role.
    pub fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub fn unknown_segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    pub fn token(message: &str) -> Self {
        let challenge = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"";
        Self {
            headers: vec![("www-authenticate", challenge.to_owned())],
            ..Self::new(401, "InvalidAuthenticationToken", message)
        }
    }

    pub fn throttled(retry_after: Option<String>) -> Self {
        Self {
            headers: retry_after.map(|value| ("retry-after", value)).into_iter().collect(),
            ..Self::new(429, "TooManyRequests", "Please retry again later.")
        }
    }

    /// The body. Graph spells `innerError` and leaves the zone off its `date`.
    pub fn body(&self, request_id: &str, client_request_id: &str, now: Timestamp) -> Value {
        if let Some(exception) = self.exception {
            let message =
                format!("Ex6F9304|Microsoft.Exchange.Configuration.Tasks.{exception}|{}", self.message);
            let details = json!([{"code": "Context", "target": "", "message": message}]);
            return json!({"error": {
                "code": self.code, "message": "Error executing cmdlet", "details": details,
                "innererror": {"message": "Error executing cmdlet"},
            }});
        }
        let date = format!("{now:.0}").trim_end_matches('Z').to_owned();
        let mut inner = json!({
            "date": date, "request-id": request_id, "client-request-id": client_request_id,
        });
        if self.status == 429 {
            inner["code"] = "429".into();
            inner["message"] = "Please retry after".into();
            inner["status"] = "429".into();
        }
        json!({"error": {"code": self.code, "message": self.message, "innerError": inner}})
    }
}
