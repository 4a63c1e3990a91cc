//! The tenant itself and its domains.
//!
//! <https://learn.microsoft.com/graph/api/resources/organization>

use serde_json::{Value, json};

use super::directory::{Directory, Domain};
use super::error::{Answer, GraphError, Outcome};
use super::request::Ask;
use super::select;

/// `GET /organization`
pub fn list(directory: &Directory, ask: &Ask, page_size: usize) -> Outcome {
    select::collection(ask, "organization", &[json(directory)], None, &[], page_size)
}

/// `GET /organization/{id}`
pub fn get(directory: &Directory, ask: &Ask, id: &str) -> Outcome {
    if directory.tenant_id != id {
        return Err(GraphError::not_found(id));
    }
    Ok(Answer::ok(select::object(ask, "organization", &json(directory), None)))
}

fn json(directory: &Directory) -> Value {
    let synced = directory.users.iter().filter_map(|u| u.on_premises.as_ref()).find(|ad| ad.syncing);
    json!({
        "id": directory.tenant_id,
        "displayName": directory.display_name,
        "tenantType": "AAD",
        "onPremisesSyncEnabled": synced.map(|_| true),
        "onPremisesLastSyncDateTime": synced.map(|ad| format!("{:.0}", directory.time(ad.last_sync))),
        "verifiedDomains": directory.domains.iter().enumerate().map(|(n, domain)| json!({
            "name": domain.name,
            "type": kind(domain),
            "isDefault": n == 0,
            "isInitial": domain.name.ends_with(".onmicrosoft.com"),
            "capabilities": "Email, OfficeCommunicationsOnline",
        })).collect::<Vec<_>>(),
        "assignedPlans": [],
    })
}

fn kind(domain: &Domain) -> &'static str {
    if domain.federated { "Federated" } else { "Managed" }
}

/// `GET /domains/{name}`
pub fn domain(directory: &Directory, ask: &Ask, name: &str) -> Outcome {
    let position = directory.domains.iter().position(|d| d.name.eq_ignore_ascii_case(name));
    let (n, domain) = position
        .and_then(|n| Some((n, directory.domains.get(n)?)))
        .ok_or_else(|| GraphError::not_found(name))?;
    let full = json!({
        "id": domain.name, "authenticationType": kind(domain), "isDefault": n == 0, "isVerified": true,
    });
    Ok(Answer::ok(select::object(ask, "domains", &full, None)))
}
