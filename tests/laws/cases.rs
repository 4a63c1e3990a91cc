//! The tenants and settings on which each action has something to do, and what its runner holds.

use std::collections::BTreeSet;

use oust::graph::Claims;
use oust::report::Outcome;
use oust_actions::Permission;

use crate::support::{CONTOSO, RUNNER, World};

/// A tenant on which an action has something to do.
pub struct Case {
    pub action: &'static str,
    /// The step's settings.
    pub with: &'static str,
    /// What is special about the victim; added to its entry in the tenant file.
    pub victim: &'static str,
    /// Directory roles of the runner.
    pub runner: &'static str,
}

pub const PLAIN: &str = "";
pub const HELPDESK: &str = "roles: [Helpdesk Administrator]";
pub const ADMIN: &str = "roles: [Global Administrator]";
pub const FROM_AD: &str = "synced: {sam: AdeleV, domain: corp.contoso.com}";
pub const DISABLED: &str = "enabled: false";
pub const DISABLED_FROM_AD: &str = "synced: {sam: AdeleV, domain: corp.contoso.com}\n    enabled: false";
pub const DISABLED_HELPDESK: &str = "roles: [Helpdesk Administrator]\n    enabled: false";
pub const GUEST: &str = "guest_of: fabrikam.com";
pub const NEW_ROLES: &str = "timed_roles: [{role: Helpdesk Administrator, made: -1h}, \
                         {role: User Administrator, made: -50m, ends: +6h, activated: true}, \
                         {role: Global Administrator, made: -40m, eligible: true}, \
                         {role: Directory Readers, made: -300d}]";
pub const IN_ROLE_GROUP: &str = "member_of: [Role holders]";
pub const BLOCKED: &str = "{group: 5f0c1f0e-7a4c-4c1e-9a54-0d3c2b1a0001}";
pub const ADDRESSES: &str = "{addresses: [203.0.113.4/32], location: d1f8a835-ce59-87f7-913e-604434ac5904}";

/// The default goes and another method stays, which becomes the default first.
pub const ALL_BUT_THE_MOBILE: &str = "{remove: all, keep: [3179e48a-750b-4051-897c-87b9720928f7]}";

/// A step that spells out what `disable_user` does.
pub const LITERAL: &str = "{say: disable the account, read: {path: '/users/{user}', query: {$select: 'id,accountEnabled'}}, \
                       contained_when: {accountEnabled: false}, \
                       write: {method: PATCH, path: '/users/{user}', body: {accountEnabled: false}}, \
                       undo: {method: PATCH, path: '/users/{user}', body: {accountEnabled: true}}}";

/// What that step needs. A literal call can't declare what its path needs, so law 5 can't ask that a refusal names
/// it: all of law 5 but this permission and the roles of an admin's case holds for it too.
pub const OF_LITERAL: Permission =
    Permission::write("User.EnableDisableAccount.All", &["User.ReadWrite.All"]);

/// What these change is the whole tenant's: an app, a list of addresses.
pub const TENANT_WIDE: [&str; 2] = ["disable_app", "block_ip"];

/// Whom a secret is sealed for. Nobody opens it here.
pub const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

pub const fn case(
    action: &'static str,
    with: &'static str,
    victim: &'static str,
    runner: &'static str,
) -> Case {
    Case { action, with, victim, runner }
}

