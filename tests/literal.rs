//! A literal `call` step from end to end, by the playbook of the examples.

use oust::failure::Code;
use oust::playbook::Playbook;
use oust::report::{Outcome, RollbackState, RunDocument, StepDocument};

use crate::support::{RUNNER, World, differences};

const EXAMPLE: &str = include_str!("../examples/playbooks/literal-call.yaml");
const APP: &str = "Mail Backup";

fn world() -> World {
    World::contoso().by(EXAMPLE)
}

fn step(document: &RunDocument) -> &StepDocument {
    document.users[0].steps.iter().find(|step| step.action == "call").unwrap()
}

fn is_enabled(world: &World) -> bool {
    let now = world.snapshot();
    let app = now["servicePrincipals"].as_object().unwrap().values().find(|app| app["name"] == APP);
    app.unwrap()["accountEnabled"].as_bool().unwrap()
}

#[test]
fn the_example_names_an_app_of_the_tenant_that_it_is_rehearsed_on() {
    let id = world().sim.with(|t| t.app_object_id(APP)).unwrap();
    assert_eq!(EXAMPLE.matches(&format!("/servicePrincipals/{id}")).count(), 3, "it has to name {id}");
}

#[tokio::test(start_paused = true)]
async fn it_is_planned_applied_read_back_and_taken_back() {
    let world = world();
    let planned = world.plan().await;
    assert_eq!((step(&planned).changes.len(), world.writes()), (1, 0));
    assert!(is_enabled(&world));

    let contained = world.contain().await;
    assert_eq!(contained.outcome, Outcome::Contained, "{contained:#?}");
    assert!(!is_enabled(&world));
    assert_eq!(world.plan().await.outcome, Outcome::NothingToDo);

    let rolled_back = world.rollback().await;
    assert_eq!(rolled_back.outcome, Outcome::RolledBack, "{rolled_back:#?}");
    let state = step(&rolled_back).changes[0].rollback.as_ref().unwrap().state;
    assert_eq!(state, RollbackState::Restored);
    assert!(is_enabled(&world));
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_that_the_path_decides_what_it_needs_and_holds_up_nothing_else() {
    let mut world = world();
    for permission in ["Application.ReadWrite.All", "Application.Read.All", "Directory.Read.All"] {
        world.prepare(|t| t.revoke_permission(RUNNER, permission));
    }
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Partial, "{document:#?}");
    let error = step(&document).error.as_ref().unwrap();
    assert_eq!(error.code, "E0301");
    assert!(error.detail.contains("depends on the path"), "{error:#?}");
    assert!(is_enabled(&world));
    assert!(!differences(&world.original, &world.snapshot()).is_empty(), "the cut is made");
}

#[test]
fn a_mistake_in_it_is_told_with_its_line_as_the_playbook_is_loaded() {
    let failure = |from: &str, to: &str| {
        let text = EXAMPLE.replacen(from, to, 1);
        assert_ne!(text, EXAMPLE);
        let failure = Playbook::parse(&text).unwrap_err();
        assert_eq!(failure.code, Code::InvalidPlaybook);
        failure.what
    };
    let what =
        failure("path: /servicePrincipals/", "path: https://graph.microsoft.com/v1.0/servicePrincipals/");
    assert!(what.contains("playbook line ") && what.contains("names a host"), "{what}");
    assert!(failure("method: PATCH", "method: GET").contains("unknown variant"));
    assert!(failure("path: /servicePrincipals/", "path: /users/{user}/../").contains("leads upwards"));
    let bare = EXAMPLE.split("        with:").next().unwrap();
    let what = Playbook::parse(bare).unwrap_err().what;
    assert!(what.contains("missing field"), "{what}");
}
