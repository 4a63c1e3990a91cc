//! The second factor that a user prefers. The beta edition alone has it.
//!
//! <https://learn.microsoft.com/graph/api/resources/signinpreferences>

use serde_json::json;

use super::directory::Directory;
use super::error::{Answer, GraphError, Outcome};
use super::method::Method;
use super::request::Ask;
use super::select;

const PREFERRED: &str = "userPreferredMethodForSecondaryAuthentication";

impl Method {
    /// What it lets the user prefer, the usual one first.
    fn ways(&self) -> &'static [&'static str] {
        match self.kind.as_str() {
            "microsoftAuthenticator" => &["push", "oath"],
            "softwareOath" | "hardwareOath" => &["oath"],
            "phone" if self.is_phone("alternateMobile") => &["voiceAlternateMobile"],
            "phone" if self.is_phone("office") => &["voiceOffice"],
            "phone" => &["sms", "voiceMobile"],
            _ => &[],
        }
    }
}

/// Gives everybody who has a second factor a preference: what the tenant file says, else the first.
pub fn settle(directory: &mut Directory) {
    for user in directory.users.iter().map(|u| &u.id) {
        let able = || directory.methods.iter().filter(|m| m.user_id == *user && m.can_be_default());
        let chosen = able().find(|m| m.default).or(able().next());
        if let Some(way) = chosen.and_then(|method| method.ways().first()) {
            directory.preferred.insert(user.clone(), (*way).to_owned());
        }
    }
}

/// The method that is the default now.
pub fn default_of<'a>(directory: &'a Directory, user: &str) -> Option<&'a Method> {
    let able = || directory.methods.iter().filter(|m| m.user_id == user && m.can_be_default());
    let way = directory.preferred.get(user).map_or("", String::as_str);
    let preferred = || able().filter(|m| m.ways().contains(&way));
    let chosen = |mut of: Vec<&'a Method>| {
        of.sort_by_key(|m| !m.default);
        of.first().copied()
    };
    chosen(preferred().collect()).or_else(|| chosen(able().collect()))
}

/// `GET /beta/users/{id}/authentication/signInPreferences`
pub fn get(directory: &Directory, ask: &Ask, user: &str) -> Outcome {
    only_in_beta(ask)?;
    let full = json!({
        "isSystemPreferredAuthenticationMethodEnabled": false,
        PREFERRED: directory.preferred.get(user),
    });
    Ok(Answer::ok(select::object(ask, "signInPreferences", &full, None)))
}

/// `PATCH` of the same: only what the user has can be preferred.
pub fn patch(directory: &mut Directory, ask: &Ask, user: &str) -> Outcome {
    only_in_beta(ask)?;
    let way = ask.object()?.get(PREFERRED).and_then(|way| way.as_str()).unwrap_or_default().to_owned();
    if !directory.methods.iter().any(|m| m.user_id == user && m.ways().contains(&way.as_str())) {
        return Err(GraphError::new(
            400,
            "badRequest",
            "The preferred method is not registered for the user.",
        ));
    }
    directory.preferred.insert(user.to_owned(), way);
    Ok(Answer::no_content())
}

fn only_in_beta(ask: &Ask) -> Outcome<()> {
    if ask.version == "beta" { Ok(()) } else { Err(GraphError::unknown_segment("signInPreferences")) }
}
