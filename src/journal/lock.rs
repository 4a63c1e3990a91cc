//! Locks between processes. Where the file system has none, nothing is sent: two runs for one user would undo each
//! other's work.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::store::{is_link, linked, unwritable};
use crate::failure::{Code, Failure, Result};

/// Takes the lock of a file for as long as it is open, or says at once why not. [`File::try_lock`] is the one that is
/// used; another one stands in for a file system that has none.
pub type TryLock = fn(&File) -> Result<(), TryLockError>;

/// Held while a process works on a user or a bulk run: a second one refuses instead of interleaving.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of a file, which is made if it is not there.
    pub(super) fn hold(path: &Path, try_lock: TryLock, held: impl FnOnce() -> Failure) -> Result<Self> {
        if is_link(path) {
            return Err(linked(path));
        }
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| unwritable(path, &e))?;
        take(&file, path, try_lock, held)?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
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
