//! Where each user is, so that a tenant of thousands answers as fast as one of five.

use std::collections::HashMap;

use super::directory::Directory;
use super::user::User;

/// Places in [`Directory::users`], by object id and by user principal name, both in lower case.
#[derive(Debug, Clone, Default)]
pub struct Index(HashMap<String, usize>);

impl Directory {
    /// Adds a user. Neither the id nor the name of one changes later.
    pub fn enrol(&mut self, user: User) {
        let at = self.users.len();
        for key in [&user.id, &user.principal_name] {
            self.index.0.entry(key.to_ascii_lowercase()).or_insert(at);
        }
        self.hybrid |= user.on_premises.is_some();
        self.users.push(user);
    }

    /// A user by object id or user principal name.
    pub fn user(&self, key: &str) -> Option<&User> {
        self.users.get(self.place(key)?)
    }

    /// The same, to change it.
    pub fn user_mut(&mut self, key: &str) -> Option<&mut User> {
        let at = self.place(key)?;
        self.users.get_mut(at)
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.index.0.get(&key.to_ascii_lowercase()).copied()
    }
}
