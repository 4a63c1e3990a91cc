//! What a straightforward script does about a stolen token: the calls of a `token-theft` run, one after the other.
//!
//! `cargo run --example sequential` runs it on the simulated tenant and counts; `cargo bench --bench figures` sets
//! `oust` beside it. It shows what the figures are compared with, and is no tool: nothing is on disk before it is
//! sent, nothing can be taken back, no protected account is spared, and the first error ends it half way.
#![allow(clippy::print_stdout)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use oust::graph::{HttpTransport, Request, Transport};
use oust::rehearsal::{CONTOSO, RUNNER, Served};
use oust::sim::file;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Graph, by `oust`'s own transport and one token; no retry and no pacing.
pub struct Graph {
    http: HttpTransport,
    root: String,
    token: String,
}

impl Graph {
    /// The Graph of a served tenant, signed in to as its runner.
    pub fn of(served: &Served) -> Result<Self> {
        let root = format!("{}/v1.0", served.url());
        Ok(Self { http: HttpTransport::new()?, root, token: served.tenant.token(RUNNER) })
    }

    async fn send(&self, method: &'static str, url: String, body: Option<Value>) -> Result<Value> {
        let request = Request {
            method,
            url,
            headers: body.iter().map(|_| ("content-type", "application/json".to_owned())).collect(),
            bearer: Some(SecretString::from(self.token.clone())),
            body: body.map(|body| body.to_string().into_bytes().into()),
        };
        let url = request.url.clone();
        let reply = self.http.send(request).await?;
        if !(200..300).contains(&reply.status) {
            return Err(format!("{method} {url}: {}", reply.status).into());
        }
        Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", format!("{}{path}", self.root), None).await
    }

