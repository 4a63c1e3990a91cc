//! A run above the runs of many users: everybody is found and guarded before the first write, then all are cut off,
//! then the rest is done for each.
//!
//! Every user has a run of its own, with its own journal; the bulk run keeps the list and which run is whose, and what
//! was done is read from the journals. So a crash anywhere loses nothing that one user's run would not lose.

mod board;
mod list;
mod queue;
mod resolve;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::join_all;
use uuid::Uuid;

use crate::clock::Clock;
use crate::engine::event::{Event, Watch, What};
use crate::engine::{Engine, Place, Since, Stop};
use crate::failure::{Code, Failure, Result};
use crate::journal::{BulkPath, Store, write_private};
use crate::open_files;
use crate::playbook::Playbook;
use crate::report::Outcome;
use crate::report::bulk::{BULK_SCHEMA, BulkCounts, BulkDocument};
use crate::user_list::UserList;
use board::Board;
pub use list::{BulkEntry, BulkList};
use queue::AtOnce;
use resolve::Resolved;
use work::{Task, Work};

/// Users under way at once. The cuts are to leave together; what comes later waits for the slowest of Graph's limits
/// anyway, and each user under way takes memory.
const AT_ONCE: AtOnce = AtOnce { urgent: 500, later: 32 };
/// Open files that a user under way may take: journal, lock, connections.
const FILES_EACH: usize = 4;

/// Everything that bulk runs share.
pub struct Bulk {
    /// What works on each tenant, by the tenant's name in the configuration; `None`: the one that needs no name. All
    /// have the store, the clock, the stop and the watch of the bulk run.
    pub engines: BTreeMap<Option<String>, Engine>,
    /// Where runs are kept.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Asked before each user.
    pub stop: Stop,
    /// Who watches.
    pub watch: Arc<dyn Watch>,
    /// When the process started, for `elapsed_ms`.
    pub started: tokio::time::Instant,
}

/// What a caller wants of many users.
#[derive(Debug, Clone)]
pub struct BulkOrder {
    /// The command, for the record.
    pub command: String,
    /// UUID v7 of the bulk run.
    pub bulk_id: Uuid,
    /// Whom.
    pub list: UserList,
    /// By which playbook.
    pub playbook: Playbook,
    /// Start of the compromise window, where the list doesn't say.
    pub since: Since,
    /// Public key of age for what is secret.
    pub password_recipient: Option<String>,
    /// The number that was named: the list may not be longer.
    pub max_users: usize,
}

/// Whether all of it may be carried out.
pub enum BulkConsent<'a> {
    /// Yes, by what.
    Given(String),
    /// To be asked once everybody was found.
    Ask(&'a (dyn AskBulk + Sync)),
}

/// Asks a person.
pub trait AskBulk {
    /// By what it was confirmed.
    ///
    /// # Errors
    /// [`Code::NotConfirmed`].
    fn ask(&self, bulk: &BulkDocument, playbook: &Playbook) -> Result<String>;
}

impl Bulk {
    /// Contains everybody on a list.
    pub async fn contain(&self, order: &BulkOrder, consent: &BulkConsent<'_>) -> BulkDocument {
        let mut document = self.document(&order.command, Some(&order.playbook.id), false);
        let result = self.try_contain(order, consent, &mut document).await;
        self.end(document, result)
    }

    async fn try_contain(
        &self,
        order: &BulkOrder,
        consent: &BulkConsent<'_>,
        document: &mut BulkDocument,
    ) -> Result<()> {
        let Resolved { mut list, places, found } = self.begin(order, document).await?;
        list.confirmed = agree(consent, document, &order.playbook)?;
        let path = self.store.create_bulk(list.bulk_id)?;
        let _lock = path.lock()?;
        list.save(&path)?;
        document.run_id = Some(list.bulk_id.to_string());
        let board = Board::new(&list.users);
        let work = Work::new(self, (&list, &order.playbook), &board, places, found);
        work.all(&Task::Contain, document).await;
        self.check_all_done(&board)
    }

    /// Plans for everybody on a list and writes nothing.
    pub async fn plan(&self, order: &BulkOrder) -> BulkDocument {
        let mut document = self.document(&order.command, Some(&order.playbook.id), true);
        let result = self.try_plan(order, &mut document).await;
        self.end(document, result)
    }

