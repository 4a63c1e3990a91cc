//! Owned apps, role changes, group members, risk and Conditional Access.

use serde_json::json;

use super::*;
use crate::sim::file::Licence;

fn owned_app(tenant: &mut Tenant) -> String {
    let owned = tenant.get(&format!("/users/{ADELE}/ownedObjects")).1;
    assert_eq!(owned["value"][0]["@odata.type"], "#microsoft.graph.application");
    owned["value"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_secret_is_removed_by_its_key_id_and_only_once() {
    let mut tenant = contoso();
    let path = format!("/applications/{}", owned_app(&mut tenant));
    let secrets = tenant.get(&path).1["passwordCredentials"].clone();
    assert_eq!(secrets.as_array().unwrap().len(), 2);
    let body = json!({ "keyId": secrets[1]["keyId"] });
    let remove = format!("{path}/removePassword");
    assert_eq!(tenant.send("POST", &remove, body.clone()).0, 204);
    assert_eq!(tenant.send("POST", &remove, body).0, 400);
    assert_eq!(tenant.get(&path).1["passwordCredentials"], json!([secrets[0]]));
}

#[test]
fn public_halves_show_when_they_are_selected_and_are_needed_to_replace_the_list() {
    let mut tenant = file::parse(include_str!("../../../examples/tenants/privileged.yaml")).unwrap();
    tenant.begin(at(0));
    let owned = tenant.get("/users/MeganB@contoso.com/ownedObjects").1;
    let path = format!("/applications/{}", owned["value"][0]["id"].as_str().unwrap());
    assert!(tenant.get(&path).1["keyCredentials"][0]["key"].is_null());
    let keys = tenant.get(&format!("{path}?$select=keyCredentials")).1["keyCredentials"].clone();
    assert!(keys[0]["key"].is_string());
    let without = json!([{ "keyId": keys[0]["keyId"] }]);
    assert_eq!(tenant.send("PATCH", &path, json!({ "keyCredentials": without })).0, 400);
    assert_eq!(tenant.send("PATCH", &path, json!({ "keyCredentials": [keys[0]] })).0, 204);
    assert_eq!(tenant.get(&path).1["keyCredentials"].as_array().unwrap().len(), 1);
}

#[test]
fn an_owned_object_is_reduced_without_the_permission_for_its_type() {
    let mut tenant = contoso();
    tenant.revoke_permission("oust", "Application.ReadWrite.All");
    let owned = tenant.get(&format!("/users/{ADELE}/ownedObjects")).1;
    assert!(owned["value"][0]["id"].is_string() && owned["value"][0]["displayName"].is_null());
}

#[test]
fn an_app_comes_into_the_tenant_once() {
    let mut tenant = contoso();
    let body = json!({ "appId": "44444444-4444-4444-8444-444444444444", "accountEnabled": false });
    let (status, made) = tenant.send("POST", "/servicePrincipals", body.clone());
    assert_eq!((status, &made["accountEnabled"]), (201, &json!(false)));
    assert_eq!(tenant.send("POST", "/servicePrincipals", body).0, 409);
    let path = format!("/servicePrincipals/{}", made["id"].as_str().unwrap());
    assert_eq!(tenant.send("DELETE", &path, Value::Null).0, 204);
    assert_eq!(tenant.get(&path).0, 404);
}

#[test]
fn a_member_is_added_by_a_reference_to_this_service() {
    let mut tenant = contoso();
    tenant.grant_permission("oust", "GroupMember.ReadWrite.All");
    let alex = tenant.user_id("AlexW@contoso.com").unwrap();
    let group = tenant.directory.groups.iter().find(|g| g.display_name == "Blocked").unwrap().id.clone();
    let members = format!("/groups/{group}/members");
    let to = |host: &str| json!({ "@odata.id": format!("https://{host}/v1.0/directoryObjects/{alex}") });
    let add = format!("{members}/$ref");
    assert_eq!(tenant.send("POST", &add, to("graph.microsoft.us")).0, 400);
    assert_eq!(tenant.send("POST", &add, to("graph.microsoft.com")).0, 204);
    assert_eq!(tenant.send("POST", &add, to("graph.microsoft.com")).0, 400);
    let remove = format!("{members}/{alex}/$ref");
    assert_eq!(tenant.send("DELETE", &remove, Value::Null).0, 204);
    assert_eq!(tenant.send("DELETE", &remove, Value::Null).0, 404);
}

#[test]
fn the_last_global_administrator_stays_one() {
    let mut tenant = contoso();
    tenant.grant_permission("oust", "RoleManagement.ReadWrite.Directory");
    let global = "62e90394-69f5-4237-9190-012177145e10";
    let list = format!("/roleManagement/directory/roleAssignments?$filter=roleDefinitionId eq '{global}'");
    let row = tenant.get(&list).1["value"][0].clone();
    let path = format!("/roleManagement/directory/roleAssignments/{}", row["id"].as_str().unwrap());
    assert_eq!(tenant.send("DELETE", &path, Value::Null).0, 400);
    tenant.give_role(ADELE, "Global Administrator");
    assert_eq!(tenant.send("DELETE", &path, Value::Null).0, 204);
}

#[test]
fn licences_are_asked_for() {
    let mut tenant = contoso();
    for permission in ["IdentityRiskyUser.ReadWrite.All", "Policy.Read.All"] {
        tenant.grant_permission("oust", permission);
    }
    let adele = tenant.user_id(ADELE).unwrap();
    let risk = format!("/identityProtection/riskyUsers/{adele}");
    let policies = "/identity/conditionalAccess/policies";
    let eligible =
        format!("/roleManagement/directory/roleEligibilitySchedules?$filter=principalId eq '{adele}'");
    for (licence, expected) in
        [(Licence::P2, (404, 200, 200)), (Licence::P1, (403, 200, 400)), (Licence::Free, (403, 403, 400))]
    {
        tenant.directory.licence = licence;
        let seen = (tenant.get(&risk).0, tenant.get(policies).0, tenant.get(&eligible).0);
        assert_eq!(seen, expected, "{licence:?}");
    }
}

#[test]
fn a_policy_twice_is_two_policies() {
    let mut tenant = contoso();
    for permission in ["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"] {
        tenant.grant_permission("oust", permission);
    }
    let path = "/identity/conditionalAccess/policies";
    let body = json!({ "displayName": "x", "state": "enabled", "conditions": {}, "grantControls": {} });
    assert_eq!(tenant.send("POST", path, body.clone()).0, 201);
    assert_eq!(tenant.send("POST", path, body).0, 201);
    assert_eq!(tenant.get(path).1["value"].as_array().unwrap().len(), 2);
}
