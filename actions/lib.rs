//! The remediation actions of `oust`.
//!
//! **Actions read and decide; only the engine writes.** An action gets a read-only handle on Graph ([`Read`])
//! and returns changes as data ([`Plan`]). This crate has no HTTP, no runtime and no file system among its
//! dependencies, so an action could not write if it wanted to.
//!
//! One file holds all there is about an action. To add one: write the file, add its line to [`ACTIONS`]; the
//! laws in `tests/laws.rs` then run on it.

pub mod contract;

pub use contract::*;

mod account_enabled;
mod block_by_group;
mod block_ip;
mod block_sign_in_by_policy;
mod call;
mod confirm_compromised;
mod disable_app;
mod disable_on_premises;
mod disable_user;
mod enable_user;
mod issue_access_pass;
mod reset_password;
mod review_auth_methods;
mod review_consents;
mod review_devices;
mod review_groups;
mod review_inbox_rules;
mod review_mailbox;
mod review_owned_apps;
mod review_roles;
mod review_sign_ins;
mod revoke_sessions;

/// Every action there is. Listing, docs, permission manifest, playbook schema and tests come from it.
pub static ACTIONS: &[&dyn AnyAction] = &[
    &revoke_sessions::RevokeSessions,
    &disable_user::DisableUser,
    &disable_on_premises::DisableOnPremises,
    &reset_password::ResetPassword,
    &review_consents::ReviewConsents,
    &review_owned_apps::ReviewOwnedApps,
    &disable_app::DisableApp,
    &review_roles::ReviewRoles,
    &review_groups::ReviewGroups,
    &block_by_group::BlockByGroup,
    &confirm_compromised::ConfirmCompromised,
    &block_sign_in_by_policy::BlockSignInByPolicy,
    &block_ip::BlockIp,
    &review_auth_methods::ReviewAuthMethods,
    &review_devices::ReviewDevices,
    &review_inbox_rules::ReviewInboxRules,
    &review_mailbox::ReviewMailbox,
    &review_sign_ins::ReviewSignIns,
    &enable_user::EnableUser,
    &issue_access_pass::IssueAccessPass,
    &call::Call,
];

/// Finds an action by its id.
pub fn find(id: &str) -> Option<&'static dyn AnyAction> {
    ACTIONS.iter().copied().find(|action| action.about().id == id)
}
