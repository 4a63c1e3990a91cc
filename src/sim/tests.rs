//! Every rule that the tenant enforces, asked the way a caller asks.

use secrecy::SecretString;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::faults::{Fault, Planted, RetryAfter};
use super::*;

const NOW: &str = "2026-03-01T12:00:00Z";
const ADELE: &str = "AdeleV@contoso.com";

fn at(seconds: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

fn contoso() -> Tenant {
    let mut tenant = file::parse(include_str!("../../examples/tenants/contoso.yaml")).unwrap();
    tenant.begin(at(0));
    tenant
}

fn request(token: String, method: &'static str, target: &str, body: Option<Value>) -> Request {
    Request {
        method,
        url: format!("https://graph.microsoft.com/v1.0{target}"),
        headers: vec![],
        bearer: Some(SecretString::from(token)),
        body: body.map(|b| Zeroizing::new(b.to_string().into_bytes())),
    }
}

impl Tenant {
    fn deliver_at(&mut self, now: i64, method: &'static str, target: &str, body: Option<Value>) -> Delivery {
        let request = request(self.token("oust", at(now)), method, target, body);
        self.answer(&request, at(now))
    }

    fn ask_at(&mut self, now: i64, method: &'static str, target: &str, body: Option<Value>) -> (u16, Value) {
        match self.deliver_at(now, method, target, body) {
            Delivery::Reply(reply) => {
                (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
            }
            other => panic!("{other:?}"),
        }
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.ask_at(0, "GET", target, None)
    }

    fn send(&mut self, method: &'static str, target: &str, body: Value) -> (u16, Value) {
        self.ask_at(0, method, target, Some(body).filter(|b| !b.is_null()))
    }

    fn disable(&mut self, user: &str) -> u16 {
        self.send("PATCH", &format!("/users/{user}"), json!({"accountEnabled": false})).0
    }

    fn reset(&mut self, user: &str) -> u16 {
        let body =
            json!({"passwordProfile": {"password": "Xy7!abcdefgh", "forceChangePasswordNextSignIn": true}});
        self.send("PATCH", &format!("/users/{user}"), body).0
    }

    fn revoke(&mut self, user: &str) -> u16 {
        self.send("POST", &format!("/users/{user}/revokeSignInSessions"), Value::Null).0
    }
}

mod accounts {
    use super::*;

    #[test]
    fn a_user_without_select_has_only_the_default_set() {
        let mut tenant = contoso();
        let (status, user) = tenant.get(&format!("/users/{ADELE}"));
        assert_eq!((status, user["displayName"].as_str()), (200, Some("Adele Vance")));
        assert_eq!(user.get("accountEnabled"), None);
        let (_, user) =
            tenant.get(&format!("/users/{ADELE}?$select=id,accountEnabled,onPremisesSyncEnabled"));
        assert_eq!(user["accountEnabled"], true);
        assert_eq!(user["onPremisesSyncEnabled"], Value::Null);
        assert_eq!(user.get("displayName"), None);
    }

    #[test]
    fn a_missing_user_is_404_and_says_so_as_graph_does() {
        let (status, body) = contoso().get("/users/nobody@contoso.com");
        assert_eq!((status, body["error"]["code"].as_str()), (404, Some("Request_ResourceNotFound")));
        assert!(body["error"]["innerError"]["request-id"].is_string());
        assert_eq!(body["error"]["innerError"]["date"], "2026-03-01T12:00:00");
    }

    #[test]
    fn revoking_moves_the_moment_to_whole_seconds() {
        let mut tenant = contoso();
        assert_eq!(tenant.revoke(ADELE), 200);
        let (_, user) = tenant.get(&format!("/users/{ADELE}?$select=signInSessionsValidFromDateTime"));
        assert_eq!(user["signInSessionsValidFromDateTime"], NOW);
    }

    #[test]
    fn revoking_a_guest_is_answered_and_does_nothing() {
        let mut tenant = contoso();
        let before = tenant.snapshot();
        assert_eq!(tenant.revoke("NestorW_fabrikam.com%23EXT%23@contoso.onmicrosoft.com"), 200);
        assert_eq!(tenant.snapshot(), before);
    }

    #[test]
    fn disabling_and_resetting_need_permissions_of_their_own() {
        let mut tenant = contoso();
        let both = json!({"accountEnabled": false, "passwordProfile": {"password": "Xy7!abcdefgh"}});
        tenant.revoke_permission("oust", "User-PasswordProfile.ReadWrite.All");
        let before = tenant.snapshot();
        assert_eq!(tenant.reset(ADELE), 403);
        assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), both.clone()).0, 403);
        assert_eq!(tenant.snapshot(), before, "one refusal refuses both");
        assert_eq!(tenant.disable(ADELE), 204);
        tenant.grant_permission("oust", "User-PasswordProfile.ReadWrite.All");
        tenant.revoke_permission("oust", "User.EnableDisableAccount.All");
        assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), both).0, 403);
        assert_eq!(tenant.reset(ADELE), 204);
    }

    #[test]
    fn wide_permissions_do_not_reset_passwords() {
        let mut tenant = contoso();
        tenant.revoke_permission("oust", "User-PasswordProfile.ReadWrite.All");
        tenant.grant_permission("oust", "User.ReadWrite.All");
        tenant.grant_permission("oust", "Directory.ReadWrite.All");
        assert_eq!(tenant.reset(ADELE), 403);
        assert_eq!(tenant.disable(ADELE), 204);
    }

    #[test]
    fn disabling_needs_the_read_permission_beside_it() {
        let mut tenant = contoso();
        tenant.revoke_permission("oust", "User.Read.All");
        assert_eq!(tenant.disable(ADELE), 403);
    }

    #[test]
    fn a_reset_is_seen_by_its_date_and_demands_complexity() {
        let mut tenant = contoso();
        for weak in ["short1!", "alllowercase", "12345678"] {
            let body = json!({"passwordProfile": {"password": weak}});
            assert_eq!(tenant.send("PATCH", &format!("/users/{ADELE}"), body).0, 400, "{weak}");
        }
        assert_eq!(tenant.reset(ADELE), 204);
        let (_, user) = tenant.get(&format!("/users/{ADELE}?$select=lastPasswordChangeDateTime"));
        assert_eq!(user["lastPasswordChangeDateTime"], NOW);
    }

    #[test]
    fn the_directory_synchronisation_puts_back_what_ad_says() {
        let mut tenant = contoso();
        assert_eq!(tenant.disable("DiegoS@contoso.com"), 204);
        let read = "/users/DiegoS@contoso.com?$select=accountEnabled";
        assert_eq!(tenant.ask_at(1799, "GET", read, None).1["accountEnabled"], false);
        assert_eq!(tenant.ask_at(1800, "GET", read, None).1["accountEnabled"], true);
    }

    #[test]
    fn the_password_of_a_federated_user_is_not_ours() {
        let text = include_str!("../../examples/tenants/contoso.yaml")
            .replace("domains: [contoso.com, contoso.onmicrosoft.com]", "federated_domains: [contoso.com]");
        let mut tenant = file::parse(&text).unwrap();
        assert_eq!(tenant.reset(ADELE), 400);
        assert_eq!(tenant.disable(ADELE), 204);
    }

    #[test]
    fn a_body_that_is_no_json_is_400() {
        let mut tenant = contoso();
        let mut request = request(tenant.token("oust", at(0)), "PATCH", &format!("/users/{ADELE}"), None);
        request.body = Some(Zeroizing::new(b"{\"accountEnabled\":fal".to_vec()));
        match tenant.answer(&request, at(0)) {
            Delivery::Reply(reply) => assert_eq!(reply.status, 400),
            other => panic!("{other:?}"),
        }
        assert_eq!(tenant.is_enabled(ADELE), Some(true));
    }
}

