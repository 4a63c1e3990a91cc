//! Where a bulk run is kept: its list and, once it has ended, its summary. The runs of its users are runs like any
//! other.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Store;
use super::lock::{FileLock, TryLock};
use super::store::{create_folder, is_link, linked, sync_folder};
use crate::failure::{Code, Failure, Result};

const FOLDER: &str = "bulk";

/// The folder of a bulk run.
#[derive(Debug, Clone)]
pub struct BulkPath {
    id: Uuid,
    folder: PathBuf,
    try_lock: TryLock,
}

impl BulkPath {
    /// UUID v7.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whom it is for, and under which ids.
    pub fn list(&self) -> PathBuf {
        self.folder.join("list.json")
    }

    /// How it ended the last time.
    pub fn summary(&self) -> PathBuf {
        self.folder.join("summary.json")
    }

    /// Keeps a second process out, for as long as the value lives.
    ///
    /// # Errors
    /// [`Code::RunLocked`] while another process has it.
    pub fn lock(&self) -> Result<FileLock> {
        FileLock::hold(&self.folder.join("lock"), self.try_lock, || {
            Failure::new(Code::RunLocked, format!("another process is working on bulk run {}", self.id))
                .next("wait until it ends; `oust runs` shows how far it is")
        })
    }

    /// Whether a run is one of its users'.
    pub(super) fn has(&self, run_id: &str) -> bool {
        std::fs::read_to_string(self.list()).is_ok_and(|text| text.contains(run_id))
    }

    pub(super) fn is_there(&self) -> bool {
        !is_link(&self.folder) && std::fs::symlink_metadata(self.list()).is_ok_and(|m| m.is_file())
    }
}

impl Store {
    pub(super) fn bulk(&self, id: Uuid) -> BulkPath {
        BulkPath { id, folder: self.root().join(FOLDER).join(id.to_string()), try_lock: self.try_lock }
    }

    /// Makes the folder of a new bulk run.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn create_bulk(&self, id: Uuid) -> Result<BulkPath> {
        let (bulk, all) = (self.bulk(id), self.own_folder(FOLDER)?);
        if is_link(&bulk.folder) {
            return Err(linked(&bulk.folder));
        }
        create_folder(&bulk.folder)?;
        sync_folder(&all)?;
        Ok(bulk)
    }

    /// Every bulk run, newest first.
    pub fn bulks(&self) -> Vec<BulkPath> {
        let folder = Some(self.root().join(FOLDER)).filter(|folder| !is_link(folder));
        let entries = folder.into_iter().filter_map(|f| std::fs::read_dir(f).ok()).flatten().flatten();
        let mut ids: Vec<Uuid> =
            entries.filter_map(|e| Uuid::try_parse(e.file_name().to_str()?).ok()).collect();
        ids.sort_unstable();
        ids.into_iter().rev().map(|id| self.bulk(id)).filter(BulkPath::is_there).collect()
    }
}
