//! Signs, words and colours of every state. The word says it all; sign and colour only help the eye.

use anstyle::{AnsiColor, Style};
use oust_actions::Decision;

use super::{Outcome, RollbackState, RunDocument, State, StepDocument};

/// Colours text, or leaves it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether to colour. The command line decides from `--color`, `NO_COLOR` and the terminal.
    pub colour: bool,
}

/// Good news.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Bad news.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Needs a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Neutral, of interest.
pub const INFO: Style = AnsiColor::Cyan.on_default();
/// Of less interest.
pub const FAINT: Style = Style::new().dimmed();
/// A heading.
pub const HEAD: Style = Style::new().bold();

impl Paint {
    /// No colour.
    pub const PLAIN: Self = Self { colour: false };

    /// `text` in `style`. Escape it before: styles are control characters.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// How a state is shown: a sign of one column, a word, a style.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// One column, ASCII.
    pub sign: char,
    /// The fixed word.
    pub word: &'static str,
    /// The colour.
    pub style: Style,
}

const fn look(sign: char, word: &'static str, style: Style) -> Look {
    Look { sign, word, style }
}

/// Columns that every word of [`State`] and [`RollbackState`] fits into.
pub const WORD_COLUMNS: usize = 11;

impl State {
    /// How it is shown.
    pub fn look(self) -> Look {
        match self {
            Self::Already => look('=', "already", FAINT),
            Self::Effective => look('+', "done", GOOD),
            Self::Skipped => look('-', "skipped", WARN),
            Self::Planned => look('>', "planned", INFO),
            Self::WillRevert => look('~', "will revert", WARN),
            Self::Pending => look('.', "pending", WARN),
            Self::Refused => look('x', "refused", BAD),
            Self::InDoubt => look('?', "in doubt", BAD),
            Self::Failed => look('!', "failed", BAD),
        }
    }
}

impl StepDocument {
    /// How a step without changes is shown: one that only looks has done what there is to do.
    pub fn look(&self) -> Look {
        let only_looks = || oust_actions::find(&self.action).is_some_and(oust_actions::AnyAction::only_looks);
        match self.state {
            State::Already | State::Skipped if self.error.is_none() && only_looks() => {
                look('=', "looked", FAINT)
            }
            state => state.look(),
        }
    }
}

impl RollbackState {
    /// How it is shown.
    pub fn look(self) -> Look {
        match self {
            Self::Planned => look('<', "to restore", INFO),
            Self::Restored => look('+', "restored", GOOD),
            Self::Already => look('=', "already", FAINT),
            Self::Pending => look('.', "pending", WARN),
            Self::Never => look('/', "permanent", FAINT),
            Self::Moved => look('m', "moved", WARN),
            Self::Refused => look('x', "refused", BAD),
            Self::InDoubt => look('?', "in doubt", BAD),
            Self::Skipped => look('-', "skipped", FAINT),
        }
    }
}

impl Outcome {
    /// How it is shown.
    pub fn look(self) -> Look {
        match self {
            Self::Contained => look('+', "CONTAINED", GOOD.bold()),
            Self::Recovered => look('+', "RECOVERED", GOOD.bold()),
            Self::NothingToDo => look('=', "NOTHING TO DO", GOOD.bold()),
            Self::Planned => look('>', "PLAN", INFO.bold()),
            Self::Partial => look('!', "PARTLY CONTAINED", BAD),
            Self::Unverified => look('?', "APPLIED, NOT CONFIRMED", WARN.bold()),
            Self::Refused => look('x', "REFUSED", BAD),
            Self::Failed => look('!', "FAILED", BAD),
            Self::Interrupted => look('!', "INTERRUPTED", BAD),
            Self::RolledBack => look('<', "ROLLED BACK", GOOD.bold()),
        }
    }

    /// What it means, in a sentence.
    pub fn means(self) -> &'static str {
        match self {
            Self::Contained => "every change is in force and was read back",
            Self::Recovered => "every change is in force and was read back; the account was given back",
            Self::NothingToDo => "no change was needed",
            Self::Planned => "nothing has been changed",
            Self::Partial => "some changes are in force, some are not",
            Self::Unverified => {
                "changes were applied, but not all are read back, or something will put them back"
            }
            Self::Refused | Self::Failed => "nothing was changed",
            Self::Interrupted => "stopped in the middle; what is done stays, the rest can be resumed",
            Self::RolledBack => "what could be taken back was",
        }
    }
}

impl RunDocument {
    /// How the outcome is shown: half a recovery is no half containment.
    pub fn look(&self) -> Look {
        let look = self.outcome.look();
        match self.outcome {
            Outcome::Partial if self.is_recovery() => Look { word: "PARTLY RECOVERED", ..look },
            _ => look,
        }
    }
}

/// How a judgement is shown.
pub fn decision(decision: Decision) -> Look {
    match decision {
        Decision::Remove => look('-', "remove", BAD),
        Decision::Keep => look('=', "keep", FAINT),
        Decision::Ask => look('?', "ask", WARN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const STATES: &[State] = &[
        State::Already,
        State::Effective,
        State::Skipped,
        State::Planned,
        State::WillRevert,
        State::Pending,
        State::Refused,
        State::InDoubt,
        State::Failed,
    ];

    #[test]
    fn states_differ_without_colour() {
        let words: HashSet<_> = STATES.iter().map(|state| state.look().word).collect();
        let signs: HashSet<_> = STATES.iter().map(|state| state.look().sign).collect();
        assert_eq!((words.len(), signs.len()), (STATES.len(), STATES.len()));
        assert!(STATES.iter().all(|state| state.look().word.len() <= WORD_COLUMNS));
    }

    #[test]
    fn without_colour_nothing_is_added() {
        assert_eq!(Paint::PLAIN.paint(BAD, "refused"), "refused");
        assert_eq!(Paint { colour: true }.paint(GOOD, "done"), "\u{1b}[32mdone\u{1b}[0m");
    }
}
