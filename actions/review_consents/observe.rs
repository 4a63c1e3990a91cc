//! Reads what the user and the administrators consented to, and joins it with the apps.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, join_all, try_join3};
use serde::{Deserialize, Serialize};

use super::objects::{App, Assignment, Grant};
use super::scopes::{DANGEROUS, power_of};
use super::score::many;
use crate::{Get, Read, ReadError, ReadErrorKind, Target};

/// All that the review rests on, in an order that doesn't depend on Graph's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What the user consented to.
    pub grants: Vec<Grant>,
    /// The user's roles in apps, also by way of a group.
    pub assignments: Vec<Assignment>,
    /// What administrators consented to for everyone: of the user's apps, and all that is dangerous.
    pub tenant_wide: Vec<Grant>,
    /// The apps of all these, by the object id of their service principal.
    pub apps: BTreeMap<String, Seen>,
    /// How many other users consented to each of the user's apps, up to ten.
    pub others: BTreeMap<String, u32>,
}

/// An app, or why it can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// What it is.
    App(Box<App>),
    /// Graph's answer.
    Unread(ReadErrorKind),
}

/// The user's own consents.
pub(super) fn grants_of(user_id: &str) -> Get {
    Get::new(["users", user_id, "oauth2PermissionGrants"])
}

/// The user's app-role assignments.
pub(super) fn assignments_of(user_id: &str) -> Get {
    Get::new(["users", user_id, "appRoleAssignments"])
}

/// The consents for every user.
pub(super) fn tenant_wide() -> Get {
    Get::new(["oauth2PermissionGrants"]).filter("consentType eq 'AllPrincipals'")
}

/// The consents of every user to one app.
pub(super) fn grants_to(client: &str) -> Get {
    Get::new(["oauth2PermissionGrants"]).filter(format!("clientId eq {}", Get::quote(client)))
}

/// One app.
pub(super) fn app(id: &str) -> Get {
    Get::new(["servicePrincipals", id]).select(App::SELECT)
}

/// Reads it all, in two rounds.
pub(super) async fn observe(who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
    let user = &who.user.id;
    let (own, assigned, wide) = (grants_of(user), assignments_of(user), tenant_wide());
    let (own, assigned, wide) = try_join3(graph.all(&own), graph.all(&assigned), graph.all(&wide)).await?;

    let mut grants: Vec<Grant> = own.iter().map(Grant::parse).collect();
    grants.retain(|grant| !grant.is_tenant_wide());
    let assignments: Vec<Assignment> = assigned.iter().map(Assignment::parse).collect();

    let mut clients: BTreeSet<String> = grants.iter().map(|grant| grant.client.clone()).collect();
    let of_user: BTreeSet<String> =
        clients.iter().cloned().chain(assignments.iter().map(|held| held.resource.clone())).collect();
    let mut tenant_wide: Vec<Grant> = wide.iter().map(Grant::parse).collect();
    tenant_wide
        .retain(|grant| grant.is_tenant_wide() && (of_user.contains(&grant.client) || is_dangerous(grant)));

    let mut ids = of_user;
    for grant in grants.iter().chain(&tenant_wide) {
        ids.extend([grant.client.clone(), grant.resource.clone()]);
    }
    ids.remove("");
    clients.remove("");
    let (apps, others) = join(
        join_all(ids.into_iter().map(|id| read_app(graph, id))),
        join_all(clients.into_iter().map(|client| count_others(graph, who, client))),
    )
    .await;

    let mut state = State { grants, assignments, tenant_wide, ..State::default() };
    state.grants.sort_by(|a, b| a.id.cmp(&b.id));
    state.assignments.sort_by(|a, b| a.id.cmp(&b.id));
    state.tenant_wide.sort_by(|a, b| a.id.cmp(&b.id));
    state.apps = apps.into_iter().collect::<Result<_, _>>()?;
    for counted in others {
        state.others.extend(counted?);
    }
    Ok(state)
}

fn is_dangerous(grant: &Grant) -> bool {
    grant.scopes().any(|scope| power_of(scope, true).points >= DANGEROUS)
}

async fn read_app(graph: &dyn Read, id: String) -> Result<(String, Seen), ReadError> {
    let seen = match graph.one(&app(&id)).await {
        Ok(json) => Seen::App(Box::new(App::parse(&json))),
        Err(error) if is_about_the_object(error.kind) => Seen::Unread(error.kind),
        Err(error) => return Err(error),
    };
    Ok((id, seen))
}

