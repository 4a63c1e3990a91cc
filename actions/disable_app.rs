//! `disable_app`: malicious apps get no token, no sign-in and no consent any more, for anyone in the tenant.
//!
//! An app that isn't in the tenant is added disabled, so that the next consent can't bring it in. Deleting it
//! would: the next consent creates it anew. Apps of Microsoft and the runner's own are never touched.
//!
//! <https://learn.microsoft.com/security/operations/incident-response-playbook-app-consent>

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Method, Permission, Plan, Read, ReadError,
    Repeat, Seen, Target, Technique, Undo,
};

/// The tenant in which Microsoft registers its services.
const MICROSOFT_SERVICES: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// The resources that everything else signs in to, also where the tenant doesn't say whose they are.
const RESOURCES: &[&str] = &[
    "00000002-0000-0000-c000-000000000000", // Azure AD Graph
    "00000002-0000-0ff1-ce00-000000000000", // Exchange Online
    "00000003-0000-0000-c000-000000000000", // Microsoft Graph
    "00000003-0000-0ff1-ce00-000000000000", // SharePoint Online
];

const PERMISSIONS: &[Permission] = &[
    Permission::read(
        "Application.Read.All",
        &["Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    ),
    Permission::write("Application.ReadWrite.All", &["Directory.ReadWrite.All"]),
];

/// See the module's page.
pub struct DisableApp;

/// What a playbook may set for `disable_app`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Application (client) ids of the apps to disable. Empty: nothing to do.
    pub apps: Vec<String>,
}

/// The service principals of the named apps, by lower-case application id; `None`: not in the tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    apps: BTreeMap<String, Option<App>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct App {
    id: String,
    name: String,
    home: Option<String>,
    enabled: Option<bool>,
}

fn look_up(app_id: &str) -> Get {
    Get::new(["servicePrincipals"])
        .select(&["id", "appId", "displayName", "accountEnabled", "appOwnerOrganizationId"])
        .filter(format!("appId eq {}", Get::quote(app_id)))
}

impl Action for DisableApp {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "disable_app",
            title: "disable malicious apps",
            why: "A disabled app gets no new tokens, and nobody can sign in or consent to it, in this whole \
                  tenant. Access tokens that are already out live on until they expire.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the app is enabled again, or removed when it wasn't there before",
            attack: &[
                Technique { id: "T1528", name: "Steal Application Access Token" },
                Technique { id: "T1671", name: "Cloud Application Integration" },
            ],
            defend: &[Technique { id: "D3-AL", name: "Account Locking" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/serviceprincipal-update",
                "https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals",
                "https://learn.microsoft.com/security/operations/incident-response-playbook-app-consent",
            ],
        }
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        let Ok(settings) = who.settings::<Settings>() else { return Ok(State::default()) };
        let apps = settings.apps.iter().map(|app_id| app_id.trim().to_ascii_lowercase());
        let found = try_join_all(apps.map(|app_id| async move {
            let rows = graph.all(&look_up(&app_id)).await?;
            let row = rows
                .iter()
                .find(|row| row["appId"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(&app_id)));
            let app = row.map(|row| App {
                id: row["id"].as_str().unwrap_or_default().to_owned(),
                name: row["displayName"].as_str().unwrap_or(&app_id).to_owned(),
                home: row["appOwnerOrganizationId"].as_str().map(str::to_owned),
                enabled: row["accountEnabled"].as_bool(),
            });
            Ok::<_, ReadError>((app_id, app))
        }));
        Ok(State { apps: found.await?.into_iter().collect() })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let mut plan = Plan::default();
        if let Err(wrong) = who.settings::<Settings>() {
            plan.open.push(Finding::unreadable_settings(&who.user, &wrong));
        }
        for (app_id, app) in &now.apps {
            let name = app.as_ref().map_or(app_id.as_str(), |app| &app.name);
            let id = app.as_ref().map_or(app_id.as_str(), |app| &app.id);
            if let Some(reason) = untouchable(who, app_id, app.as_ref()) {
                plan.kept.push(Finding::of((id, name), Decision::Keep, vec![reason.into()]));
                continue;
            }
            match app {
                Some(App { enabled: Some(false), .. }) => {
                    plan.kept.push(Finding::of((id, name), Decision::Keep, vec!["disabled already".into()]));
                }
                Some(app) if !app.id.is_empty() => plan.changes.push(disable(app)),
                Some(_) => plan.open.push(
                    Finding::of((id, name), Decision::Ask, vec!["Graph gave it without an id".into()])
                        .next("disable it in the Entra admin center, under Enterprise applications"),
                ),
                None if is_guid(app_id) => plan.changes.push(add_disabled(app_id)),
                None => plan.open.push(
                    Finding::of((id, name), Decision::Ask, vec!["it is no application id".into()])
                        .next("give the application (client) id, a GUID, under `apps`"),
                ),
            }
        }
        plan
    }
}

