//! What text and Markdown say alike of a bulk run.

use std::collections::HashMap;

use super::{BulkDocument, BulkTenant, BulkUser};
use crate::report::Outcome;
use crate::report::style::Look;
use crate::report::text::seconds;

/// The most users that are named before the rest is counted.
pub(in crate::report) const NAMED: usize = 20;

impl BulkDocument {
    /// How the outcome is shown: half a recovery is no half containment.
    pub(in crate::report) fn look(&self) -> Look {
        let look = self.outcome.look();
        match self.outcome {
            Outcome::Partial if self.counts.recovered > 0 && self.counts.contained == 0 => {
                Look { word: "PARTLY RECOVERED", ..look }
            }
            _ => look,
        }
    }

    /// `44 of 53 users contained, 1 refused, 3 not finished`
    pub(in crate::report) fn sentence(&self) -> String {
        let c = self.counts;
        let told = [
            (c.contained, "contained"),
            (c.recovered, "recovered"),
            (c.planned, "planned"),
            (c.rolled_back, "rolled back"),
            (c.nothing_to_do, "with nothing to do"),
            (c.unverified, "not confirmed"),
            (c.partial, "partly done"),
            (c.refused, "refused"),
            (c.failed, "failed"),
            (c.interrupted, "not finished"),
        ];
        let mut told = told.into_iter().filter(|(n, _)| *n > 0);
        let Some((first, word)) = told.next() else { return "no users".to_owned() };
        let head = match (first, c.users) {
            (1, 1) => format!("1 user {word}"),
            (n, all) if n == all => format!("all {n} users {word}"),
            (n, all) => format!("{n} of {all} users {word}"),
        };
        std::iter::once(head)
            .chain(told.map(|(n, word)| format!("{n} {word}")))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Those whom a person has to look at, the worst first; who is there for the same reason stands together.
    pub(in crate::report) fn needing(&self) -> Vec<Vec<&BulkUser>> {
        let rank = |user: &BulkUser| match user.outcome {
            Outcome::Failed => 0,
            Outcome::Partial => 1,
            Outcome::Refused => 2,
            Outcome::Unverified => 3,
            _ => 4,
        };
        let mut groups: Vec<Vec<&BulkUser>> = vec![];
        let mut known: HashMap<(u8, String), usize> = HashMap::new();
        for user in self.users.iter().filter(|user| user.needs_person()) {
            let at = *known.entry((rank(user), user.why())).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(user),
                None => groups.push(vec![user]),
            }
        }
        groups.sort_by_key(|group| group.first().map(|user| rank(user)));
        groups
    }

    /// `48 of 53 users, the first 0.84 s and the last 35.14 s after the start`; empty where nobody was cut off.
    pub(in crate::report) fn cuts(&self) -> String {
        let times = || self.users.iter().filter_map(|user| user.cut_ms);
        let after = match (times().min(), times().max()) {
            (Some(first), Some(last)) if first < last => {
                format!(", the first {} and the last {} after the start", length(first), length(last))
            }
            (Some(only), _) => format!(", {} after the start", length(only)),
            _ => String::new(),
        };
        if self.counts.cut == 0 {
            String::new()
        } else {
            format!("{} of {} users{after}", self.counts.cut, self.counts.users)
        }
    }

    /// `180 changes`; empty but for a dry run.
    pub(in crate::report) fn would_do(&self) -> String {
        match self.users.iter().map(|user| user.changes).sum() {
            0_usize => String::new(),
            _ if !self.dry_run => String::new(),
            1 => "1 change".to_owned(),
            n => format!("{n} changes"),
        }
    }

    /// Who may still sign in; empty where nobody may.
    pub(in crate::report) fn at_large(&self) -> String {
        let at_large = self.users.iter().filter(|user| user.is_at_large()).count();
        // A playbook that gives accounts back cuts nobody off.
        if self.dry_run || self.counts.cut == 0 && self.counts.recovered > 0 {
            return String::new();
        }
        match at_large {
            0 => String::new(),
            1 => "1 user: the account may still be in use".to_owned(),
            n => format!("{n} users: their accounts may still be in use"),
        }
    }

    /// The commands that make sense now, the likeliest first, each with why.
    pub(in crate::report) fn next(&self) -> Vec<(String, &'static str)> {
        let c = self.counts;
        if self.dry_run {
            let playbook = match self.playbook.as_deref() {
                Some(id) if id != crate::playbook::DEFAULT_PLAYBOOK && is_plain(id) => {
                    format!(" --playbook {id}")
                }
                _ => String::new(),
            };
            let wanted = matches!(self.command.as_str(), "plan" | "contain") && c.planned > 0;
            let command = format!("oust contain --users FILE --max-users {}{playbook}", c.users);
            return if wanted { vec![(command, "do it")] } else { vec![] };
        }
        let mut next = vec![];
        let unsettled = c.interrupted + c.partial + c.failed + c.unverified > 0;
        if let Some(bulk) = self.run_id.as_deref().filter(|id| unsettled && is_plain(id)) {
            next.push((format!("oust resume {bulk}"), "go on with the rest"));
        }
        let first = self.needing().into_iter().flatten().find_map(|user| user.run_id.as_deref());
        if let Some(run) = first.filter(|id| is_plain(id)) {
            next.push((format!("oust report {run}"), "the first of them in full"));
        }
        next
    }
}

/// `35.14 s`, `17 min 34 s`
fn length(ms: u64) -> String {
    let whole = ms / 1000;
    if whole < 120 { seconds(ms) } else { format!("{} min {} s", whole / 60, whole % 60) }
}

impl BulkTenant {
    /// Its name in the configuration, else its id; hostile until escaped.
    pub(in crate::report) fn called(&self) -> &str {
        self.name.as_deref().or(self.tenant_id.as_deref()).unwrap_or("the tenant")
    }

    /// `48 users, 43 cut off, throttled 17 times`
    pub(in crate::report) fn tally(&self) -> String {
        let users = if self.users == 1 { "1 user".to_owned() } else { format!("{} users", self.users) };
        let cut = if self.cut > 0 { format!(", {} cut off", self.cut) } else { String::new() };
        let throttled = match self.throttled {
            0 => String::new(),
            1 => ", throttled once".to_owned(),
            n => format!(", throttled {n} times"),
        };
        format!("{users}{cut}{throttled}")
    }
}

/// How a user's outcome is shown in a list of many.
pub(in crate::report) fn look(user: &BulkUser) -> Look {
    let look = user.outcome.look();
    let word = match user.outcome {
        Outcome::Contained => "contained",
        Outcome::Recovered => "recovered",
        Outcome::NothingToDo => "no change",
        Outcome::Planned => "planned",
        Outcome::Partial => "partly done",
        Outcome::Unverified => "unconfirmed",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::Interrupted => "not done",
        Outcome::RolledBack => "rolled back",
    };
    Look { word, ..look }
}

/// Whether a shell takes an id as one literal word.
pub(in crate::report) fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && !id.starts_with('-')
        && id.len() < 120
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
