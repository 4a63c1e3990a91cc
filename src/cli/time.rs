//! Times and durations as people type them.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::engine::Since;
use crate::failure::{Code, Failure, Result};

/// A duration such as `90s`, `10m`, `1h 30m`, `7d`.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || "give a duration such as 90s, 10m, 36h or 7d".to_owned();
    let duration = signed(text).ok_or_else(wrong)?;
    Duration::try_from(duration).ok().filter(|d| !d.is_zero()).ok_or_else(wrong)
}

/// A moment: RFC 3339, a date (midnight UTC), or how long ago.
///
/// # Errors
/// [`Code::InvalidTime`].
pub fn since(text: &str, now: Timestamp) -> Result<Since> {
    let wrong = |what: &str| {
        Failure::new(
            Code::InvalidTime,
            format!("--since {:?} {what}", text.chars().take(40).collect::<String>()),
        )
        .next("give a time (2026-11-24T03:10:00Z), a date (2026-11-24), or how long ago (36h, 7d)")
    };
    let midnight = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    let moment = text.parse::<Timestamp>().ok().or_else(|| text.parse::<Date>().ok().and_then(midnight));
    let age = || signed(text.trim_start_matches('-')).filter(|age| now.checked_sub(*age).is_ok());
    match moment {
        Some(moment) if moment > now => Err(wrong("is in the future")),
        Some(moment) => Ok(Since::At(moment)),
        None => age().map(Since::Ago).ok_or_else(|| wrong("is no time")),
    }
}

fn signed(text: &str) -> Option<SignedDuration> {
    text.parse::<Span>()
        .ok()?
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .ok()
        .filter(|d| !d.is_negative())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_date_or_an_age() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("2026-11-24T03:10:00Z", "2026-11-24T03:10:00Z"),
            ("2026-11-24T04:10:00+01:00", "2026-11-24T03:10:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap(), Since::At(wanted.parse().unwrap()), "{text}");
        }
        for (text, hours) in [("36h", 36), ("-2h", 2), ("7d", 168)] {
            assert_eq!(since(text, now).unwrap(), Since::Ago(SignedDuration::from_hours(hours)), "{text}");
        }
        for text in ["", "yesterday", "2027-01-01", "2026-13-01", "7", "999999999999y"] {
            assert_eq!(since(text, now).unwrap_err().code, Code::InvalidTime, "{text}");
        }
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
