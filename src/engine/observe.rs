//! The first reads of a run, all in one round trip: who runs this, which tenant, which users, what they hold.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::{join, join_all, try_join};
use jiff::{SignedDuration, Timestamp};
use oust_actions::{Get, OnPage, Operator, Read, ReadError, ReadErrorKind, Reading, Target, Tenant, User};
use serde_json::Value;

use super::{Engine, Order, Since};
use crate::failure::{Code, Failure, Result};
use crate::graph::{Claims, InStep, StepBudget};
use crate::guard::HeldRoles;
use crate::journal::issued;
use crate::target_name::TargetName;

/// How long the first reads wait for a token for Exchange Online. It travels beside that for Graph.
const EXCHANGE_SIGN_IN: Duration = Duration::from_secs(3);

/// A tenant, and who works on it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The tenant.
    pub tenant: Tenant,
    /// Who runs this.
    pub operator: Operator,
}

/// What the first reads gave.
pub struct Observed {
    /// The tenant.
    pub tenant: Tenant,
    /// Who runs this.
    pub operator: Operator,
    /// Start of the compromise window.
    pub since: Timestamp,
    /// The users, one entry an object id, in the order in which they were named.
    pub users: Vec<ObservedUser>,
    /// Whether somebody is named who can open a sealed secret.
    pub can_seal: bool,
}

/// A user as the first reads found it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The user.
    pub user: User,
    /// The user object as it was read.
    pub raw: Value,
    /// Directory roles that it holds.
    pub held: HeldRoles,
    /// Object ids of all groups that it is in.
    pub group_ids: Vec<String>,
}

/// A user that was found.
pub struct ObservedUser {
    /// All that actions decide by.
    pub target: Target,
    /// The user object as it was read.
    pub raw: Value,
    /// Directory roles that it holds.
    pub held: HeldRoles,
    /// Object ids of all groups that it is in.
    pub group_ids: Vec<String>,
}

impl ObservedUser {
    /// Member or guest, synced, roles: for people.
    pub fn traits(&self) -> Vec<String> {
        let user = &self.target.user;
        let mut traits = vec![user.user_type.as_deref().map_or("member".into(), str::to_lowercase)];
        if user.is_synced() {
            traits.push("synced from on-premises AD".into());
        }
        if self.held.any() {
            traits.push(format!("holds {}", self.held.names()));
        }
        traits
    }
}

/// Start of the window, once the service's time is known. One that lies ahead of it is empty: everything that the
/// intruder left would count as old.
fn window(since: Since, now: Timestamp) -> Result<Timestamp> {
    let wrong = |what: String| {
        Failure::new(Code::InvalidTime, what)
            .next("give --since as an age (36h, 7d), and set the clock of this machine")
    };
    match since {
        Since::Ago(age) => now.checked_sub(age).map_err(|_| wrong("the window is longer than time".into())),
        Since::At(at) if at > now + SignedDuration::from_secs(1) => {
            Err(wrong(format!("the window begins at {at}, and by the service's clock it is only {now:.0}")))
        }
        Since::At(at) => Ok(at),
    }
}

impl Engine {
    /// Reads tenant, operator and users.
    ///
    /// # Errors
    /// Sign-in and permission failures; [`Code::TargetUnknown`], [`Code::TargetAmbiguous`].
    pub async fn observe(&self, order: &Order) -> Result<Observed> {
        let found = async { Ok(self.find_users(order).await) };
        let (place, found) = try_join(self.read_place(), found).await?;
        self.observed(place, found, order)
    }

    /// Finds the users of an order, each by itself.
    pub(super) async fn find_users(&self, order: &Order) -> Vec<Result<Found>> {
        join_all(order.names.iter().map(|name| self.find_user(name))).await
    }

