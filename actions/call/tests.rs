use serde_json::json;

use super::*;
use crate::contract::fake::{Fake, adele, in_cloud, ready};
use crate::{AnyAction, Cloud, Repeat};

const APP: &str = "0f6f2d0a-6b51-4c7e-8b0e-3f4a51b1c001";

fn step() -> Value {
    let path = format!("/servicePrincipals/{APP}");
    json!({
        "say": "disable the app",
        "from": "enabled",
        "to": "disabled",
        "read": { "path": path, "query": { "$select": "id,accountEnabled" } },
        "contained_when": { "accountEnabled": false },
        "write": { "method": "PATCH", "path": path, "body": { "accountEnabled": false } },
        "undo": { "method": "PATCH", "path": path, "body": { "accountEnabled": true } },
    })
}

/// The step with one member replaced.
fn with(member: &str, value: Value) -> Value {
    let mut step = step();
    step[member] = value;
    step
}

fn who(settings: Value) -> Target {
    Target { settings, ..adele() }
}

fn plan(settings: Value, now: &State) -> Plan {
    Action::plan(&Call, &who(settings), now)
}

#[track_caller]
fn refused(settings: &Value, why: &str) {
    let wrong = AnyAction::check_settings(&Call, settings).expect_err("it must be refused");
    assert!(wrong.contains(why), "{wrong}");
}

