//! `call`: a literal step. The playbook itself says what to read, when that shows containment, what to write and
//! how to take it back.
//!
//! For a simple need that no action covers: one object, one write, no loops and no conditions. The permissions
//! that it needs depend on its path, so they can't be declared and nothing can be said of them beforehand.
//!
//! <https://learn.microsoft.com/graph/use-the-api>

mod literal;
mod path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    About, Action, Change, Finding, Get, Look, Plan, Read, ReadError, ReadErrorKind, Seen, Target, Undo,
};
use literal::{Literal, Taking};

/// See the module's page.
pub struct Call;

/// What the read showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// 404.
    Absent,
    /// The members of the answer that the step compares.
    There(Value),
    /// The settings don't read, which the playbook's loader refuses earlier.
    Unreadable(String),
    /// Graph of the tenant's cloud lacks this resource: nothing was asked.
    NotInCloud(String),
}

impl Action for Call {
    type State = State;
    type Settings = Literal;

    fn about(&self) -> About {
        About {
            id: "call",
            title: "make the call that the playbook spells out",
            why: "For a simple need that no action covers: one read, one write and its undo, as they stand in the \
                  playbook. Which permissions and roles it needs depends on the path: none are listed here, and \
                  neither the plan nor `oust doctor` can check them. Look at the Graph page of the path.",
            permissions: &[],
            roles: &[],
            reversibility: "as the step says: by the undo that it spells out, or never",
            attack: &[],
            defend: &[],
            pages: &["https://learn.microsoft.com/graph/use-the-api"],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let step = match settings(who) {
            Ok(step) => step,
            Err(wrong) => return Ok(State::Unreadable(wrong)),
        };
        let look = look_at(&step, who);
        let paths = [&look.path, &step.write.call(who).path];
        if let Some(missing) = paths.into_iter().find_map(|path| who.tenant.cloud.lacks(path)) {
            return Ok(State::NotInCloud(missing.to_owned()));
        }
        match graph.one(&look).await {
            Ok(answer) => Ok(State::There(projected(&answer, &step.contained))),
            Err(e) if e.kind == ReadErrorKind::NotFound => Ok(State::Absent),
            Err(e) => Err(e),
        }
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let read = match now {
            State::Unreadable(wrong) => Err(wrong.clone()),
            State::NotInCloud(missing) => {
                let next = format!("by hand, where that is needed: {}", say(who));
                return open(Finding::not_in_cloud(who, missing, next));
            }
            State::Absent | State::There(_) => settings(who),
        };
        let step = match read {
            Ok(step) => step,
            Err(wrong) => return open(Finding::unreadable_settings(&who.user, &wrong)),
        };
        if is_contained(&step, now) {
            return Plan::default();
        }
        if *now == State::Absent && !step.write.may_create() {
            return open(Finding::open(
                &who.user,
                format!("{} is not there, so nothing was changed: {}", step.read.path, step.say),
                "check the path of the step, and that the runner may read it",
            ));
        }
        if is_of_operator(&step.write.segments(who), who) {
            return open(Finding::open(
                &who.user,
                format!("{} is the runner's own, so it was left alone: {}", step.write.path, step.say),
                "run as another application, or leave the step out",
            ));
        }
        Plan { changes: vec![change(&step, who, now)], ..Plan::default() }
    }
}

/// No step is without settings, so to have none is an error too.
fn settings(who: &Target) -> Result<Literal, String> {
    Literal::deserialize(&who.settings).map_err(|e| e.to_string())
}

/// What the step does, in the playbook's words.
fn say(who: &Target) -> String {
    settings(who).map_or_else(|_| "the step of the playbook".into(), |step| step.say)
}

fn open(finding: Finding) -> Plan {
    Plan { open: vec![finding], ..Plan::default() }
}

fn look_at(step: &Literal, who: &Target) -> Get {
    let get = Get::new(step.read.segments(who));
    step.query.iter().fold(get, |get, (name, value)| get.query(name, value))
}

fn is_contained(step: &Literal, now: &State) -> bool {
    match (&step.contained, now) {
        (Seen::Absent, State::Absent) => true,
        (Seen::With(wanted), State::There(found)) => has(found, wanted),
        _ => false,
    }
}

/// The operator is never touched, whatever a playbook spells out.
fn is_of_operator(segments: &[String], who: &Target) -> bool {
    let own = [&who.operator.object_id, &who.operator.app_id];
    let of = |segment: &String, id: &String| {
        !id.is_empty() && segment.to_ascii_lowercase().contains(&id.to_ascii_lowercase())
    };
    segments.iter().any(|segment| own.iter().any(|id| of(segment, id)))
}

fn change(step: &Literal, who: &Target, now: &State) -> Change {
    let segments = step.write.segments(who);
    let of_user = segments.contains(&who.user.id);
    let object = match segments.get(1).filter(|_| !of_user) {
        Some(id) => (id.as_str(), step.write.path.as_str()),
        None => (who.user.id.as_str(), who.user.user_principal_name.as_str()),
    };
    let before = match (now, &step.contained) {
        (State::There(found), Seen::With(wanted)) if tells_apart(found, wanted) => Seen::With(found.clone()),
        (State::There(_), Seen::With(wanted)) => Seen::Without(wanted.clone()),
        (State::There(_), _) => Seen::With(Value::Object(Map::new())),
        _ => Seen::Absent,
    };
    let undo = match &step.undo {
        Taking::Back(at) => Undo::Call(at.call(who)),
        Taking::Never(why) => Undo::Never(why.clone()),
    };
    Change::new(object, step.say.clone(), (&step.from, &step.to), step.write.call(who), undo)
        .look(Look::at(look_at(step, who), before, step.contained.clone()))
        .because("the playbook spells it out")
}

/// Whether what was found has every wanted member, none of them a list: then it can be compared with later.
fn tells_apart(found: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(members) => members
            .iter()
            .all(|(name, wanted)| found.get(name).is_some_and(|found| tells_apart(found, wanted))),
        Value::Array(_) => false,
        _ => true,
    }
}

/// Those members of an answer that are compared: the rest of it is none of the journal's business.
fn projected(answer: &Value, contained: &Seen) -> Value {
    fn only(answer: &Value, wanted: &Value) -> Value {
        match (answer, wanted) {
            (Value::Object(found), Value::Object(wanted)) => wanted
                .iter()
                .filter_map(|(name, wanted)| found.get(name).map(|found| (name.clone(), only(found, wanted))))
                .collect::<Map<_, _>>()
                .into(),
            _ => answer.clone(),
        }
    }
    match contained {
        Seen::With(wanted) => only(answer, wanted),
        _ => Value::Object(Map::new()),
    }
}

/// Whether `found` has all members of `wanted` with equal values; a list has the same items in any order. The
/// same comparison as that of a [`Look`].
fn has(found: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Object(members) => {
            members.iter().all(|(name, wanted)| found.get(name).is_some_and(|found| has(found, wanted)))
        }
        Value::Array(wanted) => found.as_array().is_some_and(|items| {
            items.len() == wanted.len()
                && wanted.iter().all(|wanted| items.iter().any(|item| has(item, wanted)))
        }),
        wanted => found == wanted,
    }
}

#[cfg(test)]
mod tests;
