//! Whether sign-in to an account is allowed: what `disable_user` and `enable_user` read and set.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Call, Change, Get, Look, Method, Permission, Read, ReadError, Seen, Target, Undo, User};

pub(crate) const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("User.EnableDisableAccount.All", &["User.ReadWrite.All", "Directory.ReadWrite.All"]),
];

/// Whether sign-in is allowed; `None` when Graph didn't say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) account_enabled: Option<bool>,
}

pub(crate) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let user = graph.one(&User::get(&who.user.id)).await?;
    Ok(State { account_enabled: user["accountEnabled"].as_bool() })
}

/// The one property in one PATCH, because a refusal of any property refuses all of them. `says`: what is done, the
/// value before and after.
pub(crate) fn set(who: &Target, enabled: bool, says: (&str, &str, &str)) -> Change {
    let user = &who.user;
    let (say, from, to) = says;
    let body = |enabled: bool| -> Value { json!({ "accountEnabled": enabled }) };
    let patch = |enabled: bool| Call::new(Method::Patch, ["users", &user.id]).body(body(enabled));
    let get = Get::new(["users", &user.id]).select(&["id", "accountEnabled"]);
    let object = (user.id.as_str(), user.user_principal_name.as_str());
    Change::new(object, say.to_owned(), (from, to), patch(enabled), Undo::Call(patch(!enabled)))
        .look(Look::at(get, Seen::With(body(!enabled)), Seen::With(body(enabled))))
}