#[test]
fn it_reads_and_writes_what_the_playbook_says() {
    let (who, answer) = (who(step()), json!({ "id": APP, "accountEnabled": true, "displayName": "x" }));
    let get = Get::new(["servicePrincipals", APP]).select(&["id", "accountEnabled"]);
    let state = ready(Action::observe(&Call, &who, &Fake::default().with(&get, answer))).unwrap();
    assert_eq!(state, State::There(json!({ "accountEnabled": true })), "what isn't compared isn't kept");
    let change = &plan(step(), &state).changes[0];
    let url = format!("/v1.0/servicePrincipals/{APP}");
    assert_eq!(change.call.to_string(), format!(r#"PATCH {url} {{"accountEnabled":false}}"#));
    let Undo::Call(undo) = &change.undo else { panic!("it has an undo") };
    assert_eq!(undo.to_string(), format!(r#"PATCH {url} {{"accountEnabled":true}}"#));
    let look = change.look.as_ref().unwrap();
    assert_eq!(look.get, get);
    assert_eq!(look.before, Seen::With(json!({ "accountEnabled": true })));
    assert_eq!(look.after, Seen::With(json!({ "accountEnabled": false })));
}

#[test]
fn what_is_contained_is_left_alone_and_what_is_missing_is_not_contained() {
    assert_eq!(plan(step(), &State::There(json!({ "accountEnabled": false }))), Plan::default());
    let unknown = plan(step(), &State::There(json!({})));
    let before = &unknown.changes[0].look.as_ref().unwrap().before;
    assert_eq!(*before, Seen::Without(json!({ "accountEnabled": false })));
    let gone = plan(step(), &State::Absent);
    assert!(gone.changes.is_empty() && gone.open[0].reasons[0].contains("is not there"), "{gone:?}");
}

#[test]
fn a_read_that_fails_is_an_error_and_404_is_not() {
    let who = who(step());
    let get = Get::new(["servicePrincipals", APP]).select(&["id", "accountEnabled"]);
    assert_eq!(ready(Action::observe(&Call, &who, &Fake::default())).unwrap(), State::Absent);
    for kind in [ReadErrorKind::Forbidden, ReadErrorKind::Unavailable] {
        let graph = Fake::default().failing(&get, kind);
        assert_eq!(ready(Action::observe(&Call, &who, &graph)).unwrap_err().kind, kind);
    }
}

#[test]
fn an_objects_absence_can_be_the_goal() {
    let path = "/users/{user}/appRoleAssignments/x";
    let mut step = with("write", json!({ "method": "DELETE", "path": path }));
    step["read"] = json!({ "path": path });
    step["contained_when"] = json!({ "absent": true });
    step["undo"] = json!({ "never": "the assignment is not recorded" });
    assert_eq!(plan(step.clone(), &State::Absent), Plan::default());
    let change = plan(step, &State::There(json!({}))).changes.remove(0);
    assert_eq!(change.call.url(), format!("/v1.0/users/{}/appRoleAssignments/x", adele().user.id));
    assert_eq!((change.object_id, change.label), (adele().user.id, adele().user.user_principal_name));
    assert_eq!(change.undo, Undo::Never("the assignment is not recorded".into()));
    let look = change.look.unwrap();
    assert_eq!((look.before, look.after), (Seen::With(json!({})), Seen::Absent));
}

#[test]
fn the_user_is_the_only_placeholder_of_a_body() {
    let post = |body| {
        let path = "/identityProtection/riskyUsers/dismiss";
        with("write", json!({ "method": "POST", "path": path, "body": body }))
    };
    let change = plan(post(json!({ "userIds": ["{user}"] })), &State::There(json!({}))).changes.remove(0);
    assert_eq!(change.call.body, Some(json!({ "userIds": [adele().user.id] })));
    assert_eq!(change.call.repeat, Repeat::Duplicates);
    for text in ["{id}", "x{user}", "{graph}/v1.0/users/x"] {
        refused(&post(json!({ "a": [{ "b": text }] })), "the only placeholder");
    }
}

#[test]
fn a_path_leads_nowhere_but_below_the_version() {
    for (path, why) in [
        ("https://graph.microsoft.com/v1.0/users/{user}", "names a host"),
        ("//graph.microsoft.com/users/{user}", "names a host"),
        ("users/{user}", "start with a slash"),
        ("", "start with a slash"),
        ("/", "empty segment"),
        ("/groups//x", "empty segment"),
        ("/groups/x/", "empty segment"),
        ("/users/{user}/../x", "leads upwards"),
        ("/groups/./x", "leads upwards"),
        ("/groups/%2e%2e/x", "has to be encoded"),
        ("/groups/a\\b", "has to be encoded"),
        ("/groups/a\nb", "has to be encoded"),
        ("/users/{user}?$select=id", "holds a query"),
        ("/users/{user}#x", "holds a query"),
        ("/users/{id}", "not {user}"),
        ("/groups/x{user}", "not {user}"),
        ("/$batch", "is a batch"),
        ("/$BATCH", "is a batch"),
        ("/groups/$count", "starts with `$`"),
        ("/beta/users/{user}", "names a version"),
        ("/V1.0/users/{user}", "names a version"),
        ("/me/messages", "start with a collection"),
        ("/users/AlexW@contoso.com", "not the one who is contained"),
        ("/Users/AlexW@contoso.com", "not the one who is contained"),
        ("/directoryObjects/x", "does not tell a user"),
        ("/users('x')", "not the one who is contained"),
    ] {
        refused(&with("read", json!({ "path": path })), why);
        let write = json!({ "method": "PATCH", "path": path, "body": { "accountEnabled": false } });
        refused(&with("write", write.clone()), why);
        refused(&with("undo", write), why);
    }
}

#[test]
fn a_write_is_one_call_of_a_method_that_writes_and_holds_no_secret() {
    let write = |method: &str, body: Value| {
        with("write", json!({ "method": method, "path": "/groups/x", "body": body }))
    };
    for method in ["GET", "patch", "OPTIONS"] {
        refused(&write(method, json!({ "a": 1 })), "unknown variant");
    }
    refused(&write("DELETE", json!({ "a": 1 })), "no body");
    refused(&write("PATCH", Value::Null), "needs a body");
    refused(&write("PATCH", json!({ "a": 1, "b": 2 })), "sets one property");
    for body in [
        json!({ "passwordProfile": { "password": "x" } }),
        json!({ "a": [{ "$secret": "new_password" }] }),
        json!({ "a": { "clientSecret": "x" } }),
    ] {
        refused(&write("PATCH", body), "a secret does not belong");
    }
    refused(&with("write", json!({ "method": "POST", "path": "/groups/x/members/$ref" })), "block_by_group");
    refused(&with("write", json!({ "method": "DELETE", "path": "/groups/x/$ref" })), "no link");
}

#[test]
fn a_membership_is_ended_by_its_link() {
    for path in ["/groups/g/members/{user}", "/groups/g/members/{user}/$ref"] {
        let step = with("write", json!({ "method": "DELETE", "path": path }));
        let change = plan(step, &State::There(json!({}))).changes.remove(0);
        assert_eq!(change.call.url(), format!("/v1.0/groups/g/members/{}/$ref", adele().user.id));
    }
}

#[test]
fn nobody_but_the_user_is_written_to_and_the_account_is_not_deleted() {
    let write = |method: &str, path: &str| with("write", json!({ "method": method, "path": path }));
    for path in ["/users/{user}", "/Users/{user}"] {
        refused(&write("DELETE", path), "deletes the account");
        refused(&with("undo", json!({ "method": "DELETE", "path": path })), "deletes the account");
    }
    for path in [
        "/groups/g/members/b0b",
        "/groups/g/Members/b0b/$ref",
        "/applications/a/owners/b0b",
        "/devices/d/registeredUsers/b0b/$ref",
    ] {
        refused(&write("DELETE", path), "somebody who is not");
    }
    let post = |body: Value| with("write", json!({ "method": "POST", "path": "/x/y", "body": body }));
    for body in [
        json!({ "principalId": "b0b" }),
        json!({ "userIds": ["{user}", "b0b"] }),
        json!({ "a": [{ "UserId": "b0b" }] }),
        json!({ "principalId": { "x": 1 } }),
    ] {
        refused(&post(body), "is not the one who is contained");
    }
    AnyAction::check_settings(&Call, &post(json!({ "principalId": "{user}" }))).unwrap();
}

#[test]
fn a_step_is_whole_or_refused() {
    AnyAction::check_settings(&Call, &step()).unwrap();
    refused(&Value::Null, "missing field");
    for member in ["say", "read", "contained_when", "write", "undo"] {
        let mut step = step();
        step.as_object_mut().unwrap().remove(member);
        refused(&step, &format!("missing field `{member}`"));
    }
    refused(&with("when", json!("always")), "unknown field");
    refused(&with("say", json!(" ")), "tell what is done");
    refused(&with("contained_when", json!({})), "has to name a member");
    refused(&with("contained_when", json!({ "absent": false })), "stands alone");
    refused(&with("undo", json!({})), "not both");
    refused(&with("undo", json!({ "never": "why", "method": "DELETE", "path": "/groups/x" })), "not both");
    refused(&with("read", json!({ "path": "/groups/x", "query": { "$filter": "a" } })), "is not one of");
}

#[test]
fn the_runner_is_left_alone_and_unreadable_settings_decide_nothing() {
    let mut who = who(step());
    who.operator.object_id = APP.to_uppercase();
    let own = Action::plan(&Call, &who, &State::There(json!({ "accountEnabled": true })));
    assert!(own.changes.is_empty() && own.open[0].reasons[0].contains("the runner's own"), "{own:?}");
    let unread = plan(Value::Null, &State::Absent);
    assert!(unread.changes.is_empty() && unread.open[0].reasons[0].contains("could not be read"));
}

#[test]
fn what_the_cloud_lacks_is_not_asked_for() {
    let mut settings = step();
    let path = "/users/{user}/mailFolders/inbox/messageRules/r";
    settings["read"] = json!({ "path": path });
    settings["write"]["path"] = path.into();
    settings["undo"]["path"] = path.into();
    let (graph, who) = (Fake::default(), in_cloud(Cloud::China, who(settings)));
    let state = ready(Action::observe(&Call, &who, &graph)).unwrap();
    let plan = Action::plan(&Call, &who, &state);
    assert!(graph.reads().is_empty() && plan.changes.is_empty());
    assert_eq!(plan.open.len(), 1);
    assert!(plan.open[0].reasons[0].contains("messageRules"), "{plan:#?}");
}
