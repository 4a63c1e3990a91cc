//! The intruder's footholds: what they hold, and whether it still works.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Tenant;
use super::application::Application;
use super::build::{self, Problem};
use super::directory::Directory;
use super::exchange::Mailbox;
use super::moment::Moment;
use super::user::User;

/// What a tenant file tells about the intruder.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// When they came in; 2 hours ago by default.
    pub since: Option<Moment>,
    /// What they hold.
    #[serde(default)]
    pub footholds: Vec<Held>,
    /// What happened, for the rehearsal.
    #[serde(default)]
    pub story: Vec<String>,
}

/// One thing that they hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Held {
    /// A refresh token: mints access tokens until it is revoked.
    RefreshToken(Thing),
    /// An access token: works until it expires, whatever is revoked.
    AccessToken(Thing),
    /// A session cookie of the browser.
    SessionCookie(Thing),
    /// The password.
    Password(Thing),
    /// A consent to an application of theirs.
    Grant(Thing),
    /// An assignment to an application.
    AppRole(Thing),
    /// A secret, a certificate or a federated credential of an application: `object` is its name.
    AppCredential(Thing),
    /// A directory role: `object` is its name.
    Role(Thing),
    /// An authentication method of theirs.
    AuthMethod(Thing),
    /// A device that they registered.
    Device(Thing),
    /// A rule of the inbox.
    InboxRule(Thing),
    /// The whole mailbox forwards its mail.
    MailForwarding(Thing),
}

/// The particulars of a foothold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    /// Its name for people.
    pub name: Option<String>,
    /// The account, by UPN; the victim by default.
    pub user: Option<String>,
    /// When it came into being; the intruder's arrival by default.
    pub issued: Option<Moment>,
    /// When an access token ends; an hour after it was issued by default.
    pub expires: Option<Moment>,
    /// The application of a consent, an assignment or a credential, by its name in the tenant file.
    pub app: Option<String>,
    /// The method, device, rule, credential or role, by its name.
    pub object: Option<String>,
}

/// What the intruder holds, resolved.
#[derive(Debug, Clone, Default)]
pub struct Intruder {
    /// What happened, for the rehearsal: one line each.
    pub story: Vec<String>,
    /// When they came in.
    pub(super) since: Option<Moment>,
    pub(super) held: Vec<Holding>,
}

/// A foothold with its references resolved.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    pub kind: &'static str,
    pub name: String,
    pub user_id: String,
    pub issued: Moment,
    pub expires: Option<Moment>,
    pub app_id: Option<String>,
    pub object_id: Option<String>,
    /// The password that they know.
    pub password_version: u32,
}

/// A foothold, and whether it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foothold {
    /// Its name for people.
    pub name: String,
    /// Which kind: `refresh_token`, `access_token`, `session_cookie`, `password`, `grant`, `app_role`,
    /// `auth_method`, `device`, `inbox_rule`, `app_credential`, `role`, `mail_forwarding`.
    pub what: &'static str,
    /// Whether it still gets the intruder in.
    pub works: bool,
    /// Why.
    pub why: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl Intruder {
    /// Resolves what a tenant file tells.
    pub(super) fn new(
        directory: &Directory,
        described: &Described,
        victim: Option<&str>,
    ) -> Result<Self, Problem> {
        let since = described.since.unwrap_or(Moment::FromStart(SignedDuration::from_hours(-2)));
        let mut held = Vec::new();
        for foothold in &described.footholds {
            let (kind, thing) = match foothold {
                Held::RefreshToken(thing) => ("refresh_token", thing),
                Held::AccessToken(thing) => ("access_token", thing),
                Held::SessionCookie(thing) => ("session_cookie", thing),
                Held::Password(thing) => ("password", thing),
                Held::Grant(thing) => ("grant", thing),
                Held::AppRole(thing) => ("app_role", thing),
                Held::AppCredential(thing) => ("app_credential", thing),
                Held::Role(thing) => ("role", thing),
                Held::AuthMethod(thing) => ("auth_method", thing),
                Held::Device(thing) => ("device", thing),
                Held::InboxRule(thing) => ("inbox_rule", thing),
                Held::MailForwarding(thing) => ("mail_forwarding", thing),
            };
            let needs = |what: &str| Problem::new(kind, format!("the foothold {kind:?} needs {what}"));
            let owner =
                thing.user.as_deref().or(victim).ok_or_else(|| needs("a user, or the file a victim"))?;
            let app_id = thing.app.as_deref().map(|name| build::app(directory, name)).transpose()?;
            if app_id.is_none() && matches!(kind, "grant" | "app_role" | "app_credential") {
                return Err(needs("an app"));
            }
            let user_id = build::user(directory, owner)?;
            let object_id = object(directory, kind, thing, &user_id)?;
            let issued = thing.issued.unwrap_or(since);
            let hour = SignedDuration::from_hours(1);
            let ends = thing.expires.unwrap_or(match issued {
                Moment::At(at) => Moment::At(at.saturating_add(hour).unwrap_or(at)),
                Moment::FromStart(from) => Moment::FromStart(from.saturating_add(hour)),
            });
            held.push(Holding {
                kind,
                name: thing.name.clone().unwrap_or_else(|| kind.replace('_', " ")),
                user_id,
                issued,
                expires: (kind == "access_token").then_some(ends),
                app_id,
                object_id,
                password_version: 1,
            });
        }
        Ok(Self { story: described.story.clone(), since: Some(since), held })
    }
}

