//! The write-ahead journal of a run: what is about to be sent is on disk before it leaves.
//!
//! One file, one writer, one JSON object a line, each holding the hash of the line before. An unterminated last
//! line is cut off on opening; anything else that is broken stops the tool.

mod audit;
mod bulk_path;
mod chain;
mod change;
mod earlier;
mod issued;
mod ledger;
mod lock;
mod on_premises;
mod record;
mod signature;
mod store;

use std::fs::File;
use std::io::{Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use audit::{Audit, Fault, FaultKind, audit};
pub use bulk_path::BulkPath;
pub use chain::{Chain, GENESIS, read};
pub use earlier::Earlier;
pub use issued::{issued, note_issuer};
pub use ledger::{ChangeLedger, Ledger, StepLedger, UndoLedger, UserLedger};
pub use lock::{FileLock, TryLock};
pub use record::{
    Began, FORMAT, Intent, Line, Phase, Planned, Record, Result as ToldResult, TargetFound, Told,
};
pub use signature::{PublicKey, SignedHead, Signer, head_path, signature_path};
pub use store::{Fuse, RunPath, Store, write_private};
pub(crate) use store::{create_folder, is_link};

use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// Proof that the intent of a write is on disk. Only a journal makes one, and [`crate::graph::Graph::write`]
/// asks for one: nothing is sent that isn't recorded.
#[derive(Debug)]
pub struct Recorded(());

/// A journal that is open for writing.
pub struct Journal {
    sink: Sink,
    clock: Clock,
    head: String,
    seq: u64,
    ledger: Ledger,
    poisoned: bool,
    fuse: Option<Fuse>,
}

enum Sink {
    /// A dry run: kept in memory, and no intent can be recorded.
    Memory,
    File {
        file: File,
        path: PathBuf,
    },
}

impl Drop for Sink {
    /// As with the lock of a user: closing is not enough.
    fn drop(&mut self) {
        if let Self::File { file, .. } = self {
            let _ = file.unlock();
        }
    }
}

impl Journal {
    /// A journal that keeps nothing on disk and admits no intent: for dry runs.
    pub fn dry(clock: Clock) -> Self {
        Self {
            sink: Sink::Memory,
            clock,
            head: GENESIS.into(),
            seq: 0,
            ledger: Ledger::default(),
            poisoned: false,
            fuse: None,
        }
    }

    /// Makes the journal of a new run.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`], [`Code::Unlockable`].
    pub fn create(run: &RunPath, clock: Clock) -> Result<Self> {
        let file = store::create_private(run.journal())?;
        lock(&file, run)?;
        store::sync_folder(run.folder())?;
        Ok(Self {
            sink: Sink::File { file, path: run.journal().to_owned() },
            fuse: run.fuse().cloned(),
            ..Self::dry(clock)
        })
    }

    /// Opens the journal of an earlier run to write on. Cuts off an unterminated last line.
    ///
    /// # Errors
    /// [`Code::JournalBroken`], [`Code::JournalNewer`], [`Code::RunLocked`] while another process writes it,
    /// [`Code::Unlockable`], [`Code::StateUnwritable`].
    pub fn open(run: &RunPath, clock: Clock) -> Result<Self> {
        let path = run.journal();
        let mut file =
            File::options().read(true).write(true).open(path).map_err(|e| store::unwritable(path, &e))?;
        lock(&file, run)?;
        // By the handle that holds the lock: over SMB no other one may read what is locked.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| store::unwritable(path, &e))?;
        let Audit { chain, ledger, .. } = read(&bytes, &path.display().to_string())?;
        let cut = file
            .set_len(chain.whole)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .and_then(|_| file.sync_all());
        cut.map_err(|e| store::unwritable(path, &e))?;
        Ok(Self {
            sink: Sink::File { file, path: path.to_owned() },
            clock,
            head: chain.head,
            seq: chain.lines.len() as u64,
            ledger,
            poisoned: false,
            fuse: run.fuse().cloned(),
        })
    }

    /// What it adds up to.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Hash of the last line, for the ticket.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Where it is; `None` for a dry run.
    pub fn path(&self) -> Option<&Path> {
        match &self.sink {
            Sink::Memory => None,
            Sink::File { path, .. } => Some(path),
        }
    }

    /// Signs the end as it is now. What could not be written is not signed.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn sign(&self, signer: &Signer) -> Result<()> {
        let (Some(path), Some(began), false) = (self.path(), &self.ledger.began, self.poisoned) else {
            return Ok(());
        };
        let head = SignedHead { run_id: began.run_id.clone(), records: self.seq, head: self.head.clone() };
        signer.sign(path, &head).map_err(|failure| {
            failure
                .changed("what the run did stands and is in the journal; only the signature is missing")
                .next("mend the folder of the run; `oust verify RUN` looks again and signs")
        })
    }

    /// Writes a record that announces no write. What a call did is on disk when this returns; what was only
    /// seen or decided is at the latest when the next call is announced.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`]; the journal takes no more records after that.
    pub fn append(&mut self, record: Record) -> Result<()> {
        self.append_all([record])
    }

    /// Writes several such records, with one sync where one of them needs it.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_all(&mut self, records: impl IntoIterator<Item = Record>) -> Result<()> {
        let records: Vec<Record> = records.into_iter().collect();
        let sync = records.iter().any(Record::must_last);
        if records.is_empty() { Ok(()) } else { self.write(records, sync) }
    }

    /// Writes intents, one sync for all, and gives the proof that a write needs.
    ///
    /// # Errors
    /// As [`Journal::append`]; a dry journal always refuses.
    pub fn intend(&mut self, intents: impl IntoIterator<Item = Record>) -> Result<Recorded> {
        if matches!(self.sink, Sink::Memory) {
            return Err(Failure::new(Code::Internal, "a dry run tried to record an intent"));
        }
        self.write(intents, true)?;
        Ok(Recorded(()))
    }

    fn write(&mut self, records: impl IntoIterator<Item = Record>, sync: bool) -> Result<()> {
        if self.poisoned {
            return Err(Failure::new(
                Code::StateUnwritable,
                "the journal could not be written before, so nothing more is done",
            )
            .next("free the disk or mend the folder, then `oust resume RUN`"));
        }
        // Poisoned until the whole of it is on disk: a half-written line must stay the last one.
        self.poisoned = true;
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for record in records {
            let line = Line { seq: self.seq, prev: self.head.clone(), at: self.clock.now(), record };
            let text = serde_json::to_vec(&line).map_err(|e| internal(&e.to_string()))?;
            self.ledger.apply(&line).map_err(|why| internal(&format!("an illegal record: {why}")))?;
            self.head = chain::hash(&text);
            self.seq += 1;
            bytes.extend_from_slice(&text);
            bytes.push(b'\n');
            ends.push(bytes.len());
        }
        let records = ends.len() - 1;
        let admitted = self.fuse.as_ref().map_or(records, |fuse| fuse.admit(records));
        bytes.truncate(ends[admitted]);
        if let Sink::File { file, path } = &mut self.sink {
            let to_disk = |file: &mut File| match &self.fuse {
                Some(fuse) => fuse.sync(file),
                None => file.sync_data(),
            };
            let due = sync && admitted == records;
            let written = file.write_all(&bytes).and_then(|()| if due { to_disk(file) } else { Ok(()) });
            written.map_err(|e| store::unwritable(path, &e))?;
            if admitted < records {
                return Err(store::unwritable(path, &store::blown()));
            }
        }
        self.poisoned = false;
        Ok(())
    }
}

/// Reads a journal that nobody has to write on.
///
/// # Errors
/// [`Code::JournalBroken`] or [`Code::JournalNewer`], with the line.
pub fn load(path: &Path) -> Result<(Chain, Ledger)> {
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::new(Code::NoSuchRun, format!("reading {}: {e}", path.display()))
            .next("`oust runs` lists the runs there are")
    })?;
    let Audit { chain, ledger, .. } = read(&bytes, &path.display().to_string())?;
    Ok((chain, ledger))
}

fn lock(file: &File, run: &RunPath) -> Result<()> {
    lock::take(file, run.journal(), run.try_lock, || {
        Failure::new(Code::RunLocked, format!("another process is writing {}", run.journal().display()))
            .next("wait until it ends, or stop it")
    })
}

fn internal(what: &str) -> Failure {
    Failure::new(Code::Internal, format!("the journal: {what}"))
}
