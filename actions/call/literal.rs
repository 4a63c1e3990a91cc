//! The settings of a literal step, checked as the playbook is loaded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::path::{Segments, USER};
use crate::{Call, Method, Repeat, Seen, Target};

/// Longest text for people.
const MAX_CHARS: usize = 200;

/// A checked step.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "File")]
pub struct Literal {
    pub(super) say: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) read: At,
    pub(super) query: Vec<(String, String)>,
    pub(super) contained: Seen,
    pub(super) write: At,
    pub(super) undo: Taking,
}

/// Where a step reads or writes, and what.
#[derive(Debug, Clone, Default)]
pub(super) struct At {
    pub(super) path: String,
    segments: Segments,
    method: Option<Method>,
    body: Option<Value>,
}

/// How a step is taken back.
#[derive(Debug, Clone)]
pub(super) enum Taking {
    Back(At),
    Never(String),
}

/// A literal step as a playbook spells it out. In a path, `{user}` stands for the object id of the user; it may
/// also stand for a whole string in a body. There are no other placeholders.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Literal")]
struct File {
    /// What is done, as an imperative: `disable the app`.
    say: String,
    /// The value before, for people.
    #[serde(default)]
    from: String,
    /// The value after, for people.
    #[serde(default)]
    to: String,
    /// What to look at: one object.
    read: ReadFile,
    /// Members that the answer has once the step is done; `{absent: true}` for an object that is gone (404).
    contained_when: Map<String, Value>,
    /// The write.
    write: WriteFile,
    /// The write that takes it back, or `{never: why}`.
    undo: UndoFile,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LiteralRead")]
struct ReadFile {
    /// Below v1.0, with a slash in front.
    path: String,
    /// `$select` and `$expand`.
    #[serde(default)]
    query: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LiteralWrite")]
struct WriteFile {
    /// `POST`, `PATCH`, `PUT` or `DELETE`.
    method: Method,
    /// Below v1.0, with a slash in front.
    path: String,
    /// The JSON body; never with a secret.
    #[serde(default)]
    body: Option<Value>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LiteralUndo")]
struct UndoFile {
    /// Why it can't be taken back.
    #[serde(default)]
    never: Option<String>,
    /// `POST`, `PATCH`, `PUT` or `DELETE`.
    #[serde(default)]
    method: Option<Method>,
    /// Below v1.0, with a slash in front.
    #[serde(default)]
    path: Option<String>,
    /// The JSON body; never with a secret.
    #[serde(default)]
    body: Option<Value>,
}

impl JsonSchema for Literal {
    fn schema_name() -> Cow<'static, str> {
        File::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        File::json_schema(generator)
    }
}

/// There is no step without settings: this one does nothing, and no step comes to use it.
impl Default for Literal {
    fn default() -> Self {
        Self {
            say: String::new(),
            from: String::new(),
            to: String::new(),
            read: At::default(),
            query: vec![],
            contained: Seen::Any,
            write: At::default(),
            undo: Taking::Never("it does nothing".into()),
        }
    }
}

impl TryFrom<File> for Literal {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        for (name, text) in [("say", &file.say), ("from", &file.from), ("to", &file.to)] {
            if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
                return Err(format!("`{name}` is one line of {MAX_CHARS} characters at most"));
            }
        }
        if file.say.trim().is_empty() {
            return Err("`say` has to tell what is done".into());
        }
        let read = At::read(&file.read.path).map_err(|e| format!("`read`: {e}"))?;
        let known = |name: &&String| ["$select", "$expand"].contains(&name.as_str());
        if let Some(name) = file.read.query.keys().find(|name| !known(name)) {
            return Err(format!("`read`: the query option {name:?} is not one of `$select` and `$expand`"));
        }
        let UndoFile { never, method, path, body } = file.undo;
        let undo = match (never, method, path) {
            (Some(why), None, None) if body.is_none() && !why.trim().is_empty() => Taking::Never(why),
            (None, Some(method), Some(path)) => {
                let file = WriteFile { method, path, body };
                Taking::Back(At::write(file).map_err(|e| format!("`undo`: {e}"))?)
            }
            _ => {
                return Err("`undo` has `method` and `path`, or `never` with the reason, and not both".into());
            }
        };
        Ok(Self {
            contained: contained(file.contained_when)?,
            write: At::write(file.write).map_err(|e| format!("`write`: {e}"))?,
            say: file.say,
            from: file.from,
            to: file.to,
            read,
            query: file.read.query.into_iter().collect(),
            undo,
        })
    }
}

