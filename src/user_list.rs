//! A list of users to contain, as a person or another tool wrote it.

use crate::engine::Since;
use crate::target_name::TargetName;

/// A list of users that was read and has no mistake.
#[derive(Debug, Clone)]
pub struct UserList {
    /// The users, in the order of the list, each name once in a tenant.
    pub entries: Vec<ListedUser>,
    /// SHA-256 of the bytes that were read, hex.
    pub sha256: String,
}

/// One user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The line, from 1.
    pub line: usize,
    /// Whom.
    pub name: TargetName,
    /// The tenant by its name in the configuration, where the list names it.
    pub tenant: Option<String>,
    /// Start of the compromise window, where it differs from the one for all.
    pub since: Option<Since>,
}
impl UserList {
    pub fn read(_: &std::path::Path) -> crate::failure::Result<Self> {
        unimplemented!()
    }
}
