//! The state directory: a folder a run, locks for users, the keys of earlier requests. Folders are 0700, files 0600.

use std::fs::File;
use std::io::{Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lock::{FileLock, TryLock};
use super::{BulkPath, Earlier, chain};
use crate::failure::{Code, Failure, Result};

/// The state directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    fuse: Option<Fuse>,
    pub(super) try_lock: TryLock,
}

/// Ends the writing of journals, as a full disk or a failing one does: for trying out what a resume makes of the
/// rest. No option of the command line sets one.
#[derive(Debug, Clone)]
pub struct Fuse {
    records: Arc<AtomicUsize>,
    syncs: Arc<AtomicUsize>,
    synced: Arc<AtomicU64>,
}

impl Fuse {
    /// Lets that many records through.
    pub fn after(records: usize) -> Self {
        Self::with(records, usize::MAX)
    }

    /// Lets that many syncs through; the next one fails, and so do all after it.
    pub fn after_syncs(syncs: usize) -> Self {
        Self::with(usize::MAX, syncs)
    }

    fn with(records: usize, syncs: usize) -> Self {
        Self {
            records: Arc::new(AtomicUsize::new(records)),
            syncs: Arc::new(AtomicUsize::new(syncs)),
            synced: Arc::default(),
        }
    }

    /// How many bytes of the journal a power cut leaves for sure.
    pub fn synced(&self) -> u64 {
        self.synced.load(Ordering::SeqCst)
    }

    /// How many of the next records may be written.
    pub(super) fn admit(&self, records: usize) -> usize {
        take(&self.records, records)
    }

    /// Syncs what was written to the file so far, if the next sync may be made.
    pub(super) fn sync(&self, file: &mut File) -> std::io::Result<()> {
        if take(&self.syncs, 1) == 0 {
            return Err(blown());
        }
        file.sync_data()?;
        self.synced.store(file.stream_position()?, Ordering::SeqCst);
        Ok(())
    }
}

fn take(left: &AtomicUsize, wanted: usize) -> usize {
    let there = left.load(Ordering::SeqCst);
    let taken = wanted.min(there);
    left.store(there - taken, Ordering::SeqCst);
    taken
}

/// What a blown fuse answers.
pub(super) fn blown() -> std::io::Error {
    std::io::Error::other("the fuse of the state directory blew")
}

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct RunPath {
    id: String,
    folder: PathBuf,
    journal: PathBuf,
    fuse: Option<Fuse>,
    pub(super) try_lock: TryLock,
}

/// An earlier request under an idempotency key.
#[derive(Debug, Serialize, Deserialize)]
struct Key {
    request: String,
    run_id: String,
}

impl RunPath {
    /// UUID v7.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its `journal.jsonl`.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    pub(super) fn fuse(&self) -> Option<&Fuse> {
        self.fuse.as_ref()
    }

    /// Whether the process died before the first record was on disk: nothing was sent either.
    pub fn is_blank(&self) -> bool {
        std::fs::read(&self.journal).is_ok_and(|text| !text.contains(&b'\n'))
    }

    /// Takes a blank journal away, so that the run can begin.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn clear(&self) -> Result<()> {
        std::fs::remove_file(&self.journal).map_err(|e| unwritable(&self.journal, &e))
    }

    /// Whether there is such a run, and not a link to one.
    fn is_there(&self) -> bool {
        !is_link(&self.folder) && std::fs::symlink_metadata(&self.journal).is_ok_and(|m| m.is_file())
    }
}

impl Store {
    /// The store in a directory, which is made when it is first written.
    pub fn new(root: PathBuf) -> Self {
        Self { root, fuse: None, try_lock: File::try_lock }
    }

    /// The same with a fuse for its journals.
    #[must_use]
    pub fn fused(self, fuse: Fuse) -> Self {
        Self { fuse: Some(fuse), ..self }
    }

