//! What a person sees while a bulk run goes: on a terminal one line that is kept up to date, elsewhere a line now and
//! then; and above it what goes wrong.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::tally::status;
use crate::engine::event::{Event, Watch, What};
use crate::report::progress::{Out, line};
use crate::report::style::{FAINT, INFO, Paint};
use crate::report::{RollbackState, State};

/// The least time between two lines that are not kept up to date, in milliseconds.
const APART_MS: u64 = 10_000;
/// The most lines of what goes wrong; the summary has the rest.
const WRONG: usize = 50;
/// Back to the start of the line, and nothing on it.
const CLEAR: &str = "\r\x1b[2K";

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Not at all.
    Quiet,
    /// A line every ten seconds: for a pipe, a file, a terminal that can't go back.
    Lines,
    /// One line that is kept up to date, on a terminal of so many columns.
    Live(usize),
}

/// Watches the runs of many users.
pub struct BulkProgress {
    page: Mutex<Page>,
    paint: Paint,
    form: Form,
}

struct Page {
    out: Out,
    /// The line that stands at the bottom.
    shown: String,
    /// The last that was told, by the time of the process.
    told_ms: Option<u64>,
    /// The last that was not told yet.
    waiting: Option<Event>,
    /// How much went wrong.
    wrong: usize,
}

impl BulkProgress {
    /// Writes to `out`. What can't be written is dropped: nobody's broken pipe stops a containment.
    pub fn new(out: Out, paint: Paint, form: Form) -> Self {
        let page = Page { out, shown: String::new(), told_ms: None, waiting: None, wrong: 0 };
        Self { page: Mutex::new(page), paint, form }
    }

    /// Ends with the last that was seen, before the summary is printed.
    pub fn finish(&self) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = page.waiting.take() {
            page.write(&line(&last, self.paint, false));
        }
        if !std::mem::take(&mut page.shown).is_empty() {
            page.write("\n");
        }
    }

    fn tally(&self, page: &mut Page, event: &Event) {
        if let Form::Live(columns) = self.form {
            let text = status(event, columns.saturating_sub(1)).unwrap_or_default();
            if text != page.shown {
                page.write(&format!("{CLEAR}{}", self.paint.paint(INFO, &text)));
                page.shown = text;
            }
        } else if page.told_ms.is_none_or(|before| before.saturating_add(APART_MS) <= event.elapsed_ms) {
            page.write(&line(event, self.paint, false));
            page.told_ms = Some(event.elapsed_ms);
            page.waiting = None;
        } else {
            page.waiting = Some(event.clone());
        }
    }

    /// A line above the one at the bottom.
    fn above(&self, page: &mut Page, text: &str) {
        let again = self.paint.paint(INFO, &page.shown);
        let clear = if page.shown.is_empty() { "" } else { CLEAR };
        page.write(&format!("{clear}{text}{again}"));
    }
}