    async fn try_plan(&self, order: &BulkOrder, document: &mut BulkDocument) -> Result<()> {
        let Resolved { list, places, found } = self.begin(order, document).await?;
        let board = Board::new(&list.users);
        let work = Work::new(self, (&list, &order.playbook), &board, places, found);
        work.all(&Task::Plan, document).await;
        self.check_all_done(&board)
    }

    /// Goes on with a bulk run: with users who were not begun, and with runs that have work left.
    pub async fn resume(&self, path: &BulkPath, consent: &BulkConsent<'_>) -> BulkDocument {
        self.again(path, "resume", Task::Contain, consent).await
    }

    /// Looks again at every run of it: is all of it still in force?
    pub async fn verify(&self, path: &BulkPath) -> BulkDocument {
        self.again(path, "verify", Task::Verify, &BulkConsent::Given(String::new())).await
    }

    /// Takes back what every run of it did, all or some steps.
    pub async fn rollback(
        &self,
        path: &BulkPath,
        steps: &[String],
        consent: &BulkConsent<'_>,
        dry_run: bool,
    ) -> BulkDocument {
        let task = Task::Rollback { steps: steps.to_vec(), dry_run };
        self.again(path, "rollback", task, consent).await
    }

    async fn again(
        &self,
        path: &BulkPath,
        command: &str,
        task: Task,
        consent: &BulkConsent<'_>,
    ) -> BulkDocument {
        let dry_run = matches!(task, Task::Rollback { dry_run: true, .. });
        let mut document = self.document(command, None, dry_run);
        document.run_id = Some(path.id().to_string());
        let result = self.try_again(path, &task, consent, &mut document).await;
        self.end(document, result)
    }

    async fn try_again(
        &self,
        path: &BulkPath,
        task: &Task,
        consent: &BulkConsent<'_>,
        document: &mut BulkDocument,
    ) -> Result<()> {
        let _lock = path.lock()?;
        let mut list = BulkList::load(path)?;
        // Who was not found the last time is looked for again.
        list.users.iter_mut().for_each(|entry| entry.problem = None);
        let playbook = Playbook::parse(&list.playbook_text)?;
        document.list_sha256 = Some(list.list_sha256.clone());
        document.playbook = Some(playbook.id.clone());
        let board = Board::new(&list.users);
        board.read(&self.store, &list);
        if !matches!(task, Task::Contain) {
            board.reopen();
        }
        document.users = board.users();
        agree(consent, document, &playbook)?;
        let places = self.places(&list, &board).await?;
        let work = Work::new(self, (&list, &playbook), &board, places, HashMap::new());
        work.all(task, document).await;
        self.check_all_done(&board)
    }

    /// How an earlier bulk run stands, from the journals of its users. Nothing is sent.
    ///
    /// # Errors
    /// [`Code::JournalBroken`], [`Code::JournalNewer`].
    pub fn read(store: &Store, path: &BulkPath) -> Result<BulkDocument> {
        let list = BulkList::load(path)?;
        let board = Board::new(&list.users);
        board.read(store, &list);
        let mut document = blank(&list.command, None, false);
        document.run_id = Some(list.bulk_id.to_string());
        document.playbook = Playbook::parse(&list.playbook_text).ok().map(|playbook| playbook.id);
        (document.started_at, document.list_sha256) = (Some(list.began), Some(list.list_sha256.clone()));
        document.users = board.users();
        document.conclude();
        Ok(document)
    }

    /// The summary that was kept when it last ended; without one, as [`Bulk::read`].
    ///
    /// # Errors
    /// [`Code::JournalBroken`], [`Code::JournalNewer`].
    pub fn summary(store: &Store, path: &BulkPath) -> Result<BulkDocument> {
        let kept = std::fs::read(path.summary()).ok().and_then(|text| serde_json::from_slice(&text).ok());
        kept.map_or_else(|| Self::read(store, path), Ok)
    }