fn untouchable(who: &Target, app_id: &str, app: Option<&App>) -> Option<&'static str> {
    let operator = &who.operator;
    if app_id.eq_ignore_ascii_case(&operator.app_id) || app.is_some_and(|app| app.id == operator.object_id) {
        return Some("the application that runs this: never touched");
    }
    let home = app.and_then(|app| app.home.as_deref());
    let first_party =
        RESOURCES.contains(&app_id) || home.is_some_and(|home| home.eq_ignore_ascii_case(MICROSOFT_SERVICES));
    first_party.then_some("an app of Microsoft's own: never touched")
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn disable(app: &App) -> Change {
    let set = |enabled: bool| {
        Call::new(Method::Patch, ["servicePrincipals", &app.id]).body(json!({ "accountEnabled": enabled }))
    };
    Change::new(
        (&app.id, &app.name),
        format!("disable the app {}, for the whole tenant", app.name),
        ("enabled", "disabled"),
        set(false),
        Undo::Call(set(true)),
    )
    .because("the playbook names it")
    .look(Look::at(
        Get::new(["servicePrincipals", &app.id]).select(&["accountEnabled"]),
        Seen::With(json!({ "accountEnabled": true })),
        Seen::With(json!({ "accountEnabled": false })),
    ))
}

/// <https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals>
fn add_disabled(app_id: &str) -> Change {
    Change::new(
        (app_id, app_id),
        format!("add the app {app_id} disabled, so that no consent can bring it in"),
        ("not in the tenant", "disabled"),
        Call::new(Method::Post, ["servicePrincipals"])
            .body(json!({ "appId": app_id, "accountEnabled": false }))
            .repeat(Repeat::Conflicts),
        Undo::Call(Call::on_found(Method::Delete, ["servicePrincipals"])),
    )
    .because("the playbook names it, and it isn't in the tenant")
    .look(Look::pick(
        look_up(app_id),
        json!({ "appId": app_id }),
        Seen::Absent,
        Seen::With(json!({ "accountEnabled": false })),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::contract::fake::{Fake, adele, ready};

    const APP: &str = "22222222-bbbb-4bbb-8bbb-000000000001";
    const ELSEWHERE: &str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";

    fn plan(app_id: &str, rows: Value) -> Plan {
        let mut who = adele();
        who.settings = json!({ "apps": [app_id] });
        let graph = Fake::default().with(&look_up(&app_id.to_lowercase()), rows);
        let state = ready(Action::observe(&DisableApp, &who, &graph)).unwrap();
        Action::plan(&DisableApp, &who, &state)
    }

    fn row(app_id: &str, home: &str, enabled: bool) -> Value {
        json!([{ "id": "sp", "appId": app_id, "displayName": "Mail Backup", "accountEnabled": enabled,
                 "appOwnerOrganizationId": home }])
    }

    #[test]
    fn a_named_app_is_disabled_and_enabled_again() {
        let plan = plan(&APP.to_uppercase(), row(APP, ELSEWHERE, true));
        let change = &plan.changes[0];
        assert_eq!(change.call.to_string(), r#"PATCH /v1.0/servicePrincipals/sp {"accountEnabled":false}"#);
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        assert_eq!(undo.to_string(), r#"PATCH /v1.0/servicePrincipals/sp {"accountEnabled":true}"#);
    }

    #[test]
    fn an_app_that_is_not_there_is_added_disabled_and_removed_by_the_id_it_got() {
        let plan = plan(APP, json!([]));
        let change = &plan.changes[0];
        assert_eq!(
            change.call.to_string(),
            format!(r#"POST /v1.0/servicePrincipals {{"appId":"{APP}","accountEnabled":false}}"#)
        );
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        let undo = undo.found(&json!({ "id": "made" })).unwrap();
        assert_eq!(undo.to_string(), "DELETE /v1.0/servicePrincipals/made");
        assert_eq!(change.look.as_ref().unwrap().before, Seen::Absent);
    }

    #[test]
    fn disabled_already_is_contained_and_no_apps_is_nothing_to_do() {
        assert!(plan(APP, row(APP, ELSEWHERE, false)).changes.is_empty());
        let state = ready(Action::observe(&DisableApp, &adele(), &Fake::default())).unwrap();
        assert_eq!(Action::plan(&DisableApp, &adele(), &state), Plan::default());
    }

    #[test]
    fn microsofts_apps_and_the_runner_are_never_touched() {
        assert!(plan(APP, row(APP, &MICROSOFT_SERVICES.to_uppercase(), true)).changes.is_empty());
        for resource in RESOURCES {
            assert!(plan(resource, json!([])).changes.is_empty(), "{resource}");
        }
        let own = adele().operator.app_id;
        let kept = plan(&own, row(&own, ELSEWHERE, true));
        assert!(kept.changes.is_empty() && kept.kept[0].reasons[0].contains("never touched"));
    }

    #[test]
    fn a_name_in_place_of_an_id_adds_nothing() {
        let plan = plan("Mail Backup", json!([]));
        assert!(plan.changes.is_empty() && plan.open.len() == 1);
    }
}
