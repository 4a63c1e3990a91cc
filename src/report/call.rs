//! A Graph call as a person reads it.

use std::fmt::Write as _;

use oust_actions::{Call, SECRET_KEY};
use serde_json::Value;

use super::escape;

/// The exact call on one line, escaped: `PATCH /v1.0/users/x {"accountEnabled":false}`. A secret is named and
/// not shown: `«new password, never written»`.
pub(super) fn one_line(call: &Call) -> String {
    let mut line = format!("{} {}", call.method.as_str(), call.url());
    if let Some(body) = &call.body {
        line.push(' ');
        json(&mut line, body);
    }
    escape::visible(&line)
}

fn json(out: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            if let (1, Some(Value::String(name))) = (members.len(), members.get(SECRET_KEY)) {
                let _ = write!(out, "«{}, never written»", name.replace('_', " "));
                return;
            }
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let _ = write!(out, "{}:", Value::String(name.clone()));
                json(out, value);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                json(out, item);
            }
            out.push(']');
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oust_actions::Method;
    use serde_json::json;

    #[test]
    fn a_secret_is_named_and_not_shown() {
        let call = Call::new(Method::Patch, ["users", "u1"]).body(json!({
            "passwordProfile": {"password": {"$secret": "new_password"}, "forceChangePasswordNextSignIn": true},
            "list": [1, null, "a\"b"],
        }));
        assert_eq!(
            one_line(&call),
            r#"PATCH /v1.0/users/u1 {"passwordProfile":{"password":«new password, never written»,"forceChangePasswordNextSignIn":true},"list":[1,null,"a\"b"]}"#
        );
    }

    #[test]
    fn a_hostile_value_stays_on_its_line() {
        let call = Call::new(Method::Post, ["x"]).body(json!({"scope": "a\u{202e}\n\u{1b}[2J"}));
        assert_eq!(one_line(&call), r#"POST /v1.0/x {"scope":"a\u{202e}\n\u001b[2J"}"#);
    }
}