impl Tenant {
    /// When the intruder came in, for a simulation that has begun.
    pub fn compromised_since(&self) -> Option<Timestamp> {
        self.directory.start.and(self.intruder.since.map(|since| self.directory.time(since)))
    }

    /// What has become of the intruder's footholds by then.
    pub fn footholds(&mut self, now: Timestamp) -> Vec<Foothold> {
        self.begin(now);
        self.directory.synchronise(now);
        self.intruder.held.iter().map(|held| self.foothold(held, now)).collect()
    }

    fn foothold(&self, held: &Holding, now: Timestamp) -> Foothold {
        let until = held.expires.map(|moment| self.directory.time(moment));
        let (works, why) = match self.directory.user(&held.user_id) {
            None => (false, "the account is gone".to_owned()),
            Some(user) => match held.kind {
                "access_token" => match until {
                    Some(until) if until <= now => (false, "it has expired".to_owned()),
                    _ => (true, "an access token lives until it expires; nothing revokes it".to_owned()),
                },
                "password" => password(user, held),
                "grant" => self.grant(user, held),
                "app_role" => self.app_role(user, held),
                "app_credential" => self.app_credential(held),
                "role" => self.role(user, held),
                "auth_method" => self.auth_method(user, held),
                "device" => self.device(user, held),
                "inbox_rule" => self.inbox_rule(held),
                "mail_forwarding" => self.mail_forwarding(user),
                _ => self.session(user, held),
            },
        };
        Foothold { name: held.name.clone(), what: held.kind, works, why, until }
    }

    /// Refresh tokens and session cookies live and die by the same moment.
    fn session(&self, user: &User, held: &Holding) -> (bool, String) {
        if !user.enabled {
            return (false, "the account is disabled".into());
        }
        let (issued, valid_from) =
            (self.directory.time(held.issued), self.directory.time(user.sessions_valid_from));
        if issued < valid_from {
            return (false, format!("sessions from before {valid_from:.0} are void"));
        }
        (true, "it was issued after sessions were last revoked".into())
    }

    fn grant(&self, user: &User, held: &Holding) -> (bool, String) {
        let client = held.app_id.as_deref().unwrap_or_default();
        let consented = self
            .directory
            .grants
            .iter()
            .any(|g| g.client_id == client && g.principal_id.as_ref().is_none_or(|id| *id == user.id));
        if !consented {
            return (false, "the consent is gone".into());
        }
        if !self.directory.service_principal(client).is_some_and(|sp| sp.enabled) {
            return (false, "the application is disabled".into());
        }
        match self.session(user, held) {
            (true, _) => (true, "the application has a consent and a refresh token of its own".into()),
            (false, why) => {
                (false, format!("{why}; the consent stands, and works again when the user next signs in"))
            }
        }
    }

    /// It needs neither the account nor a session of it.
    fn app_credential(&self, held: &Holding) -> (bool, String) {
        let Some(sp) = held.app_id.as_deref().and_then(|id| self.directory.service_principal(id)) else {
            return (false, "the application is gone".into());
        };
        let app = self.directory.applications.iter().find(|app| app.app_id == sp.app_id);
        let name = held.object_id.as_deref().unwrap_or_default();
        let there = sp.credentials.has(name)
            || app
                .is_some_and(|app| app.credentials.has(name) || app.federated.iter().any(|f| f.name == name));
        match (there, sp.enabled) {
            (false, _) => (false, "the credential is gone".into()),
            (true, false) => (false, "the application is disabled".into()),
            (true, true) => {
                (true, "the application takes the credential, whatever becomes of the user".into())
            }
        }
    }

