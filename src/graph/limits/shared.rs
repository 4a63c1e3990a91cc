//! The quotas of a tenant in files, so that processes on one machine stay within them together.
//!
//! A file is locked for as long as it takes to read and write a few hundred bytes; the system gives the lock back
//! when a process dies. What can't be read is written anew. Nothing here ever fails a request: without files a
//! process keeps to the quotas by itself.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::digest::{SHA256, digest};

use super::book::Book;
use super::load::Scope;
use crate::graph::Claims;
use crate::journal::{create_folder, is_link};
use crate::playbook::hex;

/// More than a book ever takes.
const MOST_BYTES: u64 = 16 * 1024;

/// The folder of the files, for one application in one tenant.
#[derive(Debug)]
pub struct Shared {
    folder: PathBuf,
    tenant: String,
    app: String,
    /// This was said once.
    warned: AtomicBool,
}

/// What became of a turn with the file.
pub enum Locked<T> {
    /// It was taken.
    Done(T),
    /// Another process has the file this moment.
    Busy,
    /// There is no lock to be had here.
    Without,
}

impl Shared {
    /// The files of whoever holds the token; `None`: it doesn't say who that is, or the folder can't be had.
    pub fn open(folder: &Path, claims: &Claims) -> Option<Self> {
        let shared = Self {
            folder: folder.to_owned(),
            tenant: claims.tenant_id.clone()?.to_ascii_lowercase(),
            app: claims.app_id.clone()?.to_ascii_lowercase(),
            warned: AtomicBool::new(false),
        };
        if let Err(failure) = create_folder(folder) {
            shared.warn(&failure.what);
            return None;
        }
        if is_link(folder) {
            shared.warn("it is a symbolic link, which is not followed");
            return None;
        }
        Some(shared)
    }

    /// The file of a scope; `None`: it has none, or can't be opened.
    pub fn file(&self, scope: Scope) -> Option<File> {
        let (name, of_app) = scope.file()?;
        let app = if of_app { self.app.as_str() } else { "" };
        let path = self.folder.join(format!("{name}-{}", fingerprint(&format!("{}/{app}", self.tenant))));
        if is_link(&path) {
            self.warn("one of its files is a symbolic link, which is not followed");
            return None;
        }
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&path).and_then(|file| Ok((file.metadata()?.is_file(), file)));
        match opened {
            Ok((true, file)) => Some(file),
            Ok((false, _)) => {
                self.warn("one of its files is none");
                None
            }
            Err(e) => {
                self.warn(&e.to_string());
                None
            }
        }
    }

    /// Takes the book out of its file, lets `act` change it, and puts it back.
    pub fn locked<T>(&self, file: &mut File, book: &mut Book, act: impl FnOnce(&mut Book) -> T) -> Locked<T> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Locked::Busy,
            Err(TryLockError::Error(e)) => {
                self.warn(&e.to_string());
                return Locked::Without;
            }
        }
        let before = read(file);
        if let Some(found) = before.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok()) {
            book.learn(found);
        }
        let done = act(book);
        let written = write(file, book, before.map_or(0, |bytes| bytes.len()));
        // Closing would not be enough: a process that is being started meanwhile holds a copy for a moment.
        if let Err(e) = written.and(file.unlock()) {
            self.warn(&e.to_string());
        }
        Locked::Done(done)
    }

    fn warn(&self, why: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                folder = %self.folder.display(),
                why,
                "other processes' requests to this tenant are not counted; too many at once are throttled by the service"
            );
        }
    }
}

/// Ids of tenants and applications are names of files for nobody to read.
fn fingerprint(text: &str) -> String {
    hex(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

fn read(file: &mut File) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut bytes = Vec::with_capacity(1024);
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Not synced: after a crash of the machine nothing is under way any more.
fn write(file: &mut File, book: &Book, before: usize) -> std::io::Result<()> {
    let bytes = serde_json::to_vec(book)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    if bytes.len() < before { file.set_len(bytes.len() as u64) } else { Ok(()) }
}
