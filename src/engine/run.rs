//! A run under way: its journal, its secrets, its locks, and the questions that the engine asks of them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use oust_actions::Call;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::event::What;
use super::secret::Secrets;
use super::step_budgets::StepBudgets;
use super::{Engine, Observed, Order};
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};
use crate::graph::Secret;
use crate::guard::HeldRoles;
use crate::journal::{
    Began, FORMAT, FileLock, Intent, Journal, Ledger, Phase, Planned, Record, Recorded, RunPath, Signer,
    Store, TargetFound,
};
use crate::playbook::Playbook;
use crate::report::{OpenDocument, RunDocument, fold};

/// The version that goes into journals and plans.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A run under way.
pub struct Run {
    pub(super) id: Uuid,
    command: String,
    is_dry: bool,
    clock: Clock,
    journal: Journal,
    playbook: Playbook,
    /// An earlier run to which this command has written nothing yet.
    idle: bool,
    secrets: Option<Secrets>,
    budgets: Arc<StepBudgets>,
    locks: Vec<FileLock>,
    pub(super) held: HashMap<String, HeldRoles>,
    pub(super) appeared: HashMap<String, Vec<OpenDocument>>,
}

impl Run {
    /// Before anything was read.
    pub(super) fn new(order: &Order, clock: Clock, dry_run: bool) -> Self {
        Self {
            id: order.run_id,
            command: order.command.clone(),
            is_dry: dry_run,
            journal: Journal::dry(clock.clone()),
            clock,
            playbook: order.playbook.clone(),
            idle: false,
            secrets: None,
            budgets: Arc::default(),
            locks: Vec::new(),
            held: HashMap::new(),
            appeared: HashMap::new(),
        }
    }

    /// An earlier run, to write on.
    pub(super) fn open(path: &RunPath, clock: Clock) -> Result<Self> {
        let journal = Journal::open(path, clock.clone())?;
        let Some(began) = journal.ledger().began.clone() else {
            return Err(Failure::new(Code::NotResumable, "the journal is empty: it crashed before it began")
                .next("start it again: `oust contain USER`"));
        };
        let secrets = Secrets::new(began.password_recipient.as_deref(), path.folder())?;
        Ok(Self {
            id: Uuid::try_parse(&began.run_id).unwrap_or_default(),
            command: began.command.clone(),
            is_dry: false,
            journal,
            clock,
            playbook: Playbook::parse(&began.playbook_text)?,
            idle: true,
            secrets: Some(secrets),
            budgets: Arc::default(),
            locks: Vec::new(),
            held: HashMap::new(),
            appeared: HashMap::new(),
        })
    }

    /// The document of a run that could not be opened.
    pub(super) fn never_opened(path: &RunPath, command: &str, failure: &Failure) -> RunDocument {
        let meta = fold::Meta {
            run_id: Some(path.id().to_owned()),
            command: command.to_owned(),
            ..fold::Meta::default()
        };
        fold::document(&Ledger::default(), &meta, Some(failure))
    }

    pub(super) fn id(&self) -> String {
        self.id.to_string()
    }

    pub(super) fn ledger(&self) -> &Ledger {
        self.journal.ledger()
    }

    /// The tenant that it began in.
    pub(super) fn tenant_id(&self) -> &str {
        self.ledger().began.as_ref().map_or("", |began| &began.tenant.id)
    }

    pub(super) fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// The time that its steps may lose.
    pub(super) fn budgets(&self) -> Arc<StepBudgets> {
        Arc::clone(&self.budgets)
    }

    /// The stages' ids, in order.
    pub(super) fn stages(&self) -> Vec<String> {
        self.playbook.stages.iter().map(|s| s.id.clone()).collect()
    }

    pub(super) fn set_command(&mut self, command: &str, dry_run: bool) {
        command.clone_into(&mut self.command);
        self.is_dry = dry_run;
    }