pub const CASES: &[Case] = &[
    case("revoke_sessions", "{}", PLAIN, "User Administrator"),
    case("revoke_sessions", "{}", FROM_AD, "User Administrator"),
    case("revoke_sessions", "{}", HELPDESK, "User Administrator"),
    case("revoke_sessions", "{}", ADMIN, "Privileged Authentication Administrator"),
    case("disable_user", "{}", PLAIN, "User Administrator"),
    case("disable_user", "{}", FROM_AD, "User Administrator"),
    case("disable_user", "{}", GUEST, "User Administrator"),
    case("disable_user", "{}", ADMIN, "Privileged Authentication Administrator"),
    case("disable_on_premises", "{}", FROM_AD, "User Administrator"),
    case("reset_password", "{}", PLAIN, "User Administrator"),
    case("reset_password", "{synced: write}", FROM_AD, "User Administrator"),
    case("reset_password", "{}", HELPDESK, "User Administrator"),
    case("review_consents", "{min_risk: 50}", PLAIN, "User Administrator"),
    case("review_consents", "{min_risk: 50}", GUEST, "User Administrator"),
    case("review_consents", "{min_risk: 10}", ADMIN, "User Administrator"),
    case("review_auth_methods", "{remove: since}", PLAIN, "User Administrator"),
    case("review_auth_methods", ALL_BUT_THE_MOBILE, PLAIN, "User Administrator"),
    case("review_auth_methods", "{remove: all}", ADMIN, "User Administrator"),
    case("review_devices", "{disable: since}", PLAIN, "Cloud Device Administrator"),
    case("review_devices", "{disable: all}", ADMIN, "Cloud Device Administrator"),
    case("review_inbox_rules", "{min_risk: 50}", PLAIN, "User Administrator"),
    case("review_mailbox", "{}", PLAIN, "User Administrator"),
    case("review_mailbox", "{delegates: remove}", PLAIN, "User Administrator"),
    case("review_sign_ins", "{}", PLAIN, "User Administrator"),
    case("review_sign_ins", "{non_interactive: false}", GUEST, "User Administrator"),
    case("review_owned_apps", "{}", PLAIN, "User Administrator"),
    case("review_owned_apps", "{}", GUEST, "User Administrator"),
    case("disable_app", "{apps: [33333333-4444-4555-8666-777777777777]}", PLAIN, "User Administrator"),
    case("disable_app", "{apps: [33333333-4444-4555-8666-000000000000]}", PLAIN, "User Administrator"),
    case("review_roles", "{}", NEW_ROLES, "User Administrator"),
    case("review_roles", "{remove: all}", HELPDESK, "User Administrator"),
    case("review_groups", "{remove_role_assignable: true}", IN_ROLE_GROUP, "User Administrator"),
    case("block_by_group", BLOCKED, PLAIN, "User Administrator"),
    case("block_by_group", BLOCKED, GUEST, "User Administrator"),
    case("confirm_compromised", "{}", PLAIN, "User Administrator"),
    case("confirm_compromised", "{}", "risk: atRisk", "User Administrator"),
    case("block_sign_in_by_policy", "{}", PLAIN, "User Administrator"),
    case("block_sign_in_by_policy", "{}", FROM_AD, "User Administrator"),
    case("block_ip", "{addresses: [203.0.113.4/32]}", PLAIN, "User Administrator"),
    case("block_ip", ADDRESSES, PLAIN, "User Administrator"),
    case("enable_user", "{}", DISABLED, "User Administrator"),
    case("enable_user", "{}", DISABLED_FROM_AD, "User Administrator"),
    case("enable_user", "{}", DISABLED_HELPDESK, "User Administrator"),
    case("issue_access_pass", "{}", PLAIN, "User Administrator"),
    case("issue_access_pass", "{lifetime_minutes: 480, usable_once: false}", DISABLED, "User Administrator"),
    case("issue_access_pass", "{}", ADMIN, "User Administrator"),
    case("call", LITERAL, PLAIN, "User Administrator"),
    case("call", LITERAL, GUEST, "User Administrator"),
];

/// Every run needs these, whatever its steps are: see `src/engine/observe.rs`.
pub const BASE: [Permission; 3] = [
    Permission::read("User.Read.All", &["User.ReadWrite.All", "Directory.Read.All"]),
    Permission::read("Organization.Read.All", &["Organization.ReadWrite.All", "Directory.Read.All"]),
    Permission::read("RoleManagement.Read.Directory", &["Directory.Read.All"]),
];

impl Case {
    pub fn name(&self) -> String {
        format!("{} {} on a victim with {:?}", self.action, self.with, self.victim)
    }

    /// Whether the action never wants a change, so that what it does is what it tells.
    pub fn only_looks(&self) -> bool {
        oust_actions::find(self.action).unwrap().only_looks()
    }

    /// What a rollback comes to.
    pub fn rolled_back(&self) -> Outcome {
        if self.only_looks() { Outcome::NothingToDo } else { Outcome::RolledBack }
    }

    /// Contoso, with the runner holding no more than the action declares.
    pub fn world(&self) -> World {
        let victim = format!("    upn: AdeleV@contoso.com\n    {}\n", self.victim);
        let yaml = CONTOSO.replacen("    upn: AdeleV@contoso.com\n", &victim, 1).replace(
            "roles: [User Administrator, Cloud Device Administrator]",
            &format!("roles: [{}]", self.runner),
        );
        let mut world = World::of(&yaml).by_step(self.action, self.with);
        if self.action == "issue_access_pass" {
            world.password_recipient = Some(RECIPIENT.into());
        }
        hold_only(&mut world, &self.needed().iter().map(|p| p.name).collect::<Vec<_>>());
        world
    }

    /// The fewest permissions that meet what is declared.
    pub fn needed(&self) -> Vec<Permission> {
        let about = oust_actions::find(self.action).unwrap().about();
        let mut needed: Vec<Permission> = BASE.into_iter().chain(about.permissions.iter().copied()).collect();
        if self.action == "call" {
            needed.push(OF_LITERAL);
        }
        for declared in about.permissions {
            let others: Vec<&str> =
                needed.iter().map(|p| p.name).filter(|name| *name != declared.name).collect();
            if declared.is_met_by(&others) {
                needed.retain(|p| p.name != declared.name);
            }
        }
        needed
    }
}

pub fn hold_only(world: &mut World, wanted: &[&str]) {
    for held in held(world) {
        world.prepare(|t| t.revoke_permission(RUNNER, &held));
    }
    for permission in wanted.iter().collect::<BTreeSet<_>>() {
        assert!(world.prepare(|t| t.grant_permission(RUNNER, permission)), "{permission}");
    }
    assert_eq!(held(world), wanted.iter().map(|p| (*p).to_owned()).collect());
}

/// What the tokens for Graph and for Exchange Online list.
pub fn held(world: &World) -> BTreeSet<String> {
    let tokens = [world.sim.token(RUNNER), world.sim.exchange_token(RUNNER)];
    tokens.iter().flat_map(|token| Claims::decode(token).permissions()).collect()
}