mod ranks {
    use super::*;

    const MEGAN: &str = "MeganB@contoso.com";

    #[test]
    fn a_password_needs_a_role_and_an_ordinary_disable_does_not() {
        let mut tenant = contoso();
        tenant.drop_role("oust", "User Administrator");
        assert_eq!((tenant.reset(ADELE), tenant.disable(ADELE), tenant.revoke(ADELE)), (403, 204, 200));
    }

    #[test]
    fn an_administrator_takes_a_higher_role() {
        let mut tenant = contoso();
        assert_eq!((tenant.reset(MEGAN), tenant.disable(MEGAN), tenant.revoke(MEGAN)), (403, 403, 403));
        tenant.give_role("oust", "Privileged Authentication Administrator");
        assert_eq!((tenant.reset(MEGAN), tenant.disable(MEGAN), tenant.revoke(MEGAN)), (204, 204, 200));
    }

    #[test]
    fn the_two_tables_differ() {
        let mut tenant = contoso();
        tenant.drop_role("oust", "User Administrator");
        tenant.give_role("oust", "Helpdesk Administrator");
        tenant.give_role(ADELE, "Helpdesk Administrator");
        assert_eq!((tenant.disable(ADELE), tenant.revoke(ADELE)), (403, 200));
    }

    #[test]
    fn readers_are_no_administrators_and_unlisted_roles_need_the_top_two() {
        let mut tenant = contoso();
        tenant.give_role(ADELE, "Directory Readers");
        assert_eq!((tenant.disable(ADELE), tenant.reset(ADELE)), (204, 204));
        tenant.give_role(ADELE, "Exchange Administrator");
        assert_eq!((tenant.disable(ADELE), tenant.reset(ADELE)), (403, 403));
    }

