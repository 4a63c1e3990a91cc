//! A time as a tenant file writes it: absolute, or relative to the start of the simulation.

use std::borrow::Cow;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// `2026-01-31T08:00:00Z`, or `-2h` and `+50m` from the start of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A point in time.
    At(Timestamp),
    /// That long after the start; before it when negative.
    FromStart(SignedDuration),
}

impl Moment {
    /// So many days before the start.
    pub const fn days_ago(days: i64) -> Self {
        Self::FromStart(SignedDuration::from_hours(-24 * days))
    }

    /// The point in time, for a simulation that starts then.
    pub fn at(self, start: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::FromStart(duration) => start.saturating_add(duration).unwrap_or(start),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        length(text).map(Self::FromStart).map_err(|_| {
            format!(
                "{text:?} is not a time: write 2026-01-31T08:00:00Z, or -2h for two hours before the start"
            )
        })
    }
}

/// A length of time such as `30m`, `1h 30m`, `-400d`. A day is 24 hours.
pub fn length(text: &str) -> Result<SignedDuration, String> {
    let span: Span =
        text.parse().map_err(|_| format!("{text:?} is not a duration: write 30s, 5m, 2h, 400d"))?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|e| e.to_string())
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "RFC 3339, or a duration from the start of the simulation: -2h, +50m, -400d",
            "examples": ["2026-01-31T08:00:00Z", "-2h"]
        })
    }
}

/// A length of time in a tenant file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub SignedDuration);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match length(&text) {
            Ok(length) if !length.is_negative() => Ok(Self(length)),
            Ok(_) => Err(de::Error::custom(format!("{text:?} is negative"))),
            Err(message) => Err(de::Error::custom(message)),
        }
    }
}

impl JsonSchema for Length {
    fn schema_name() -> Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "a duration: 200ms, 30s, 5m, 2h", "examples": ["30m"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_relative_to_the_start() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!("-2h".parse::<Moment>().unwrap().at(start).to_string(), "2026-03-01T10:00:00Z");
        assert_eq!("+50m".parse::<Moment>().unwrap().at(start).to_string(), "2026-03-01T12:50:00Z");
        assert_eq!("-1d".parse::<Moment>().unwrap().at(start).to_string(), "2026-02-28T12:00:00Z");
        let fixed = "2020-01-01T00:00:00Z";
        assert_eq!(fixed.parse::<Moment>().unwrap().at(start).to_string(), fixed);
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["", "yesterday", "1", "2h ago ago", "-9999999999999999999d"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
