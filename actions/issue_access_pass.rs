//! `issue_access_pass`: a Temporary Access Pass, so that the user can sign in and register methods anew.
//!
//! Its secret comes once, in the answer, and is sealed for a recipient by the engine: it is never written. A pass
//! is known by its id, so one that an intruder plants is never taken for ours. The service keeps one pass a user:
//! an existing one goes, by a call of its own.
//!
//! <https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods>

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{
    About, Action, Call, Change, Decision, Finding, Get, Look, Method, Permission, Plan, Read, ReadError,
    Repeat, Target, Technique, Undo,
};

const PERMISSIONS: &[Permission] = &[
    Permission::read("UserAuthenticationMethod.Read.All", &["UserAuthenticationMethod.ReadWrite.All"]),
    Permission::write("UserAuthenticationMethod.ReadWrite.All", &[]),
];

/// The member of the answer that is the pass.
const SECRET: &str = "temporaryAccessPass";
/// What Graph takes, in minutes; the tenant's policy may take less.
const LIFETIME: std::ops::RangeInclusive<u32> = 10..=43_200;

/// See the module's page.
pub struct IssueAccessPass;

/// What a playbook may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long it can be used, in minutes: 10 to 43200, and inside the limits of the tenant's policy.
    #[serde(deserialize_with = "lifetime")]
    #[schemars(range(min = 10, max = 43_200))]
    pub lifetime_minutes: u32,
    /// Whether it can be used once only. More often only where the tenant's policy allows it.
    pub usable_once: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lifetime_minutes: 60, usable_once: true }
    }
}

fn lifetime<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let minutes = u32::deserialize(from)?;
    if LIFETIME.contains(&minutes) {
        return Ok(minutes);
    }
    Err(serde::de::Error::custom(format!("lifetime_minutes is 10 to 43200, not {minutes}")))
}

/// The passes of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    passes: Vec<Pass>,
}

/// One pass; its secret is never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pass {
    id: String,
    created: Option<Timestamp>,
    /// Whether it can be used now; a pass that doesn't say so can.
    usable: bool,
}

impl Action for IssueAccessPass {
    type State = State;
    type Settings = Settings;

    fn about(&self) -> About {
        About {
            id: "issue_access_pass",
            title: "issue a Temporary Access Pass",
            why: "Lets the user sign in and register methods after the intruder's are gone, with no password \
                  told to anyone. Whoever opens the sealed file signs in as the user until it ends.",
            permissions: PERMISSIONS,
            roles: &[],
            reversibility: "full: the pass is deleted; what was registered with it stays",
            attack: &[],
            defend: &[Technique { id: "D3-RIC", name: "Reissue Credential" }],
            pages: &[
                "https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods",
                "https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod",
                "https://learn.microsoft.com/entra/identity/authentication/howto-authentication-temporary-access-pass",
            ],
        }
    }

    fn gives_back(&self) -> bool {
        true
    }

    async fn observe(&self, who: &Target, graph: &dyn Read) -> Result<State, ReadError> {
        if !is_in_cloud(who) {
            return Ok(State::default());
        }
        let rows = graph.all(&Get::new(collection(&who.user.id))).await?;
        let mut passes: Vec<Pass> = rows.iter().filter_map(Pass::parse).collect();
        passes.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(State { passes })
    }

    fn plan(&self, who: &Target, now: &State) -> Plan {
        let settings = match who.settings_or_open::<Settings>() {
            Ok(settings) => settings,
            Err(open) => return open,
        };
        if who.user.is_external_guest() {
            let open = Finding::open(
                &who.user,
                "a guest signs in at their home tenant, where a pass of this one is no use: none was issued",
                "ask the home tenant to help the user to sign in again",
            );
            return Plan { open: vec![open], ..Plan::default() };
        }
        if !is_in_cloud(who) {
            let next = "set a new password for the user (Entra, Users, the user, Reset password), to be changed at the \
                        next sign-in, and tell it to nobody else";
            let open = Finding::not_in_cloud(who, "Temporary Access Pass", next);
            return Plan { open: vec![open], ..Plan::default() };
        }
        let ours = now.passes.iter().find(|pass| who.issued.contains(&pass.id) && pass.still_serves(who));
        if let Some(pass) = ours {
            let why = format!("issued by a run that is kept here{}", pass.since());
            let kept = Finding::of((&pass.id, "Temporary Access Pass"), Decision::Keep, vec![why]);
            return Plan { kept: vec![kept], ..Plan::default() };
        }
        let mut changes: Vec<Change> = now.passes.iter().map(|pass| pass.removal(who)).collect();
        changes.push(issue(who, settings));
        Plan { changes, ..Plan::default() }
    }
}