    #[test]
    fn membership_of_a_role_assignable_group_counts() {
        let mut tenant = contoso();
        tenant.directory.groups[0].role_assignable = true;
        assert_eq!(tenant.disable(ADELE), 403);
    }

    #[test]
    fn a_missing_role_and_a_missing_permission_look_the_same() {
        let mut tenant = contoso();
        let error = |(status, mut body): (u16, Value)| {
            body["error"]["innerError"] = Value::Null;
            (status, body)
        };
        let path = "/users/MeganB@contoso.com";
        let role = error(tenant.send("PATCH", path, json!({"accountEnabled": false})));
        tenant.revoke_permission("oust", "User.EnableDisableAccount.All");
        assert_eq!(role, error(tenant.send("PATCH", path, json!({"accountEnabled": false}))));
        assert_eq!(role.1["error"]["code"], "Authorization_RequestDenied");
    }
}

mod objects {
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
            ("Application.Read.All", format!("/servicePrincipals/{id}")),
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
        assert_eq!(contoso().get("/users/x/authentication/methods").0, 400);
        assert_eq!(contoso().get("/nonsense").0, 400);
    }
}

mod tokens {
    use super::*;

    fn status(tenant: &mut Tenant, token: &str, now: i64) -> u16 {
        match tenant.answer(&request(token.to_owned(), "GET", "/organization", None), at(now)) {
            Delivery::Reply(reply) => reply.status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_token_expires() {
        let mut tenant = contoso();
        let token = tenant.token("oust", at(0));
        assert_eq!((status(&mut tenant, &token, 3598), status(&mut tenant, &token, 3599)), (200, 401));
    }

    #[test]
    fn junk_and_foreign_tokens_are_401() {
        let mut tenant = contoso();
        for junk in ["", "x", "a.b.c", "....", "é.é.é"] {
            assert_eq!(status(&mut tenant, junk, 0), 401, "{junk}");
        }
        let mut other = contoso();
        other.tenant_id = "elsewhere".into();
        assert_eq!(status(&mut tenant, &other.token("oust", at(0)), 0), 401);
        let unknown = tenant.token("no such app", at(0));
        assert_eq!(status(&mut tenant, &unknown, 0), 401);
    }

    fn sign_in(tenant: &mut Tenant, at_tenant: &str, form: &str) -> (u16, Value) {
        let request = Request {
            method: "POST",
            url: format!("https://login.microsoftonline.com/{at_tenant}/oauth2/v2.0/token"),
            headers: vec![],
            bearer: None,
            body: Some(Zeroizing::new(form.as_bytes().to_vec())),
        };
        match tenant.answer(&request, at(0)) {
            Delivery::Reply(reply) => (reply.status, serde_json::from_slice(&reply.body).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_token_endpoint_issues_and_refuses() {
        let mut tenant = contoso();
        let id = tenant.tenant_id.clone();
        let form = |client: &str, secret: &str| {
            format!(
                "client_id={client}&client_secret={secret}&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
            )
        };
        let client = tenant.app_id("oust").unwrap();
        let (code, body) = sign_in(&mut tenant, &id, &form(&client, "only-for-rehearsals"));
        assert_eq!((code, &body["expires_in"]), (200, &json!(3599)));
        assert_eq!(status(&mut tenant, body["access_token"].as_str().unwrap(), 0), 200);
        for (where_, client, secret, expected) in [
            (id.as_str(), client.as_str(), "wrong", json!([7_000_215])),
            (&id, "nobody", "x", json!([700_016])),
            ("elsewhere", &client, "x", json!([90002])),
        ] {
            let (code, body) = sign_in(&mut tenant, where_, &form(client, secret));
            assert!(code >= 400);
            assert_eq!(body["error_codes"], expected);
        }
    }
}

mod behaviour {
    use super::*;

    #[test]
    fn a_batch_answers_each_and_fails_dependants() {
        let mut tenant = contoso();
        let (status, body) = tenant.send(
            "POST",
            "/$batch",
            json!({"requests": [
                {"id": "1", "method": "GET", "url": format!("/users/{ADELE}?$select=id")},
                {"id": "2", "method": "GET", "url": "/users/nobody"},
                {"id": "3", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
            ]}),
        );
        assert_eq!(status, 200);
        let statuses: Vec<u64> =
            body["responses"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [200, 404, 424]);
        assert_eq!(tenant.round_trips(), 1);
        let many: Vec<Value> =
            (0..21).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/organization"})).collect();
        assert_eq!(tenant.send("POST", "/$batch", json!({"requests": many})).0, 400);
    }

    #[test]
    fn pages_are_small_and_link_to_the_host_they_came_from() {
        let mut tenant = contoso();
        tenant.page_size = 2;
        let (_, body) = tenant.get("/users?$select=id");
        assert_eq!(body["value"].as_array().unwrap().len(), 2);
        let link = body["@odata.nextLink"].as_str().unwrap();
        assert!(link.starts_with("https://graph.microsoft.com/v1.0/users?$select=id&$skiptoken="));
    }

    #[test]
    fn a_lagging_replica_answers_with_what_was_before() {
        let mut tenant = contoso();
        let second = jiff::SignedDuration::from_secs(1);
        tenant.lag = Lag::new(second * 5, second * 20, 1.0);
        tenant.disable(ADELE);
        let read = format!("/users/{ADELE}?$select=accountEnabled");
        assert_eq!(tenant.ask_at(4, "GET", &read, None).1["accountEnabled"], true);
        assert_eq!(tenant.ask_at(5, "GET", &read, None).1["accountEnabled"], false);
        let list = "/users?$select=accountEnabled&$filter=userPrincipalName%20eq%20'AdeleV@contoso.com'";
        assert_eq!(tenant.ask_at(19, "GET", list, None).1["value"][0]["accountEnabled"], true);
        assert_eq!(tenant.ask_at(20, "GET", list, None).1["value"][0]["accountEnabled"], false);
    }

    #[test]
    fn a_reset_after_the_effect_leaves_the_effect() {
        for after_effect in [false, true] {
            let mut tenant = contoso();
            tenant.faults.plant(Planted::new("PATCH /users/*", Fault::Reset { after_effect }));
            let body = Some(json!({"accountEnabled": false}));
            let delivery = tenant.deliver_at(0, "PATCH", &format!("/users/{ADELE}"), body);
            assert!(matches!(delivery, Delivery::Broken));
            assert_eq!(tenant.is_enabled(ADELE), Some(!after_effect));
            assert_eq!((tenant.log()[0].status, tenant.log()[0].applied), (None, after_effect));
        }
    }

    #[test]
    fn a_planted_429_names_its_time_and_has_no_effect() {
        let mut tenant = contoso();
        let what = Fault::Status {
            code: 429,
            retry_after: Some(RetryAfter::HttpDate(7)),
            body: None,
            after_effect: false,
        };
        tenant.faults.plant(Planted::new("revokeSignInSessions", what));
        let before = tenant.snapshot();
        match tenant.deliver_at(0, "POST", &format!("/users/{ADELE}/revokeSignInSessions"), None) {
            Delivery::Reply(reply) => {
                assert_eq!(reply.status, 429);
                assert_eq!(reply.header("retry-after"), Some("Sun, 01 Mar 2026 12:00:07 GMT"));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(tenant.snapshot(), before);
        assert_eq!(tenant.revoke(ADELE), 200, "it hits once");
    }

    #[test]
    fn a_neighbour_is_told_apart_from_the_victim() {
        let mut tenant = contoso();
        let adele = tenant.user_id(ADELE).unwrap();
        let (of, without) = (tenant.snapshot_of(&adele), tenant.snapshot_without(&adele));
        tenant.disable(ADELE);
        assert_ne!(tenant.snapshot_of(&adele), of);
        assert_eq!(tenant.snapshot_without(&adele), without);
    }

    #[test]
    fn footholds_end_one_by_one() {
        let mut tenant = contoso();
        let works = |tenant: &mut Tenant, now: i64| -> Vec<&'static str> {
            tenant.footholds(at(now)).into_iter().filter(|f| f.works).map(|f| f.what).collect()
        };
        let all = ["refresh_token", "session_cookie", "access_token", "password", "grant", "app_role"];
        assert_eq!(works(&mut tenant, 0), all);
        tenant.revoke(ADELE);
        assert_eq!(works(&mut tenant, 0), ["access_token", "password", "app_role"]);
        tenant.reset(ADELE);
        assert_eq!(works(&mut tenant, 0), ["access_token", "app_role"]);
        tenant.disable(ADELE);
        assert_eq!(works(&mut tenant, 0), ["access_token"]);
        assert_eq!(works(&mut tenant, 40 * 60), Vec::<&str>::new());
    }
}

mod transport {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn round_trips_are_the_longest_chain() {
        let mut tenant = contoso();
        tenant.latency = Duration::from_millis(100);
        let service = Simulated::new(tenant, Clock::starting_at(at(0)));
        let get = || service.send(request(service.token("oust"), "GET", "/organization", None));
        let (a, b, c) = futures::join!(get(), get(), get());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(service.with(|t| t.round_trips()), 1);
        get().await.unwrap();
        assert_eq!(service.with(|t| (t.round_trips(), t.log().len())), (2, 4));
        assert_eq!(service.with(|t| t.log()[3].answered), Some(at(0) + Duration::from_millis(200)));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_the_connection_are_send_errors() {
        let mut tenant = contoso();
        for (nth, what) in
            [Fault::RefuseConnection, Fault::Hang { after_effect: false }, Fault::CutBody, Fault::Huge]
                .into_iter()
                .enumerate()
        {
            tenant.faults.plant(Planted::new("/organization", what).nth(u32::try_from(nth).unwrap() + 1));
        }
        let service = Simulated::new(tenant, Clock::starting_at(at(0)));
        let mut errors = vec![];
        for _ in 0..4 {
            errors.push(
                service.send(request(service.token("oust"), "GET", "/organization", None)).await.unwrap_err(),
            );
        }
        assert!(matches!(
            errors[..],
            [SendError::NotSent(_), SendError::NoAnswer(_), SendError::NoAnswer(_), SendError::TooLarge]
        ));
    }
}
