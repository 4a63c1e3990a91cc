//! `--users FILE`: many users, of one tenant or of several.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::common::{Common, What, Writing};
use super::confirm::Typed;
use super::connect::{self, Base};
use super::output::{Format, Output, print};
use super::report::ReportFormat;
use super::time;
use crate::bulk::{Bulk, BulkConsent, BulkList, BulkOrder};
use crate::engine::parse_recipient;
use crate::failure::{Code, Failure, Result};
use crate::journal::{BulkPath, Earlier};
use crate::playbook::{Playbook, hex};
use crate::report::bulk::{self, BulkDocument};
use crate::user_list::UserList;

/// `oust contain --users FILE`.
pub async fn contain(
    file: &Path,
    what: &What,
    writing: &Writing,
    key: Option<&str>,
    (common, output, started): (&Common, &Output, tokio::time::Instant),
) -> Result<u8> {
    let order = order(file, what, "contain", common, writing.dry_run)?;
    let typed = Typed::new(output);
    let consent = if writing.dry_run { None } else { Some(typed.bulk_consent(writing.yes, common)?) };
    let bulk = bulk(&order, common, output, started)?;
    let Some(consent) = consent else {
        let document = bulk.plan(&order).await;
        return Ok(end(bulk, &document, output));
    };
    if let Some(key) = key {
        // A key of one user's run was given for another request, which is refused before this.
        if let Some(Earlier::Bulk(path)) = bulk.store.claim_key(key, &request_hash(&order), &order.bulk_id)? {
            return show(&path, common, output);
        }
    }
    let document = bulk.contain(&order, &consent).await;
    Ok(end(bulk, &document, output))
}

/// `oust plan --users FILE`.
pub async fn plan(
    file: &Path,
    what: &What,
    (common, output, started): (&Common, &Output, tokio::time::Instant),
) -> Result<BulkDocument> {
    let order = order(file, what, "plan", common, true)?;
    Ok(bulk(&order, common, output, started)?.plan(&order).await)
}

/// `oust resume BULK`.
pub async fn resume(
    path: &BulkPath,
    common: &Common,
    output: &Output,
    started: tokio::time::Instant,
) -> Result<u8> {
    // It was confirmed, or there would be no list to go on with.
    let consent = BulkConsent::Given("it was confirmed when it began".into());
    let bulk = earlier(path, common, output, started)?;
    let document = bulk.resume(path, &consent).await;
    Ok(end(bulk, &document, output))
}

/// `oust verify BULK`.
pub async fn verify(
    path: &BulkPath,
    common: &Common,
    output: &Output,
    started: tokio::time::Instant,
) -> Result<u8> {
    let bulk = earlier(path, common, output, started)?;
    let document = bulk.verify(path).await;
    Ok(end(bulk, &document, output))
}

/// `oust rollback BULK`.
pub async fn rollback(
    path: &BulkPath,
    steps: &[String],
    writing: &Writing,
    (common, output, started): (&Common, &Output, tokio::time::Instant),
) -> Result<u8> {
    let typed = Typed::new(output);
    let consent = if writing.dry_run {
        BulkConsent::Given("--dry-run".into())
    } else {
        typed.bulk_consent(writing.yes, common)?
    };
    let bulk = earlier(path, common, output, started)?;
    let document = bulk.rollback(path, steps, &consent, writing.dry_run).await;
    Ok(end(bulk, &document, output))
}

/// `oust report BULK`. The exit status is that of showing it.
pub fn show(path: &BulkPath, common: &Common, output: &Output) -> Result<u8> {
    output.finish_bulk(&Bulk::read(&connect::store(common)?, path)?);
    Ok(0)
}

/// Prints the summary. Whoever watched has nothing more to say before that.
fn end(bulk: Bulk, document: &BulkDocument, output: &Output) -> u8 {
    drop(bulk);
    output.finish_bulk(document)
}

/// The same in the form of a report.
pub fn report(path: &BulkPath, format: ReportFormat, common: &Common, output: &Output) -> Result<u8> {
    let document = Bulk::read(&connect::store(common)?, path)?;
    match format {
        ReportFormat::Text => drop(output.finish_bulk(&document)),
        ReportFormat::Markdown if output.format == Format::Text => print(&bulk::markdown(&document)),
        ReportFormat::Csv => print(&bulk::csv(&document)),
        ReportFormat::Markdown | ReportFormat::Json => output.json(&document),
    }
    Ok(0)
}

/// What the options ask for. Everything is checked before anything is sent.
fn order(file: &Path, what: &What, command: &str, common: &Common, dry_run: bool) -> Result<BulkOrder> {
    let mut list = UserList::read(file)?;
    for entry in &mut list.entries {
        if entry.tenant.is_none() {
            entry.tenant.clone_from(&common.tenant);
        }
    }
    let users = list.entries.len();
    let max_users = match what.max_users {
        Some(most) => most,
        None if dry_run => users,
        None => {
            return Err(Failure::new(
                Code::TooManyUsers,
                format!("the list names {users} users, and --max-users doesn't say how many are meant"),
            )
            .next(format!("if all of them are meant, say so: --max-users {users}")));
        }
    };
    if let Some(recipient) = &what.password_recipient {
        parse_recipient(recipient)?;
    }
    Ok(BulkOrder {
        command: command.to_owned(),
        bulk_id: connect::store(common)?.next_id(),
        list,
        playbook: Playbook::find(&what.playbook)?,
        since: time::since(&what.since, crate::clock::Clock::system().now())?,
        password_recipient: what.password_recipient.clone(),
        max_users,
    })
}

fn bulk(order: &BulkOrder, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<Bulk> {
    engines(order.list.entries.iter().map(|entry| entry.tenant.clone()), common, output, started)
}

fn earlier(path: &BulkPath, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<Bulk> {
    let list = BulkList::load(path)?;
    engines(list.users.into_iter().map(|entry| entry.tenant), common, output, started)
}

/// What works on each tenant. Each engine gets one user at a time, so the limit of users is the list's.
fn engines(
    tenants: impl Iterator<Item = Option<String>>,
    common: &Common,
    output: &Output,
    started: tokio::time::Instant,
) -> Result<Bulk> {
    let base = Base::new(common, output.watch_bulk(), started)?;
    let mut users: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for tenant in tenants {
        *users.entry(tenant).or_default() += 1;
    }
    let connect = |(tenant, users): (Option<String>, usize)| {
        let engine = base.connect(tenant.as_deref(), users, Some(1))?.engine;
        Ok((tenant, engine))
    };
    let engines = users.into_iter().map(connect).collect::<Result<_>>()?;
    Ok(Bulk {
        engines,
        store: base.store.clone(),
        clock: base.clock.clone(),
        stop: base.stop.clone(),
        watch: base.watch.clone(),
        started,
    })
}

/// What makes two requests the same: the list, the playbook, the recipient.
fn request_hash(order: &BulkOrder) -> String {
    let text = format!("{} {} {:?}", order.list.sha256, order.playbook.sha256(), order.password_recipient);
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}