    pub(super) fn lock(&mut self, store: &Store, observed: &Observed) -> Result<()> {
        for user in &observed.users {
            self.locks.push(store.lock_user(&observed.tenant.id, &user.target.user.id)?);
        }
        Ok(())
    }

    pub(super) fn lock_known_users(&mut self, store: &Store) -> Result<()> {
        let tenant = self.tenant_id().to_owned();
        let ids: Vec<String> = self.ledger().users.iter().map(|u| u.target.user.id.clone()).collect();
        for id in ids {
            self.locks.push(store.lock_user(&tenant, &id)?);
        }
        Ok(())
    }

    /// Makes the folder and the journal, and records who is contained, by whom, by which playbook.
    pub(super) fn begin(&mut self, store: &Store, order: &Order, observed: &Observed) -> Result<()> {
        let path = store.create_run(&self.id)?;
        self.journal = Journal::create(&path, self.clock.clone())?;
        self.secrets = Some(Secrets::new(order.password_recipient.as_deref(), path.folder())?);
        self.begin_dry(order, observed)
    }

    /// The same without a folder.
    pub(super) fn begin_dry(&mut self, order: &Order, observed: &Observed) -> Result<()> {
        self.journal.append(Record::Began(Box::new(Began {
            format: FORMAT,
            version: VERSION.to_owned(),
            run_id: self.id(),
            command: order.command.clone(),
            playbook: order.playbook.id.clone(),
            playbook_sha256: order.playbook.sha256(),
            playbook_text: order.playbook.text.clone(),
            tenant: observed.tenant.clone(),
            operator: observed.operator.clone(),
            users: observed.users.iter().map(|u| u.target.user.id.clone()).collect(),
            since: observed.since,
            password_recipient: order.password_recipient.clone(),
            part_of: order.part_of.map(|part| part.bulk_id.to_string()),
        })))?;
        self.add_targets(observed)
    }

    /// Records the users that aren't yet.
    pub(super) fn add_targets(&mut self, observed: &Observed) -> Result<()> {
        for user in &observed.users {
            self.held.insert(user.target.user.id.clone(), user.held.clone());
            if self.ledger().user(&user.target.user.id).is_none() {
                let found = TargetFound { target: user.target.clone(), traits: user.traits() };
                self.journal.append(Record::Target(Box::new(found)))?;
            }
        }
        Ok(())
    }

    /// Records plans and tells of them.
    pub(super) fn plan(&mut self, engine: &Engine, planned: Vec<Planned>) -> Result<()> {
        for planned in planned {
            let user =
                self.ledger().user(&planned.user_id).map(|u| u.target.user.user_principal_name.clone());
            engine.tell(What::Decided {
                user: user.unwrap_or_default(),
                step: planned.step.clone(),
                changes: planned.plan.changes.len(),
                kept: planned.plan.kept.len(),
                open: planned.plan.open.len(),
            });
            self.journal.append(Record::Planned(Box::new(planned)))?;
        }
        Ok(())
    }

    /// The document of a plan before the run has a journal.
    pub(super) fn preview(
        &self,
        order: &Order,
        observed: &Observed,
        planned: &[Planned],
    ) -> Result<RunDocument> {
        let mut preview = Self::new(order, self.clock.clone(), true);
        preview.begin_dry(order, observed)?;
        for planned in planned {
            preview.journal.append(Record::Planned(Box::new(planned.clone())))?;
        }
        Ok(preview.document())
    }

    pub(super) fn confirm(&mut self, how: &str) -> Result<()> {
        self.journal.append(Record::Confirmed { how: how.to_owned() })
    }

    pub(super) fn append(&mut self, record: Record) -> Result<()> {
        self.idle = false;
        self.journal.append(record)
    }

    /// Several at once, with one sync where one of them needs it.
    pub(super) fn append_all(&mut self, records: impl IntoIterator<Item = Record>) -> Result<()> {
        self.idle = false;
        self.journal.append_all(records)
    }

