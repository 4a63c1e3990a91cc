//! Authentication methods, devices and inbox rules.

use super::*;

const METHODS: &str = "/users/AdeleV@contoso.com/authentication";
const RULES: &str = "/users/AdeleV@contoso.com/mailFolders/inbox/messageRules";

fn values(tenant: &mut Tenant, target: &str) -> Vec<Value> {
    let (status, body) = tenant.get(target);
    assert_eq!(status, 200, "{target}: {body}");
    body["value"].as_array().unwrap().clone()
}

fn id_of(tenant: &mut Tenant, target: &str, name: &str) -> String {
    let found = values(tenant, target).into_iter().find(|row| row["displayName"] == name);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

fn delete(tenant: &mut Tenant, target: &str) -> (u16, Value) {
    tenant.send("DELETE", target, Value::Null)
}

#[test]
fn methods_are_listed_with_the_password_and_by_type() {
    let mut tenant = rehearsed();
    let all = values(&mut tenant, &format!("{METHODS}/methods"));
    assert_eq!(all.len(), 5);
    assert_eq!(all[0]["@odata.type"], "#microsoft.graph.passwordAuthenticationMethod");
    assert!(all.iter().all(|m| m["createdDateTime"].is_string()));
    let phones = values(&mut tenant, &format!("{METHODS}/phoneMethods"));
    assert_eq!(phones.len(), 2);
    assert_eq!(tenant.get(&format!("{METHODS}/hardwareOathMethods")).0, 400, "it is in beta only");
}

#[test]
fn a_method_is_deleted_by_its_typed_path_only_and_the_default_last() {
    let mut tenant = rehearsed();
    let theirs = id_of(&mut tenant, &format!("{METHODS}/microsoftAuthenticatorMethods"), "SM-G991B");
    let own = id_of(&mut tenant, &format!("{METHODS}/microsoftAuthenticatorMethods"), "Adele's phone");
    assert_eq!(delete(&mut tenant, &format!("{METHODS}/methods/{theirs}")).0, 404);
    let (status, refusal) = delete(&mut tenant, &format!("{METHODS}/microsoftAuthenticatorMethods/{own}"));
    assert_eq!((status, refusal["error"]["code"].as_str()), (400, Some("badRequest")));
    assert!(refusal["error"]["message"].as_str().unwrap().starts_with("Cannot delete default method"));
    assert_eq!(delete(&mut tenant, &format!("{METHODS}/microsoftAuthenticatorMethods/{theirs}")).0, 204);
    for phone in ["b6332ec1-7057-4abe-9331-3d72feddfe41", "3179e48a-750b-4051-897c-87b9720928f7"] {
        assert_eq!(delete(&mut tenant, &format!("{METHODS}/phoneMethods/{phone}")).0, 204);
    }
    assert_eq!(delete(&mut tenant, &format!("{METHODS}/microsoftAuthenticatorMethods/{own}")).0, 204);
    assert_eq!(values(&mut tenant, &format!("{METHODS}/methods")).len(), 1);
}

#[test]
fn a_second_mobile_is_not_without_a_first() {
    let mut tenant = rehearsed();
    let mobile = format!("{METHODS}/phoneMethods/3179e48a-750b-4051-897c-87b9720928f7");
    assert_eq!(delete(&mut tenant, &mobile).0, 400);
    assert_eq!(
        delete(&mut tenant, &format!("{METHODS}/phoneMethods/b6332ec1-7057-4abe-9331-3d72feddfe41")).0,
        204
    );
    assert_eq!(delete(&mut tenant, &mobile).0, 204);
    let second = json!({ "phoneNumber": "+1 2065550173", "phoneType": "alternateMobile" });
    let post = |tenant: &mut Tenant, body: &Value| {
        tenant.send("POST", &format!("{METHODS}/phoneMethods"), body.clone()).0
    };
    assert_eq!(post(&mut tenant, &second), 400);
    assert_eq!(post(&mut tenant, &json!({ "phoneNumber": "+1 4255550109", "phoneType": "mobile" })), 201);
    assert_eq!(post(&mut tenant, &second), 201);
    assert_eq!(post(&mut tenant, &second), 400, "there is one of each type");
    let all = |tenant: &Tenant| tenant.snapshot()["authenticationMethods"].clone();
    assert_eq!(all(&tenant), all(&rehearsed()));
}

#[test]
fn what_holds_a_key_is_never_made_by_an_administrator() {
    let mut tenant = rehearsed();
    let (status, _) =
        tenant.send("POST", &format!("{METHODS}/fido2Methods"), json!({ "displayName": "key" }));
    assert_eq!(status, 400);
}

#[test]
fn devices_take_a_permission_to_see_and_a_role_to_disable() {
    let mut tenant = rehearsed();
    let owned = format!("/users/{ADELE}/ownedDevices");
    let device = format!("/devices/{}", id_of(&mut tenant, &owned, "DESKTOP-7K2M9QX"));
    let disable = |tenant: &mut Tenant| tenant.send("PATCH", &device, json!({ "accountEnabled": false })).0;
    assert!(tenant.drop_role("oust", "Cloud Device Administrator"));
    assert_eq!(disable(&mut tenant), 403);
    tenant.give_role("oust", "Cloud Device Administrator");
    assert_eq!(disable(&mut tenant), 204);
    assert_eq!(tenant.get(&device).1["accountEnabled"], false);
    assert!(tenant.revoke_permission("oust", "Device.ReadWrite.All"));
    let rows = values(&mut tenant, &owned);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["id"].is_string() && row["displayName"].is_null()));
    assert_eq!(disable(&mut tenant), 403);
}

