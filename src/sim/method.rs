//! Authentication methods.
//!
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview>

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::access_pass::{self, Pass};
use super::directory::{Directory, object_id};
use super::error::{Answer, GraphError, Outcome};
use super::moment::Moment;
use super::preference;
use super::request::Ask;
use super::select;

/// Kind, its collection, what it shows, and whether it can be the default of the second factor.
const KINDS: &[(&str, &str, &[&str], bool)] = &[
    ("phone", "phoneMethods", &["phoneType", "phoneNumber"], true),
    ("email", "emailMethods", &["emailAddress"], false),
    ("external", "externalAuthenticationMethods", &["configurationId", "displayName"], true),
    ("microsoftAuthenticator", "microsoftAuthenticatorMethods", &["displayName"], true),
    ("softwareOath", "softwareOathMethods", &[], true),
    ("hardwareOath", "hardwareOathMethods", &[], true),
    ("fido2", "fido2Methods", &["displayName"], false),
    ("windowsHelloForBusiness", "windowsHelloForBusinessMethods", &["displayName"], false),
    ("platformCredential", "platformCredentialMethods", &["displayName"], false),
    ("temporaryAccessPass", "temporaryAccessPassMethods", &[], false),
];
/// What an administrator can make again.
const CREATABLE: &[&str] = &["phone", "email", "external"];
/// The phones' ids are the same for everyone.
const PHONES: &[(&str, &str)] = &[
    ("mobile", "3179e48a-750b-4051-897c-87b9720928f7"),
    ("alternateMobile", "b6332ec1-7057-4abe-9331-3d72feddfe41"),
    ("office", "e37fc753-ff3b-4958-9484-eaa9425c82bc"),
];
const EMAIL: &str = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f";
const PASSWORD: &str = "28c10230-6103-485e-b985-444c60001490";

/// An authentication method of the tenant file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Whose, by UPN.
    pub user: String,
    /// `phone`, `email`, `external`, `microsoftAuthenticator`, `softwareOath`, `hardwareOath`, `fido2`,
    /// `windowsHelloForBusiness`, `platformCredential`, `temporaryAccessPass`, or one that doesn't exist.
    pub kind: String,
    /// Its name in this file, and the display name of kinds that have one.
    pub name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
    /// `mobile` by default, `alternateMobile` or `office`.
    pub phone_type: Option<String>,
    /// Email address.
    pub email: Option<String>,
    /// When it was added; 400 days ago by default.
    pub created: Option<Moment>,
    /// The service doesn't say when it was added.
    #[serde(default)]
    pub undated: bool,
    /// It is the default; otherwise the user's first that can be.
    #[serde(default)]
    pub default: bool,
    /// A Temporary Access Pass that was used or has expired.
    #[serde(default)]
    pub used: bool,
}

/// A method of a user.
#[derive(Debug, Clone)]
pub struct Method {
    /// What only a Temporary Access Pass has.
    pub(super) pass: Option<Pass>,
    pub user_id: String,
    pub id: String,
    /// Its name in the tenant file.
    pub name: String,
    pub kind: String,
    created: Option<Moment>,
    shown: Map<String, Value>,
    pub default: bool,
}

impl Method {
    /// Adds one of the tenant file.
    pub fn describe(user_id: String, described: &Described, number: usize) -> Self {
        let phone_type = described.phone_type.as_deref().unwrap_or("mobile");
        let name = described.name.clone().unwrap_or_else(|| described.kind.clone());
        let known = KINDS.iter().find(|(kind, ..)| *kind == described.kind);
        let properties = known.map_or(&[][..], |(_, _, properties, _)| properties);
        let shown = properties.iter().map(|property| {
            let value = match *property {
                "phoneType" => json!(phone_type),
                "phoneNumber" => json!(described.phone),
                "emailAddress" => json!(described.email),
                "configurationId" => json!(object_id("configuration", &name)),
                _ => json!(name),
            };
            ((*property).to_owned(), value)
        });
        let other = || object_id("method", &format!("{user_id} {} {name} {number}", described.kind));
        Self {
            id: fixed_id(&described.kind, phone_type).map_or_else(other, str::to_owned),
            name: described.name.clone().unwrap_or_else(|| described.kind.clone()),
            kind: described.kind.clone(),
            created: Some(described.created.unwrap_or(Moment::days_ago(400))).filter(|_| !described.undated),
            shown: shown.collect(),
            default: described.default,
            pass: (described.kind == access_pass::KIND).then(|| Pass::described(described.used)),
            user_id,
        }
    }

