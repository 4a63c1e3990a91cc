//! What a playbook may set for `review_consents`.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// Settings of the review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// From this risk on, what the user gave an app is ended.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 0, max = 100))]
    pub min_risk: u8,
    /// Apps that stay, by application id or service principal id, whatever their risk. Wins over `remove`.
    pub keep: Vec<String>,
    /// Apps that go, by application id or service principal id, whatever their risk.
    pub remove: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { min_risk: 50, keep: vec![], remove: vec![] }
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        percent @ 0..=100 => Ok(percent),
        more => Err(de::Error::custom(format_args!("min_risk is {more}, and must be from 0 to 100"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &Value) -> Result<Settings, String> {
        Settings::deserialize(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_risk_is_a_percentage() {
        assert_eq!(read(&json!({})).unwrap(), Settings::default());
        assert_eq!(read(&json!({ "min_risk": 100 })).unwrap().min_risk, 100);
        assert!(read(&json!({ "min_risk": 101 })).unwrap_err().contains("from 0 to 100"));
        assert!(read(&json!({ "min_risk": -1 })).is_err());
        assert!(read(&json!({ "min_risk": "50" })).is_err());
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        assert!(read(&json!({ "minrisk": 10 })).unwrap_err().contains("minrisk"));
    }

    #[test]
    fn the_schema_knows_the_range() {
        let schema = schemars::schema_for!(Settings);
        assert_eq!(schema.as_value().pointer("/properties/min_risk/maximum"), Some(&json!(100)));
    }
}
