//! What literal looks show. Each address is read once for all the looks that are taken together, so that a thousand
//! items of one collection cost its pages once and not a thousand times.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::StreamExt as _;
use oust_actions::{Get, Look, Read as _, ReadErrorKind, Seen};
use serde_json::Value;

use super::Engine;
use super::stage::AT_ONCE;
use crate::failure::Failure;
use crate::graph::StepBudget;
use crate::journal::{ChangeLedger, ToldResult};

/// What a look saw.
pub(super) enum Stands {
    /// What was there before the change.
    Before,
    /// What the change made of it; with the object, when there is one.
    After(Value),
    /// Something else.
    Moved(String),
    /// It can't be told.
    Unknown(String),
}

/// What some addresses showed when they were read a moment ago.
pub(super) struct Sight {
    objects: HashMap<Get, Result<Option<Value>, String>>,
    lists: HashMap<Get, Result<List, String>>,
}

/// A collection, its items to be found by the members that looks choose by.
struct List {
    items: Vec<Value>,
    /// The first item that has these members.
    index: HashMap<String, usize>,
}

impl Engine {
    /// Reads what these looks ask for, now.
    pub(super) fn see<'a>(
        &self,
        looks: impl Iterator<Item = &'a Look>,
    ) -> impl Future<Output = Sight> + Send {
        let (objects, lists) = addresses(looks);
        async move {
            let budget = StepBudget::default();
            let graph = self.graph.within(&budget);
            let objects = objects.into_iter().map(async |get| {
                let seen = match graph.one(&get).await {
                    Ok(value) => Ok(Some(value)),
                    Err(e) if e.kind == ReadErrorKind::NotFound => Ok(None),
                    Err(e) => Err(Failure::from(e).what),
                };
                (get, seen)
            });
            let lists = lists.into_iter().map(async |(get, names)| {
                let read = graph.all(&get).await;
                (get, read.map(|items| List::new(items, &names)).map_err(|e| Failure::from(e).what))
            });
            Sight {
                objects: futures::stream::iter(objects).buffer_unordered(AT_ONCE).collect().await,
                lists: futures::stream::iter(lists).buffer_unordered(AT_ONCE).collect().await,
            }
        }
    }

    /// Looks at all changes that a settled plan can't vouch for.
    pub(super) async fn look_at_doubts<'a>(&self, changes: impl Iterator<Item = &'a ChangeLedger>) -> Sight {
        self.see(changes.filter_map(doubted)).await
    }

    /// Whether a look shows what was before a change.
    pub(super) async fn shows_before(&self, look: &Look) -> bool {
        matches!(self.see([look].into_iter()).await.of(look), Stands::Before)
    }
}

/// Members that items of a collection are chosen by.
type Names = BTreeSet<Vec<String>>;

/// What looks ask for, each address once.
fn addresses<'a>(looks: impl Iterator<Item = &'a Look>) -> (HashSet<Get>, HashMap<Get, Names>) {
    let (mut objects, mut lists) = (HashSet::new(), HashMap::<Get, Names>::new());
    for look in looks.filter(|look| !look.needs_created()) {
        match &look.pick {
            None => drop(objects.insert(look.get.clone())),
            Some(pick) => lists.entry(look.get.clone()).or_default().extend(plain_names(pick)),
        }
    }
    (objects, lists)
}

/// An action can lose interest in a change that was not made: what it judged by may be gone. So where the service
/// has not said that it was made, the object itself is looked at too.
fn doubted(change: &ChangeLedger) -> Option<&Look> {
    change.change.look.as_ref().filter(|_| change.told != Some(ToldResult::Accepted))
}

impl Sight {
    /// Whether it shows that a change, which the service has not acknowledged, is not in force.
    pub(super) fn denies(&self, change: &ChangeLedger) -> bool {
        doubted(change).is_some_and(|look| matches!(self.of(look), Stands::Before | Stands::Unknown(_)))
    }

    /// Whether it holds what a look asks for.
    pub(super) fn covers(&self, look: &Look) -> bool {
        if look.pick.is_some() {
            self.lists.contains_key(&look.get)
        } else {
            self.objects.contains_key(&look.get)
        }
    }

    /// How many items the collections have that were read.
    pub(super) fn items(&self) -> usize {
        self.lists.values().flatten().map(|list| list.items.len()).sum()
    }

