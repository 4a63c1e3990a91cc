//! What runs that are kept here issued to a user: known by id, from their journals and nowhere else.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{RunPath, Store, load};

/// A pass lives 30 days at most, so an older run has issued nothing that could still be used.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Ids of what calls with a sealed answer created for a user, in all recent runs. A journal that is broken is not
/// believed: what it issued is then not known as ours.
pub fn issued(store: &Store, tenant_id: &str, user_id: &str, now: Timestamp) -> Vec<String> {
    let recent = |run: &RunPath| began(run).is_none_or(|at| now.duration_since(at) < LONGEST);
    let mut ids: Vec<String> = Vec::new();
    for run in store.runs().iter().take_while(|run| recent(run)).filter(|run| may_tell(run, user_id)) {
        let Ok((_, ledger)) = load(run.journal()) else { continue };
        if ledger.began.as_ref().is_some_and(|began| began.tenant.id == tenant_id) {
            ids.extend(ledger.issued(user_id).map(str::to_owned));
        }
    }
    ids
}

/// When a run began: its id says so.
fn began(run: &RunPath) -> Option<Timestamp> {
    let (seconds, _) = Uuid::try_parse(run.id()).ok()?.get_timestamp()?.to_unix();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// Most runs issue nothing, and reading one whole means hashing all of it.
fn may_tell(run: &RunPath, user_id: &str) -> bool {
    let text = std::fs::read_to_string(run.journal()).unwrap_or_default();
    text.contains("\"issued\":\"") && text.contains(user_id)
}
