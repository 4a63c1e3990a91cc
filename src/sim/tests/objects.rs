//! Consents, assignments, applications, roles, groups.

use super::*;

fn grants(tenant: &mut Tenant) -> Vec<Value> {
    tenant.get(&format!("/users/{ADELE}/oauth2PermissionGrants")).1["value"].as_array().unwrap().clone()
}

#[test]
fn a_users_list_holds_their_own_consents_only() {
    let found = grants(&mut contoso());
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|g| g["consentType"] == "Principal"));
    assert!(found.iter().any(|g| g["scope"].as_str().unwrap().starts_with(' ')));
}

#[test]
fn a_deleted_consent_is_gone_and_a_new_one_has_another_id() {
    let mut tenant = contoso();
    let before = tenant.snapshot();
    let grant = grants(&mut tenant)[0].clone();
    let path = format!("/oauth2PermissionGrants/{}", grant["id"].as_str().unwrap());
    assert_eq!(tenant.get(&path).0, 200);
    assert_eq!(tenant.send("DELETE", &path, Value::Null).0, 204);
    assert_eq!(tenant.get(&path).0, 404);
    assert_eq!(tenant.send("DELETE", &path, Value::Null).0, 404);
    assert_ne!(tenant.snapshot(), before);
    let mut body = grant.clone();
    body.as_object_mut().unwrap().remove("id");
    let (status, made) = tenant.send("POST", "/oauth2PermissionGrants", body.clone());
    assert_eq!(status, 201);
    assert_ne!(made["id"], grant["id"]);
    assert_eq!(tenant.snapshot(), before);
    assert_eq!(tenant.send("POST", "/oauth2PermissionGrants", body).0, 409);
}

#[test]
fn consents_are_filtered_by_client_and_type() {
    let mut tenant = contoso();
    let client = tenant.app_object_id("Survey Tool").unwrap();
    let path = format!(
        "/oauth2PermissionGrants?$filter=clientId%20eq%20'{client}'%20and%20consentType%20eq%20'AllPrincipals'"
    );
    assert_eq!(tenant.get(&path).1["value"].as_array().unwrap().len(), 1);
    let client = tenant.app_object_id("Travel Planner").unwrap();
    assert_eq!(
        tenant.get(&path.replace(&tenant.app_object_id("Survey Tool").unwrap(), &client)).1["value"],
        json!([])
    );
    assert_eq!(tenant.get("/oauth2PermissionGrants?$filter=scope%20eq%20'x'").0, 400);
}

#[test]
fn assignments_through_a_group_are_among_the_users() {
    let mut tenant = contoso();
    let (_, body) = tenant.get(&format!("/users/{ADELE}/appRoleAssignments"));
    let rows = body["value"].as_array().unwrap();
    let group = rows.iter().find(|r| r["principalType"] == "Group").unwrap();
    assert_eq!(group["principalDisplayName"], "Retail");
    assert_eq!(rows.len(), 4);
}

#[test]
fn an_assignment_can_be_removed_and_made_again_from_either_end() {
    let mut tenant = contoso();
    let before = tenant.snapshot();
    let (_, body) = tenant.get(&format!("/users/{ADELE}/appRoleAssignments"));
    let row = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["resourceDisplayName"] == "Payroll Export")
        .unwrap();
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let new = json!({"principalId": row["principalId"], "resourceId": row["resourceId"], "appRoleId": row["appRoleId"]});
    let ends = [
        format!("/users/{ADELE}/appRoleAssignments"),
        format!("/servicePrincipals/{}/appRoleAssignedTo", text("resourceId")),
    ];
    let mut id = text("id");
    for end in ends {
        assert_eq!(tenant.send("POST", &end, new.clone()).0, 400, "already there");
        assert_eq!(tenant.send("DELETE", &format!("{end}/{id}"), Value::Null).0, 204);
        assert_eq!(tenant.send("DELETE", &format!("{end}/{id}"), Value::Null).0, 404);
        let (status, made) = tenant.send("POST", &end, new.clone());
        assert_eq!(status, 201);
        assert_ne!(made["id"], id);
        made["id"].as_str().unwrap().clone_into(&mut id);
    }
    assert_eq!(tenant.snapshot(), before);
}

#[test]
fn service_principals_are_found_by_either_id() {
    let mut tenant = contoso();
    let id = tenant.app_object_id("Travel Planner").unwrap();
    let (_, by_id) = tenant.get(&format!("/servicePrincipals/{id}?$select=id,appId,verifiedPublisher"));
    assert_eq!(by_id["verifiedPublisher"]["displayName"], "Northwind Traders");
    let app_id = by_id["appId"].as_str().unwrap();
    assert_eq!(tenant.get(&format!("/servicePrincipals(appId='{app_id}')")).1["id"], id);
    let (_, list) = tenant.get(&format!("/servicePrincipals?$filter=appId%20eq%20'{app_id}'"));
    assert_eq!(list["value"][0]["id"], id);
}

