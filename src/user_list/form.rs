//! The three forms of a list, each to the same rows.

use serde_json::{Map, Value};

use super::csv::Records;
use super::excerpt;

/// Names of the column or member that says whom, best first; see [`plain`] for how they are compared.
const USER: &[&str] = &["user", "userprincipalname", "upn", "id"];

/// The most characters of a line, or of a record of CSV: what a mistake may swallow.
const MAX_LINE: usize = 64 * 1024;

/// A user as the list has it; empty where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) user: String,
    pub(super) tenant: String,
    pub(super) since: String,
}

/// A line with its row, or with what is wrong.
pub(super) type Line = (usize, Result<Row, String>);

/// The rows of a text whose lines end with `\n`: JSON lines where it begins with `{`, CSV where the first line names
/// a user column, else one user a line.
pub(super) fn rows(text: &str) -> Box<dyn Iterator<Item = Line> + '_> {
    let told = |(_, line): &(usize, &str)| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some((at, first)) = text.split('\n').enumerate().find(told) else {
        return Box::new(std::iter::empty());
    };
    if first.trim_start().starts_with('{') {
        return Box::new(lines(text).map(|(line, text)| (line, json(text))));
    }
    let mistake = |what: &str| Box::new(std::iter::once((at + 1, Err(what.to_owned()))));
    if first.trim_start().starts_with('[') {
        return mistake("a JSON list: give one object a line, without brackets and commas (jq -c '.[]')");
    }
    let start = text.split_inclusive('\n').take(at).map(str::len).sum();
    for delimiter in [',', ';', '\t'] {
        let mut records = Records::new(&text[start..], at + 1, delimiter);
        let Some(Ok(header)) = records.next() else { continue };
        match Columns::of(&header.fields) {
            Ok(Some(columns)) => return Box::new(table(records, columns)),
            Ok(None) => {}
            Err(what) => return mistake(&what),
        }
    }
    if first.contains([',', ';', '\t']) {
        return mistake("no header of CSV: name the columns in the first line, one of them user");
    }
    Box::new(lines(text).map(|(line, text)| (line, Ok(bare(text)))))
}

/// The lines that say something, without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.split('\n').enumerate().map(|(at, line)| (at + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A name of a column without what exports spell differently: `User principal name`, `user_principal_name`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// A line that is a user and nothing else. A remark may follow: no sign-in name has a space.
fn bare(line: &str) -> Row {
    let line = line.split_once(" #").map_or(line, |(user, _)| user).trim();
    let unquoted = line.strip_prefix('"').and_then(|line| line.strip_suffix('"'));
    Row { user: unquoted.unwrap_or(line).trim().to_owned(), ..Row::default() }
}

/// Where a table says what.
struct Columns {
    user: usize,
    tenant: Option<usize>,
    since: Option<usize>,
    all: usize,
}

impl Columns {
    /// By the header; `None` where it names no user.
    fn of(header: &[String]) -> Result<Option<Self>, String> {
        let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
        let find = |wanted: &str| {
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == wanted).map(|(at, _)| at);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(format!("two columns are named {wanted}")),
                (first, _) => Ok(first),
            }
        };
        let Some(user) = USER.iter().find(|name| names.iter().any(|n| n == *name)) else { return Ok(None) };
        let Some(user) = find(user)? else { return Ok(None) };
        Ok(Some(Self { user, tenant: find("tenant")?, since: find("since")?, all: names.len() }))
    }

    /// A record's row; a record that is too short ends with empty fields.
    fn row(&self, fields: &[String]) -> Result<Row, String> {
        let at = |column: usize| fields.get(column).cloned().unwrap_or_default();
        if fields.iter().skip(self.all).any(|field| !field.is_empty()) {
            return Err(format!("{} fields under {} columns", fields.len(), self.all));
        }
        if fields.iter().map(String::len).sum::<usize>() > MAX_LINE {
            return Err(too_long());
        }
        let row = Row {
            user: at(self.user),
            tenant: self.tenant.map(at).unwrap_or_default(),
            since: self.since.map(at).unwrap_or_default(),
        };
        if row.user.is_empty() { Err("the user is empty".into()) } else { Ok(row) }
    }
}

fn table(records: Records<'_>, columns: Columns) -> impl Iterator<Item = Line> {
    records.filter_map(move |record| match record {
        // Spreadsheets end with rows of nothing.
        Ok(record) if record.fields.iter().all(String::is_empty) => None,
        Ok(record) => Some((record.line, columns.row(&record.fields))),
        Err((line, what)) => Some((line, Err(format!("{what}; what follows was not read")))),
    })
}

fn json(line: &str) -> Result<Row, String> {
    if line.len() > MAX_LINE {
        return Err(too_long());
    }
    let members: Map<String, Value> = serde_json::from_str(line).map_err(|e| {
        let what = e.to_string();
        format!(
            "no JSON object, at column {}: {}",
            e.column(),
            what.split(" at line ").next().unwrap_or_default()
        )
    })?;
    let text = |wanted: &str| {
        let mut found = members.iter().filter(|(name, _)| plain(name) == wanted);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(format!("two members are named {wanted}")),
            (None | Some((_, Value::Null)), _) => Ok(None),
            (Some((_, Value::String(text))), _) => Ok(Some(text.trim().to_owned())),
            (Some((_, other)), _) => Err(format!("{wanted} is no text: {}", excerpt(&other.to_string()))),
        }
    };
    let mut user = None;
    for name in USER {
        user = user.or(text(name)?);
    }
    let user = user.filter(|user| !user.is_empty()).ok_or("no user: name one in the member user")?;
    Ok(Row { user, tenant: text("tenant")?.unwrap_or_default(), since: text("since")?.unwrap_or_default() })
}

fn too_long() -> String {
    format!("longer than {MAX_LINE} bytes")
}
