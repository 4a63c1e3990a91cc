//! Why the service says 403. Its answer is the same for a missing permission and a missing role, so the reason
//! is worked out from the token and the roles.

use oust_actions::{About, Change, Cloud, Operator, Permission, Resource};

use super::roles::{HeldRoles, Need};
use crate::failure::{Code, Failure};
use crate::report::{Lack, LackKind};

/// The permissions of an action that the token does not list and that something in this cloud takes; those that
/// it does without are among them. Those of Exchange Online count where the operator opted in.
pub fn missing_permissions<'a>(about: &'a About, operator: &Operator, cloud: Cloud) -> Vec<&'a Permission> {
    let asked =
        |p: &&Permission| !p.not_in.contains(&cloud) && (p.resource == Resource::Graph || operator.exchange);
    about.permissions.iter().filter(asked).filter(|p| !p.is_met_by(&operator.permissions)).collect()
}

/// What these changes of an action need for a target with these roles and the operator does not seem to have.
/// Nothing when the token doesn't say what it may do.
pub fn lacks(about: &About, operator: &Operator, held: &HeldRoles, changes: &[&Change]) -> Vec<Lack> {
    if operator.permissions.is_empty() {
        return Vec::new();
    }
    let needed = about.permissions.iter().filter(|p| !p.optional);
    let names = needed.flat_map(|p| p.lacking(&operator.permissions, changes));
    let permission = |name: &str| Lack { kind: LackKind::Permission, name: name.to_owned() };
    let mut lacks: Vec<Lack> = names.map(permission).collect();
    lacks.dedup();
    if let Some(own) = &operator.roles {
        let needs = about.roles.iter().map(|kind| Need::of(*kind, held));
        let unmet = needs.filter(|need| !need.is_met_by(own));
        lacks.extend(unmet.map(|need| Lack { kind: LackKind::Role, name: need.least().to_owned() }));
    }
    lacks
}

/// Explains a 403 for a step of this action, on a read or on one of these changes.
pub fn explain_denial(
    about: &About,
    operator: &Operator,
    held: &HeldRoles,
    step: &str,
    changes: &[&Change],
) -> Failure {
    if about.permissions.is_empty() {
        return Failure::new(
            Code::PermissionMissing,
            format!(
                "the service refused the step {step}; what it needs depends on the path that the playbook gives"
            ),
        )
        .step(step)
        .next("look up the permissions and roles on the Graph page of that path, and grant them");
    }
    let missing: Vec<&str> =
        about.permissions.iter().flat_map(|p| p.lacking(&operator.permissions, changes)).collect();
    if !missing.is_empty() {
        let names = missing.join(", ");
        let has = if operator.permissions.is_empty() { "it lists none at all" } else { "it lists others" };
        return Failure::new(
            Code::PermissionMissing,
            format!("the step {step} needs the application permission {names}, which the token does not list ({has})"),
        )
        .step(step)
        .next("grant it with admin consent (`oust doctor` prints the command); it works with the next token");
    }
    for kind in about.roles {
        let need = Need::of(*kind, held);
        let met = operator.roles.as_ref().is_some_and(|own| need.is_met_by(own));
        if !met && !need.is_met_by(&[]) {
            return Failure::new(
                Code::RoleMissing,
                format!(
                    "the step {step} needs one of these directory roles on the service principal: {}",
                    need.names()
                ),
            )
            .step(step)
            .next(format!("assign {}; `oust doctor` prints the command", need.least()));
        }
    }
    Failure::new(
        Code::PermissionMissing,
        format!("the service refused the step {step} although the token lists its permissions and the roles suffice"),
    )
    .step(step)
    .next("look for an administrative unit with restricted management, an application access policy, or a licence that is missing")
}
