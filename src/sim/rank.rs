//! Who may do what to whom: the directory-role overlay of sensitive actions.
//!
//! <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions>

use super::directory::Directory;
use super::error::{GraphError, Outcome};
use super::permission::Caller;
use super::role::{self, Role};

/// What is done to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Enable, disable and the like.
    Sensitive,
    /// Invalidate refresh tokens.
    Tokens,
    /// Reset the password: an application needs a role for any target.
    Password,
}

use Role::{AuthAdmin, GlobalAdmin, HelpdeskAdmin, PasswordAdmin, PrivilegedAuthAdmin, UserAdmin};

const TOP: &[Role] = &[PrivilegedAuthAdmin, GlobalAdmin];

impl Caller {
    /// Refuses what the caller's directory roles don't suffice for. The answer is that of a missing
    /// permission.
    pub fn outranks(&self, directory: &Directory, target: &str, deed: Deed) -> Outcome<()> {
        let held = directory.roles_of(&self.object_id);
        let holds = |wanted: &[Role]| wanted.iter().any(|r| held.contains(&r.template_id()));
        if deed == Deed::Password && !holds(&[UserAdmin, PrivilegedAuthAdmin, GlobalAdmin]) {
            return Err(GraphError::denied());
        }
        let in_role_group = directory.groups_of(target).iter().any(|g| g.role_assignable);
        let restricted = directory.user(target).is_some_and(|u| u.restricted_management);
        let beyond = (in_role_group || restricted).then_some(TOP);
        let rows =
            directory.roles_of(target).into_iter().filter_map(|id| suffices(role::by_template(id), deed));
        if rows.chain(beyond).all(holds) { Ok(()) } else { Err(GraphError::denied()) }
    }
}

/// The roles that suffice for a target with this one; `None` when it is no admin role.
fn suffices(target: Role, deed: Deed) -> Option<&'static [Role]> {
    use Role::{
        DirectoryReaders, GroupsAdmin, GuestInviter, MessageCenterReader, ReportsReader,
        UsageSummaryReportsReader,
    };
    let sensitive = deed == Deed::Sensitive;
    Some(match target {
        DirectoryReaders | GuestInviter | MessageCenterReader | ReportsReader | UsageSummaryReportsReader => {
            return None;
        }
        PasswordAdmin if sensitive => &[AuthAdmin, UserAdmin, PrivilegedAuthAdmin, GlobalAdmin],
        PasswordAdmin => {
            &[PasswordAdmin, HelpdeskAdmin, AuthAdmin, UserAdmin, PrivilegedAuthAdmin, GlobalAdmin]
        }
        AuthAdmin => &[AuthAdmin, PrivilegedAuthAdmin, GlobalAdmin],
        HelpdeskAdmin if !sensitive => &[HelpdeskAdmin, UserAdmin, PrivilegedAuthAdmin, GlobalAdmin],
        HelpdeskAdmin | GroupsAdmin | UserAdmin => &[UserAdmin, PrivilegedAuthAdmin, GlobalAdmin],
        _ => TOP,
    })
}
