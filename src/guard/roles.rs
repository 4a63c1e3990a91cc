//! Which directory role the runner's service principal needs for a target that holds roles itself.
//!
//! <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions> and
//! <https://learn.microsoft.com/graph/api/resources/users#who-can-reset-passwords>

use oust_actions::Role;

use crate::graph::known::role_name;

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const PRIVILEGED_AUTH: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
const AUTH: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
const GROUPS: &str = "fdd7a751-b60b-444a-984c-02652fe8fa1c";
const CLOUD_DEVICE: &str = "7698a772-787b-4ac8-901f-60d6b08affd2";
const INTUNE: &str = "3a2c62db-5318-420d-8d74-23affee5d9d5";
const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
const GUEST_INVITER: &str = "95e79109-95c0-4d8e-aee3-d01accf2d47b";
const MESSAGE_CENTER_READER: &str = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const USAGE_SUMMARY_READER: &str = "75934031-6c7e-415a-99d7-48dbd49e875e";

/// The roles of a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldRoles {
    /// Template ids of directory roles.
    pub templates: Vec<String>,
    /// Names of role-assignable groups that it is a member of.
    pub assignable_groups: Vec<String>,
    /// Roles that are there but couldn't be read.
    pub unreadable: usize,
}

impl HeldRoles {
    /// Whether it holds any.
    pub fn any(&self) -> bool {
        !self.templates.is_empty() || !self.assignable_groups.is_empty() || self.unreadable > 0
    }

    /// Their names, for people.
    pub fn names(&self) -> String {
        let mut names: Vec<String> = self
            .templates
            .iter()
            .map(|id| role_name(id).map_or_else(|| format!("the role {id}"), str::to_owned))
            .collect();
        names.extend(self.assignable_groups.iter().map(|name| format!("the role-assignable group {name}")));
        if self.unreadable > 0 {
            names.push(format!("{} role(s) that could not be read", self.unreadable));
        }
        names.join(", ")
    }
}

/// The roles of which the service principal needs one. Empty: none is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    any_of: Vec<&'static str>,
    targets_admin: bool,
}

impl Need {
    /// What an action of this kind needs for a target with these roles.
    pub fn of(kind: Role, held: &HeldRoles) -> Self {
        if kind == Role::ForDevices {
            // A device has no roles: those of its owner don't matter.
            return Self { any_of: vec![CLOUD_DEVICE, INTUNE, GLOBAL], targets_admin: false };
        }
        if !held.any() {
            let any_of = match kind {
                Role::ForAnyPassword => vec![USER, PRIVILEGED_AUTH, GLOBAL],
                Role::ForSensitiveAction | Role::ForTokensOfAdmins | Role::ForDevices => vec![],
            };
            return Self { any_of, targets_admin: false };
        }
        let mut any_of = vec![PASSWORD, HELPDESK, AUTH, USER, PRIVILEGED_AUTH, GLOBAL];
        for template in &held.templates {
            let may = match kind {
                Role::ForSensitiveAction | Role::ForDevices => may_act_on(template),
                Role::ForTokensOfAdmins => may_reset(template),
                Role::ForAnyPassword => may_reset(template)
                    .iter()
                    .copied()
                    .filter(|r| [USER, PRIVILEGED_AUTH, GLOBAL].contains(r))
                    .collect(),
            };
            any_of.retain(|role| may.contains(role));
        }
        if !held.assignable_groups.is_empty() || held.unreadable > 0 {
            any_of.retain(|role| [PRIVILEGED_AUTH, GLOBAL].contains(role));
        }
        Self { any_of, targets_admin: true }
    }

    /// Whether it is the target's own roles that ask for it.
    pub fn targets_admin(&self) -> bool {
        self.targets_admin
    }

    /// Whether one of `roles` (template ids) does.
    pub fn is_met_by(&self, roles: &[String]) -> bool {
        self.any_of.is_empty() || roles.iter().any(|role| self.any_of.contains(&role.as_str()))
    }