impl Page {
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl Watch for BulkProgress {
    fn saw(&self, event: &Event) {
        if self.form == Form::Quiet {
            return;
        }
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let What::Tally { .. } = event.what {
            self.tally(&mut page, event);
        } else if let What::Note { .. } = event.what {
            self.above(&mut page, &line(event, self.paint, true));
        } else if is_wrong(&event.what) {
            page.wrong += 1;
            if page.wrong <= WRONG {
                self.above(&mut page, &line(event, self.paint, true));
            } else if page.wrong == WRONG + 1 {
                let more = self.paint.paint(FAINT, "what else goes wrong is told at the end");
                self.above(&mut page, &format!("{more}\n"));
            }
        }
    }
}

impl Drop for BulkProgress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether a change did not come about as it was meant.
fn is_wrong(what: &What) -> bool {
    match what {
        What::Changed { state, .. } => matches!(state, State::Refused | State::Failed),
        What::RolledBack { state, .. } => {
            matches!(state, RollbackState::Moved | RollbackState::Refused | RollbackState::InDoubt)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::report::progress::tests::{Broken, Page as Paper};

    fn event(second: u64, what: What) -> Event {
        let start: Timestamp = "2026-11-24T02:13:00Z".parse().unwrap();
        let at = start + jiff::SignedDuration::from_secs(i64::try_from(second).unwrap());
        Event { at, elapsed_ms: second * 1000, what }
    }

    fn so_far(cut: usize, done: usize, failed: usize) -> What {
        What::Tally {
            users: 500,
            cut,
            done,
            failed,
            throttled_until: None,
            throttled_tenant: None,
            estimated_end: None,
        }
    }

    fn throttled() -> What {
        let mut what = so_far(123, 45, 2);
        if let What::Tally { throttled_until, estimated_end, .. } = &mut what {
            *throttled_until = Some("2026-11-24T02:14:07Z".parse().unwrap());
            *estimated_end = Some("2026-11-24T03:20:31Z".parse().unwrap());
        }
        what
    }

    fn refused(user: &str) -> What {
        What::Changed {
            user: user.into(),
            step: "disable_user".into(),
            say: "disable the account".into(),
            label: user.into(),
            state: State::Refused,
            http_status: Some(403),
            reason: Some("Authorization_RequestDenied\u{1b}[2J".into()),
        }
    }

    /// What is written of some events.
    fn told(form: Form, events: &[(u64, What)]) -> String {
        let paper = Paper::default();
        let progress = BulkProgress::new(Box::new(paper.clone()), Paint::PLAIN, form);
        for (second, what) in events {
            progress.saw(&event(*second, what.clone()));
        }
        progress.finish();
        let text = paper.text();
        drop(progress);
        assert_eq!(paper.text(), text, "it ends once");
        text
    }

    fn story() -> Vec<(u64, What)> {
        vec![
            (0, so_far(0, 0, 0)),
            (1, so_far(40, 0, 0)),
            (2, What::Stage { user: "AdeleV@contoso.com".into(), stage: "cut".into() }),
            (2, What::Cut { user: "AdeleV@contoso.com".into() }),
            (4, refused("AlexW@contoso.com")),
            (4, so_far(90, 0, 1)),
            (11, so_far(100, 20, 1)),
            (12, What::Note { text: "the journal of one user is in use".into() }),
            (30, throttled()),
            (31, so_far(124, 46, 2)),
        ]
    }

    #[test]
    fn without_a_terminal_a_line_comes_every_ten_seconds_and_the_last_one_always() {
        insta::assert_snapshot!(told(Form::Lines, &story()));
    }

    #[test]
    fn on_a_terminal_one_line_is_kept_up_to_date_below_what_goes_wrong() {
        let pages = [60, 100].map(|columns| {
            let text = told(Form::Live(columns), &story()).replace(CLEAR, "\n<clear>");
            format!("{}{text}", "-".repeat(columns))
        });
        insta::assert_snapshot!(pages.join("\n"));
    }

    #[test]
    fn the_line_at_the_bottom_never_wraps() {
        let mut what = throttled();
        if let What::Tally { throttled_tenant, .. } = &mut what {
            *throttled_tenant = Some("監\u{1b}[2J\n".repeat(99));
        }
        for columns in [2, 20, 40, 60, 80, 100, 140] {
            let text = told(Form::Live(columns), &[(30, what.clone())]);
            let bottom = text.strip_prefix(CLEAR).unwrap().trim_end();
            assert!(crate::report::width::columns(bottom) < columns, "{columns}: {bottom}");
            assert!(!bottom.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_flood_of_refusals_is_cut_off_with_a_word() {
        let events: Vec<_> = (0..500).map(|n| (n, refused(&format!("user{n}@contoso.com")))).collect();
        let text = told(Form::Lines, &events);
        assert_eq!(text.lines().count(), WRONG + 1);
        assert!(text.ends_with("is told at the end\n"));
    }

    #[test]
    fn quiet_writes_nothing_and_a_broken_pipe_stops_nothing() {
        assert_eq!(told(Form::Quiet, &story()), "");
        for form in [Form::Lines, Form::Live(80)] {
            let progress = BulkProgress::new(Box::new(Broken), Paint::PLAIN, form);
            for (second, what) in story() {
                progress.saw(&event(second, what));
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let paper = Paper::default();
        let progress = BulkProgress::new(Box::new(paper.clone()), Paint { colour: true }, Form::Lines);
        for (second, what) in story() {
            progress.saw(&event(second, what));
        }
        progress.finish();
        assert_ne!(paper.text(), told(Form::Lines, &story()));
        assert_eq!(anstream::adapter::strip_str(&paper.text()).to_string(), told(Form::Lines, &story()));
    }
}
