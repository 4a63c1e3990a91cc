//! How a bulk run stands, in one line.

use jiff::Timestamp;

use crate::engine::event::{Event, What};
use crate::report::{escape, width};

/// A tally in so many columns: in full, else in short, else cut off.
pub(super) fn status(event: &Event, columns: usize) -> Option<String> {
    let full = tally(event)?;
    if width::columns(&full) <= columns {
        return Some(full);
    }
    Some(width::cut(&words(event, true)?, columns))
}

/// A tally in words, escaped; `None` for other events.
pub(in crate::report) fn tally(event: &Event) -> Option<String> {
    words(event, false)
}

/// `123 of 500 cut off, 45 done, 2 failed, waiting for the service until 02:14:07, ends about 03:20 UTC`, or in short
/// `123/500 cut, 45 done, 2 failed, waits 02:14:07, ends 03:20`.
fn words(event: &Event, short: bool) -> Option<String> {
    let What::Tally { users, cut, done, failed, throttled_until, throttled_tenant, estimated_end } =
        &event.what
    else {
        return None;
    };
    let of = |n: &usize, word: &str| {
        if short { format!("{n}/{users} {word}") } else { format!("{n} of {users} {word}") }
    };
    let mut told = if *cut == 0 && *done > 0 {
        // A playbook that cuts nobody off.
        vec![of(done, "done")]
    } else {
        vec![of(cut, if short { "cut" } else { "cut off" }), format!("{done} done")]
    };
    if *failed > 0 {
        told.push(format!("{failed} failed"));
    }
    let waits = throttled_until.filter(|until| *until > event.at);
    if let Some(until) = waits {
        let until = until.strftime("%H:%M:%S");
        let whom =
            throttled_tenant.as_deref().map_or("the service".to_owned(), |t| escape::terminal_within(t, 24));
        told.push(if short { format!("waits {until}") } else { format!("waiting for {whom} until {until}") });
    }
    if let Some(end) = estimated_end {
        let about = if short { "" } else { "about " };
        told.push(format!("ends {about}{}", moment(*end, event.at)));
    }
    let zone = if !short && (waits.is_some() || estimated_end.is_some()) { " UTC" } else { "" };
    Some(told.join(", ") + zone)
}

/// The minute, with the day where it is another one.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let day = |moment: Timestamp| moment.strftime("%m-%d").to_string();
    let form = if day(at) == day(now) { "%H:%M" } else { "%m-%d %H:%M" };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, what: What) -> Event {
        let start: Timestamp = "2026-11-24T02:13:00Z".parse().unwrap();
        Event { at: start + jiff::SignedDuration::from_secs(second), elapsed_ms: 0, what }
    }

    fn so_far(cut: usize, done: usize, failed: usize, until: Option<&str>, end: Option<&str>) -> What {
        What::Tally {
            users: 500,
            cut,
            done,
            failed,
            throttled_until: until.map(|text| text.parse().unwrap()),
            throttled_tenant: None,
            estimated_end: end.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn a_wait_that_is_over_is_not_told_and_another_day_is() {
        let told = |second, end| {
            let what = so_far(123, 45, 2, Some("2026-11-24T02:14:07Z"), end);
            tally(&event(second, what)).unwrap()
        };
        let end = Some("2026-11-24T03:20:31Z");
        assert_eq!(
            told(0, end),
            "123 of 500 cut off, 45 done, 2 failed, waiting for the service until 02:14:07, ends about 03:20 UTC"
        );
        assert_eq!(told(67, end), "123 of 500 cut off, 45 done, 2 failed, ends about 03:20 UTC");
        assert!(told(67, Some("2026-11-25T00:05:00Z")).ends_with("ends about 11-25 00:05 UTC"));
        assert_eq!(told(67, None), "123 of 500 cut off, 45 done, 2 failed");
    }

    #[test]
    fn a_playbook_that_cuts_nobody_off_is_told_by_who_is_done() {
        assert_eq!(tally(&event(0, so_far(0, 7, 1, None, None))).unwrap(), "7 of 500 done, 1 failed");
        assert_eq!(tally(&event(0, so_far(0, 0, 0, None, None))).unwrap(), "0 of 500 cut off, 0 done");
        assert_eq!(tally(&event(0, What::Note { text: String::new() })), None);
    }
}
