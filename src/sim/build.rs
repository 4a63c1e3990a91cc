//! From a tenant file to a tenant: names become ids, and a name that nothing has is a mistake.

use std::time::Duration;

use jiff::SignedDuration;

use super::device::Device;
use super::directory::{Directory, Domain, object_id, object_key};
use super::exchange::Mailbox;
use super::file::{self, TenantFile};
use super::group::Group;
use super::intruder::Intruder;
use super::mailbox::Rule;
use super::method::Method;
use super::moment::Moment;
use super::risk::Risk;
use super::role::{self, RoleAssignment};
use super::service_principal::{GRAPH_APP_ID, MICROSOFT_TENANT, ServicePrincipal};
use super::sign_in::Series;
use super::user::{OnPremises, User};
use super::{Lag, Limits, Tenant, build_apps, build_grants, catalogue, preference};
use crate::graph::known::{EXCHANGE_APP_ID, EXCHANGE_PERMISSIONS};

/// What Microsoft Graph is called in a tenant file.
pub const GRAPH: &str = "Microsoft Graph";
/// What Exchange Online is called in a tenant file.
const EXCHANGE: &str = "Office 365 Exchange Online";

/// A mistake that the schema doesn't see.
#[derive(Debug)]
pub struct Problem {
    pub what: String,
    /// The text that it is about, to find its line.
    about: String,
}

impl Problem {
    pub fn new(about: &str, what: String) -> Self {
        Self { what, about: about.to_owned() }
    }

    /// Line and column of the last place that holds the text: what refers comes after what is referred to.
    pub fn place(&self, text: &str) -> Option<(usize, usize)> {
        let at = text.rfind(&self.about).filter(|_| !self.about.is_empty())?;
        let before = text.get(..at)?;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        Some((before.matches('\n').count() + 1, column + 1))
    }
}

/// Makes the tenant.
pub fn tenant(file: &TenantFile) -> Result<Tenant, Problem> {
    let mut directory = directory(&file.tenant);
    directory.sync_every = file.service.sync_every.map_or(SignedDuration::from_mins(30), |l| l.0);
    for user in &file.users {
        add_user(&mut directory, user)?;
    }
    for app in &file.apps {
        add_app(&mut directory, app)?;
    }
    add_groups(&mut directory, &file.groups)?;
    build_apps::own(&mut directory, file)?;
    for consent in &file.consents {
        build_grants::consent(&mut directory, consent)?;
    }
    for assignment in &file.assignments {
        build_grants::assignment(&mut directory, assignment)?;
    }
    add_personal(&mut directory, file)?;
    let victim = file.victim.as_deref().map(|v| user(&directory, v)).transpose()?;
    let victim = victim.and_then(|id| directory.user(&id).map(|u| u.principal_name.clone()));
    let mut tenant = Tenant::new(directory, file.service.seed);
    tenant.intruder = Intruder::new(&tenant.directory, &file.intruder, victim.as_deref())?;
    tenant.victim = victim;
    settle(&mut tenant, &file.service)?;
    Ok(tenant)
}

fn settle(tenant: &mut Tenant, service: &file::Service) -> Result<(), Problem> {
    tenant.page_size = service.page_size.unwrap_or(tenant.page_size).clamp(1, 999);
    tenant.latency = service.latency.map_or(Duration::ZERO, |l| l.0.unsigned_abs());
    tenant.limits = service.throttle.then(Limits::default);
    if let Some(lag) = &service.lag {
        if !(0.0..=1.0).contains(&lag.probability) {
            return Err(Problem::new("probability", "a probability is between 0 and 1".into()));
        }
        tenant.lag = Lag::new(lag.object.0, lag.list.0, lag.probability);
    }
    for fault in &service.faults {
        tenant.faults.plant(fault.clone());
    }
    Ok(())
}