    /// A collection, page by page.
    async fn all(&self, path: &str) -> Result<Vec<Value>> {
        let (mut rows, mut next) = (Vec::new(), Some(format!("{}{path}", self.root)));
        while let Some(url) = next.take() {
            let mut page = self.send("GET", url, None).await?;
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
            rows.append(page["value"].as_array_mut().unwrap_or(&mut Vec::new()));
        }
        Ok(rows)
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.send("POST", format!("{}{path}", self.root), Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Result<Value> {
        self.send("PATCH", format!("{}{path}", self.root), Some(body)).await
    }

    async fn delete(&self, path: &str) -> Result<Value> {
        self.send("DELETE", format!("{}{path}", self.root), None).await
    }
}

/// Evicts whoever uses the account. `when_cut` is called as sessions are revoked and the account is disabled.
pub async fn evict(graph: &Graph, name: &str, since: Timestamp, when_cut: impl FnOnce()) -> Result<()> {
    // Who it is, and whether it is one to be careful with.
    graph.all("/organization?$select=id,displayName,verifiedDomains").await?;
    let user = graph.get(&format!("/users/{name}?$select=id,accountEnabled,onPremisesSyncEnabled")).await?;
    graph.all(&format!("/users/{name}/transitiveMemberOf?$select=id,displayName")).await?;
    let user = format!("/users/{}", id(&user));

    graph.post(&format!("{user}/revokeSignInSessions"), json!({})).await?;
    graph.patch(&user, json!({ "accountEnabled": false })).await?;
    when_cut();

    let password = format!("aA1!{}", Uuid::new_v4());
    graph.patch(&user, json!({ "passwordProfile": { "password": password } })).await?;
    graph.post(&format!("{user}/revokeSignInSessions"), json!({})).await?;
    let stamps = "accountEnabled,lastPasswordChangeDateTime,signInSessionsValidFromDateTime";
    graph.get(&format!("{user}?$select={stamps}")).await?;

    consents(graph, &user, since).await?;
    secrets_of_owned_apps(graph, &user, since).await?;
    methods(graph, &user, since).await?;
    devices(graph, &user, since).await?;
    rules(graph, &user).await
}

/// Apps that nobody vouches for lose their grants, and assignments that are new go.
async fn consents(graph: &Graph, user: &str, since: Timestamp) -> Result<()> {
    let (grants_of, assignments_of) =
        (format!("{user}/oauth2PermissionGrants"), format!("{user}/appRoleAssignments"));
    let (grants, assignments) = (graph.all(&grants_of).await?, graph.all(&assignments_of).await?);
    graph.all("/oauth2PermissionGrants?$filter=consentType%20eq%20'AllPrincipals'").await?;
    let clients = grants.iter().map(|grant| text(grant, "clientId"));
    let apps: BTreeSet<&str> = clients.chain(assignments.iter().map(|row| text(row, "resourceId"))).collect();
    let mut unverified = BTreeSet::new();
    for app in apps {
        let found = graph.get(&format!("/servicePrincipals/{app}")).await?;
        if found["verifiedPublisher"]["verifiedPublisherId"].is_null() {
            unverified.insert(app);
        }
    }
    let recent: Vec<&Value> =
        assignments.iter().filter(|row| is_since(row, "createdDateTime", since)).collect();
    for grant in &grants {
        // A consent leaves an assignment with its time.
        let client = text(grant, "clientId");
        if unverified.contains(client) && recent.iter().any(|row| text(row, "resourceId") == client) {
            graph.delete(&format!("/oauth2PermissionGrants/{}", id(grant))).await?;
        }
    }
    for row in recent {
        graph.delete(&format!("{assignments_of}/{}", id(row))).await?;
    }
    graph.all(&grants_of).await?;
    graph.all(&assignments_of).await?;
    Ok(())
}

/// New secrets of applications that the user owns go.
async fn secrets_of_owned_apps(graph: &Graph, user: &str, since: Timestamp) -> Result<()> {
    for owned in graph.all(&format!("{user}/ownedObjects?$select=id")).await? {
        if text(&owned, "@odata.type") != "#microsoft.graph.application" {
            continue;
        }
        let path = format!("/applications/{}", id(&owned));
        let app = graph.get(&path).await?;
        graph.all(&format!("{path}/federatedIdentityCredentials")).await?;
        for secret in app["passwordCredentials"].as_array().into_iter().flatten() {
            if is_since(secret, "startDateTime", since) {
                graph.post(&format!("{path}/removePassword"), json!({ "keyId": secret["keyId"] })).await?;
            }
        }
        graph.get(&path).await?;
    }
    Ok(())
}

/// New authentication methods go.
async fn methods(graph: &Graph, user: &str, since: Timestamp) -> Result<()> {
    let list = format!("{user}/authentication/methods");
    for method in graph.all(&list).await? {
        let kind = match text(&method, "@odata.type") {
            "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod" => "microsoftAuthenticatorMethods",
            "#microsoft.graph.phoneAuthenticationMethod" => "phoneMethods",
            _ => continue,
        };
        if is_since(&method, "createdDateTime", since) {
            graph.delete(&format!("{user}/authentication/{kind}/{}", id(&method))).await?;
        }
    }
    graph.all(&list).await?;
    Ok(())
}

/// New devices are disabled.
async fn devices(graph: &Graph, user: &str, since: Timestamp) -> Result<()> {
    let lists = ["registeredDevices", "ownedDevices"].map(|list| format!("{user}/{list}"));
    let mut seen = BTreeSet::new();
    for list in &lists {
        for device in graph.all(list).await? {
            if is_since(&device, "registrationDateTime", since) && seen.insert(id(&device).to_owned()) {
                let path = format!("/devices/{}", id(&device));
                graph.patch(&path, json!({ "accountEnabled": false })).await?;
            }
        }
    }
    for list in &lists {
        graph.all(list).await?;
    }
    Ok(())
}

/// Rules that send mail away, or hide it and let no other rule at it, are disabled.
async fn rules(graph: &Graph, user: &str) -> Result<()> {
    let list = format!("{user}/mailFolders/inbox/messageRules");
    for rule in graph.all(&list).await? {
        let does = |what: &str| match &rule["actions"][what] {
            Value::Array(items) => !items.is_empty(),
            does => does.as_bool() == Some(true),
        };
        let sends = ["forwardTo", "forwardAsAttachmentTo", "redirectTo"].into_iter().any(does);
        if sends || does("markAsRead") && does("stopProcessingRules") {
            graph.patch(&format!("{list}/{}", id(&rule)), json!({ "isEnabled": false })).await?;
        }
    }
    graph.all(&list).await?;
    Ok(())
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn id(row: &Value) -> &str {
    text(row, "id")
}

fn is_since(row: &Value, name: &str, since: Timestamp) -> bool {
    text(row, name).parse::<Timestamp>().is_ok_and(|at| at >= since)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let served = Served::on_loopback(file::parse(CONTOSO)?)?;
    let (victim, since, latency) =
        served.tenant.with(|t| (t.victim.clone(), t.compromised_since(), t.latency));
    let (Some(victim), Some(since)) = (victim, since) else { return Err("the tenant has no victim".into()) };
    let trips = || served.tenant.with(|t| t.round_trips());
    let mut until_cut = 0;
    evict(&Graph::of(&served)?, &victim, since, || until_cut = trips()).await?;
    println!("round trips in a row until the cut  {until_cut}, and one for the token");
    println!("round trips in a row to the end     {}", trips());
    println!("requests                            {}", served.tenant.with(|t| t.log().len()));
    println!("a round trip                        {} ms", latency.as_millis());
    for foothold in served.tenant.footholds().into_iter().filter(|foothold| foothold.works) {
        println!("still works                         {}", foothold.name);
    }
    Ok(())
}
