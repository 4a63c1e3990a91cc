//! Locks between processes. Where the file system has none, nothing is sent: two runs for one user would undo each
//! other's work.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::failure::{Code, Failure, Result};

/// Takes the lock of a file for as long as it is open, or says at once why not. [`File::try_lock`] is the one that is
/// used; another one stands in for a file system that has none.
pub type TryLock = fn(&File) -> Result<(), TryLockError>;

/// Held while a process works on a user: a second one refuses instead of interleaving.
#[derive(Debug)]
pub struct UserLock {
    file: File,
}

impl UserLock {
    pub(super) fn on(file: File) -> Self {
        Self { file }
    }
}

impl Drop for UserLock {
    /// Closing is not enough: a process that is being started meanwhile holds a copy for a moment.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Takes a lock; `held` is the error while another process has it.
///
/// # Errors
/// That one, or [`Code::Unlockable`].
pub(super) fn take(
    file: &File,
    path: &Path,
    try_lock: TryLock,
    held: impl FnOnce() -> Failure,
) -> Result<()> {
    match try_lock(file) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(held()),
        Err(TryLockError::Error(e)) => Err(Failure::new(
            Code::Unlockable,
            format!("{} can't be locked: {e}; without a lock two runs could work on one user", path.display()),
        )
        .changed("nothing was sent")
        .next("name a directory on a local disk with --state-dir or OUST_STATE_DIR; `oust explain E0706` says which file systems lock")),
    }
}
