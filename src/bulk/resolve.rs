//! Finding everybody on the list, and asking the guards, before anything is written to anybody.

use std::collections::{BTreeMap, HashMap};

use futures::future::{FutureExt, join_all};
use futures::{StreamExt, stream};
use uuid::Uuid;

use super::list::{BulkEntry, BulkList};
use super::{Bulk, BulkOrder};
use crate::engine::event::What;
use crate::engine::{Engine, Found, Place};
use crate::failure::{Code, Failure, Result};

/// Of how many users the first look is kept until they are cut off. The others are looked at again: what is kept
/// must not grow with the list.
const KEPT: usize = 500;
/// How many refusals are told one by one.
const TOLD: usize = 10;

/// A list whose users were looked for.
pub(super) struct Resolved {
    pub list: BulkList,
    /// The tenants that could be signed in to.
    pub places: BTreeMap<Option<String>, Place>,
    /// The first look at users, by their place in the list.
    pub found: HashMap<usize, Found>,
}

/// What became of one user of the list.
struct Looked {
    at: usize,
    tenant_id: Option<String>,
    user: Result<Known>,
}

struct Known {
    id: String,
    user_principal_name: String,
    first_look: Option<Found>,
}

impl Bulk {
    /// Finds all users of the list in their tenants.
    ///
    /// # Errors
    /// A guard refuses one of them: then nobody is touched. No tenant can be signed in to, or nobody was found.
    pub(super) async fn resolve(&self, order: &BulkOrder) -> Result<Resolved> {
        let began = self.clock.now();
        let entries = order.list.entries.iter().map(|listed| {
            let engine = self.engine(listed.tenant.as_deref())?;
            Ok(BulkEntry {
                run_id: Uuid::now_v7(),
                line: listed.line,
                tenant: listed.tenant.clone(),
                tenant_id: None,
                user_id: None,
                user: listed.name.as_str().to_owned(),
                since: listed.since.unwrap_or(order.since).at(engine.graph.service_time()),
                problem: None,
            })
        });
        let mut list = BulkList::new(order, entries.collect::<Result<_>>()?, began);
        let tenants =
            self.engines.iter().map(|(name, engine)| self.look(order, &list, name.as_ref(), engine));
        let mut places = BTreeMap::new();
        let mut looked = Vec::new();
        for (name, place, users) in join_all(tenants).await {
            if let Ok(place) = place {
                places.insert(name, place);
            }
            looked.extend(users);
        }
        looked.sort_by_key(|looked| looked.at);
        refuse_if_guarded(&list, &looked)?;
        let found = self.settle(&mut list, looked)?;
        Ok(Resolved { list, places, found })
    }

    async fn look(
        &self,
        order: &BulkOrder,
        list: &BulkList,
        name: Option<&String>,
        engine: &Engine,
    ) -> (Option<String>, Result<Place>, Vec<Looked>) {
        let here = list.users.iter().enumerate().filter(|(_, entry)| entry.tenant.as_ref() == name);
        let place = engine.place().shared();
        let looks = here.map(|(at, entry)| {
            let place = place.clone();
            async move {
                let look = async {
                    let user_order = list.order(entry, &order.playbook)?;
                    let (found, place) = futures::join!(engine.find(&user_order), place.clone());
                    engine.check(&place?, &user_order, found?)
                };
                let user = look.await.map(|found| Known {
                    id: found.user.id.clone(),
                    user_principal_name: found.user.user_principal_name.clone(),
                    first_look: (at < KEPT).then_some(found),
                });
                let tenant_id = place.await.ok().map(|place| place.tenant.id);
                Looked { at, tenant_id, user }
            }
        });
        let looked = stream::iter(looks).buffer_unordered(self.at_once().urgent).collect().await;
        (name.cloned(), place.await, looked)
    }

    /// Notes who was found; of two entries for one user the first stays.
    fn settle(&self, list: &mut BulkList, looked: Vec<Looked>) -> Result<HashMap<usize, Found>> {
        let mut known: HashMap<(Option<String>, String), usize> = HashMap::new();
        let mut found = HashMap::new();
        let (mut users, mut first_failure) = (Vec::new(), None);
        for (mut entry, looked) in std::mem::take(&mut list.users).into_iter().zip(looked) {
            entry.tenant_id.clone_from(&looked.tenant_id);
            match looked.user {
                Ok(user) => {
                    let who = (looked.tenant_id, user.id.clone());
                    if let Some(line) = known.get(&who) {
                        let text = format!("line {} is the user of line {line} again", entry.line);
                        self.tell(What::Note { text });
                        continue;
                    }
                    known.insert(who, entry.line);
                    found.extend(user.first_look.map(|look| (users.len(), look)));
                    (entry.user_id, entry.user) = (Some(user.id), user.user_principal_name);
                }
                Err(failure) => {
                    self.tell(What::Note { text: format!("line {}: {}", entry.line, failure.what) });
                    entry.problem = Some(failure.problem(None));
                    first_failure.get_or_insert(failure);
                }
            }
            users.push(entry);
        }
        list.users = users;
        match first_failure {
            Some(failure) if known.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }
}

/// One refusal is one too many: the list is not what its author thinks it is.
fn refuse_if_guarded(list: &BulkList, looked: &[Looked]) -> Result<()> {
    let guarded = |failure: &&Failure| {
        use Code::{OwnAccount, ProtectedTarget, RoleMissing, WrongTenant};
        matches!(failure.code, ProtectedTarget | OwnAccount | RoleMissing | WrongTenant)
    };
    let refusals: Vec<(usize, &Failure)> = looked
        .iter()
        .filter_map(|looked| Some((looked.at, looked.user.as_ref().err().filter(guarded)?)))
        .collect();
    let Some((_, first)) = refusals.first() else { return Ok(()) };
    let told: Vec<String> = refusals
        .iter()
        .take(TOLD)
        .map(|(at, failure)| format!("line {}: {}", list.users[*at].line, failure.what))
        .collect();
    let more = refusals.len().saturating_sub(TOLD);
    let more = if more == 0 { String::new() } else { format!("; and {more} more") };
    Err(Failure::new(
        first.code,
        format!(
            "{} of {} users may not be contained, so nobody was: {}{more}",
            refusals.len(),
            list.users.len(),
            told.join("; ")
        ),
    )
    .next(first.next.clone().unwrap_or_else(|| "take them out of the list".into())))
}