#[test]
fn a_device_that_runs_no_windows_is_refused() {
    let mut tenant = file::parse(
        "users: [{name: Adele Vance, upn: AdeleV@contoso.com}]\n\
         devices: [{name: Pixel, owner: AdeleV@contoso.com, os: Android}]\n\
         apps: [{name: oust, permissions: [Device.ReadWrite.All], roles: [Cloud Device Administrator]}]\n",
    )
    .unwrap();
    let id = tenant.directory.devices[0].id.clone();
    assert_eq!(tenant.send("PATCH", &format!("/devices/{id}"), json!({ "accountEnabled": false })).0, 403);
}

#[test]
fn rules_are_enabled_and_disabled_and_the_answer_holds_the_rule() {
    let mut tenant = rehearsed();
    let before = tenant.snapshot();
    let rule = format!("{RULES}/{}", id_of(&mut tenant, RULES, ".."));
    let (status, body) = tenant.send("PATCH", &rule, json!({ "isEnabled": false }));
    assert_eq!((status, &body["isEnabled"], &body["displayName"]), (200, &json!(false), &json!("..")));
    assert_ne!(tenant.snapshot()["messageRules"], before["messageRules"]);
    assert_eq!(tenant.send("PATCH", &rule, json!({ "isEnabled": true })).0, 200);
    assert_eq!(tenant.snapshot(), before);
    assert_eq!(tenant.get(&format!("{RULES}/none")).1["error"]["code"], "ErrorItemNotFound");
    assert_eq!(
        tenant.get("/users/AdeleV@contoso.com/mailFolders").0,
        403,
        "names of folders take another permission"
    );
}

