//! What may not be touched, and why. Asked before anything is written.

mod denial;
mod roles;

use oust_actions::{Operator, Target, Tenant};

use crate::config::Protected;
use crate::failure::{Code, Failure, Result};
use crate::playbook::Playbook;

pub use denial::{explain_denial, lacks, missing_permissions};
pub use roles::{HeldRoles, Need};

/// The limits of one invocation.
#[derive(Debug, Clone)]
pub struct Guards {
    /// Accounts and groups that are never contained.
    pub protected: Protected,
    /// Most users of one run.
    pub max_users: usize,
    /// The tenant that the caller meant; `None` when nobody said.
    pub tenant_id: Option<String>,
}

impl Guards {
    /// The token's tenant must be the one that was meant.
    ///
    /// # Errors
    /// [`Code::WrongTenant`].
    pub fn check_tenant(&self, tenant: &Tenant) -> Result<()> {
        match &self.tenant_id {
            Some(meant) if !meant.eq_ignore_ascii_case(&tenant.id) => Err(Failure::new(
                Code::WrongTenant,
                format!("signed in to tenant {}, but {meant} was configured", tenant.id),
            )
            .next("check AZURE_TENANT_ID, --tenant and the configuration; the token decides which tenant is changed")),
            _ => Ok(()),
        }
    }

    /// How many users may be named.
    ///
    /// # Errors
    /// [`Code::TooManyUsers`].
    pub fn check_count(&self, users: usize) -> Result<()> {
        if users <= self.max_users {
            return Ok(());
        }
        Err(Failure::new(
            Code::TooManyUsers,
            format!("{users} users were named, and at most {} are allowed", self.max_users),
        )
        .next(format!("if all of them are meant, say so: --max-users {users}")))
    }

    /// Whether a user may be contained by this operator at all.
    ///
    /// # Errors
    /// [`Code::ProtectedTarget`], [`Code::OwnAccount`].
    pub fn check_user(&self, target: &Target, group_ids: &[String]) -> Result<()> {
        let user = &target.user;
        let is = |id: &uuid::Uuid, text: &str| id.to_string().eq_ignore_ascii_case(text);
        if self.protected.users.iter().any(|id| is(id, &user.id)) {
            return Err(protected(user, "it is in [protected] users"));
        }
        if let Some(group) = self.protected.groups.iter().find(|id| group_ids.iter().any(|g| is(id, g))) {
            return Err(protected(
                user,
                &format!("it is a member of group {group}, which is in [protected] groups"),
            ));
        }
        if user.id.eq_ignore_ascii_case(&target.operator.object_id) {
            return Err(Failure::new(
                Code::OwnAccount,
                format!("{} is the account that runs this", user.user_principal_name),
            )
            .next("contain it from another account: this one would lock itself out in the middle"));
        }
        Ok(())
    }

    /// Whether the operator holds the roles that the steps of a playbook need for this target.
    ///
    /// # Errors
    /// [`Code::RoleMissing`], naming the step and the roles that would do.
    pub fn check_roles(&self, playbook: &Playbook, target: &Target, held: &HeldRoles) -> Result<()> {
        let Some(own) = &target.operator.roles else { return Ok(()) };
        for (_, step) in playbook.steps() {
            let Some(action) = oust_actions::find(step.action) else { continue };
            for kind in action.about().roles {
                let need = Need::of(*kind, held);
                if need.targets_admin() && !need.is_met_by(own) {
                    return Err(Failure::new(
                        Code::RoleMissing,
                        format!(
                            "{} holds {}, so the step {} needs one of these directory roles on the service principal: {}",
                            target.user.user_principal_name,
                            held.names(),
                            step.id,
                            need.names()
                        ),
                    )
                    .step(step.id.clone())
                    .next(format!("assign {} to the service principal {}; `oust doctor` prints the command", need.least(), target.operator.object_id)));
                }
            }
        }
        Ok(())
    }
}

fn protected(user: &oust_actions::User, why: &str) -> Failure {
    Failure::new(Code::ProtectedTarget, format!("{} is protected: {why}", user.user_principal_name))
        .next("if it must be contained all the same, take it out of the configuration, which is a decision of its own")
}

/// Whether an operator was read well enough to say what it may do.
pub fn knows_permissions(operator: &Operator) -> bool {
    !operator.permissions.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_contains_the_account_that_runs_this() {
        let guards = Guards { protected: Protected::default(), max_users: 1, tenant_id: None };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let user = oust_actions::User { id: "AB".into(), ..oust_actions::User::default() };
        let operator = Operator { object_id: "ab".into(), ..Operator::default() };
        let (tenant, settings) = (Tenant::default(), serde_json::Value::Null);
        let (issued, companions) = (vec![], 0);
        let target =
            Target { user, tenant, operator, since: now, now, cut_after: now, settings, issued, companions };
        assert_eq!(guards.check_user(&target, &[]).unwrap_err().code, Code::OwnAccount);
    }
}