    /// What the first reads gave together. After all reads, so that the service's clock is known by their answers.
    ///
    /// # Errors
    /// Of the first user that was not found; [`Code::InvalidTime`].
    pub(super) fn observed(
        &self,
        place: Place,
        found: Vec<Result<Found>>,
        order: &Order,
    ) -> Result<Observed> {
        let Place { tenant, operator } = place;
        let now = self.graph.service_time();
        let since = window(order.since, now)?;
        let named = u32::try_from(order.names.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let companions = order.part_of.map_or(named, |part| part.companions);
        let mut users: Vec<ObservedUser> = Vec::new();
        for found in found {
            let Found { user, raw, held, group_ids } = found?;
            if users.iter().any(|u| u.target.user.id == user.id) {
                continue;
            }
            let issued = issued(&self.store, &tenant.id, &user.id, now);
            let target = Target {
                user,
                tenant: tenant.clone(),
                operator: operator.clone(),
                since,
                now,
                cut_after: truncate(now),
                settings: Value::Null,
                issued,
                companions,
            };
            users.push(ObservedUser { target, raw, held, group_ids });
        }
        let can_seal = order.password_recipient.is_some();
        Ok(Observed { tenant, operator, since, users, can_seal })
    }

    pub(super) async fn read_place(&self) -> Result<Place> {
        let (tenant, operator) = try_join(self.read_tenant(), self.read_operator()).await?;
        Ok(Place { tenant, operator })
    }

    pub(super) async fn read_tenant(&self) -> Result<Tenant> {
        let get = Get::new(["organization"]).select(&["id", "displayName", "verifiedDomains"]);
        let budget = StepBudget::default();
        let rows = self.graph.within(&budget).all(&get).await;
        let rows = rows.map_err(|e| base_read(e, "Organization.Read.All"))?;
        let row = rows.first().ok_or_else(|| {
            Failure::new(Code::Unreadable, "the service named no tenant for this token, so nothing is done")
        })?;
        let domains = row["verifiedDomains"].as_array().into_iter().flatten();
        Ok(Tenant {
            id: text(&row["id"]),
            display_name: text(&row["displayName"]),
            domains: domains.map(|d| text(&d["name"])).collect(),
            cloud: self.graph.cloud().into(),
        })
    }

    pub(super) async fn read_operator(&self) -> Result<Operator> {
        // A sign-in at Exchange Online that fails is told by the step that wanted it, and holds up no cut.
        let exchange = tokio::time::timeout(EXCHANGE_SIGN_IN, self.graph.exchange_claims());
        let (claims, exchange) = join(self.graph.claims(), exchange).await;
        let claims = claims?;
        let exchange = exchange.ok().flatten().and_then(Result::ok);
        let mut permissions = claims.permissions();
        permissions.extend(exchange.iter().flat_map(Claims::permissions));
        let mut operator = Operator {
            app_id: claims.app_id.clone().unwrap_or_default(),
            object_id: claims.oid.clone().unwrap_or_default(),
            permissions,
            roles: None,
            exchange: exchange.is_some(),
        };
        if operator.object_id.is_empty() {
            return Ok(operator);
        }
        let get = Get::new(["roleManagement", "directory", "roleAssignments"])
            .filter(format!("principalId eq {}", Get::quote(&operator.object_id)));
        let budget = StepBudget::default();
        // Not being allowed to ask is no reason to stop: the service decides on each write.
        if let Ok(rows) = self.graph.within(&budget).all(&get).await {
            operator.roles = Some(rows.iter().map(|row| text(&row["roleDefinitionId"])).collect());
        }
        Ok(operator)
    }

    pub(super) async fn find_user(&self, name: &TargetName) -> Result<Found> {
        let get = User::get(name.as_str());
        let groups = Get::new(["users", name.as_str(), "transitiveMemberOf"]).select(&[
            "id",
            "displayName",
            "roleTemplateId",
            "isAssignableToRole",
        ]);
        let budget = StepBudget::default();
        let graph = self.graph.within(&budget);
        let (user, memberships) = join(graph.one(&get), graph.all(&groups)).await;
        let raw = match user {
            Ok(raw) => raw,
            Err(e) if e.kind == ReadErrorKind::NotFound => return Err(self.unknown_user(name).await),
            Err(e) => return Err(base_read(e, "User.Read.All")),
        };
        let user: User = serde_json::from_value(raw.clone()).map_err(|e| {
            Failure::new(Code::Unreadable, format!("the user object of {name} can't be read: {e}"))
        })?;
        if user.id.is_empty() {
            return Err(Failure::new(Code::Unreadable, format!("the user object of {name} has no id")));
        }
        let (held, group_ids) =
            memberships.map(|rows| sort_memberships(&rows)).map_err(|e| base_read(e, "User.Read.All"))?;
        Ok(Found { user, raw, held, group_ids })
    }

    /// Nobody has that name; says whose mail address it is, since that is what is usually meant.
    async fn unknown_user(&self, name: &TargetName) -> Failure {
        let unknown = |next: String| {
            Failure::new(Code::TargetUnknown, format!("no user {name} in this tenant")).next(next)
        };
        let TargetName::Upn(address) = name else {
            return unknown("check the object id; a deleted user is under /directory/deletedItems".into());
        };
        let quoted = Get::quote(address);
        let get = Get::new(["users"])
            .select(&["id", "userPrincipalName"])
            .filter(format!("mail eq {quoted} or otherMails/any(m:m eq {quoted})"));
        let rows = self.graph.all(&get).await.unwrap_or_default();
        let names: Vec<String> = rows
            .iter()
            .map(|row| format!("{} ({})", text(&row["userPrincipalName"]), text(&row["id"])))
            .collect();
        match names.as_slice() {
            [] => unknown(
                "check the spelling; a guest's name has #EXT# in it, and a deleted user has none".into(),
            ),
            [one] => unknown(format!("it is a mail address of {one}: name that user if it is meant")),
            many => Failure::new(
                Code::TargetAmbiguous,
                format!("{name} is a mail address of {} users", many.len()),
            )
            .next(format!("name the one that is meant by its object id: {}", many.join(", "))),
        }
    }
}

fn sort_memberships(rows: &[Value]) -> (HeldRoles, Vec<String>) {
    let mut held = HeldRoles::default();
    let mut group_ids = Vec::new();
    for row in rows {
        let kind = row["@odata.type"].as_str().unwrap_or_default();
        if kind == "#microsoft.graph.directoryRole" {
            match row["roleTemplateId"].as_str() {
                Some(template) => held.templates.push(template.to_owned()),
                None => held.unreadable += 1,
            }
        } else if kind == "#microsoft.graph.group" {
            group_ids.push(text(&row["id"]));
            if row["isAssignableToRole"] == Value::Bool(true) {
                held.assignable_groups.push(text(&row["displayName"]));
            }
        }
    }
    (held, group_ids)
}

/// A read that every run needs was not possible.
fn base_read(e: ReadError, permission: &str) -> Failure {
    let denied = e.kind == ReadErrorKind::Forbidden;
    let failure = Failure::from(e);
    if denied {
        return Failure { code: Code::PermissionMissing, ..failure }.next(format!(
            "every run needs {permission}; `oust doctor` shows what is missing and how to grant it"
        ));
    }
    failure
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Graph keeps whole seconds.
pub(super) fn truncate(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The user objects that the first round trip brought, by what reads them.
pub(super) fn remember(users: &[ObservedUser]) -> HashMap<String, Value> {
    users.iter().map(|u| (User::get(&u.target.user.id).url(), u.raw.clone())).collect()
}

/// Answers the reads of users from what is remembered, and sends all others.
pub(super) struct Remembered<'a> {
    pub(super) graph: InStep<'a>,
    pub(super) known: &'a HashMap<String, Value>,
}

impl Read for Remembered<'_> {
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value> {
        match self.known.get(&get.url()) {
            Some(value) => Box::pin(std::future::ready(Ok(value.clone()))),
            None => self.graph.one(get),
        }
    }

    fn pages<'a>(&'a self, get: &'a Get, each: OnPage<'a>) -> Reading<'a, ()> {
        self.graph.pages(get, each)
    }
}