fn contained(members: Map<String, Value>) -> Result<Seen, String> {
    match members.get("absent") {
        Some(Value::Bool(true)) if members.len() == 1 => Ok(Seen::Absent),
        Some(_) => Err("`contained_when`: `absent` is `true` and stands alone".into()),
        None if members.is_empty() => Err("`contained_when` has to name a member of the answer".into()),
        None => Ok(Seen::With(Value::Object(members))),
    }
}

impl At {
    fn read(path: &str) -> Result<Self, String> {
        let segments = Segments::parse(path)?;
        if segments.has_ref() {
            return Err(format!("the path {path:?} is a link and not an object: leave `$ref` out"));
        }
        Ok(Self { path: path.to_owned(), segments, method: None, body: None })
    }

    fn write(file: WriteFile) -> Result<Self, String> {
        let WriteFile { method, path, body } = file;
        let mut segments = Segments::parse(&path)?;
        if let Some(bare) = segments.without_ref().filter(|_| method == Method::Delete) {
            segments = bare;
            if !Call::new(method, segments.plain()).url().ends_with("/$ref") {
                return Err(format!("the path {path:?} is no link of a member or an owner"));
            }
        }
        if segments.has_ref() {
            return Err(format!("the path {path:?} adds a link: use the action `block_by_group`"));
        }
        if method == Method::Delete && segments.is_user() {
            return Err(format!("the path {path:?} deletes the account: use the action `disable_user`"));
        }
        if segments.links_another() {
            return Err(format!(
                "the path {path:?} is a link of somebody who is not the one who is contained: write {USER}"
            ));
        }
        match (method, &body) {
            (Method::Delete, Some(_)) => return Err("a DELETE has no body".into()),
            (Method::Patch | Method::Put, None) => return Err("a PATCH or a PUT needs a body".into()),
            (Method::Patch, Some(Value::Object(members))) if members.len() == 1 => {}
            (Method::Patch, Some(_)) => {
                return Err("a PATCH sets one property: a refusal of one would refuse all".into());
            }
            _ => {}
        }
        body.as_ref().map_or(Ok(()), check_body)?;
        Ok(Self { path, segments, method: Some(method), body })
    }

    /// Whether it can make an object that is not there.
    pub(super) fn may_create(&self) -> bool {
        matches!(self.method, Some(Method::Post | Method::Put))
    }

    /// Where it goes for this user, each segment still to be encoded.
    pub(super) fn segments(&self, who: &Target) -> Vec<String> {
        self.segments.filled(who)
    }

    /// The call for this user.
    pub(super) fn call(&self, who: &Target) -> Call {
        let method = self.method.unwrap_or(Method::Patch);
        let mut call = Call::new(method, self.segments(who));
        call.body = self.body.clone().map(|body| filled(body, who));
        // Nothing is known of what a second POST does, so none is sent without a look.
        if method == Method::Post { call.repeat(Repeat::Duplicates) } else { call }
    }
}

/// Members of a body that name who a write is about.
const WHO: [&str; 6] = ["principalid", "principalids", "userid", "userids", "memberid", "memberids"];

/// No secrets, no links, no other placeholders, and nobody else: the guards know only who is contained.
fn check_body(body: &Value) -> Result<(), String> {
    match body {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let lower = name.to_ascii_lowercase();
            if WHO.contains(&lower.as_str()) && !is_user(value) {
                return Err(format!("the body's {name:?} is not the one who is contained: write {USER:?}"));
            }
            if ["password", "secret", "privatekey", "credential"].iter().any(|word| lower.contains(word)) {
                return Err(format!(
                    "the body holds {name:?}: a secret does not belong in a playbook; `reset_password` makes one"
                ));
            }
            if lower.contains("@odata.id") || lower.contains("@odata.bind") {
                return Err(format!("the body holds the link {name:?}: use the action `block_by_group`"));
            }
            check_body(value)
        }),
        Value::Array(items) => items.iter().try_for_each(check_body),
        Value::String(text) if text != USER && text.contains(['{', '}']) => {
            Err(format!("the body holds {text:?}: the only placeholder is {USER:?}, as a whole string"))
        }
        _ => Ok(()),
    }
}

/// Whether it is the placeholder, or a list of nothing else.
fn is_user(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_user),
        value => value.as_str() == Some(USER),
    }
}

fn filled(body: Value, who: &Target) -> Value {
    match body {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, filled(value, who))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(|item| filled(item, who)).collect(),
        Value::String(text) if text == USER => who.user.id.clone().into(),
        other => other,
    }
}