    pub(super) fn intend(&mut self, intents: impl IntoIterator<Item = Record>) -> Result<Recorded> {
        self.journal.intend(intents)
    }

    /// The body of a call, secrets filled in; a sealed file is recorded.
    pub(super) fn fill(&mut self, user_id: &str, call: &Call) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(secrets) = &mut self.secrets else { return Ok(None) };
        let (body, sealed) = secrets.fill(user_id, call)?;
        if let Some(sealed) = sealed {
            self.journal.append(Record::Sealed {
                user_id: user_id.to_owned(),
                path: sealed.path.display().to_string(),
                recipient: sealed.recipient,
                intent: None,
            })?;
        }
        Ok(body)
    }

    /// Whether what the answer of a call brings can be sealed.
    pub(super) fn check_can_seal(&self, call: &Call) -> Result<()> {
        self.secrets.as_ref().map_or(Ok(()), |secrets| secrets.check_can_seal(call))
    }

    /// Seals what the answer to an intent brought, and records the file.
    pub(super) fn seal(&mut self, intent: &Intent, name: &str, secret: &Secret) -> Result<()> {
        let Some(secrets) = &self.secrets else { return Ok(()) };
        let sealed = secrets.seal(&intent.user_id, name, secret.expose())?;
        self.journal.append(Record::Sealed {
            user_id: intent.user_id.clone(),
            path: sealed.path.display().to_string(),
            recipient: sealed.recipient,
            intent: Some(intent.intent),
        })
    }

    /// Writes the last record, signs what the command has written, and gives the document.
    pub(super) fn end(mut self, result: Result<()>, signer: Option<&Signer>) -> RunDocument {
        let failure = result.err();
        let written = if self.is_dry || self.journal.path().is_none() {
            Ok(())
        } else {
            self.write_end(failure.as_ref())
        };
        let signed = match signer {
            Some(signer) if !self.is_dry && !self.idle => self.journal.sign(signer),
            _ => Ok(()),
        };
        let failure = failure.or(written.err()).or(signed.err());
        fold::document(self.ledger(), &self.meta(), failure.as_ref())
    }

    fn write_end(&mut self, failure: Option<&Failure>) -> Result<()> {
        match failure {
            Some(_) if self.idle => Ok(()),
            Some(f) if matches!(f.code, Code::StateUnwritable | Code::JournalBroken | Code::JournalNewer) => {
                Ok(())
            }
            Some(f) if matches!(f.code, Code::Interrupted | Code::DeadlinePassed) => {
                match self.ledger().phase {
                    Phase::Deciding | Phase::Acting => {
                        self.journal.append(Record::Stopped { why: f.what.clone() })
                    }
                    _ => Ok(()),
                }
            }
            failure => {
                if !matches!(self.ledger().phase, Phase::Deciding | Phase::Acting | Phase::Reverifying) {
                    return Ok(());
                }
                let document = fold::document(self.ledger(), &self.meta(), failure);
                self.journal.append(Record::Finished {
                    outcome: document.outcome,
                    exit_code: document.exit_code,
                    error: document.error,
                })
            }
        }
    }

    /// The document as it stands.
    pub(super) fn document(&self) -> RunDocument {
        fold::document(self.ledger(), &self.meta(), None)
    }

    fn meta(&self) -> fold::Meta {
        fold::Meta {
            // A run that was refused before it began left nothing to ask for by an id.
            run_id: (self.is_dry || self.journal.path().is_some()).then(|| self.id()),
            command: self.command.clone(),
            dry_run: self.is_dry,
            live: true,
            idle: self.idle,
            playbook: Some(self.playbook.clone()),
            journal: self
                .journal
                .path()
                .map(|path: &std::path::Path| (PathBuf::from(path), self.journal.head().to_owned())),
            now: Some(self.clock.now()),
            appeared: self.appeared.clone(),
        }
    }
}