    /// What a look shows.
    pub(super) fn of(&self, look: &Look) -> Stands {
        if look.needs_created() {
            return Stands::Unknown(
                "the answer that held the id of what it created is lost: look what is there, and delete it"
                    .into(),
            );
        }
        let seen = match &look.pick {
            None => self.objects.get(&look.get).map(|seen| seen.as_ref().map(Option::as_ref)),
            Some(pick) => self.lists.get(&look.get).map(|list| list.as_ref().map(|list| list.find(pick))),
        };
        let seen = match seen {
            Some(Ok(seen)) => seen,
            Some(Err(why)) => return Stands::Unknown(format!("its state can't be read: {why}")),
            None => return Stands::Unknown("its state was not read".into()),
        };
        if matches(&look.before, seen) {
            Stands::Before
        } else if matches(&look.after, seen) {
            Stands::After(seen.cloned().unwrap_or_default())
        } else {
            Stands::Moved(format!(
                "somebody changed it since: it is {}",
                seen.map_or_else(|| "gone".to_owned(), |value| describe(value, &look.before, &look.after))
            ))
        }
    }
}

impl List {
    fn new(items: Vec<Value>, by: &Names) -> Self {
        let mut index = HashMap::new();
        for names in by {
            for (at, item) in items.iter().enumerate() {
                if let Some(key) = key(item, names) {
                    index.entry(key).or_insert(at);
                }
            }
        }
        Self { items, index }
    }

    fn find(&self, pick: &Value) -> Option<&Value> {
        match plain_names(pick) {
            Some(names) => self.items.get(*self.index.get(&key(pick, &names)?)?),
            None => self.items.iter().find(|item| has(item, pick)),
        }
    }
}

/// The names of the members that an item is chosen by, when a comparison of their JSON is enough.
fn plain_names(pick: &Value) -> Option<Vec<String>> {
    let members = pick.as_object()?;
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    members.values().all(plain).then(|| members.keys().cloned().collect())
}

/// These members with their values, if it has them all.
fn key(item: &Value, names: &[String]) -> Option<String> {
    let members = names.iter().map(|name| Some((name, item.get(name)?))).collect::<Option<Vec<_>>>()?;
    serde_json::to_string(&members).ok()
}

fn matches(seen: &Seen, value: Option<&Value>) -> bool {
    match (seen, value) {
        (Seen::Any, _) | (Seen::Absent, None) => true,
        (Seen::With(members), Some(value)) => has(value, members),
        (Seen::Without(members), found) => found.is_none_or(|value| !has(value, members)),
        _ => false,
    }
}

/// Whether `value` has all members of `part` with equal values; a list has the same items in any order.
fn has(value: &Value, part: &Value) -> bool {
    match part {
        Value::Object(members) => {
            members.iter().all(|(name, wanted)| value.get(name).is_some_and(|v| has(v, wanted)))
        }
        Value::Array(wanted) => value.as_array().is_some_and(|items| {
            items.len() == wanted.len()
                && wanted.iter().all(|wanted| items.iter().any(|item| has(item, wanted)))
        }),
        wanted => value == wanted,
    }
}

/// The members of `value` that the look compares.
fn describe(value: &Value, before: &Seen, after: &Seen) -> String {
    let names = [before, after].into_iter().filter_map(|seen| match seen {
        Seen::With(Value::Object(members)) | Seen::Without(Value::Object(members)) => Some(members.keys()),
        _ => None,
    });
    let parts: Vec<String> = names
        .flatten()
        .map(|name| format!("{name} {}", value.get(name).unwrap_or(&Value::Null)))
        .take(4)
        .collect();
    if parts.is_empty() { "there".into() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_item_is_found_by_its_members_whether_they_are_plain_or_not() {
        let items = json!([{"id": "a", "n": 1}, {"id": "b", "n": null}, {"id": "b", "n": 2, "l": [1, 2]}, {"id": "c"}]);
        let Value::Array(items) = items else { unreachable!() };
        let list = |pick: &Value| List::new(items.clone(), &plain_names(pick).into_iter().collect());
        for (pick, found) in [
            (json!({"id": "b"}), Some(1)),
            (json!({"id": "b", "n": 2}), Some(2)),
            (json!({"n": 2, "id": "b"}), Some(2)),
            (json!({"n": null}), Some(1)),
            (json!({"l": [2, 1]}), Some(2)),
            (json!({"id": "d"}), None),
            (json!({"id": 1}), None),
            (json!({}), Some(0)),
        ] {
            assert_eq!(list(&pick).find(&pick), found.map(|at: usize| &items[at]), "{pick}");
        }
    }
}
