//! The default second factor: the service keeps it while others exist, so it is changed to one that stays.
//!
//! Only the beta edition shows and sets it. Where it refuses, the deletion of the default is tried last, as if
//! this were not here.
//!
//! <https://learn.microsoft.com/graph/api/authentication-update>

use serde_json::json;

use super::judge::goes;
use super::kinds::Back;
use super::seen::{Seen, State};
use super::{ALL_KINDS, Settings};
use crate::{
    Api, Call, Change, Get, Look, Method, Read, ReadError, ReadErrorKind, Seen as Shows, Target, Undo,
};

const PREFERRED: &str = "userPreferredMethodForSecondaryAuthentication";

/// What can be preferred, the strongest first, and what it is to people.
const WAYS: &[(&str, &str)] = &[
    ("push", "a notification of Microsoft Authenticator"),
    ("oath", "a one-time code"),
    ("sms", "a text message"),
    ("voiceMobile", "a call to the mobile"),
    ("voiceAlternateMobile", "a call to the second mobile"),
    ("voiceOffice", "a call to the office phone"),
];

/// Where the preference is.
pub(super) fn preferences(user: &str) -> Get {
    Get { api: Api::Beta, ..Get::new(["users", user, "authentication", "signInPreferences"]) }
}

/// Reads the default, when something hangs on it. `None` also when the service doesn't say.
pub(super) async fn read(
    who: &Target,
    graph: &dyn Read,
    state: &State,
    settings: &Settings,
) -> Result<Option<String>, ReadError> {
    let (going, staying) = split(who, state, settings);
    let lost = |way: &str| offered(&going, way) && !offered(&staying, way);
    let matters = WAYS.iter().any(|(way, _)| lost(way)) && WAYS.iter().any(|(way, _)| offered(&staying, way));
    let held = &who.operator.permissions;
    let may = held.is_empty() || held.iter().any(|name| name == ALL_KINDS.name);
    let preferences = preferences(&who.user.id);
    let is_there = who.tenant.cloud.lacks(&preferences.path).is_none();
    if !settings.change_default || !matters || !may || !is_there {
        return Ok(None);
    }
    match graph.one(&preferences).await {
        Ok(shown) => Ok(shown[PREFERRED].as_str().map(str::to_owned)),
        Err(error) if error.kind == ReadErrorKind::Stopped => Err(error),
        Err(_) => Ok(None),
    }
}

/// Prefers one that stays, when the default is one that goes.
pub(super) fn change(who: &Target, state: &State, settings: &Settings) -> Option<Change> {
    let (going, staying) = split(who, state, settings);
    let before = state.default.as_deref().filter(|way| offered(&going, way) && !offered(&staying, way))?;
    let (after, told) = WAYS.iter().find(|(way, _)| offered(&staying, way))?;
    let told_before = WAYS.iter().find(|(way, _)| *way == before).map_or(before, |(_, told)| told);
    let set = |way: &str| {
        let path = ["users", &who.user.id, "authentication", "signInPreferences"];
        let call = Call::new(Method::Patch, path).body(json!({ PREFERRED: way }));
        Call { api: Api::Beta, ..call }
    };
    let comes_back = going.iter().any(|m| {
        m.ways().contains(&before) && m.kind().is_some_and(|kind| matches!(kind.back, Back::With { .. }))
    });
    let undo = if comes_back {
        Undo::Call(set(before))
    } else {
        Undo::Never("the default was a method that can't be registered again from here".into())
    };
    let call = set(after).by_hand(
        "choose a default that is the user's own in Entra (Users, the user, Authentication methods), then run \
         `oust contain` again",
    );
    let shows = |way: &str| Shows::With(json!({ PREFERRED: way }));
    let object = (who.user.id.as_str(), who.user.user_principal_name.as_str());
    let say = format!("make {told} the default second factor");
    let change = Change::new(object, say, (told_before, told), call, undo)
        .look(Look::at(preferences(&who.user.id), shows(before), shows(after)))
        .because("the default is a method that goes, and the service keeps it while others exist");
    Some(change)
}

fn split<'a>(who: &Target, state: &'a State, settings: &Settings) -> (Vec<&'a Seen>, Vec<&'a Seen>) {
    state.methods.iter().partition(|method| goes(who, method, settings))
}

fn offered(by: &[&Seen], way: &str) -> bool {
    by.iter().any(|method| method.ways().contains(&way))
}

impl Seen {
    /// What it lets the user prefer.
    fn ways(&self) -> &'static [&'static str] {
        match (self.kind().map(|kind| kind.id), self.phone_type.as_deref()) {
            (Some("microsoftAuthenticator"), _) => &["push", "oath"],
            (Some("softwareOath" | "hardwareOath"), _) => &["oath"],
            (Some("phone"), Some("mobile")) => &["sms", "voiceMobile"],
            (Some("phone"), Some("alternateMobile")) => &["voiceAlternateMobile"],
            (Some("phone"), Some("office")) => &["voiceOffice"],
            _ => &[],
        }
    }
}