impl Pass {
    fn parse(row: &Value) -> Option<Self> {
        Some(Self {
            id: row["id"].as_str().filter(|id| !id.is_empty())?.to_owned(),
            created: row["createdDateTime"].as_str().and_then(|at| at.parse().ok()),
            usable: row["isUsable"].as_bool().unwrap_or(true),
        })
    }

    /// A pass of ours serves while it can be used; one of this very run also when the user has used it since.
    fn still_serves(&self, who: &Target) -> bool {
        self.usable || self.created.is_some_and(|created| who.is_after_cut(created))
    }

    fn since(&self) -> String {
        self.created.map(|at| format!(" at {at:.0}")).unwrap_or_default()
    }

    fn removal(&self, who: &Target) -> Change {
        let path = [&collection(&who.user.id)[..], &[&self.id]].concat();
        Change::new(
            (&self.id, "Temporary Access Pass"),
            format!("remove the Temporary Access Pass made{}", self.since()),
            (if self.usable { "usable" } else { "expired or used" }, "gone"),
            Call::new(Method::Delete, path),
            Undo::Never("its secret is shown once, when it is made".into()),
        )
        .because("the service keeps one pass a user, and whoever made this one could sign in with it")
    }
}

fn issue(who: &Target, settings: Settings) -> Change {
    let Settings { lifetime_minutes: minutes, usable_once: once } = settings;
    let user = &who.user;
    let call = Call::new(Method::Post, collection(&user.id))
        .body(json!({ "lifetimeInMinutes": minutes, "isUsableOnce": once }))
        .repeat(Repeat::Duplicates)
        .wave(1)
        .seal(SECRET)
        .by_hand(
            "the tenant's policy may not allow a pass, or none of this lifetime (Entra, Authentication methods, \
             Policies, Temporary Access Pass); turn it on there, or give the user another way to sign in",
        );
    let times = if once { "usable once" } else { "usable until it ends" };
    Change::new(
        (&user.id, &user.user_principal_name),
        format!("issue a Temporary Access Pass: {minutes} minutes, {times}"),
        ("no pass", "a pass, sealed for its recipient; the service keeps one a user, so an earlier one ends"),
        call,
        Undo::Call(Call::on_found(Method::Delete, collection(&user.id))),
    )
    .look(Look::created(Get::new(collection(&user.id))))
}

/// Whether Graph of the tenant's cloud has passes.
fn is_in_cloud(who: &Target) -> bool {
    who.tenant.cloud.lacks(&Get::new(collection(&who.user.id)).path).is_none()
}