    /// A Temporary Access Pass that the service makes now.
    pub(super) fn issued(user_id: String, id: String, pass: Pass, now: Timestamp) -> Self {
        Self {
            pass: Some(pass),
            user_id,
            id,
            name: access_pass::KIND.to_owned(),
            kind: access_pass::KIND.to_owned(),
            created: Some(Moment::At(now)),
            shown: Map::new(),
            default: false,
        }
    }

    pub fn can_be_default(&self) -> bool {
        KINDS.iter().any(|(kind, _, _, can)| *can && *kind == self.kind)
    }

    pub fn is_phone(&self, of: &str) -> bool {
        self.shown.get("phoneType").is_some_and(|value| value == of)
    }

    pub(super) fn json(&self, directory: &Directory) -> Value {
        let mut row = json!({
            "@odata.type": format!("#microsoft.graph.{}AuthenticationMethod", self.kind),
            "id": self.id,
            "createdDateTime": self.created.map(|at| format!("{:.0}", directory.time(at))),
        });
        for (name, value) in &self.shown {
            row[name] = value.clone();
        }
        if let Some(pass) = &self.pass {
            pass.show(&mut row);
        }
        row
    }
}

fn fixed_id(kind: &str, phone_type: &str) -> Option<&'static str> {
    match kind {
        "phone" => PHONES.iter().find(|(of, _)| *of == phone_type).map(|(_, id)| *id),
        "email" => Some(EMAIL),
        _ => None,
    }
}

/// The kind that a collection holds, in this edition of the API.
fn kind_of(ask: &Ask, collection: &str) -> Outcome<&'static str> {
    let found = KINDS.iter().find(|(_, of, ..)| *of == collection).map(|(kind, ..)| *kind);
    found
        .filter(|kind| *kind != "hardwareOath" || ask.version == "beta")
        .ok_or_else(|| GraphError::unknown_segment(collection))
}

/// `GET /users/{id}/authentication/methods`, `…/{typed collection}` and `…/{typed collection}/{id}`
pub fn read(directory: &Directory, ask: &Ask, user: &str, rest: &[&str], page_size: usize) -> Outcome {
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?;
    let of_user = directory.methods.iter().filter(|m| m.user_id == user.id);
    match rest {
        ["signInPreferences"] => preference::get(directory, ask, &user.id),
        ["methods"] => {
            let password = json!({
                "@odata.type": "#microsoft.graph.passwordAuthenticationMethod",
                "id": PASSWORD,
                "password": null,
                "createdDateTime": format!("{:.0}", directory.time(user.password_changed)),
            });
            let rows: Vec<Value> =
                std::iter::once(password).chain(of_user.map(|m| m.json(directory))).collect();
            select::collection(ask, "authenticationMethods", &rows, None, &[], page_size)
        }
        [collection] => {
            let kind = kind_of(ask, collection)?;
            let mut rows: Vec<Value> =
                of_user.filter(|m| m.kind == kind).map(|m| m.json(directory)).collect();
            // All are of the collection's type, and then no row names it.
            for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                row.remove("@odata.type");
            }
            select::collection(ask, collection, &rows, None, &[], page_size)
        }
        [collection, id] => {
            let kind = kind_of(ask, collection)?;
            let found = of_user.filter(|m| m.kind == kind).find(|m| m.id == *id);
            let found = found.ok_or_else(|| not_found(id))?;
            Ok(Answer::ok(select::object(ask, collection, &found.json(directory), None)))
        }
        _ => Err(GraphError::unknown_segment(rest.last().unwrap_or(&""))),
    }
}

/// `POST` to and `DELETE` from a typed collection.
pub fn write(directory: &mut Directory, ask: &Ask, user: &str, rest: &[&str], now: Timestamp) -> Outcome {
    let user = directory.user(user).ok_or_else(|| GraphError::not_found(user))?.id.clone();
    match (ask.method.as_str(), rest) {
        ("DELETE", ["methods", _]) => Err(GraphError::new(
            404,
            "ResourceNotFound",
            "No HTTP resource was found that matches the request URI.",
        )),
        ("DELETE", [collection, id]) => delete(directory, kind_of(ask, collection)?, &user, id),
        ("PATCH", ["signInPreferences"]) => preference::patch(directory, ask, &user),
        ("POST", [access_pass::COLLECTION]) => access_pass::post(directory, ask, user, now),
        ("POST", [collection]) => post(directory, ask, kind_of(ask, collection)?, user, now),
        _ => Err(GraphError::unknown_segment(rest.last().unwrap_or(&""))),
    }
}