    /// Their names, least powerful first.
    pub fn names(&self) -> String {
        self.any_of.iter().map(|id| role_name(id).unwrap_or(id)).collect::<Vec<_>>().join(", ")
    }

    /// The name of the least powerful that does.
    pub fn least(&self) -> &'static str {
        self.any_of.first().map_or("no role", |id| role_name(id).unwrap_or(id))
    }

    /// Template id of the least powerful that does.
    pub fn least_id(&self) -> Option<&'static str> {
        self.any_of.first().copied()
    }
}

/// "Who can perform sensitive actions": disable, update contact fields.
fn may_act_on(template: &str) -> Vec<&'static str> {
    match template {
        DIRECTORY_READERS
        | GUEST_INVITER
        | MESSAGE_CENTER_READER
        | PASSWORD
        | REPORTS_READER
        | USAGE_SUMMARY_READER => {
            vec![AUTH, USER, PRIVILEGED_AUTH, GLOBAL]
        }
        AUTH => vec![AUTH, PRIVILEGED_AUTH, GLOBAL],
        GROUPS | HELPDESK | USER => vec![USER, PRIVILEGED_AUTH, GLOBAL],
        _ => vec![PRIVILEGED_AUTH, GLOBAL],
    }
}

/// "Who can reset passwords", which also governs refresh tokens.
fn may_reset(template: &str) -> Vec<&'static str> {
    match template {
        DIRECTORY_READERS | GUEST_INVITER | PASSWORD => {
            vec![PASSWORD, HELPDESK, AUTH, USER, PRIVILEGED_AUTH, GLOBAL]
        }
        MESSAGE_CENTER_READER | REPORTS_READER | USAGE_SUMMARY_READER => {
            vec![HELPDESK, AUTH, USER, PRIVILEGED_AUTH, GLOBAL]
        }
        HELPDESK => vec![HELPDESK, USER, PRIVILEGED_AUTH, GLOBAL],
        AUTH => vec![AUTH, PRIVILEGED_AUTH, GLOBAL],
        GROUPS | USER => vec![USER, PRIVILEGED_AUTH, GLOBAL],
        _ => vec![PRIVILEGED_AUTH, GLOBAL],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(templates: &[&str]) -> HeldRoles {
        HeldRoles { templates: templates.iter().map(|t| (*t).to_owned()).collect(), ..HeldRoles::default() }
    }

    #[test]
    fn a_target_without_roles_needs_none_but_for_its_password() {
        assert!(Need::of(Role::ForSensitiveAction, &held(&[])).is_met_by(&[]));
        assert!(Need::of(Role::ForTokensOfAdmins, &held(&[])).is_met_by(&[]));
        assert!(!Need::of(Role::ForAnyPassword, &held(&[])).is_met_by(&[]));
        assert!(Need::of(Role::ForAnyPassword, &held(&[])).is_met_by(&[USER.into()]));
    }

    #[test]
    fn a_device_needs_its_role_whoever_owns_it() {
        for held in [held(&[]), held(&[GLOBAL])] {
            let need = Need::of(Role::ForDevices, &held);
            assert!(!need.is_met_by(&[USER.into()]) && need.is_met_by(&[CLOUD_DEVICE.into()]));
            assert!(!need.targets_admin());
            assert_eq!(need.least(), "Cloud Device Administrator");
        }
    }

    #[test]
    fn the_strongest_role_of_the_target_decides() {
        let need = Need::of(Role::ForSensitiveAction, &held(&[DIRECTORY_READERS, GLOBAL]));
        assert!(!need.is_met_by(&[USER.into()]));
        assert!(need.is_met_by(&[PRIVILEGED_AUTH.into()]));
        assert_eq!(need.least_id(), Some(PRIVILEGED_AUTH));
    }

    #[test]
    fn what_can_not_be_read_needs_the_top_two() {
        let unreadable = HeldRoles { unreadable: 1, ..HeldRoles::default() };
        assert_eq!(Need::of(Role::ForTokensOfAdmins, &unreadable).least_id(), Some(PRIVILEGED_AUTH));
    }
}