fn collection(user: &str) -> [&str; 4] {
    ["users", user, "authentication", "temporaryAccessPassMethods"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::{Fake, adele, at, guest, in_cloud, ready};
    use crate::{AnyAction, Cloud};

    fn pass(id: &str, created: &str, usable: bool) -> Pass {
        Pass { id: id.into(), created: Some(at(created)), usable }
    }

    fn plan(who: &Target, passes: Vec<Pass>) -> Plan {
        Action::plan(&IssueAccessPass, who, &State { passes })
    }

    fn urls(plan: &Plan) -> Vec<String> {
        plan.changes.iter().map(|c| format!("{} {}", c.call.method.as_str(), c.call.url())).collect()
    }

    const PATH: &str =
        "/v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/authentication/temporaryAccessPassMethods";

    #[test]
    fn a_pass_is_issued_with_its_secret_to_be_sealed_and_is_taken_back_by_its_id() {
        let plan = plan(&adele(), vec![]);
        let [change] = plan.changes.as_slice() else { panic!("{plan:?}") };
        let body = r#"{"lifetimeInMinutes":60,"isUsableOnce":true}"#;
        assert_eq!(change.call.to_string(), format!("POST {PATH} {body}"));
        assert_eq!(change.call.seal.as_deref(), Some("temporaryAccessPass"));
        assert_eq!(change.call.repeat, Repeat::Duplicates);
        let look = change.look.as_ref().unwrap();
        assert!(look.needs_created());
        assert_eq!(look.for_created("p1").pick, Some(json!({ "id": "p1" })));
        let Undo::Call(undo) = &change.undo else { panic!("it must be reversible") };
        assert_eq!(undo.found(&json!({ "id": "p1" })).unwrap().to_string(), format!("DELETE {PATH}/p1"));
    }

    #[test]
    fn a_pass_that_nobody_here_issued_goes_first_also_when_it_was_made_just_now() {
        let mut who = adele();
        who.issued = vec!["ours".into()];
        let planted = plan(&who, vec![pass("planted", "2026-05-02T12:00:01Z", true)]);
        assert_eq!(urls(&planted), [format!("DELETE {PATH}/planted"), format!("POST {PATH}")]);
        assert!(planted.changes[0].call.turn.wave < planted.changes[1].call.turn.wave);
        assert!(matches!(planted.changes[0].undo, Undo::Never(_)));
    }

    #[test]
    fn a_pass_of_ours_is_kept_while_it_can_be_used_and_in_its_own_run_also_once_it_was() {
        let mut who = adele();
        who.issued = vec!["ours".into()];
        for serves in
            [pass("ours", "2026-05-01T00:00:00Z", true), pass("ours", "2026-05-02T12:00:01Z", false)]
        {
            let plan = plan(&who, vec![serves]);
            assert!(plan.changes.is_empty() && plan.kept.len() == 1, "{plan:?}");
        }
        let over = plan(&who, vec![pass("ours", "2026-05-01T00:00:00Z", false)]);
        assert_eq!(urls(&over), [format!("DELETE {PATH}/ours"), format!("POST {PATH}")]);
    }

    #[test]
    fn in_china_none_is_issued_and_one_finding_says_so() {
        let (graph, who) = (Fake::default(), in_cloud(Cloud::China, adele()));
        let state = ready(Action::observe(&IssueAccessPass, &who, &graph)).unwrap();
        let plan = Action::plan(&IssueAccessPass, &who, &state);
        assert!(graph.reads().is_empty() && plan.changes.is_empty());
        assert_eq!(plan.open.len(), 1);
        assert!(plan.open[0].reasons[0].contains("China"), "{plan:?}");
    }

    #[test]
    fn settings_stay_inside_what_graph_takes() {
        let mut who = adele();
        who.settings = json!({ "lifetime_minutes": 480, "usable_once": false });
        let body = plan(&who, vec![]).changes[0].call.body.clone().unwrap();
        assert_eq!(body, json!({ "lifetimeInMinutes": 480, "isUsableOnce": false }));
        for (minutes, fine) in [(9, false), (10, true), (43_200, true), (43_201, false)] {
            let checked = IssueAccessPass.check_settings(&json!({ "lifetime_minutes": minutes }));
            assert_eq!(checked.is_ok(), fine, "{checked:?}");
        }
    }

    #[test]
    fn a_guest_gets_none() {
        let plan = plan(&guest(), vec![]);
        assert!(plan.changes.is_empty() && plan.open[0].next.as_ref().unwrap().contains("home tenant"));
    }

    #[test]
    fn observing_keeps_no_secret_and_takes_an_odd_pass_for_usable() {
        let who = adele();
        let rows = json!([
            {"id": "b", "createdDateTime": "2026-05-02T12:00:00Z", "isUsable": false, "temporaryAccessPass": null},
            {"id": "a", "createdDateTime": 7, "isUsable": "no"},
            {"createdDateTime": "2026-05-02T12:00:00Z"},
        ]);
        let graph = Fake::default().with(&Get::new(collection(&who.user.id)), rows);
        let state = ready(Action::observe(&IssueAccessPass, &who, &graph)).unwrap();
        let odd = Pass { id: "a".into(), created: None, usable: true };
        assert_eq!(state.passes, [odd, pass("b", "2026-05-02T12:00:00Z", false)]);
    }
}
