//! Graph of a national cloud lacks some of its resources: a run there asks for none of them, says what a person has
//! to look at, and ends as it does elsewhere.

use oust::playbook::{BUILT_IN, Playbook};
use oust::report::{Outcome, RunDocument};
use oust::sim::file;

use crate::support::{CONTOSO, SYNCED, World, lies};

const PRIVILEGED: &str = include_str!("../examples/tenants/privileged.yaml");
const CHINA: &str = include_str!("../examples/tenants/china.yaml");

/// That tenant in another cloud.
fn moved(yaml: &str, cloud: &str) -> World {
    let text = match yaml.split_once("\ntenant:\n") {
        Some((before, after)) => format!("{before}\ntenant:\n  cloud: {cloud}\n{after}"),
        None => format!("tenant: {{cloud: {cloud}}}\n{yaml}"),
    };
    World::of(&text)
}

/// What the schema of the cloud doesn't have.
fn missing(cloud: &str) -> &'static [&'static str] {
    match cloud {
        "china" => &[
            "/riskyUsers",
            "/riskDetections",
            "/messageRules",
            "/authentication/methods",
            "/signInPreferences",
            "/passwordMethods",
            "/emailMethods",
            "/temporaryAccessPassMethods",
            "/fido2Methods",
            "OathMethods",
            "/windowsHelloForBusinessMethods",
            "/externalAuthenticationMethods",
            "/identityAccounts",
        ],
        _ => &["/externalAuthenticationMethods", "/identityAccounts"],
    }
}

/// The requests for what isn't there.
fn asked_in_vain(world: &World, cloud: &str) -> Vec<String> {
    let of = |path: &str| missing(cloud).iter().any(|part| path.contains(part));
    world.sim.with(|t| {
        let vain = t.log().iter().filter(|seen| of(&seen.path));
        vain.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    })
}

fn errors(document: &RunDocument) -> Vec<String> {
    let steps = document.users.iter().flat_map(|user| &user.steps);
    steps.filter_map(|step| Some(format!("{}: {:?}", step.step, step.error.as_ref()?))).collect()
}

/// The open findings of a step that are about the cloud.
fn about_cloud<'a>(document: &'a RunDocument, action: &str) -> Vec<&'a str> {
    let steps = document.users[0].steps.iter().filter(|step| step.action == action);
    let reasons = steps.flat_map(|step| &step.findings).flat_map(|finding| &finding.reasons);
    reasons.filter(|why| why.contains("cloud") && why.contains("in Graph")).map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_theft_in_china_is_contained_and_what_cannot_be_seen_there_is_open() {
    let world = World::of(CHINA);
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(errors(&document), Vec::<String>::new());
    for action in ["review_auth_methods", "review_inbox_rules"] {
        assert_eq!(about_cloud(&document, action).len(), 1, "{action}: {document:#?}");
    }
    assert_eq!(asked_in_vain(&world, "china"), Vec::<String>::new());
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    let methods = document.users[0].steps.iter().find(|step| step.action == "review_auth_methods").unwrap();
    assert_eq!(methods.changes.len(), 2, "the intruder's authenticator and phone go: {methods:#?}");
    let again = world.plan().await;
    let left = again.users[0].steps.iter().find(|step| step.action == "review_auth_methods").unwrap();
    assert!(left.changes.is_empty(), "{left:#?}");
    let document = world.rollback().await;
    assert_eq!(document.outcome, Outcome::RolledBack, "{document:#?}");
    assert_eq!(world.not_restored(), Vec::<String>::new());
    assert_eq!(asked_in_vain(&world, "china"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn no_playbook_asks_a_cloud_for_what_it_lacks() {
    for (id, _) in BUILT_IN {
        for cloud in ["us-gov", "us-dod", "china"] {
            for yaml in [CONTOSO, SYNCED, PRIVILEGED] {
                let mut world = moved(yaml, cloud);
                world.playbook = Playbook::find(id).unwrap();
                let document = world.contain().await;
                assert_eq!(asked_in_vain(&world, cloud), Vec::<String>::new(), "{id} in {cloud}");
                let unknown = errors(&document).join("\n");
                assert!(
                    !unknown.contains("Resource not found for the segment"),
                    "{id} in {cloud}: {unknown}"
                );
            }
        }
    }
}

/// The simulated tenant answers as Graph does; else the tests above could not fail.
#[tokio::test(start_paused = true)]
async fn a_tenant_in_china_that_is_taken_for_a_global_one_ends_in_step_errors() {
    let world = World::of(CHINA).taken_for_global();
    let document = world.contain().await;
    assert!(asked_in_vain(&world, "china").iter().any(|asked| asked.contains("messageRules")));
    let errors = errors(&document).join("\n");
    assert!(errors.contains("review_inbox_rules") && errors.contains("review_auth_methods"), "{errors}");
    assert!(errors.contains("Resource not found for the segment 'methods'"), "{errors}");
}

#[test]
fn a_cloud_that_is_none_is_a_mistake_with_its_line() {
    let failure = file::parse("tenant:\n  cloud: mars\n").unwrap_err();
    assert!(failure.what.contains("line 2"), "{failure:?}");
}
