//! A tenant of many compromised users, made in code: for runs of hundreds and thousands.

use serde_json::{Value, json};

use super::build;
use super::build_grants;
use super::device::Device;
use super::directory::Directory;
use super::file;
use super::intruder::Holding;
use super::mailbox::Rule;
use super::method::Method;
use super::moment::Moment;
use super::{Tenant, device, mailbox, method};
use crate::failure::{Code, Failure, Result};

/// What all of them share: the runner's own application.
const TENANT: &str = include_str!("crowd/tenant.yaml");

/// What oust is called in it.
pub const RUNNER: &str = "oust";

/// Users that consented to the same applications: an app that ten others use counts as one in common use.
const TEAM: usize = 8;

/// A tenant of so many users, `User0001@contoso.com` and on. The intruder holds of each: a refresh token, the password, a
/// consent, an authenticator, a device, an inbox rule. Each has a legitimate consent, phone, device and rule beside them.
///
/// # Errors
/// A mistake of this module, never of the caller's.
pub fn crowd(users: usize) -> Result<Tenant> {
    let mut tenant = file::parse(TENANT)?;
    for number in 1..=users {
        add(&mut tenant, number).map_err(|what| Failure::new(Code::InvalidTenantFile, what))?;
    }
    tenant.victim = (users > 0).then(|| user_principal_name(1));
    Ok(tenant)
}

/// The name of a user, counted from 1.
pub fn user_principal_name(number: usize) -> String {
    format!("User{number:04}@contoso.com")
}

fn add(tenant: &mut Tenant, number: usize) -> std::result::Result<(), String> {
    let directory = &mut tenant.directory;
    let upn = user_principal_name(number);
    let team = (number - 1) / TEAM + 1;
    let (hostile, harmless) = (format!("Mail Backup {team}"), format!("Travel Planner {team}"));
    if number % TEAM == 1 {
        add_apps(directory, &hostile, &harmless)?;
    }
    let account = json!({"name": format!("User {number:04}"), "upn": upn, "sessions_valid_from": "-60d"});
    build::add_user(directory, &described(account)?).map_err(|problem| problem.what)?;
    let id = directory.user(&upn).map(|user| user.id.clone()).unwrap_or_default();
    for (app, scopes, created) in [
        (&hostile, "Mail.ReadWrite Files.ReadWrite.All offline_access openid", "-100m"),
        (&harmless, "User.Read openid profile", "-300d"),
    ] {
        let consent = json!({"app": app, "user": upn, "scopes": scopes});
        build_grants::consent(directory, &described(consent)?).map_err(|problem| problem.what)?;
        let assignment = json!({"app": app, "user": upn, "created": created});
        build_grants::assignment(directory, &described(assignment)?).map_err(|problem| problem.what)?;
    }
    let (authenticator, computer, rule) = personal(directory, &id, &upn, number)?;
    let app = build::app(directory, &hostile).map_err(|problem| problem.what)?;
    for (kind, app_id, object_id) in [
        ("refresh_token", None, None),
        ("password", None, None),
        ("grant", Some(app), None),
        ("auth_method", None, Some(authenticator)),
        ("device", None, Some(computer)),
        ("inbox_rule", None, Some(rule)),
    ] {
        tenant.intruder.held.push(Holding {
            kind,
            name: format!("{} of {upn}", kind.replace('_', " ")),
            user_id: id.clone(),
            issued: Moment::FromStart(jiff::SignedDuration::from_hours(-2)),
            expires: None,
            app_id,
            object_id,
            password_version: 1,
        });
    }
    Ok(())
}

/// The intruder's application: nobody verified its publisher. And one that a team uses.
fn add_apps(directory: &mut Directory, hostile: &str, harmless: &str) -> std::result::Result<(), String> {
    for app in [
        json!({"name": hostile, "home": "fabrikam.com", "publisher": "Fabrikam",
            "reply_urls": ["http://mail-backup.fabrikam.com/callback"]}),
        json!({"name": harmless, "home": "northwindtraders.com", "verified_publisher": "Northwind Traders",
            "homepage": "https://www.northwindtraders.com",
            "reply_urls": ["https://travel.northwindtraders.com/auth"]}),
    ] {
        build::add_app(directory, &described(app)?).map_err(|problem| problem.what)?;
    }
    Ok(())
}

/// Methods, devices and rules; gives the ids of the intruder's.
fn personal(
    directory: &mut Directory,
    id: &str,
    upn: &str,
    number: usize,
) -> std::result::Result<(String, String, String), String> {
    let phone: method::Described = described(json!({"user": upn, "kind": "phone", "phone": "+1 5550100"}))?;
    let app = json!({"user": upn, "kind": "microsoftAuthenticator", "name": "Pixel 7", "created": "-90m"});
    let authenticator = Method::describe(id.to_owned(), &described(app)?, 1);
    let own = json!({"name": format!("Desk {number:04}"), "owner": upn});
    let other = json!({"name": format!("Laptop {number:04}"), "owner": upn, "registered": "-80m"});
    let computer = Device::describe(id.to_owned(), vec![], &described(other)?);
    let hides = json!({"user": upn, "name": "..", "forward_to": ["drop@fabrikam.com"], "delete": true});
    let hides: mailbox::Described = described(hides)?;
    let sorts: mailbox::Described = described(
        json!({"user": upn, "name": "Newsletters", "from": ["news@contoso.com"], "move_to": "Newsletters"}),
    )?;
    let rule = Rule::describe(id.to_owned(), &hides, 1);
    let ids = (authenticator.id.clone(), computer.id.clone(), rule.id.clone());
    directory.methods.push(Method::describe(id.to_owned(), &phone, 0));
    directory.methods.push(authenticator);
    directory.preferred.insert(id.to_owned(), "sms".to_owned());
    let own: device::Described = described(own)?;
    directory.devices.push(Device::describe(id.to_owned(), vec![], &own));
    directory.devices.push(computer);
    directory.rules.push(rule);
    directory.rules.push(Rule::describe(id.to_owned(), &sorts, 2));
    Ok(ids)
}

/// A part of a tenant file.
fn described<T: serde::de::DeserializeOwned>(value: Value) -> std::result::Result<T, String> {
    serde_json::from_value(value).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_of_a_crowd_is_compromised_and_has_a_name_of_its_own() {
        let mut tenant = crowd(120).unwrap();
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let footholds = tenant.footholds(now);
        assert_eq!(footholds.len(), 720);
        assert!(footholds.iter().all(|foothold| foothold.works), "{footholds:?}");
        assert!(
            tenant.user_id("user0120@CONTOSO.com").is_some()
                && tenant.user_id("User0121@contoso.com").is_none()
        );
        assert_eq!(tenant.victim.as_deref(), Some("User0001@contoso.com"));
        let names: std::collections::HashSet<_> = footholds.iter().map(|foothold| &foothold.name).collect();
        assert_eq!(names.len(), 720);
    }
}
