//! `oust doctor`.

use oust_actions::{About, Cloud, Operator, Permission, Resource, Role, Tenant};
use serde::Serialize;

use super::common::Common;
use super::connect::{self, Connection};
use super::output::{Format, Output, print};
use crate::failure::{Exit, Result};
use crate::graph::Claims;
use crate::graph::known::role_name;
use crate::guard::{HeldRoles, Need, missing_permissions};
use crate::playbook::{DEFAULT_PLAYBOOK, Playbook};
use crate::report::grant_help::{self, Runner};
use crate::report::{escape, style};

/// Sign in and show who we are, which tenant, and what is missing, with the commands to grant it
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Playbook whose actions are checked
    #[arg(long, default_value = DEFAULT_PLAYBOOK, value_name = "ID|FILE")]
    playbook: String,
}

/// What `doctor` found.
#[derive(Debug, Serialize)]
struct Findings {
    schema: &'static str,
    signs_in_by: String,
    endpoint: String,
    /// Where Exchange Online is, or why the way there is closed.
    exchange: String,
    tenant_id: String,
    tenant_name: String,
    application_id: String,
    application_name: Option<String>,
    service_principal_id: String,
    roles: Option<Vec<String>>,
    /// The configuration file that was read.
    config_file: Option<String>,
    /// The tenants in it.
    tenants: Vec<String>,
    state_dir: String,
    /// The playbook whose actions follow.
    playbook: String,
    actions: Vec<ActionFindings>,
    /// Commands that grant what is missing.
    grant: Vec<String>,
    /// Commands that grant what a step does without, at the price of an open finding.
    grant_optional: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ActionFindings {
    action: &'static str,
    missing_permissions: Vec<&'static str>,
    /// Those that the step does without: what it would have done is open then.
    missing_optional: Vec<&'static str>,
    /// Whether the role for targets that hold no role themselves is there; `null`: could not be read.
    role_for_members: Option<bool>,
    missing_role: Option<&'static str>,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let playbook = Playbook::find(&self.playbook)?;
        let cards = cards(&playbook);
        let connection = connect::connect(common, output, 1, None, started)?;
        let (claims, tenant, operator) = connection.engine.who().await?;
        let exchange = exchange(&connection).await;
        let findings = findings(&connection, (&playbook, &cards), &claims, (&tenant, &operator), exchange);
        match output.format {
            Format::Text => print(&text(&findings, &cards, (&operator, tenant.cloud), output)),
            Format::Json | Format::Jsonl => output.json(&findings),
        }
        Ok(if findings.grant.is_empty() { Exit::Done } else { Exit::Denied }.status())
    }
}

/// The actions of a playbook, each once: a runner should hold no more than they need.
fn cards(playbook: &Playbook) -> Vec<About> {
    let mut cards: Vec<About> = vec![];
    for (_, step) in playbook.steps() {
        if let Some(action) =
            oust_actions::find(step.action).filter(|a| cards.iter().all(|c| c.id != a.about().id))
        {
            cards.push(action.about());
        }
    }
    cards
}

fn findings(
    connection: &Connection,
    (playbook, cards): (&Playbook, &[About]),
    claims: &Claims,
    (tenant, operator): (&Tenant, &Operator),
    exchange: String,
) -> Findings {
    let (mut grant, mut grant_optional) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    let runner =
        Runner { app_id: &operator.app_id, object_id: &operator.object_id, graph: &connection.endpoint };
    let actions = cards
        .iter()
        .map(|about| {
            let missing = missing_permissions(about, operator, tenant.cloud);
            let (optional, needed): (Vec<&Permission>, Vec<_>) =
                missing.into_iter().partition(|p| p.optional);
            for (list, permissions) in [(&mut grant, &needed), (&mut grant_optional, &optional)] {
                for name in permissions.iter().map(|p| p.name) {
                    if !seen.contains(&name) {
                        seen.push(name);
                        list.extend(grant_help::permission(name, &runner).unwrap_or_default());
                    }
                }
            }
            let need = about.roles.iter().map(|kind| Need::of(*kind, &HeldRoles::default()));
            let need: Vec<Need> = need.filter(|need| !need.is_met_by(&[])).collect();
            let met = operator.roles.as_ref().map(|own| need.iter().all(|need| need.is_met_by(own)));
            let unmet =
                need.iter().find(|need| operator.roles.as_ref().is_some_and(|own| !need.is_met_by(own)));
            if let Some(id) = unmet.and_then(Need::least_id) {
                grant.extend(grant_help::role(id, &runner).unwrap_or_default());
            }
            ActionFindings {
                action: about.id,
                missing_permissions: needed.iter().map(|p| p.name).collect(),
                missing_optional: optional.iter().map(|p| p.name).collect(),
                role_for_members: met,
                missing_role: unmet.map(Need::least),
            }
        })
        .collect();
    Findings {
        schema: "oust.doctor/1",
        signs_in_by: connection.signs_in_by.clone(),
        endpoint: connection.endpoint.clone(),
        exchange,
        tenant_id: tenant.id.clone(),
        tenant_name: tenant.display_name.clone(),
        application_id: operator.app_id.clone(),
        application_name: claims.app_name.clone(),
        service_principal_id: operator.object_id.clone(),
        roles: operator.roles.clone(),
        config_file: connection.config_file.as_ref().map(|path| path.display().to_string()),
        tenants: connection.tenants.clone(),
        playbook: playbook.id.clone(),
        state_dir: connection.engine.store.root().display().to_string(),
        actions,
        grant,
        grant_optional,
    }
}

