//! How risky a rule is: points for each sign, with the sign as the reason.

use std::fmt::Display;

use super::observe::State;
use super::rule::Rule;
use super::signs;
use crate::Target;

/// The risk of a rule and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Score {
    points: u16,
    /// One sign a line, with its points.
    pub reasons: Vec<String>,
}

impl Score {
    /// 0–100.
    pub(super) fn risk(&self) -> u8 {
        u8::try_from(self.points.min(100)).unwrap_or(100)
    }

    fn add(&mut self, points: u16, why: impl Display) {
        self.points += points;
        self.reasons.push(format!("+{points} {why}"));
    }
}

/// Scores a rule by what it does, what it looks for and what it is called.
pub(super) fn score(who: &Target, state: &State, rule: &Rule) -> Score {
    let mut score = Score::default();
    sends(&mut score, who, rule);
    if rule.permanent_delete {
        score.add(45, "destroys mail for good");
    } else if rule.delete {
        score.add(35, "deletes mail");
    }
    if let Some(folder) = &rule.moves_to {
        moves(&mut score, state, folder);
    }
    match (rule.mark_read, rule.stop) {
        (true, true) => score.add(15, "marks mail as read and stops further rules"),
        (true, false) => score.add(5, "marks mail as read"),
        (false, _) => {}
    }
    // Signs of intent count only where the rule does something with the mail.
    if score.points == 0 {
        return score;
    }
    if let Some(word) = signs::telling(&rule.words) {
        score.add(25, format_args!("looks for words such as {word:?}"));
    }
    if signs::is_inconspicuous(&rule.name) {
        score.add(25, "has a name that is made to be overlooked");
    }
    if rule.unconditional && score.points >= 35 {
        score.add(10, "takes every message");
    }
    score
}

fn sends(score: &mut Score, who: &Target, rule: &Rule) {
    let (mut inside, mut outside, mut unclear) = (vec![], vec![], 0);
    for address in &rule.sends_to {
        match address.rsplit_once('@') {
            Some((_, domain)) if is_ours(who, domain) => inside.push(address.as_str()),
            Some(_) => outside.push(address.as_str()),
            None => unclear += 1,
        }
    }
    if !outside.is_empty() {
        score.add(60, format_args!("sends mail out of the tenant, to {}", listed(&outside)));
    }
    if unclear > 0 {
        score.add(30, "sends mail to somebody whose address can't be read");
    }
    if !inside.is_empty() {
        score.add(10, format_args!("sends mail to {}", listed(&inside)));
    }
}

fn is_ours(who: &Target, domain: &str) -> bool {
    who.tenant.domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain))
}

fn moves(score: &mut Score, state: &State, folder: &str) {
    match state.folders.as_ref().map(|folders| folders.get(folder)) {
        Some(Some(name)) if signs::is_unread_folder(name) => {
            score.add(30, format_args!("moves mail to {name}, where nobody looks"));
        }
        Some(Some(name)) => score.add(5, format_args!("moves mail to {name}")),
        Some(None) => score.add(10, "moves mail to a folder below another, or to one that is gone"),
        None => score.add(10, "moves mail to a folder whose name can't be read without Mail.ReadBasic.All"),
    }
}

/// The first few of what can be hundreds.
fn listed(addresses: &[&str]) -> String {
    const SHOWN: usize = 3;
    let more = addresses.len().saturating_sub(SHOWN);
    let shown = addresses[..addresses.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
