//! What happens while a run goes: a line each for a person who watches, a JSON object each for a machine.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::bulk::tally;
use super::escape::terminal;
use super::style::{FAINT, GOOD, HEAD, INFO, Look, Paint, WARN, WORD_COLUMNS};
use super::width;
use crate::engine::event::{Event, Watch, What};

/// Where lines go. One that can't be written is dropped: nobody's broken pipe stops a containment.
pub type Out = Box<dyn Write + Send>;

/// One line per event, for people.
pub struct Progress {
    out: Mutex<Out>,
    paint: Paint,
    quiet: bool,
    names_users: bool,
}

impl Progress {
    /// Writes to `out`; quiet, it writes nothing.
    pub fn new(out: Out, paint: Paint, quiet: bool) -> Self {
        Self { out: Mutex::new(out), paint, quiet, names_users: false }
    }

    /// Says with each line whom it is about: for runs of more than one user.
    #[must_use]
    pub fn naming_users(mut self, yes: bool) -> Self {
        self.names_users = yes;
        self
    }
}

/// `   0.41s  + done         revoke refresh tokens …`
pub(super) fn line(event: &Event, paint: Paint, names_users: bool) -> String {
    let clock = paint.paint(FAINT, &elapsed(event.elapsed_ms));
    let (look, mut text) = told(event);
    if let Some(user) = about(&event.what).filter(|_| names_users) {
        text += &paint.paint(FAINT, &format!("  [{}]", width::cut(&terminal(user), 40)));
    }
    let tag = width::pad(&format!("{} {}", look.sign, look.word), WORD_COLUMNS + 4);
    format!("{clock}  {}{text}\n", paint.paint(look.style, &tag))
}

impl Watch for Progress {
    fn saw(&self, event: &Event) {
        if !self.quiet {
            write(&self.out, line(event, self.paint, self.names_users).as_bytes());
        }
    }
}

/// One JSON object a line, for machines.
pub struct JsonLines {
    out: Mutex<Out>,
}

impl JsonLines {
    /// Writes to `out`.
    pub fn new(out: Out) -> Self {
        Self { out: Mutex::new(out) }
    }
}

impl Watch for JsonLines {
    fn saw(&self, event: &Event) {
        if let Ok(mut line) = serde_json::to_vec(event) {
            line.push(b'\n');
            write(&self.out, &line);
        }
    }
}

fn write(out: &Mutex<Out>, line: &[u8]) {
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = out.write_all(line).and_then(|()| out.flush());
}

/// Seconds in eight columns: `   0.41s`.
#[allow(clippy::cast_precision_loss)]
fn elapsed(ms: u64) -> String {
    format!("{:>7.2}s", ms as f64 / 1000.0)
}

const fn tag(sign: char, word: &'static str, style: anstyle::Style) -> Look {
    Look { sign, word, style }
}

/// How an event is shown, and its words, escaped.
fn told(event: &Event) -> (Look, String) {
    match &event.what {
        What::Began { run_id, command, dry_run } => {
            let dry = if *dry_run { ", a dry run: nothing will be sent" } else { "" };
            (tag('*', "begin", HEAD), format!("{} {}{dry}", terminal(command), terminal(run_id)))
        }
        What::Resolved { user, traits, .. } => {
            let traits = if traits.is_empty() { String::new() } else { format!(" ({})", traits.join(", ")) };
            (tag('*', "found", HEAD), terminal(&format!("{user}{traits}")))
        }
        What::Decided { user: _, step, changes, kept, open } => {
            (tag('>', "decided", FAINT), terminal(&format!("{step}: {}", decided(*changes, *kept, *open))))
        }
        What::Stage { user: _, stage } => (tag('>', "stage", INFO), terminal(stage)),
        What::Changed { user, step: _, say, label, state, http_status, reason } => {
            (state.look(), what_and_whom(say, label, user) + &why(*http_status, reason.as_deref()))
        }
        What::Cut { user } => {
            (tag('+', "CUT OFF", GOOD.bold()), terminal(&format!("{user}: revoked and disabled")))
        }
        What::RolledBack { user, step: _, say, label, state, reason } => {
            (state.look(), what_and_whom(say, label, user) + &why(None, reason.as_deref()))
        }
        What::Waiting { why, seconds } => {
            (tag('.', "waiting", WARN), format!("{seconds:.1} s: {}", terminal(why)))
        }
        What::Tally { .. } => (tag('>', "so far", INFO), tally(event).unwrap_or_default()),
        What::Note { text } => (tag('i', "note", FAINT), terminal(text)),
    }
}

