//! `$batch`: up to 20 requests in one.
//!
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Tenant;
use super::error::{Answer, GraphError, Outcome};
use super::request::{Ask, Body};
use crate::graph::Reply;

const MAX: usize = 20;

impl Tenant {
    /// Answers the requests one after the other; those whose dependency failed with 424.
    pub(super) fn batch(&mut self, ask: &Ask, bearer: Option<&str>, now: Timestamp) -> Outcome {
        let invalid =
            |why: &str| GraphError::new(400, "BadRequest", format!("Invalid batch payload format: {why}"));
        let body = ask.object()?;
        let Some(requests) = body.get("requests").and_then(Value::as_array) else {
            return Err(invalid("'requests' is missing."));
        };
        if requests.is_empty() || requests.len() > MAX {
            return Err(GraphError::new(
                400,
                "BadRequest",
                format!("Number of batch request steps must be between 1 and {MAX}."),
            ));
        }
        let mut statuses: HashMap<&str, u16> = HashMap::new();
        let mut responses = Vec::with_capacity(requests.len());
        for request in requests {
            let text = |name: &str| request.get(name).and_then(Value::as_str);
            let (Some(id), Some(method), Some(url)) = (text("id"), text("method"), text("url")) else {
                return Err(invalid("a request needs 'id', 'method' and 'url'."));
            };
            if statuses.contains_key(id) {
                return Err(invalid("request ids must be unique."));
            }
            let mut failed = false;
            for dependency in request.get("dependsOn").and_then(Value::as_array).into_iter().flatten() {
                match dependency.as_str().and_then(|d| statuses.get(d)) {
                    Some(status) => failed |= *status >= 400,
                    None => return Err(invalid("'dependsOn' must name a request before this one.")),
                }
            }
            let reply = if failed {
                let error = GraphError::new(424, "FailedDependency", "Failed Dependency");
                self.reply(ask, Err(error), now)
            } else {
                self.inner(ask, request, (method, url), bearer, now)
            };
            statuses.insert(id, reply.status);
            let headers: serde_json::Map<String, Value> = reply
                .headers
                .iter()
                .filter(|(name, _)| {
                    matches!(name.as_str(), "content-type" | "retry-after" | "www-authenticate")
                })
                .map(|(name, value)| (title_case(name), value.as_str().into()))
                .collect();
            let mut response = json!({"id": id, "status": reply.status, "headers": headers});
            if let Ok(body) = serde_json::from_slice::<Value>(&reply.body) {
                response["body"] = body;
            }
            responses.push(response);
        }
        Ok(Answer::ok(json!({ "responses": responses })))
    }

    fn inner(
        &mut self,
        outer: &Ask,
        request: &Value,
        (method, url): (&str, &str),
        bearer: Option<&str>,
        now: Timestamp,
    ) -> Reply {
        let parsed = url
            .starts_with('/')
            .then(|| Ask::parse(&method.to_ascii_uppercase(), &format!("{}{url}", outer.base)));
        let Some(mut ask) = parsed.flatten().filter(|a| a.path != ["$batch"]) else {
            let error = GraphError::new(400, "BadRequest", "Invalid request URL in batch.");
            return self.reply(outer, Err(error), now);
        };
        let header = |name: &str| {
            let headers = request.get("headers").and_then(Value::as_object).into_iter().flatten();
            headers
                .into_iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.as_str())
        };
        ask.eventual = header("consistencylevel").is_some_and(|v| v.eq_ignore_ascii_case("eventual"));
        ask.client_request_id = header("client-request-id").map(str::to_owned);
        if let Some(body) = request.get("body").filter(|b| !b.is_null()) {
            if header("content-type").is_none() {
                let error = GraphError::new(
                    400,
                    "BadRequest",
                    "Write request must contain Content-Type header declaration.",
                );
                return self.reply(&ask, Err(error), now);
            }
            ask.body = Body::Json(body.clone());
        }
        self.inside_batch(&ask, bearer, now)
    }
}

fn title_case(name: &str) -> String {
    let part = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}