#[test]
fn roles_are_listed_and_unreadable_ones_reduced() {
    let mut tenant = contoso();
    let id = tenant.user_id("MeganB@contoso.com").unwrap();
    let path = format!(
        "/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20'{id}'&$expand=roleDefinition"
    );
    assert_eq!(tenant.get(&path).1["value"][0]["roleDefinition"]["displayName"], "Global Administrator");
    let path = format!("/users/{id}/transitiveMemberOf?$select=id,displayName,roleTemplateId");
    let role = |tenant: &mut Tenant| {
        let (_, body) = tenant.get(&path);
        body["value"]
            .as_array()
            .unwrap()
            .iter()
            .find(|o| o["@odata.type"] == "#microsoft.graph.directoryRole")
            .unwrap()
            .clone()
    };
    assert_eq!(role(&mut tenant)["roleTemplateId"], "62e90394-69f5-4237-9190-012177145e10");
    tenant.revoke_permission("oust", "RoleManagement.Read.Directory");
    let reduced = role(&mut tenant);
    assert_eq!(reduced["roleTemplateId"], Value::Null);
    assert!(reduced["id"].is_string());
}

#[test]
fn group_membership_is_checked_by_id() {
    let mut tenant = contoso();
    let groups: Vec<String> = tenant.directory.groups.iter().map(|g| g.id.clone()).collect();
    let (status, body) =
        tenant.send("POST", &format!("/users/{ADELE}/checkMemberGroups"), json!({"groupIds": groups}));
    assert_eq!((status, &body["value"]), (200, &json!([groups[0]])));
    assert!(!tenant.log()[0].write);
}

#[test]
fn the_organization_has_its_id() {
    let mut tenant = contoso();
    let (_, body) = tenant.get("/organization?$select=id,verifiedDomains");
    assert_eq!(body["value"][0]["id"], tenant.tenant_id);
}

#[test]
fn each_resource_needs_its_permission() {
    let id = contoso().app_object_id("Travel Planner").unwrap();
    for (permission, target) in [
        ("User.Read.All", format!("/users/{ADELE}")),
        ("DelegatedPermissionGrant.ReadWrite.All", format!("/users/{ADELE}/oauth2PermissionGrants")),
        ("AppRoleAssignment.ReadWrite.All", format!("/users/{ADELE}/appRoleAssignments")),
        ("Application.ReadWrite.All", format!("/servicePrincipals/{id}")),
        ("RoleManagement.Read.Directory", "/roleManagement/directory/roleAssignments".to_owned()),
        ("Organization.Read.All", "/organization".to_owned()),
    ] {
        let mut tenant = contoso();
        assert_eq!(tenant.get(&target).0, 200, "{target}");
        assert!(tenant.revoke_permission("oust", permission));
        assert_eq!(tenant.get(&target).0, 403, "{target}");
    }
}

#[test]
fn an_unknown_path_is_refused() {
    assert_eq!(contoso().get("/users/x/telepathy/methods").0, 400);
    assert_eq!(contoso().get("/nonsense").0, 400);
}

#[test]
fn an_assignment_is_made_for_the_one_in_the_path_to_a_role_that_exists() {
    let mut tenant = contoso();
    let alex = tenant.user_id("AlexW@contoso.com").unwrap();
    let payroll = tenant.app_object_id("Payroll Export").unwrap();
    let role = tenant.directory.service_principal(&payroll).unwrap().app_roles[1].0.clone();
    let body = |role: &str| json!({"principalId": alex, "resourceId": payroll, "appRoleId": role});
    assert_eq!(tenant.send("POST", &format!("/users/{ADELE}/appRoleAssignments"), body(&role)).0, 400);
    let path = format!("/users/{alex}/appRoleAssignments");
    assert_eq!(tenant.send("POST", &path, body("11111111-1111-4111-8111-111111111111")).0, 400);
    assert_eq!(tenant.send("POST", &path, body(&role)).0, 201);
}

#[test]
fn assigning_through_the_application_needs_to_read_it_too() {
    let mut tenant = contoso();
    let payroll = tenant.app_object_id("Payroll Export").unwrap();
    let role = tenant.directory.service_principal(&payroll).unwrap().app_roles[1].0.clone();
    let adele = tenant.user_id(ADELE).unwrap();
    let body = json!({"principalId": adele, "resourceId": payroll, "appRoleId": role});
    tenant.revoke_permission("oust", "Application.ReadWrite.All");
    let through = format!("/servicePrincipals/{payroll}/appRoleAssignedTo");
    assert_eq!(tenant.send("POST", &through, body.clone()).0, 403);
    assert_eq!(tenant.send("POST", &format!("/users/{ADELE}/appRoleAssignments"), body).0, 201);
}

#[test]
fn an_application_is_disabled_for_this_tenant() {
    let mut tenant = contoso();
    let id = tenant.app_object_id("Mail Backup").unwrap();
    let path = format!("/servicePrincipals/{id}");
    let off = json!({"accountEnabled": false});
    tenant.revoke_permission("oust", "Application.ReadWrite.All");
    assert_eq!(tenant.send("PATCH", &path, off.clone()).0, 403);
    tenant.grant_permission("oust", "Application.ReadWrite.All");
    assert_eq!(tenant.send("PATCH", &path, off).0, 204);
    assert_eq!(tenant.get(&path).1["accountEnabled"], false);
    let foothold = tenant.footholds(at(0)).into_iter().find(|f| f.what == "grant").unwrap();
    assert!(!foothold.works);
}

#[test]
fn an_advanced_query_needs_its_header() {
    let mut tenant = contoso();
    assert_eq!(tenant.get("/users?$count=true").1["error"]["code"], "Request_UnsupportedQuery");
    let mut request = request(tenant.token("oust", at(0)), "GET", "/users?$count=true", None);
    request.headers.push(("ConsistencyLevel", "eventual".into()));
    match tenant.answer(&request, at(0)) {
        Delivery::Reply(reply) => {
            let body: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(body["@odata.count"], 5);
        }
        other => panic!("{other:?}"),
    }
}
