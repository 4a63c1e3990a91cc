//! What an action decides: changes to make, objects to leave, ways in that it can't close.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, Get, Method, User};

/// In the `pick` of a look, stands for the id of the object that the change's call created.
const CREATED: &str = "{created}";

/// The decision of an action for one user. No changes means: already contained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// What to do, in the order in which it is sent.
    pub changes: Vec<Change>,
    /// Seen and left alone, with the reason.
    pub kept: Vec<Finding>,
    /// A way back in that was seen and that this action can't close.
    pub open: Vec<Finding>,
}

/// One write to one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Id of the directory object that changes.
    pub object_id: String,
    /// Its name for people. Comes from the tenant, so it is hostile until escaped.
    pub label: String,
    /// What is done, as an imperative: "disable the account". May hold names from the tenant: hostile.
    pub say: String,
    /// The value now, for people: "enabled". Hostile like `say`.
    pub from: String,
    /// The value afterwards, for people: "disabled".
    pub to: String,
    /// The write.
    pub call: Call,
    /// How to take it back.
    pub undo: Undo,
    /// How to see from outside, with no code of this action, whether it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// Whether it stays once it is made.
    #[serde(default)]
    pub lasts: Lasts,
    /// 0–100, where the action scores what it removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<u8>,
    /// Why this object was chosen, one reason a line. Hostile like `say`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl Change {
    /// A change that stays, with no score; `from` and `to` are the values for people.
    pub fn new(object: (&str, &str), say: String, (from, to): (&str, &str), call: Call, undo: Undo) -> Self {
        Self {
            object_id: object.0.to_owned(),
            label: object.1.to_owned(),
            say,
            from: from.to_owned(),
            to: to.to_owned(),
            call,
            undo,
            look: None,
            lasts: Lasts::Stays,
            risk: None,
            reasons: vec![],
        }
    }

    /// Adds the way to see whether it is in force.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.look = Some(look);
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// What it writes to: how a change is found again in a later plan.
    pub fn write(&self) -> Write {
        Write { method: self.call.method, url: self.call.url(), object_id: self.object_id.clone() }
    }
}

/// A write to an object. Two changes with the same one are the same change. Some objects share the address that they
/// are written at, such as the secrets of an app.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Write {
    method: Method,
    url: String,
    object_id: String,
}

impl Look {
    /// Looks at one object; 404 means that it is absent.
    pub fn at(get: Get, before: Seen, after: Seen) -> Self {
        Self { get, pick: None, before, after }
    }

    /// Looks for the item of a collection that the call created: the engine knows its id by the answer.
    pub fn created(get: Get) -> Self {
        let pick = serde_json::json!({ "id": CREATED });
        Self::pick(get, pick, Seen::Absent, Seen::With(serde_json::json!({})))
    }

    /// The same look, with the id of what the call created.
    #[must_use]
    pub fn for_created(&self, id: &str) -> Self {
        let mut look = self.clone();
        if look.needs_created() {
            look.pick = Some(serde_json::json!({ "id": id }));
        }
        look
    }

    /// Whether it can't be looked without the id of what the call created.
    pub fn needs_created(&self) -> bool {
        self.pick.as_ref().is_some_and(|pick| pick["id"] == CREATED)
    }

    /// Looks for the item of a collection that has these members.
    pub fn pick(get: Get, pick: Value, before: Seen, after: Seen) -> Self {
        Self { get, pick: Some(pick), before, after }
    }
}

/// How a change is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// By this call.
    Call(Call),
    /// It can't be, and why.
    Never(String),
}

/// Whether something will put the old value back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// Nothing does.
    #[default]
    Stays,
    /// Something does: what, and the way out.
    Reverts(String),
}

/// A literal read that tells whether a change is in force. It is what rollback checks before it undoes, and
/// needs no code of the action that made the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// What to read.
    pub get: Get,
    /// Chooses one item of a collection: every member given here must be equal. `None`: `get` answers with
    /// the object itself, and 404 means that it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Value>,
    /// What it showed before the change.
    pub before: Seen,
    /// What it shows while the change is in force.
    pub after: Seen,
}

/// A state of an object as a [`Look`] sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// The object is not there.
    Absent,
    /// It is there and has at least these members with these values.
    With(Value),
    /// It is not there, or one of these members has another value.
    Without(Value),
    /// Anything: this state can't be told from the outside.
    Any,
}

/// What is done with an object that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It goes.
    Remove,
    /// It stays.
    Keep,
    /// A person has to decide.
    Ask,
}

/// An object that was judged, and the judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Id of the directory object; empty when the finding is about something that can't be read.
    pub object_id: String,
    /// Its name for people. Comes from the tenant, so it is hostile until escaped.
    pub label: String,
    /// The judgement.
    pub decision: Decision,
    /// 0–100, where the action scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<u8>,
    /// Why, one reason a line. May hold names and URLs from the tenant: hostile.
    pub reasons: Vec<String>,
    /// What a person must do about it, when something must be done. Hostile like `reasons`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Finding {
    /// A way back in through the account itself that needs a person: why, and what to do about it.
    pub fn open(user: &User, reason: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            object_id: user.id.clone(),
            label: user.user_principal_name.clone(),
            decision: Decision::Ask,
            risk: None,
            reasons: vec![reason.into()],
            next: Some(next.into()),
        }
    }

    /// An object and the judgement on it.
    pub fn of(object: (&str, &str), decision: Decision, reasons: Vec<String>) -> Self {
        Self {
            object_id: object.0.to_owned(),
            label: object.1.to_owned(),
            decision,
            risk: None,
            reasons,
            next: None,
        }
    }

    /// Adds what a person must do.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// The step's settings don't read, so nothing was decided. The playbook's loader refuses them earlier.
    pub fn unreadable_settings(user: &User, wrong: &str) -> Self {
        Self::open(
            user,
            format!("the step's settings could not be read, so nothing was changed: {wrong}"),
            "correct the playbook and run again",
        )
    }
}
