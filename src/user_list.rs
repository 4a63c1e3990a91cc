//! A list of users to contain, as a person or another tool wrote it: one a line, CSV with a header, or JSON lines.

mod csv;
mod form;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use crate::clock::Clock;
use crate::engine::Since;
use crate::failure::{Code, Failure, Result};
use crate::playbook::hex;
use crate::since;
use crate::target_name::{TargetName, excerpt};
use form::Row;

/// The most bytes of a list.
pub const MAX_BYTES: u64 = 16 << 20;
/// The most users of a list.
pub const MAX_ENTRIES: usize = 100_000;
/// The most mistakes that are told.
const SHOWN: usize = 20;

/// A list of users that was read and has no mistake.
#[derive(Debug, Clone)]
pub struct UserList {
    /// The users, in the order of the list, each name once in a tenant.
    pub entries: Vec<ListedUser>,
    /// SHA-256 of the bytes that were read, hex.
    pub sha256: String,
}

/// One user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The line, from 1.
    pub line: usize,
    /// Whom.
    pub name: TargetName,
    /// The tenant by its name in the configuration, where the list names it.
    pub tenant: Option<String>,
    /// Start of the compromise window, where it differs from the one for all.
    pub since: Option<Since>,
}

impl UserList {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// [`Code::InvalidUserList`]: it can't be read, is too large or has mistakes.
    pub fn read(path: &Path) -> Result<Self> {
        let stdin = path == Path::new("-");
        let origin = if stdin { "standard input".to_owned() } else { path.display().to_string() };
        let source: std::io::Result<Box<dyn Read>> = if stdin {
            Ok(Box::new(std::io::stdin().lock()))
        } else {
            File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
        };
        let mut bytes = vec![];
        source
            .and_then(|source| source.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| wrong(format!("the list of users {origin} can't be read: {e}")))?;
        Self::parse(&bytes, &origin)
    }

    /// Reads a list; `origin` names it in errors.
    ///
    /// # Errors
    /// [`Code::InvalidUserList`] with every mistake and its line.
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        Self::parse_at(bytes, origin, Clock::system().now())
    }

    /// The same at another time, which no `since` may be after.
    ///
    /// # Errors
    /// As [`UserList::parse`].
    pub fn parse_at(bytes: &[u8], origin: &str, now: Timestamp) -> Result<Self> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(wrong(format!("the list of users {origin} is larger than {MAX_BYTES} bytes")));
        }
        let mut draft = Draft { now, ..Draft::default() };
        match decoded(bytes) {
            Ok(text) => form::rows(&text).try_for_each(|(line, row)| draft.take(line, row)).unwrap_or(()),
            Err((line, what)) => draft.mistake(line, "", what),
        }
        draft.finish(origin, hex(digest(&SHA256, bytes).as_ref()))
    }
}

/// A list under way.
#[derive(Default)]
struct Draft {
    now: Timestamp,
    entries: Vec<ListedUser>,
    /// Where a name of a tenant stands in `entries`.
    known: HashMap<(String, String), usize>,
    /// What is wrong, and on which lines, of the first of them.
    mistakes: Vec<(String, Vec<String>)>,
    /// How many there are in all.
    wrong: usize,
}

impl Draft {
    /// Takes a line; `None` when there are too many.
    fn take(&mut self, line: usize, row: Result<Row, String>) -> Option<()> {
        match row.map_err(|what| (String::new(), what)).and_then(|row| self.user(line, &row)) {
            Ok(user) => self.add(user),
            Err((whose, what)) => self.mistake(line, &whose, &what),
        }
        if self.entries.len() > MAX_ENTRIES {
            self.mistakes.clear();
            self.wrong = 0;
            self.mistake(line, "", &format!("more than {MAX_ENTRIES} users"));
            return None;
        }
        Some(())
    }

