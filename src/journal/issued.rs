//! What runs that are kept here issued to a user: known by id, from their journals and nowhere else.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{RunPath, Store, chain, load};
use crate::failure::Result;

/// A pass lives 30 days at most, so an older run has issued nothing that could still be used.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Where it is noted which runs issue something to whom.
const FOLDER: &str = "issuers";

/// Ids of what calls with a sealed answer created for a user, in all recent runs. A journal that is broken is not
/// believed: what it issued is then not known as ours.
pub fn issued(store: &Store, tenant_id: &str, user_id: &str, now: Timestamp) -> Vec<String> {
    let recent = |run: &RunPath| began(run).is_none_or(|at| now.duration_since(at) < LONGEST);
    let mut ids: Vec<String> = Vec::new();
    for run in issuers(store, tenant_id, user_id).iter().filter(|run| recent(run)) {
        let Ok((_, ledger)) = load(run.journal()) else { continue };
        if ledger.began.as_ref().is_some_and(|began| began.tenant.id == tenant_id) {
            ids.extend(ledger.issued(user_id).map(str::to_owned));
        }
    }
    ids
}

/// Notes that a run is about to issue something to a user, so that nobody has to read every journal there is to
/// find out, with an intruder inside. What it issued is in its journal alone.
///
/// # Errors
/// [`crate::failure::Code::StateUnwritable`]: the call must not be sent then.
pub fn note_issuer(store: &Store, tenant_id: &str, user_id: &str, run_id: &str) -> Result<()> {
    let folder = store.own_folder(FOLDER)?;
    super::store::write_private(&folder.join(user(tenant_id, user_id) + run_id), b"")
}

fn issuers(store: &Store, tenant_id: &str, user_id: &str) -> Vec<RunPath> {
    let user = user(tenant_id, user_id);
    let notes = std::fs::read_dir(store.root().join(FOLDER)).into_iter().flatten().flatten();
    let names = notes.filter_map(|note| note.file_name().into_string().ok());
    let ids = names.filter_map(|name| Uuid::try_parse(name.strip_prefix(&user)?).ok());
    ids.filter_map(|id| store.run_of(&id)).collect()
}

/// The name of a note begins with whom it is about.
fn user(tenant_id: &str, user_id: &str) -> String {
    chain::hash(format!("{tenant_id}/{user_id}").as_bytes()) + "."
}

/// When a run began: its id says so.
fn began(run: &RunPath) -> Option<Timestamp> {
    let (seconds, _) = Uuid::try_parse(run.id()).ok()?.get_timestamp()?.to_unix();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}