/// Where Exchange Online is, or why nothing is sent there.
async fn exchange(connection: &Connection) -> String {
    let graph = &connection.engine.graph;
    match (graph.exchange_endpoint(), graph.exchange_claims().await) {
        (Err(why), _) => format!("off: {why}"),
        (Ok(_), Some(Err(failure))) => format!("no token: {}", failure.what),
        (Ok(endpoint), _) => endpoint.url(""),
    }
}

fn configuration(findings: &Findings) -> String {
    let Some(file) = &findings.config_file else { return "none".to_owned() };
    let tenants: Vec<_> = findings.tenants.iter().map(|name| escape::terminal(name)).collect();
    let tenants =
        if tenants.is_empty() { String::new() } else { format!(" (tenants: {})", tenants.join(", ")) };
    format!("{}{tenants}", escape::terminal(file))
}

/// Whether the runner has a permission, and what that means.
fn of_permission(permission: &Permission, operator: &Operator, cloud: Cloud) -> String {
    let there = permission.is_met_by(&operator.permissions);
    let no_exchange = permission.resource == Resource::Exchange && !operator.exchange;
    let (word, why) = match (there, permission.optional) {
        (true, _) => ("has  ", ""),
        (false, _) if permission.not_in.contains(&cloud) => {
            ("unused", " (this cloud has nothing that takes it)")
        }
        (false, _) if no_exchange => ("unused", ""),
        (false, true) => ("lacks", " (optional: without it the step says what to do by hand)"),
        (false, false) => ("LACKS", ""),
    };
    let mut text = format!("           {word} {}{why}\n", permission.name);
    for part in permission.parts.iter().filter(|part| !there && part.is_in(&operator.permissions)) {
        text.push_str(&format!("           has   {} in its place, for that alone\n", part.name));
    }
    text
}

fn text(
    findings: &Findings,
    cards: &[About],
    (operator, cloud): (&Operator, Cloud),
    output: &Output,
) -> String {
    let paint = output.paint;
    let name =
        findings.application_name.as_deref().map(|n| format!("{} ", escape::terminal(n))).unwrap_or_default();
    let roles = match &findings.roles {
        None => "could not be read (RoleManagement.Read.Directory)".to_owned(),
        Some(roles) if roles.is_empty() => "none".to_owned(),
        Some(roles) => roles.iter().map(|id| role_name(id).unwrap_or(id)).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!(
        "signed in     {}\nservice       {}\nexchange      {}\ntenant        {} ({})\napplication   {name}{}\nprincipal     {}\nroles         {roles}\nconfiguration {}\nruns          {}\nplaybook      {}\n\n",
        findings.signs_in_by,
        findings.endpoint,
        escape::terminal(&findings.exchange),
        escape::terminal(&findings.tenant_name),
        findings.tenant_id,
        findings.application_id,
        findings.service_principal_id,
        configuration(findings),
        findings.state_dir,
        findings.playbook,
    );
    for (action, entry) in cards.iter().zip(&findings.actions) {
        let fine = entry.missing_permissions.is_empty() && entry.missing_role.is_none();
        let word = if action.permissions.is_empty() {
            paint.paint(style::WARN, "UNKNOWN")
        } else if fine {
            paint.paint(style::GOOD, "ready  ")
        } else {
            paint.paint(style::BAD, "MISSING")
        };
        text.push_str(&format!("{word}  {}\n", entry.action));
        if action.permissions.is_empty() {
            text.push_str("           what it needs depends on the path that the playbook gives\n");
        }
        let mut named = Vec::new();
        for permission in action.permissions {
            if named.contains(&permission.name) {
                continue;
            }
            named.push(permission.name);
            text.push_str(&of_permission(permission, operator, cloud));
        }
        if let Some(role) = entry.missing_role {
            text.push_str(&format!("           LACKS the directory role {role}\n"));
        }
        if action
            .roles
            .iter()
            .any(|r| matches!(r, Role::ForSensitiveAction | Role::ForTokensOfAdmins | Role::ForAnyPassword))
            && fine
        {
            let all = operator.roles.as_ref().is_some_and(|own| {
                let admin = HeldRoles { unreadable: 1, ..HeldRoles::default() };
                action.roles.iter().all(|kind| Need::of(*kind, &admin).is_met_by(own))
            });
            text.push_str(if all { "           also for targets that hold any directory role\n" } else { "           not for targets that hold a higher role: that takes Privileged Authentication Administrator\n" });
        }
    }
    if !findings.grant.is_empty() {
        text.push_str(&format!(
            "\nTo grant what is missing, as a Global or Privileged Role Administrator:\n\n{}\n\n{}\n",
            findings.grant.join("\n"),
            grant_help::AFTERWARDS
        ));
    }
    if !findings.grant_optional.is_empty() {
        text.push_str(&format!(
            "\nOptional, for what the steps otherwise leave to a person:\n\n{}\n",
            findings.grant_optional.join("\n")
        ));
    }
    text
}
