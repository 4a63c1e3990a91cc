//! Directory roles: who may touch whom.

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

#[test]
fn restricted_management_needs_the_top_two() {
    let mut tenant = contoso();
    tenant.directory.user_mut(ADELE).unwrap().restricted_management = true;
    assert_eq!(tenant.disable(ADELE), 403);
    tenant.give_role("oust", "Global Administrator");
    assert_eq!(tenant.disable(ADELE), 204);
}