fn directory(about: &file::About) -> Directory {
    let name = about.name.clone().unwrap_or_else(|| "Contoso".into());
    let managed = about.domains.iter().map(|d| Domain { name: d.clone(), federated: false });
    let federated = about.federated_domains.iter().map(|d| Domain { name: d.clone(), federated: true });
    let mut domains: Vec<Domain> = managed.chain(federated).collect();
    if domains.is_empty() {
        domains = ["contoso.com", "contoso.onmicrosoft.com"]
            .map(|name| Domain { name: name.into(), federated: false })
            .into();
    }
    let graph = ServicePrincipal {
        name: GRAPH.into(),
        id: object_id("app", GRAPH),
        app_id: GRAPH_APP_ID.into(),
        display_name: GRAPH.into(),
        enabled: true,
        home_tenant: MICROSOFT_TENANT.into(),
        publisher_name: Some("Microsoft Services".into()),
        multi_tenant: true,
        app_roles: catalogue::APP_ROLES
            .iter()
            .map(|(name, id)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
        ..ServicePrincipal::default()
    };
    let exchange = ServicePrincipal {
        name: EXCHANGE.into(),
        id: object_id("app", EXCHANGE),
        app_id: EXCHANGE_APP_ID.into(),
        display_name: EXCHANGE.into(),
        app_roles: EXCHANGE_PERMISSIONS
            .iter()
            .map(|(name, id)| ((*id).to_owned(), (*name).to_owned()))
            .collect(),
        ..graph.clone()
    };
    Directory {
        tenant_id: about.id.clone().unwrap_or_else(|| object_id("tenant", &name)),
        display_name: name,
        domains,
        service_principals: vec![graph, exchange],
        cloud: about.cloud,
        licence: about.licence,
        defender_for_identity: about.defender_for_identity,
        access_pass: about.access_pass,
        conditional_access: about
            .locations
            .iter()
            .map(|(name, ranges)| build_apps::location(name, ranges))
            .collect(),
        ..Directory::default()
    }
}

pub fn add_user(directory: &mut Directory, user: &file::User) -> Result<(), Problem> {
    let default_domain = directory.domains.first().map_or("contoso.com", |d| d.name.as_str()).to_owned();
    let initial = directory.domains.iter().find(|d| d.name.ends_with(".onmicrosoft.com"));
    let initial = initial.map_or(default_domain.as_str(), |d| d.name.as_str());
    let upn = match (&user.upn, &user.guest_of) {
        (Some(upn), _) => upn.clone(),
        (None, Some(home)) => format!("{}_{home}#EXT#@{initial}", alias(&user.name)),
        (None, None) => format!("{}@{default_domain}", alias(&user.name)),
    };
    if directory.user(&upn).is_some() {
        return Err(Problem::new(&upn, format!("there are two users {upn:?}")));
    }
    let id = user.id.clone().unwrap_or_else(|| object_id("user", &upn));
    for role in &user.roles {
        give_role(directory, &id, role)?;
    }
    for timed in &user.timed_roles {
        let template = role::template_of(&timed.role).map_err(|what| Problem::new(&timed.role, what))?;
        let row = RoleAssignment {
            id: object_key(
                if timed.eligible { "eligible role" } else { "role" },
                &format!("{id} {template}"),
            ),
            principal_id: id.clone(),
            role_definition_id: template,
            made: timed.made.unwrap_or(Moment::days_ago(400)),
            ends: timed.ends,
            activated: timed.activated,
        };
        if timed.eligible { directory.eligible.push(row) } else { directory.roles.push(row) }
    }
    if let Some(state) = &user.risk {
        let level = if state == "confirmedCompromised" { "high" } else { "medium" };
        directory.risks.push(Risk {
            user_id: id.clone(),
            state: state.clone(),
            level: level.into(),
            detail: "none",
            lasting: !matches!(state.as_str(), "none" | "dismissed"),
        });
    }
    let on_premises = user.synced.as_ref().map(|ad| OnPremises {
        syncing: ad.syncing,
        enabled: ad.enabled,
        last_sync: ad.last_sync.unwrap_or(Moment::FromStart(SignedDuration::from_mins(-10))),
        sam_account_name: ad.sam.clone().unwrap_or_else(|| upn.split('@').next().unwrap_or(&upn).to_owned()),
        domain: ad.domain.clone().unwrap_or_else(|| default_domain.clone()),
        due: None,
    });
    let mail =
        user.guest_of.as_ref().map_or_else(|| upn.clone(), |home| format!("{}@{home}", alias(&user.name)));
    directory.enrol(User {
        id,
        principal_name: upn,
        display_name: user.name.clone(),
        mail: Some(mail),
        other_mails: user.other_mails.clone(),
        job_title: user.job_title.clone(),
        external: user.guest_of.is_some(),
        guest: user.guest_of.is_some(),
        enabled: user.enabled,
        on_premises,
        sessions_valid_from: user.sessions_valid_from.unwrap_or(Moment::days_ago(90)),
        password_changed: user.password_changed.unwrap_or(Moment::days_ago(90)),
        password_version: 1,
        must_change_password: false,
        created: user.created.unwrap_or(Moment::days_ago(400)),
        restricted_management: user.restricted_management,
        mailbox: user.mailbox && user.guest_of.is_none(),
    });
    Ok(())
}

/// `Adele Vance` → `AdeleV`, as the documentation's tenants have it.
fn alias(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first: String = words.next().unwrap_or("user").chars().filter(char::is_ascii_alphanumeric).collect();
    first
        + &words
            .next()
            .and_then(|w| w.chars().next())
            .filter(char::is_ascii_alphanumeric)
            .map(String::from)
            .unwrap_or_default()
}

pub fn add_app(directory: &mut Directory, app: &file::App) -> Result<(), Problem> {
    if directory.service_principals.iter().any(|sp| sp.name == app.name) {
        return Err(Problem::new(&app.name, format!("there are two apps {:?}", app.name)));
    }
    let home_tenant = match app.home.as_deref() {
        None => directory.tenant_id.clone(),
        Some("microsoft") => MICROSOFT_TENANT.to_owned(),
        Some(id) if uuid::Uuid::parse_str(id).is_ok() => id.to_owned(),
        Some(name) => object_id("tenant", name),
    };
    let sp = ServicePrincipal {
        name: app.name.clone(),
        id: app.id.clone().unwrap_or_else(|| object_id("app", &app.name)),
        app_id: app.app_id.clone().unwrap_or_else(|| object_id("app id", &app.name)),
        display_name: app.display_name.clone().unwrap_or_else(|| app.name.clone()),
        enabled: app.enabled,
        multi_tenant: home_tenant != directory.tenant_id,
        home_tenant,
        verified_publisher: app.verified_publisher.clone().map(|name| (name, Moment::days_ago(800))),
        publisher_name: app.publisher.clone().or_else(|| app.verified_publisher.clone()),
        disabled_by_microsoft: app.disabled_by_microsoft,
        reply_urls: app.reply_urls.clone(),
        homepage: app.homepage.clone(),
        tags: app.tags.clone(),
        assignment_required: app.assignment_required,
        app_roles: app
            .offers
            .iter()
            .map(|value| (object_id("app role", &format!("{} {value}", app.name)), value.clone()))
            .collect(),
        scopes: Vec::new(),
        secret: app.secret.clone(),
        exchange_role: app.exchange_role,
        notes: app.notes.clone(),
        ..ServicePrincipal::default()
    };
    let id = sp.id.clone();
    directory.service_principals.push(sp);
    for role in &app.roles {
        give_role(directory, &id, role)?;
    }
    for permission in &app.permissions {
        directory.assign_permission(&id, permission);
    }
    Ok(())
}

fn add_groups(directory: &mut Directory, groups: &[file::Group]) -> Result<(), Problem> {
    for group in groups {
        let id = group.id.clone().unwrap_or_else(|| object_id("group", &group.name));
        directory.groups.push(Group {
            id: id.clone(),
            display_name: group.name.clone(),
            members: Vec::new(),
            role_assignable: group.role_assignable,
            synced: group.synced,
            dynamic: group.dynamic,
            owners: Vec::new(),
        });
        for role in &group.roles {
            give_role(directory, &id, role)?;
        }
    }
    for (at, group) in groups.iter().enumerate() {
        let members = group.members.iter().map(|m| self::group(directory, m).or_else(|_| user(directory, m)));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        if let Some(group) = directory.groups.get_mut(at) {
            group.members = members;
        }
    }
    Ok(())
}

/// Methods, devices, mailboxes, inbox rules and sign-ins.
fn add_personal(directory: &mut Directory, file: &TenantFile) -> Result<(), Problem> {
    for (number, method) in file.methods.iter().enumerate() {
        let owner = user(directory, &method.user)?;
        directory.methods.push(Method::describe(owner, method, number));
    }
    preference::settle(directory);
    for device in &file.devices {
        let owner = user(directory, &device.owner)?;
        let users = device.users.iter().map(|name| user(directory, name)).collect::<Result<_, _>>()?;
        directory.devices.push(Device::describe(owner, users, device));
    }
    for mailbox in &file.mailboxes {
        let owner = user(directory, &mailbox.user)?;
        directory.mailboxes.insert(owner, Mailbox::describe(mailbox));
    }
    for (number, rule) in file.rules.iter().enumerate() {
        let owner = user(directory, &rule.user)?;
        directory.rules.push(Rule::describe(owner, rule, number + 1));
    }
    for (number, sign_in) in file.sign_ins.iter().enumerate() {
        let owner = user(directory, &sign_in.user)?;
        directory.sign_ins.push(Series::describe(owner, sign_in, number)?);
    }
    Ok(())
}

/// The object id of a user by UPN, object id or display name.
pub fn user(directory: &Directory, name: &str) -> Result<String, Problem> {
    let found = directory.user(name).or_else(|| directory.users.iter().find(|u| u.display_name == name));
    found.map(|u| u.id.clone()).ok_or_else(|| Problem::new(name, format!("there is no user {name:?}")))
}

pub fn group(directory: &Directory, name: &str) -> Result<String, Problem> {
    let found = directory.groups.iter().find(|g| g.display_name == name || g.id == name);
    found.map(|g| g.id.clone()).ok_or_else(|| Problem::new(name, format!("there is no group {name:?}")))
}

/// The object id of a service principal by its name in the file or its application id.
pub fn app(directory: &Directory, name: &str) -> Result<String, Problem> {
    let found = directory.service_principals.iter().find(|sp| sp.name == name || sp.app_id == name);
    found.map(|sp| sp.id.clone()).ok_or_else(|| Problem::new(name, format!("there is no app {name:?}")))
}

fn give_role(directory: &mut Directory, principal: &str, role: &str) -> Result<(), Problem> {
    let template = role::template_of(role).map_err(|what| Problem::new(role, what))?;
    directory.assign_role(principal, &template);
    Ok(())
}
