//! A Graph request taken apart: version, path segments, query options, body.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::error::{GraphError, Outcome};
use crate::graph::Request;

/// The version that stands for cmdlets of Exchange Online.
const EXCHANGE: &str = "exchange";

/// What is asked of the service.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub method: String,
    /// `https://graph.microsoft.com/v1.0`
    pub base: String,
    /// `v1.0` or `beta`.
    pub version: String,
    /// Path below the version and query, as it came.
    pub target: String,
    /// Path segments, decoded; `users('x')` is `users`, `x`.
    pub path: Vec<String>,
    /// Query options, decoded.
    pub query: Vec<(String, String)>,
    pub body: Body,
    /// `ConsistencyLevel: eventual` was sent.
    pub eventual: bool,
    pub client_request_id: Option<String>,
}

/// The body of a request.
#[derive(Debug, Clone, Default)]
pub enum Body {
    #[default]
    Absent,
    Malformed,
    Json(Value),
}

impl Ask {
    /// Takes an HTTP request apart.
    pub fn new(request: &Request) -> Option<Self> {
        let mut ask = Self::parse(request.method, &request.url)?;
        let header = |name: &str| {
            request.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        ask.eventual = header("consistencylevel").is_some_and(|v| v.eq_ignore_ascii_case("eventual"));
        ask.client_request_id = header("client-request-id");
        ask.body = match request.body.as_deref() {
            None => Body::Absent,
            Some(bytes) if bytes.is_empty() => Body::Absent,
            Some(bytes) => serde_json::from_slice(bytes).map_or(Body::Malformed, Body::Json),
        };
        ask.unwrap_cmdlet();
        Some(ask)
    }

    /// Takes a cmdlet out of its envelope: `/exchange/Get-Mailbox`, with the parameters as the body.
    fn unwrap_cmdlet(&mut self) {
        let (Body::Json(body), [_, tenant, last]) = (&self.body, self.path.as_slice()) else { return };
        let input = &body["CmdletInput"];
        let Some(name) = input["CmdletName"].as_str().filter(|_| last == "InvokeCommand") else { return };
        if self.version != "adminapi" {
            return;
        }
        self.query = vec![("tenant".to_owned(), tenant.clone())];
        self.target = format!("/{EXCHANGE}/{name}");
        self.path = vec![EXCHANGE.to_owned(), name.to_owned()];
        self.body = Body::Json(input["Parameters"].clone());
        EXCHANGE.clone_into(&mut self.version);
    }

    /// The cmdlet of Exchange Online that is to run.
    pub fn cmdlet(&self) -> Option<&str> {
        (self.version == EXCHANGE).then(|| self.path.last().map(String::as_str))?
    }

    /// Takes a method and an absolute URL apart.
    pub fn parse(method: &str, url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (host, rest) = rest.split_once('/')?;
        let (version, target) = rest.split_once('/').unwrap_or((rest, ""));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Some(Self {
            method: method.to_owned(),
            base: format!("{scheme}://{host}/{version}"),
            version: version.to_owned(),
            target: format!("/{target}"),
            path: path.split('/').filter(|s| !s.is_empty()).flat_map(segment).collect(),
            query: query.collect(),
            ..Self::default()
        })
    }

    /// A query option by its name, such as `$select`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path's segments, to match on.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The body, which has to be a JSON object.
    pub fn object(&self) -> Outcome<&serde_json::Map<String, Value>> {
        match &self.body {
            Body::Json(Value::Object(members)) => Ok(members),
            Body::Absent => Err(GraphError::bad_request("Empty Payload. JSON content expected.")),
            Body::Malformed | Body::Json(_) => Err(GraphError {
                code: "BadRequest",
                ..GraphError::bad_request(
                    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
                )
            }),
        }
    }

    /// Whether it changes something.
    pub fn is_write(&self) -> bool {
        if let Some(cmdlet) = self.cmdlet() {
            return !cmdlet.starts_with("Get-");
        }
        let reads = [
            "checkMemberGroups",
            "checkMemberObjects",
            "getMemberGroups",
            "getMemberObjects",
            "isMemberOf",
            "getByIds",
            "$batch",
        ];
        self.method != "GET" && !self.path.last().is_some_and(|last| reads.contains(&last.as_str()))
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// `users('x')` → `users`, `x`; `servicePrincipals(appId='x')` → `servicePrincipals`, `appId=x`.
fn segment(raw: &str) -> Vec<String> {
    let text = decode(raw);
    let keyed = text.strip_suffix("')").and_then(|rest| rest.split_once('('));
    match keyed.and_then(|(name, key)| Some((name, key.split_once('\'')?))) {
        Some((name, (property, value))) => {
            vec![name.to_owned(), format!("{property}{}", value.replace("''", "'"))]
        }
        None => vec![text],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_parentheses_are_segments() {
        let ask =
            Ask::parse("GET", "https://h/v1.0/servicePrincipals(appId='a-1')?$select=id,appId").unwrap();
        assert_eq!(ask.path, ["servicePrincipals", "appId=a-1"]);
        assert_eq!(ask.option("$select"), Some("id,appId"));
        assert_eq!(Ask::parse("GET", "https://h/v1.0/users('$x@y')").unwrap().path, ["users", "$x@y"]);
    }

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        let ask = Ask::parse("GET", "https://h/v1.0/users/a%2Fb%23c?$filter=x%20eq%20'%2B'").unwrap();
        assert_eq!(ask.path, ["users", "a/b#c"]);
        assert_eq!(ask.option("$filter"), Some("x eq '+'"));
    }
}