    async fn begin(&self, order: &BulkOrder, document: &mut BulkDocument) -> Result<Resolved> {
        document.list_sha256 = Some(order.list.sha256.clone());
        let users = order.list.entries.len();
        if users > order.max_users {
            return Err(Failure::new(
                Code::TooManyUsers,
                format!("the list names {users} users, and at most {} are allowed", order.max_users),
            )
            .next(format!("if all of them are meant, say so: --max-users {users}")));
        }
        let command = order.command.clone();
        let (run_id, dry_run) = (order.bulk_id.to_string(), document.dry_run);
        self.tell(What::Began { run_id, command, dry_run });
        let resolved = self.resolve(order).await?;
        document.users = Board::new(&resolved.list.users).users();
        Ok(resolved)
    }

    /// What kept users from being done, if some are not.
    fn check_all_done(&self, board: &Board) -> Result<()> {
        if board.tally().is_done() { Ok(()) } else { self.stop.check() }
    }

    /// Signs in to every tenant. Users of one where that fails have failed.
    ///
    /// # Errors
    /// It fails everywhere.
    async fn places(&self, list: &BulkList, board: &Board) -> Result<BTreeMap<Option<String>, Place>> {
        let each = self.engines.iter().map(|(name, engine)| async move { (name, engine.place().await) });
        let mut places = BTreeMap::new();
        let mut failed = None;
        for (name, place) in join_all(each).await {
            match place {
                Ok(place) => drop(places.insert(name.clone(), place)),
                Err(failure) => {
                    let here = list.users.iter().enumerate().filter(|(_, entry)| entry.tenant == *name);
                    here.filter(|(at, _)| !board.is_done(*at)).for_each(|(at, _)| board.failed(at, &failure));
                    failed = Some(failure);
                }
            }
        }
        match failed {
            Some(failure) if places.is_empty() => Err(failure),
            _ => Ok(places),
        }
    }

    fn engine(&self, tenant: Option<&str>) -> Result<&Engine> {
        self.engines.get(&tenant.map(str::to_owned)).ok_or_else(|| {
            Failure::new(Code::Internal, format!("nobody signs in to the tenant {:?}", tenant.unwrap_or("-")))
        })
    }

    /// As many as the system's limit of open files admits.
    fn at_once(&self) -> AtOnce {
        let most = (open_files::raise() / FILES_EACH / self.engines.len().max(1)).max(1);
        AtOnce { urgent: AT_ONCE.urgent.min(most), later: AT_ONCE.later.min(most) }
    }

    fn document(&self, command: &str, playbook: Option<&str>, dry_run: bool) -> BulkDocument {
        BulkDocument { started_at: Some(self.clock.now()), ..blank(command, playbook, dry_run) }
    }

    /// Judges, and keeps the summary beside the list.
    fn end(&self, mut document: BulkDocument, result: Result<()>) -> BulkDocument {
        document.error = result.err().map(|failure| failure.problem(document.run_id.as_deref()));
        document.finished_at = Some(self.clock.now());
        // A command that ended before it did anything leaves the summary of the one before.
        let did_something = !document.tenants.is_empty() && !document.dry_run;
        document.conclude();
        let kept = document.run_id.as_ref().filter(|_| did_something);
        let path = kept.and_then(|id| self.store.bulks().into_iter().find(|b| b.id().to_string() == *id));
        if let Some(path) = path {
            // The journals hold all of it: a summary that can't be written takes nothing away.
            let text = serde_json::to_vec(&document).unwrap_or_default();
            if let Err(failure) = write_private(&path.summary(), &text) {
                self.tell(What::Note { text: failure.what });
            }
        }
        document
    }

    fn tell(&self, what: What) {
        self.watch.saw(&Event::new(&self.clock, self.started, what));
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// By what it was confirmed.
fn agree(consent: &BulkConsent<'_>, document: &mut BulkDocument, playbook: &Playbook) -> Result<String> {
    match consent {
        BulkConsent::Given(how) => Ok(how.clone()),
        BulkConsent::Ask(ask) => {
            document.conclude();
            ask.ask(document, playbook)
        }
    }
}

fn blank(command: &str, playbook: Option<&str>, dry_run: bool) -> BulkDocument {
    BulkDocument {
        schema: BULK_SCHEMA.to_owned(),
        run_id: None,
        command: command.to_owned(),
        dry_run,
        outcome: Outcome::Failed,
        exit_code: 0,
        playbook: playbook.map(str::to_owned),
        started_at: None,
        finished_at: None,
        list_sha256: None,
        counts: BulkCounts::default(),
        tenants: Vec::new(),
        users: Vec::new(),
        error: None,
    }
}
