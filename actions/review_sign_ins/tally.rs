//! Counts by name, of which few are kept. Names come from the tenant: hostile, and cut.

use serde::{Deserialize, Serialize};

/// Characters of a name that are kept.
const LONGEST: usize = 48;

/// How often each name came, of so many names as were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    names: Vec<(String, u64)>,
    /// How often something else came, once there was no more room.
    #[serde(default, skip_serializing_if = "is_zero")]
    others: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Tally {
    /// Counts one; an empty name counts as nothing. Names beyond `room` are only counted.
    pub(super) fn add(&mut self, name: &str, room: usize) {
        let name = cut(name);
        if name.is_empty() {
            return;
        }
        if let Some((_, count)) = self.names.iter_mut().find(|(known, _)| *known == name) {
            *count += 1;
        } else if self.names.len() < room {
            self.names.push((name, 1));
        } else {
            self.others += 1;
        }
    }

    /// The names, the most frequent first.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&(String, u64)> = self.names.iter().collect();
        names.sort_by(|(a, many), (b, few)| few.cmp(many).then_with(|| a.cmp(b)));
        names.into_iter().map(|(name, _)| name.as_str())
    }

    /// The names in a row, with a word for those that were only counted; `None`: there is none.
    pub(super) fn list(&self) -> Option<String> {
        let mut names: Vec<&str> = self.names().collect();
        if self.others > 0 {
            names.push("others");
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// The beginning of a text: a hostile name must not make a journal long.
pub(super) fn cut(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
