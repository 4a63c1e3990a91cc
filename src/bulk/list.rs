//! The list of a bulk run as it is kept: whom, in which tenant, and under which id each user's own run is.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::engine::{Order, Part, Since, VERSION};
use crate::failure::{Code, Failure, Result};
use crate::journal::{BulkPath, write_private};
use crate::playbook::Playbook;
use crate::report::Problem;
use crate::target_name::TargetName;

/// The format that this version writes. An earlier version refuses a later one.
const FORMAT: u32 = 1;

/// What a bulk run needs to go on after a crash. Written once, before the first write to a tenant; how far each user
/// is stands in that user's journal and nowhere else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BulkList {
    format: u32,
    version: String,
    /// Its id.
    pub bulk_id: Uuid,
    /// The command that began it.
    pub command: String,
    /// By what it was confirmed.
    pub confirmed: String,
    /// The playbook's text, so that a resume needs no file.
    pub playbook_text: String,
    /// SHA-256 of the list as it was given, hex.
    pub list_sha256: String,
    /// Public key of age for what is secret.
    pub password_recipient: Option<String>,
    /// When it began, UTC.
    pub began: Timestamp,
    /// The users, in the order of the list, each once.
    pub users: Vec<BulkEntry>,
}

/// One user of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BulkEntry {
    /// Id of the user's own run, whether it has begun or not.
    pub run_id: Uuid,
    /// The line of the list.
    pub line: usize,
    /// The tenant by its name in the configuration; `None`: the one that needs no name.
    pub tenant: Option<String>,
    /// The tenant, once it was read.
    pub tenant_id: Option<String>,
    /// Object id, once the user was found.
    pub user_id: Option<String>,
    /// Sign-in name, or what the list says.
    pub user: String,
    /// Start of the compromise window.
    pub since: Timestamp,
    /// Why the user was not found, at the last try.
    pub problem: Option<Problem>,
}

impl BulkList {
    /// What is about to be begun.
    pub(super) fn new(order: &super::BulkOrder, users: Vec<BulkEntry>, began: Timestamp) -> Self {
        Self {
            format: FORMAT,
            version: VERSION.to_owned(),
            bulk_id: order.bulk_id,
            command: order.command.clone(),
            confirmed: String::new(),
            playbook_text: order.playbook.text.clone(),
            list_sha256: order.list.sha256.clone(),
            password_recipient: order.password_recipient.clone(),
            began,
            users,
        }
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self, path: &BulkPath) -> Result<()> {
        let text = serde_json::to_vec(self)
            .map_err(|e| Failure::new(Code::Internal, format!("writing the list of a bulk run: {e}")))?;
        write_private(&path.list(), &text)
    }

    /// Reads the list of an earlier bulk run.
    ///
    /// # Errors
    /// [`Code::JournalBroken`], [`Code::JournalNewer`].
    pub fn load(path: &BulkPath) -> Result<Self> {
        let broken = |why: String| {
            Failure::new(Code::JournalBroken, format!("{}: {why}", path.list().display()))
                .next("each user's own run is intact: `oust runs --all` lists them")
        };
        let text = std::fs::read(path.list()).map_err(|e| broken(e.to_string()))?;
        let list: Self = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
        if list.format > FORMAT {
            return Err(Failure::new(
                Code::JournalNewer,
                format!("{} was written by oust {}", path.list().display(), list.version),
            )
            .next("use that version, or a later one"));
        }
        Ok(list)
    }

    fn companions(&self, entry: &BulkEntry) -> u32 {
        let here = self.users.iter().filter(|other| other.tenant == entry.tenant).count();
        u32::try_from(here.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The order of one user's run.
    pub(super) fn order(&self, entry: &BulkEntry, playbook: &Playbook) -> Result<Order> {
        Ok(Order {
            command: self.command.clone(),
            run_id: entry.run_id,
            names: vec![entry.name()?],
            playbook: playbook.clone(),
            since: Since::At(entry.since),
            password_recipient: self.password_recipient.clone(),
            part_of: Some(Part { bulk_id: self.bulk_id, companions: self.companions(entry) }),
        })
    }
}

impl BulkEntry {
    /// How to ask for the user.
    fn name(&self) -> Result<TargetName> {
        self.user_id.clone().map_or_else(|| TargetName::parse(&self.user), |id| Ok(TargetName::Id(id)))
    }
}