    /// The same on a file system with other locks, or none: for trying out what is done there. No option of the
    /// command line sets one.
    #[must_use]
    pub fn locking_by(self, try_lock: TryLock) -> Self {
        Self { try_lock, ..self }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The runs' folder or another one of the store's own, made if it is not there.
    pub(super) fn own_folder(&self, name: &str) -> Result<PathBuf> {
        create_folder(&self.root)?;
        let folder = self.root.join(name);
        if is_link(&folder) {
            return Err(linked(&folder));
        }
        create_folder(&folder)?;
        Ok(folder)
    }

    fn run(&self, id: &Uuid) -> RunPath {
        let folder = self.root.join("runs").join(id.to_string());
        RunPath {
            id: id.to_string(),
            journal: folder.join("journal.jsonl"),
            folder,
            fuse: self.fuse.clone(),
            try_lock: self.try_lock,
        }
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn create_run(&self, id: &Uuid) -> Result<RunPath> {
        let (run, runs) = (self.run(id), self.own_folder("runs")?);
        if is_link(&run.folder) {
            return Err(linked(&run.folder));
        }
        create_folder(&run.folder)?;
        sync_folder(&runs)?;
        Ok(run)
    }

    /// A run by its whole id, if there is one.
    pub fn run_of(&self, id: &Uuid) -> Option<RunPath> {
        let runs_are_here = !is_link(&self.root.join("runs"));
        Some(self.run(id)).filter(|run| runs_are_here && run.is_there())
    }

    /// Every run, newest first: a UUID v7 begins with its time. What is reached by a link only is none: it may lie
    /// outside of the state directory.
    pub fn runs(&self) -> Vec<RunPath> {
        let folder = Some(self.root.join("runs")).filter(|folder| !is_link(folder));
        let entries =
            folder.into_iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let mut ids: Vec<Uuid> =
            entries.filter_map(|e| Uuid::try_parse(e.file_name().to_str()?).ok()).collect();
        ids.sort_unstable();
        ids.iter().rev().map(|id| self.run(id)).filter(RunPath::is_there).collect()
    }

    /// The id of the next run: its time comes after that of every run before it, also where the clock was set back,
    /// so that the newest is the last one that was begun.
    pub fn next_id(&self) -> Uuid {
        let id = Uuid::now_v7();
        let newest = self.runs().into_iter().next().and_then(|run| Uuid::try_parse(run.id()).ok());
        match newest {
            Some(newest) if newest >= id => {
                let mut random = [0; 10];
                random.copy_from_slice(&id.as_bytes()[6..]);
                uuid::Builder::from_unix_timestamp_millis(millis(&newest).saturating_add(1), &random)
                    .into_uuid()
            }
            _ => id,
        }
    }

    /// Finds a run by its id, by the start of it when that fits one run only, or by `last`.
    ///
    /// # Errors
    /// [`Code::NoSuchRun`].
    pub fn find(&self, name: &str) -> Result<RunPath> {
        let wrong =
            |what: String| Failure::new(Code::NoSuchRun, what).next("`oust runs` lists the runs there are");
        let runs = self.runs();
        if name == "last" {
            return runs.into_iter().next().ok_or_else(|| wrong("there is no run yet".into()));
        }
        let plain = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if !plain {
            return Err(wrong(format!("{:?} is not a run id", name.chars().take(40).collect::<String>())));
        }
        let name = name.to_ascii_lowercase();
        let mut fitting = runs.into_iter().filter(|run| run.id.starts_with(&name));
        match (fitting.next(), fitting.next()) {
            (Some(run), None) => Ok(run),
            (Some(_), Some(_)) => Err(wrong(format!("more than one run begins with {name}"))),
            (None, _) => Err(wrong(format!("there is no run {name} in {}", self.root.display()))),
        }
    }

    /// Takes the lock of a user, for as long as the value lives.
    ///
    /// # Errors
    /// [`Code::RunLocked`] while another process has it, [`Code::Unlockable`] where the file system has no locks.
    pub fn lock_user(&self, tenant_id: &str, user_id: &str) -> Result<FileLock> {
        let folder = self.own_folder("locks")?;
        let path = folder.join(chain::hash(format!("{tenant_id}/{user_id}").as_bytes()));
        FileLock::hold(&path, self.try_lock, || {
            Failure::new(Code::RunLocked, format!("another process is working on user {user_id}"))
                .next("wait until it ends; `oust runs` shows what it did")
        })
    }

    /// The run of an earlier request under this key, or notes `run_id` for it.
    ///
    /// # Errors
    /// [`Code::KeyReused`] when the earlier request was another one.
    pub fn claim_key(&self, key: &str, request: &str, run_id: &Uuid) -> Result<Option<Earlier>> {
        let path = self.own_folder("keys")?.join(chain::hash(key.as_bytes()));
        if is_link(&path) {
            return Err(linked(&path));
        }
        if let Ok(text) = std::fs::read(&path) {
            let known: Key = serde_json::from_slice(&text).map_err(|e| {
                Failure::new(Code::StateUnwritable, format!("reading {}: {e}", path.display()))
            })?;
            if known.request != request {
                return Err(Failure::new(
                    Code::KeyReused,
                    "this idempotency key was used for another request",
                )
                .next("use a new key for each request; the same key only to repeat the same request"));
            }
            let id = Uuid::try_parse(&known.run_id).unwrap_or_default();
            let run = self.run_of(&id).map(Earlier::Run);
            let bulk = || Some(self.bulk(id)).filter(BulkPath::is_there).map(Earlier::Bulk);
            if let Some(earlier) = run.or_else(bulk) {
                return Ok(Some(earlier));
            }
        }
        let text = serde_json::to_vec(&Key { request: request.to_owned(), run_id: run_id.to_string() })
            .unwrap_or_default();
        write_private(&path, &text)?;
        Ok(None)
    }
}

impl Store {
    /// Writes a sealed secret beside the journal of its run.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn write_sealed(path: &Path, bytes: &[u8]) -> Result<()> {
        write_private(path, bytes)
    }

    /// Whether a folder takes a file, by making one that vanishes at once.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn check_writable(folder: &Path) -> Result<()> {
        tempfile::tempfile_in(folder).map(drop).map_err(|e| unwritable(folder, &e))
    }
}

/// The time in a UUID v7 (RFC 9562, 5.7).
fn millis(id: &Uuid) -> u64 {
    id.as_bytes()[..6].iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte))
}

/// Whether a name is a symbolic link. The state directory may be one, for its owner chose it; nothing in it is.
pub fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

pub(super) fn linked(path: &Path) -> Failure {
    Failure::new(
        Code::StateUnwritable,
        format!(
            "{} is a symbolic link, which may lead out of the state directory; it is not followed",
            path.display()
        ),
    )
    .next("look who put it there and remove it; --state-dir names another directory")
}

/// Makes a folder with its parents, 0700.
pub fn create_folder(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| unwritable(path, &e))
}

/// Makes a file that must not be there yet, 0600.
pub fn create_private(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).read(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| unwritable(path, &e))
}

/// Writes a file whole or not at all, 0600, and syncs it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| unwritable(path, &e))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|e| unwritable(path, &e))?;
    file.persist(path).map_err(|e| unwritable(path, &e.error))?;
    sync_folder(folder)
}

/// Makes the entries of a folder outlive a power cut.
pub fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| unwritable(path, &e))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// The error of a state directory that can't be written.
pub fn unwritable(path: &Path, e: &std::io::Error) -> Failure {
    Failure::new(Code::StateUnwritable, format!("writing {}: {e}", path.display()))
        .next("give a directory that can be written with --state-dir or OUST_STATE_DIR")
}