/// Whom a line is about, when it doesn't say so by itself.
fn about(what: &What) -> Option<&str> {
    match what {
        What::Decided { user, .. }
        | What::Stage { user, .. }
        | What::Changed { user, .. }
        | What::RolledBack { user, .. } => Some(user),
        _ => None,
    }
}

fn decided(changes: usize, kept: usize, open: usize) -> String {
    let parts = [(changes, "to change"), (kept, "to keep"), (open, "open")];
    let told: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if told.is_empty() { "nothing to do".to_owned() } else { told.join(", ") }
}

fn what_and_whom(say: &str, label: &str, user: &str) -> String {
    if label.is_empty() || label == user || say.contains(label) {
        terminal(say)
    } else {
        terminal(&format!("{say}: {label}"))
    }
}

fn why(status: Option<u16>, reason: Option<&str>) -> String {
    let status = status.filter(|status| *status >= 400).map(|status| format!("HTTP {status}"));
    let told: Vec<_> = status.into_iter().chain(reason.map(terminal)).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::report::State;
    use std::io;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    pub(in crate::report) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        pub(in crate::report) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    pub(in crate::report) struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    fn event(elapsed_ms: u64, what: What) -> Event {
        Event { at: "2026-11-24T02:14:07Z".parse().unwrap(), elapsed_ms, what }
    }

    fn changed(label: &str, state: State, http_status: Option<u16>, reason: Option<&str>) -> What {
        What::Changed {
            user: "AdeleV@contoso.com".into(),
            step: "disable_user".into(),
            say: "disable the account".into(),
            label: label.into(),
            state,
            http_status,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn each_event_is_one_line_with_time_state_and_words() {
        let page = Page::default();
        let progress = Progress::new(Box::new(page.clone()), Paint::PLAIN, false).naming_users(true);
        let user = || "AdeleV@contoso.com".to_owned();
        progress.saw(&event(90, What::Stage { user: user(), stage: "cut".into() }));
        progress.saw(&event(412, changed("AdeleV@contoso.com", State::Effective, Some(204), None)));
        progress.saw(&event(1_500, changed("Mail\u{1b}[2J\nBackup", State::Refused, Some(403), Some("no"))));
        progress.saw(&event(61_000, What::Cut { user: user() }));
        progress.saw(&event(
            61_001,
            What::Decided { user: user(), step: "review_consents".into(), changes: 1, kept: 2, open: 0 },
        ));
        insta::assert_snapshot!(page.text(), @r"
           0.09s  > stage        cut  [AdeleV@contoso.com]
           0.41s  + done         disable the account  [AdeleV@contoso.com]
           1.50s  x refused      disable the account: Mail\u{1b}[2J\nBackup (HTTP 403, no)  [AdeleV@contoso.com]
          61.00s  + CUT OFF      AdeleV@contoso.com: revoked and disabled
          61.00s  > decided      review_consents: 1 to change, 2 to keep  [AdeleV@contoso.com]
        ");
    }

    #[test]
    fn quiet_writes_nothing_and_a_broken_pipe_stops_nothing() {
        let page = Page::default();
        Progress::new(Box::new(page.clone()), Paint::PLAIN, true)
            .saw(&event(1, What::Note { text: "x".into() }));
        assert_eq!(page.text(), "");
        let broken = Progress::new(Box::new(Broken), Paint::PLAIN, false);
        broken.saw(&event(1, What::Note { text: "x".into() }));
        JsonLines::new(Box::new(Broken)).saw(&event(1, What::Note { text: "x".into() }));
    }

    #[test]
    fn json_lines_hold_one_object_each_whatever_the_text() {
        let page = Page::default();
        let lines = JsonLines::new(Box::new(page.clone()));
        lines.saw(&event(1, What::Note { text: "two\nlines".into() }));
        lines.saw(&event(2, What::Cut { user: "AdeleV@contoso.com".into() }));
        let text = page.text();
        let seen: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(seen.len(), 2);
        assert_eq!((&seen[0]["event"], &seen[0]["text"]), (&"note".into(), &"two\nlines".into()));
        assert_eq!((&seen[1]["event"], &seen[1]["elapsed_ms"]), (&"cut".into(), &2.into()));
    }
}