/// The default goes last, and a second mobile before the first.
fn delete(directory: &mut Directory, kind: &str, user: &str, id: &str) -> Outcome {
    let of_user: Vec<&Method> = directory.methods.iter().filter(|m| m.user_id == user).collect();
    let method = of_user.iter().find(|m| m.kind == kind && m.id == id).ok_or_else(|| not_found(id))?;
    let able: Vec<&&Method> = of_user.iter().filter(|m| m.can_be_default()).collect();
    let default = preference::default_of(directory, user);
    if able.len() > 1 && default.is_some_and(|m| m.id == method.id && m.kind == method.kind) {
        return Err(refused(
            "Cannot delete default method with other methods configured. Please change default method before deletion.",
        ));
    }
    if method.is_phone("mobile") && of_user.iter().any(|m| m.is_phone("alternateMobile")) {
        return Err(refused("The mobile phone cannot be deleted while there is an alternate mobile phone."));
    }
    directory.methods.retain(|m| !(m.user_id == user && m.kind == kind && m.id == id));
    Ok(Answer::no_content())
}

fn post(directory: &mut Directory, ask: &Ask, kind: &str, user_id: String, now: Timestamp) -> Outcome {
    let body = ask.object()?;
    if !CREATABLE.contains(&kind) {
        return Err(refused("The authentication method cannot be created by an administrator."));
    }
    let properties = KINDS.iter().find(|(of, ..)| *of == kind).map_or(&[][..], |(_, _, shown, _)| shown);
    let mut shown = Map::new();
    for name in properties {
        let value = body.get(*name).filter(|value| value.is_string());
        let value = value.ok_or_else(|| refused(&format!("The property '{name}' is required.")))?;
        shown.insert((*name).to_owned(), value.clone());
    }
    let phone_type = shown.get("phoneType").and_then(Value::as_str).unwrap_or_default();
    let fixed = fixed_id(kind, phone_type);
    if kind == "phone" && fixed.is_none() {
        return Err(refused("The phone type is not valid."));
    }
    let mut of_user = directory.methods.iter().filter(|m| m.user_id == user_id);
    if of_user.clone().any(|m| m.kind == kind && (Some(m.id.as_str()) == fixed || m.shown == shown)) {
        return Err(refused("The authentication method already exists."));
    }
    if phone_type == "alternateMobile" && !of_user.any(|m| m.is_phone("mobile")) {
        return Err(refused("An alternate mobile phone needs a mobile phone."));
    }
    let id = fixed.map_or_else(|| directory.new_id("method"), str::to_owned);
    let created = Some(Moment::At(now));
    let name = kind.to_owned();
    let method =
        Method { pass: None, user_id, id, name, kind: kind.to_owned(), created, shown, default: false };
    let body = select::object(ask, "authenticationMethods", &method.json(directory), None);
    directory.methods.push(method);
    Ok(Answer::created(body))
}

/// As the back-end of the methods words it, which isn't the directory's.
fn refused(message: &str) -> GraphError {
    GraphError::new(400, "badRequest", message)
}

fn not_found(id: &str) -> GraphError {
    GraphError::new(404, "resourceNotFound", format!("The authentication method {id} was not found."))
}

/// The methods of a user that can be made again, by what they show; and the ids of the others.
pub fn snapshot(directory: &Directory, user_id: &str) -> (Vec<String>, Vec<String>) {
    let of_user = || directory.methods.iter().filter(|m| m.user_id == user_id);
    let issued = |m: &&Method| m.pass.as_ref().is_some_and(|pass| pass.issued);
    let (again, never): (Vec<&Method>, Vec<&Method>) =
        of_user().partition(|m| CREATABLE.contains(&m.kind.as_str()) || issued(m));
    let again = again.iter().map(|m| format!("{} {}", m.kind, Value::Object(m.shown.clone()))).collect();
    let mut never: Vec<String> = never.iter().map(|m| format!("{} {}", m.kind, m.id)).collect();
    never.sort_unstable();
    (again, never)
}