#[test]
fn who_has_no_mailbox_is_told_apart_from_nobody() {
    let mut tenant = rehearsed();
    let code = |tenant: &mut Tenant, user: &str| {
        let (status, body) = tenant.get(&format!("/users/{user}/mailFolders/inbox/messageRules"));
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let guest = "NestorW_fabrikam.com%23EXT%23@contoso.onmicrosoft.com";
    assert_eq!(code(&mut tenant, guest), (404, "MailboxNotEnabledForRESTAPI".into()));
    assert_eq!(code(&mut tenant, "nobody@contoso.com"), (404, "ErrorInvalidUser".into()));
}

#[test]
fn each_takes_its_permission() {
    let mut tenant = rehearsed();
    for permission in ["UserAuthenticationMethod.ReadWrite.All", "MailboxSettings.ReadWrite"] {
        assert!(tenant.revoke_permission("oust", permission));
    }
    tenant.grant_permission("oust", "UserAuthenticationMethod.Read.All");
    tenant.grant_permission("oust", "MailboxSettings.Read");
    for target in [format!("{METHODS}/methods"), RULES.to_owned()] {
        assert_eq!(tenant.get(&target).0, 200, "{target}");
    }
    let phone = format!("{METHODS}/phoneMethods/b6332ec1-7057-4abe-9331-3d72feddfe41");
    assert_eq!(delete(&mut tenant, &phone).0, 403);
    let rule = format!("{RULES}/{}", id_of(&mut tenant, RULES, ".."));
    assert_eq!(tenant.send("PATCH", &rule, json!({ "isEnabled": false })).0, 403);
}

#[test]
fn methods_have_a_quota_of_their_own() {
    let mut tenant = rehearsed();
    tenant.limits = Some(Limits::default());
    for _ in 0..5 {
        assert_eq!(tenant.get(&format!("{METHODS}/methods")).0, 200);
    }
    assert_eq!(tenant.get(&format!("{METHODS}/methods")).0, 429);
    assert_eq!(tenant.get(&format!("/users/{ADELE}?$select=id")).0, 200);
}

#[test]
fn footholds_of_the_three_kinds_end_when_the_object_does() {
    let mut tenant = rehearsed();
    let works = |tenant: &mut Tenant, kind: &str| {
        tenant.footholds(at(0)).iter().filter(|f| f.what == kind && f.works).count()
    };
    let kinds = ["auth_method", "device", "inbox_rule"];
    assert_eq!(kinds.map(|kind| works(&mut tenant, kind)), [2, 1, 1]);
    tenant.disable(ADELE);
    assert_eq!(kinds.map(|kind| works(&mut tenant, kind)), [0, 0, 1], "a rule needs nobody to sign in");
    let rule = format!("{RULES}/{}", id_of(&mut tenant, RULES, ".."));
    tenant.send("PATCH", &rule, json!({ "isEnabled": false }));
    assert_eq!(works(&mut tenant, "inbox_rule"), 0);
}

#[test]
fn a_foothold_without_its_object_is_a_mistake_of_the_file() {
    let text = "users: [{name: Adele Vance, upn: AdeleV@contoso.com}]\nvictim: AdeleV@contoso.com\n";
    for foothold in ["device: {object: none}", "inbox_rule: {}", "auth_method: {object: x}"] {
        let file = format!("{text}intruder: {{footholds: [{{{foothold}}}]}}\n");
        assert!(file::parse(&file).is_err(), "{foothold}");
    }
}

#[test]
fn a_pass_shows_its_secret_once_replaces_the_one_before_and_obeys_the_policy() {
    let mut tenant = rehearsed();
    let passes = format!("{METHODS}/temporaryAccessPassMethods");
    let issue = |tenant: &mut Tenant, minutes: i64| {
        tenant.send("POST", &passes, json!({ "lifetimeInMinutes": minutes, "isUsableOnce": true }))
    };
    let (status, first) = issue(&mut tenant, 60);
    assert_eq!(status, 201, "{first}");
    let secret = first["temporaryAccessPass"].as_str().unwrap().to_owned();
    let (_, second) = issue(&mut tenant, 480);
    assert_ne!((&first["id"], first["temporaryAccessPass"].as_str()), (&second["id"], None));
    let all = values(&mut tenant, &passes);
    assert_eq!((all.len(), &all[0]["id"], &all[0]["temporaryAccessPass"]), (1, &second["id"], &Value::Null));
    assert!(
        !values(&mut tenant, &format!("{METHODS}/methods")).iter().any(|m| m.to_string().contains(&secret))
    );
    assert_eq!([issue(&mut tenant, 59).0, issue(&mut tenant, 481).0], [400, 400]);
    tenant.directory.access_pass.enabled = false;
    assert_eq!(issue(&mut tenant, 60).0, 400);
    let id = second["id"].as_str().unwrap();
    assert_eq!(delete(&mut tenant, &format!("{passes}/{id}")).0, 204);
    assert_eq!(tenant.snapshot(), rehearsed().snapshot());
}
