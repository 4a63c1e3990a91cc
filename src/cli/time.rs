//! Times and durations as people type them.

use std::time::Duration;

use jiff::Timestamp;

use crate::engine::Since;
use crate::failure::{Code, Failure, Result};
use crate::since;

/// A duration such as `90s`, `10m`, `1h 30m`, `7d`.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || "give a duration such as 90s, 10m, 36h or 7d".to_owned();
    let duration = since::age(text).ok_or_else(wrong)?;
    Duration::try_from(duration).ok().filter(|d| !d.is_zero()).ok_or_else(wrong)
}

/// A moment: RFC 3339, a date (midnight UTC), or how long ago.
///
/// # Errors
/// [`Code::InvalidTime`].
pub fn since(text: &str, now: Timestamp) -> Result<Since> {
    since::parse(text, now).map_err(|what| {
        let text: String = text.chars().take(40).collect();
        Failure::new(Code::InvalidTime, format!("--since {text:?} {what}"))
            .next(format!("give {}", since::FORMS))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_moment_is_told_with_its_text() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let failure = since("yesterday", now).unwrap_err();
        assert_eq!(
            (failure.code, failure.what.as_str()),
            (Code::InvalidTime, "--since \"yesterday\" is no time")
        );
        assert!(since("36h", now).is_ok());
    }

    #[test]
    fn a_duration_is_more_than_nothing() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for text in ["0s", "-5m", "soon", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