async fn count_others(
    graph: &dyn Read,
    who: &Target,
    client: String,
) -> Result<Option<(String, u32)>, ReadError> {
    match graph.all(&grants_to(&client)).await {
        Ok(grants) => {
            let principals: BTreeSet<&str> = grants
                .iter()
                .filter_map(|grant| grant["principalId"].as_str())
                .filter(|id| *id != who.user.id)
                .collect();
            let count = u32::try_from(principals.len()).unwrap_or(u32::MAX).min(many(who));
            Ok(Some((client, count)))
        }
        Err(error) if is_about_the_object(error.kind) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether it is this object that can't be read, so that the review goes on without it. 403 is about all apps:
/// the permission is missing, and a review that knows no app would call everything a question.
fn is_about_the_object(kind: ReadErrorKind) -> bool {
    match kind {
        ReadErrorKind::NotFound | ReadErrorKind::Refused | ReadErrorKind::Unreadable => true,
        ReadErrorKind::Forbidden
        | ReadErrorKind::SignIn
        | ReadErrorKind::Unavailable
        | ReadErrorKind::Closed
        | ReadErrorKind::Stopped => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    fn tenant(user: &str) -> Fake {
        let grant = |id: &str, client: &str, kind: &str, principal: Value, scope: &str| {
            json!({ "id": id, "clientId": client, "consentType": kind, "principalId": principal,
                    "resourceId": "graph", "scope": scope })
        };
        let own = grant("g2", "helper", "Principal", json!(user), " Mail.Read");
        Fake::default()
            .with(&grants_of(user), json!([own, grant("g1", "expenses", "Principal", json!(user), "openid")]))
            .with(&assignments_of(user), json!([{ "id": "a1", "resourceId": "helper" }]))
            .with(
                &tenant_wide(),
                json!([
                    grant("w1", "helper", "AllPrincipals", json!(null), "openid"),
                    grant("w2", "elsewhere", "AllPrincipals", json!(null), "openid"),
                    grant("w3", "archive", "AllPrincipals", json!(null), "Mail.Read"),
                ]),
            )
            .with(
                &grants_to("helper"),
                json!([own, grant("x", "helper", "Principal", json!("alex"), "openid")]),
            )
            .with(&grants_to("expenses"), json!([]))
            .with(&app("helper"), json!({ "appId": "1", "displayName": "Helper" }))
            .with(&app("graph"), json!({ "displayName": "Microsoft Graph" }))
            .with(&app("archive"), json!({}))
            .failing(&app("expenses"), ReadErrorKind::Unreadable)
    }

    #[test]
    fn it_joins_consents_with_their_apps_and_counts_the_others() {
        let who = adele();
        let graph = tenant(&who.user.id);
        let state = ready(observe(&who, &graph)).unwrap();
        assert_eq!(state.grants.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>(), ["g1", "g2"]);
        assert_eq!(state.tenant_wide.iter().map(|grant| grant.id.as_str()).collect::<Vec<_>>(), ["w1", "w3"]);
        assert_eq!(state.others, [("expenses".into(), 0), ("helper".into(), 1)].into());
        assert!(matches!(&state.apps["helper"], Seen::App(app) if app.name == "Helper"));
        assert_eq!(state.apps["expenses"], Seen::Unread(ReadErrorKind::Unreadable));
        let mut reads = graph.reads();
        reads.sort();
        reads.dedup();
        assert_eq!(reads.len(), graph.reads().len(), "nothing is read twice");
    }

    #[test]
    fn apps_that_may_not_be_read_are_an_error_because_none_could_be_judged() {
        let who = adele();
        let denied = tenant(&who.user.id).failing(&app("helper"), ReadErrorKind::Forbidden);
        assert_eq!(ready(observe(&who, &denied)).unwrap_err().kind, ReadErrorKind::Forbidden);
    }

    #[test]
    fn an_app_that_is_gone_is_noted_and_a_service_that_is_down_is_an_error() {
        let who = adele();
        let gone = tenant(&who.user.id).failing(&app("helper"), ReadErrorKind::NotFound);
        assert_eq!(
            ready(observe(&who, &gone)).unwrap().apps["helper"],
            Seen::Unread(ReadErrorKind::NotFound)
        );
        for read in [app("helper"), grants_to("helper"), tenant_wide()] {
            let down = tenant(&who.user.id).failing(&read, ReadErrorKind::Unavailable);
            assert_eq!(ready(observe(&who, &down)).unwrap_err().kind, ReadErrorKind::Unavailable);
        }
    }

    #[test]
    fn a_state_survives_the_journal() {
        let who = adele();
        let state = ready(observe(&who, &tenant(&who.user.id))).unwrap();
        let json = serde_json::to_value(&state).unwrap();
        assert_eq!(State::deserialize(json).unwrap(), state);
    }
}
