//! Where two snapshots of a tenant differ.

use serde_json::Value;

/// Paths at which two snapshots differ, but for what can't be restored.
pub(super) fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (Some(a), Some(b)) = (before.as_object(), after.as_object()) else { return found };
    for (part, was) in a.iter().filter(|(part, _)| *part != "irreversible") {
        compare(part, was, b.get(part).unwrap_or(&Value::Null), &mut found);
    }
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let (x, y) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(&format!("{path}/{key}"), x, y, found);
            }
        }
        (a, b) if a != b => found.push(path.to_owned()),
        _ => {}
    }
}