    /// The user of a row, or which text is wrong and what is.
    fn user(&self, line: usize, row: &Row) -> Result<ListedUser, (String, String)> {
        let name = TargetName::parse(&row.user).map_err(|e| {
            let whose = excerpt(&row.user);
            let what = e.what.strip_prefix(&format!("the target {whose} ")).unwrap_or(&e.what).to_owned();
            (whose, what)
        })?;
        let since = match row.since.as_str() {
            "" => None,
            text => Some(
                since::parse(text, self.now)
                    .map_err(|what| (format!("since {}", excerpt(text)), what.to_owned()))?,
            ),
        };
        let tenant = Some(row.tenant.clone()).filter(|tenant| !tenant.is_empty());
        Ok(ListedUser { line, name, tenant, since })
    }

    /// Adds a user, or widens the window of the one that is there already.
    fn add(&mut self, user: ListedUser) {
        let key = (user.tenant.clone().unwrap_or_default(), user.name.as_str().to_lowercase());
        if let Some(known) = self.known.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            let starts = [known.since, user.since].into_iter().flatten();
            known.since = starts.min_by_key(|since| start(*since, self.now));
        } else {
            self.known.insert(key, self.entries.len());
            self.entries.push(user);
        }
    }

    fn mistake(&mut self, line: usize, whose: &str, what: &str) {
        self.wrong += 1;
        if self.wrong > SHOWN {
            return;
        }
        let place = format!("line {line} {whose}").trim_end().to_owned();
        match self.mistakes.iter_mut().find(|(known, _)| known == what) {
            Some((_, places)) => places.push(place),
            None => self.mistakes.push((what.to_owned(), vec![place])),
        }
    }

    fn finish(self, origin: &str, sha256: String) -> Result<UserList> {
        if self.wrong > 0 {
            let count = if self.wrong == 1 { "a mistake".into() } else { format!("{} mistakes", self.wrong) };
            let told = self.mistakes.iter().map(|(what, places)| format!("{}: {what}", places.join(", ")));
            let told = told.collect::<Vec<_>>().join("; ");
            let more = match self.wrong.saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!("; {more} more are not shown"),
            };
            return Err(wrong(format!("the list of users {origin} has {count}: {told}{more}")));
        }
        if self.entries.is_empty() {
            return Err(wrong(format!("the list of users {origin} names nobody")));
        }
        Ok(UserList { entries: self.entries, sha256 })
    }
}

fn start(since: Since, now: Timestamp) -> Timestamp {
    match since {
        Since::At(moment) => moment,
        Since::Ago(age) => now.checked_sub(age).unwrap_or(Timestamp::MIN),
    }
}

/// The text without byte order mark, its lines ending with `\n`; also of UTF-16, which PowerShell writes.
fn decoded(bytes: &[u8]) -> Result<String, (usize, &'static str)> {
    let pairs = |from: fn([u8; 2]) -> u16| {
        let (units, odd) = bytes.get(2..).unwrap_or_default().as_chunks::<2>();
        let text = char::decode_utf16(units.iter().map(|unit| from(*unit)));
        let text: String = text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        let broken = text.split('\n').position(|line| line.contains(char::REPLACEMENT_CHARACTER));
        match broken {
            Some(at) => Err((at + 1, "no UTF-16 text")),
            None if !odd.is_empty() => {
                Err((1 + text.matches('\n').count(), "cut off in the middle of a character"))
            }
            None => Ok(text),
        }
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => pairs(u16::from_le_bytes)?,
        [0xfe, 0xff, ..] => pairs(u16::from_be_bytes)?,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
            Err(e) => {
                let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
                return Err((before.split(|b| *b == b'\n').count(), "no UTF-8 text"));
            }
        },
    };
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn wrong(what: String) -> Failure {
    Failure::new(Code::InvalidUserList, what).next(
        "mend the list: one user principal name or object id a line, CSV whose header names a column user, or JSON \
         lines with a member user; `tenant` and `since` are optional",
    )
}

#[cfg(test)]
mod tests;
