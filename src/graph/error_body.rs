//! What an error answer says. Each of Graph's back-ends has its own shape, so nothing here is required.
//!
//! <https://learn.microsoft.com/graph/errors>

use serde_json::{Map, Value};

use super::Reply;

/// The longest message that is kept.
const LONGEST: usize = 600;

/// How deep `innerError` is followed.
const DEEPEST: usize = 8;

/// The parts of an error body. Text comes from the service and may hold names from the tenant: hostile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The code to branch on.
    pub code: Option<String>,
    /// For people; not stable.
    pub message: Option<String>,
    /// `request-id`, from the header or else from the body.
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// Reads an answer of any shape: Graph's envelope, a back-end's, HTML, nothing.
    pub fn of(reply: &Reply) -> Self {
        let mut found = match serde_json::from_slice::<Value>(&reply.body) {
            Ok(Value::Object(body)) => from_object(&body),
            _ => Self { message: describe(&reply.body), ..Self::default() },
        };
        if let Some(id) = reply.header("request-id").filter(|id| !id.is_empty()) {
            found.request_id = Some(cut(id));
        }
        found
    }
}

fn from_object(body: &Map<String, Value>) -> ErrorBody {
    let mut found = ErrorBody::default();
    match member(body, "error") {
        Some(Value::Object(error)) => {
            of_cmdlet(error, &mut found);
            collect(error, &mut found, DEEPEST);
        }
        // The shape of OAuth: {"error":"invalid_client","error_description":"…"}.
        Some(Value::String(code)) => {
            found.code = Some(cut(code));
            found.message = text(body, "error_description");
        }
        // Some back-ends answer with the inside alone: {"Message":"…"}.
        _ => collect(body, &mut found, DEEPEST),
    }
    found
}

/// A cmdlet of Exchange Online says what went wrong in its details alone, as `id|type of exception|message`.
fn of_cmdlet(error: &Map<String, Value>, found: &mut ErrorBody) {
    let details = member(error, "details").and_then(Value::as_array).into_iter().flatten();
    let texts = details.filter_map(Value::as_object).filter_map(|detail| text(detail, "message"));
    let parts = texts.filter_map(|text| {
        let mut parts = text.splitn(3, '|').map(str::to_owned);
        Some((parts.next()?, parts.next()?, parts.next()?))
    });
    if let Some((_, exception, message)) = { parts }.next() {
        found.code = exception.rsplit('.').next().map(cut);
        found.message = Some(message);
    }
}

/// Takes what is still missing from this level, then from the ones inside.
fn collect(level: &Map<String, Value>, found: &mut ErrorBody, depth: usize) {
    found.code = found.code.take().or_else(|| text(level, "code"));
    found.message = found.message.take().or_else(|| text(level, "message")).or_else(|| {
        // OData v3: {"message":{"lang":"en-US","value":"…"}}.
        member(level, "message").and_then(Value::as_object).and_then(|m| text(m, "value"))
    });
    found.request_id = found.request_id.take().or_else(|| text(level, "request-id"));
    if let (Some(Value::Object(inner)), 1..) = (member(level, "innererror"), depth) {
        collect(inner, found, depth - 1);
    }
}

/// A member by its name in any case.
fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    member(object, name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(cut)
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// A body that isn't a JSON object, in words.
fn describe(body: &[u8]) -> Option<String> {
    let shown = String::from_utf8_lossy(&body[..body.len().min(4 * LONGEST)]);
    let shown = shown.trim();
    if shown.is_empty() {
        None
    } else if shown.starts_with('<') {
        Some("a web page instead of JSON".to_owned())
    } else {
        Some("an answer that is not JSON".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> ErrorBody {
        ErrorBody::of(&Reply { status: 400, headers: vec![], body: body.into() })
    }

    fn parts(code: Option<&str>, message: Option<&str>, request_id: Option<&str>) -> ErrorBody {
        ErrorBody {
            code: code.map(Into::into),
            message: message.map(Into::into),
            request_id: request_id.map(Into::into),
        }
    }

    #[test]
    fn every_shape_gives_what_it_has() {
        for (body, want) in [
            (
                r#"{"error":{"code":"Request_ResourceNotFound","message":"gone","innerError":{"date":"2022-03-28T07:32:32","request-id":"r1"}}}"#,
                parts(Some("Request_ResourceNotFound"), Some("gone"), Some("r1")),
            ),
            (
                r#"{"error":{"code":"NotFound","message":"Error executing cmdlet","details":[{"code":"Context","target":"","message":"Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The object | is not there."}],"innererror":{"message":"Error executing cmdlet"}}}"#,
                parts(Some("ManagementObjectNotFoundException"), Some("The object | is not there."), None),
            ),
            (
                r#"{"error":{"code":"UnknownError","message":"","innererror":{"message":"deep","request-id":"r2","INNERERROR":{"code":"x"}}}}"#,
                parts(Some("UnknownError"), Some("deep"), Some("r2")),
            ),
            (r#"{"error":{"innerError":{"code":"inner"}}}"#, parts(Some("inner"), None, None)),
            (r#"{"Message":"resource not found"}"#, parts(None, Some("resource not found"), None)),
            (
                r#"{"odata.error":1,"error":{"code":"c","message":{"lang":"en","value":"v"}}}"#,
                parts(Some("c"), Some("v"), None),
            ),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215"}"#,
                parts(Some("invalid_client"), Some("AADSTS7000215"), None),
            ),
            (r#"{"error":{"code":429,"message":["x"]}}"#, parts(None, None, None)),
            (r#"{"error":null}"#, parts(None, None, None)),
            ("<html><body>502</body></html>", parts(None, Some("a web page instead of JSON"), None)),
            (r#"{"error":{"code":"cut"#, parts(None, Some("an answer that is not JSON"), None)),
            ("[1]", parts(None, Some("an answer that is not JSON"), None)),
            ("", parts(None, None, None)),
        ] {
            assert_eq!(read(body), want, "{body}");
        }
    }

    #[test]
    fn the_header_names_the_request_rather_than_the_body() {
        let reply = Reply {
            status: 403,
            headers: vec![("request-id".into(), "header".into())],
            body: br#"{"error":{"innerError":{"request-id":"body"}}}"#.to_vec(),
        };
        assert_eq!(ErrorBody::of(&reply).request_id.as_deref(), Some("header"));
    }

    #[test]
    fn a_hostile_body_can_neither_recurse_nor_flood() {
        let nested = format!("{}{}", r#"{"innerError":"#.repeat(100), "1".to_owned() + &"}".repeat(100));
        assert_eq!(read(&nested), ErrorBody::default());
        let long = read(&format!(r#"{{"error":{{"message":"{}"}}}}"#, "é".repeat(5000)));
        assert_eq!(long.message.unwrap().chars().count(), LONGEST);
    }
}