    fn role(&self, user: &User, held: &Holding) -> (bool, String) {
        let template = held.object_id.as_deref().unwrap_or_default();
        let rows = self.directory.roles.iter().chain(&self.directory.eligible);
        let mut of_user = rows.filter(|row| row.principal_id == user.id);
        let holds = of_user.any(|row| row.role_definition_id == template);
        let through = self.directory.roles_of(&user.id).contains(&template);
        match (holds || through, user.enabled) {
            (false, _) => (false, "the role is gone".into()),
            (true, false) => (false, "the account is disabled; the role stands".into()),
            (true, true) => (true, "the account holds the role or may activate it".into()),
        }
    }

    fn auth_method(&self, user: &User, held: &Holding) -> (bool, String) {
        let id = held.object_id.as_deref().unwrap_or_default();
        let registered = self.directory.methods.iter().any(|m| m.user_id == user.id && m.id == id);
        match (registered, user.enabled) {
            (false, _) => (false, "the method is gone".into()),
            (true, false) => {
                (false, "the account is disabled; the method stands, for when it is enabled".into())
            }
            (true, true) => (true, "it passes the second factor and resets the password".into()),
        }
    }

    fn device(&self, user: &User, held: &Holding) -> (bool, String) {
        let device = self.directory.devices.iter().find(|d| Some(&d.id) == held.object_id.as_ref());
        match (device.is_some_and(|d| d.enabled), user.enabled) {
            (false, _) => (false, "the device is disabled".into()),
            (true, false) => {
                (false, "the account is disabled; the device stands, for when it is enabled".into())
            }
            (true, true) => (true, "the device is registered and counts as known".into()),
        }
    }

    /// Rules run whether or not anybody can sign in.
    fn inbox_rule(&self, held: &Holding) -> (bool, String) {
        let rule = self.directory.rules.iter().find(|r| Some(&r.id) == held.object_id.as_ref());
        match rule {
            None => (false, "the rule is gone".into()),
            Some(rule) if !rule.enabled => (false, "the rule is disabled".into()),
            Some(_) => (true, "the rule runs on every message, also with the account disabled".into()),
        }
    }

    /// Neither does forwarding.
    fn mail_forwarding(&self, user: &User) -> (bool, String) {
        match self.directory.mailboxes.get(&user.id).and_then(Mailbox::forwards_to) {
            None => (false, "the mailbox forwards nothing".into()),
            Some(to) => (true, format!("every message goes on to {to}, also with the account disabled")),
        }
    }

    fn app_role(&self, user: &User, held: &Holding) -> (bool, String) {
        let resource = held.app_id.as_deref().unwrap_or_default();
        let assigned =
            self.directory.app_roles.iter().any(|a| a.resource_id == resource && a.principal_id == user.id);
        match (assigned, user.enabled) {
            (false, _) => (false, "the assignment is gone".into()),
            (true, false) => (false, "the account is disabled; the assignment stands".into()),
            (true, true) => (true, "the account is still assigned to the application".into()),
        }
    }
}

/// The id of a foothold's method, device or rule; of the others nothing.
fn object(directory: &Directory, kind: &str, thing: &Thing, owner: &str) -> Result<Option<String>, Problem> {
    let Some(name) = &thing.object else {
        let needed = matches!(kind, "auth_method" | "device" | "inbox_rule" | "app_credential" | "role");
        let what = || Problem::new(kind, format!("the foothold {kind:?} needs an object"));
        return if needed { Err(what()) } else { Ok(None) };
    };
    if kind == "role" {
        return super::role::template_of(name).map(Some).map_err(|what| Problem::new(name, what));
    }
    let of_app = |app: &Application| {
        app.credentials.has(name) || app.federated.iter().any(|credential| credential.name == *name)
    };
    let found = match kind {
        // Credentials are known by their names.
        "app_credential" => {
            let there = directory.applications.iter().any(of_app)
                || directory.service_principals.iter().any(|sp| sp.credentials.has(name));
            there.then_some(name)
        }
        "auth_method" => {
            directory.methods.iter().find(|m| m.user_id == owner && m.name == *name).map(|m| &m.id)
        }
        "device" => directory.devices.iter().find(|d| d.display_name == *name).map(|d| &d.id),
        "inbox_rule" => directory.rules.iter().find(|r| r.user_id == owner && r.name == *name).map(|r| &r.id),
        _ => None,
    };
    let what = || Problem::new(name, format!("the foothold {kind:?} is about {name:?}, which is not there"));
    found.map(|id| Some(id.clone())).ok_or_else(what)
}

fn password(user: &User, held: &Holding) -> (bool, String) {
    if user.password_version != held.password_version {
        return (false, "the password was changed".into());
    }
    if !user.enabled {
        return (false, "the account is disabled".into());
    }
    (true, "the password is the same".into())
}
