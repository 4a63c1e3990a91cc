//! The one write, with its undo.

use serde_json::{Map, Value};

use super::kinds::{Back, Kind};
use super::seen::Seen;
use crate::{Call, Change, Get, Lasts, Look, Method, Repeat, Seen as Shows, Target, Undo};

/// How the service refuses the default method. Both wordings occur.
const DEFAULT: &[&str] = &["default method", "default authentication method"];

/// Deletes a method; `None` for a kind that can't be.
pub(super) fn removal(who: &Target, method: &Seen) -> Option<Change> {
    let kind = method.kind()?;
    let label = method.label();
    let mut call =
        Call::new(Method::Delete, ["users", &who.user.id, "authentication", kind.collection, &method.id]);
    call.api = kind.api;
    let (undo, look) = back(who, method, kind);
    Some(Change {
        object_id: method.id.clone(),
        say: format!("remove the {label}"),
        label,
        from: method
            .created_date_time
            .map_or_else(|| "registered".into(), |at| format!("registered {at:.0}")),
        to: "not registered".into(),
        call: call.last_when_told(DEFAULT).by_hand(by_hand(kind)),
        undo,
        look,
        lasts: Lasts::Stays,
        risk: None,
        reasons: vec![],
    })
}

fn by_hand(kind: &Kind) -> &'static str {
    if kind.id == "windowsHelloForBusiness" {
        "the service keeps some Windows Hello entries from applications: delete it signed in with a second \
         factor (Entra, Users, the user, Authentication methods), or disable the device that it is on"
    } else {
        "delete it in Entra (Users, the user, Authentication methods); if it is the default method, choose \
         another default there first"
    }
}

fn back(who: &Target, method: &Seen, kind: &Kind) -> (Undo, Option<Look>) {
    let (identity, rest) = match &kind.back {
        Back::Never(why) => return (Undo::Never((*why).to_owned()), None),
        Back::With { identity, rest } => (*identity, *rest),
    };
    let with = |names: &[&str]| -> Map<String, Value> {
        names.iter().map(|name| ((*name).to_owned(), method.property(name))).collect()
    };
    let body = with(&[identity, rest].concat());
    if body.values().any(Value::is_null) {
        return (Undo::Never("the service didn't say enough of it to make it again".into()), None);
    }
    let collection = ["users", &who.user.id, "authentication", kind.collection];
    let mut call = Call::new(Method::Post, collection).body(body.clone().into()).repeat(Repeat::Conflicts);
    call.api = kind.api;
    let look = Look {
        get: Get { api: kind.api, ..Get::new(collection) },
        pick: Some(with(identity).into()),
        before: Shows::With(body.into()),
        after: Shows::Absent,
    };
    (Undo::Call(call), Some(look))
}
