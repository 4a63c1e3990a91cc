//! The start of the compromise window as people write it, on the command line and in a list of users.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::engine::Since;

/// What may be written, for errors.
pub const FORMS: &str = "a time (2026-11-24T03:10:00Z), a date (2026-11-24), or how long ago (36h, 7d)";

/// A moment: RFC 3339, a date (midnight UTC), or how long ago.
///
/// # Errors
/// What is wrong with the text, to be said behind it: `is in the future`, `is no time`.
pub fn parse(text: &str, now: Timestamp) -> Result<Since, &'static str> {
    let midnight = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    let moment = text.parse::<Timestamp>().ok().or_else(|| text.parse::<Date>().ok().and_then(midnight));
    let ago = || age(text.trim_start_matches('-')).filter(|age| now.checked_sub(*age).is_ok());
    match moment {
        Some(moment) if moment > now => Err("is in the future"),
        Some(moment) => Ok(Since::At(moment)),
        None => ago().map(Since::Ago).ok_or("is no time"),
    }
}

/// A length of time such as `90s`, `1h 30m`, `7d`; days have 24 hours.
pub fn age(text: &str) -> Option<SignedDuration> {
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
            assert_eq!(parse(text, now), Ok(Since::At(wanted.parse().unwrap())), "{text}");
        }
        for (text, hours) in [("36h", 36), ("-2h", 2), ("7d", 168)] {
            assert_eq!(parse(text, now), Ok(Since::Ago(SignedDuration::from_hours(hours))), "{text}");
        }
        assert_eq!(parse("2027-01-01", now), Err("is in the future"));
        for text in ["", "yesterday", "2026-13-01", "7", "999999999999y"] {
            assert_eq!(parse(text, now), Err("is no time"), "{text}");
        }
    }
}
