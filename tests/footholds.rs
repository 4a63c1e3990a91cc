//! What the service refuses for reasons of its own: default methods, devices, mailboxes.

use std::fmt::Write;

use oust::report::{Outcome, RunDocument, State};
use oust::sim::faults::{Fault, Planted};

use crate::support::{ADELE, RUNNER, World, lies};

/// Adele with these parts, and a runner that may do all that the actions need.
fn world(parts: &str, action: &str, with: &str) -> World {
    let yaml = format!(
        "victim: AdeleV@contoso.com\nusers:\n  - {{name: Adele Vance, upn: AdeleV@contoso.com}}\napps:\n  - name: {RUNNER}\n    \
         permissions: [User.Read.All, Organization.Read.All, RoleManagement.Read.Directory, Device.ReadWrite.All, \
         UserAuthenticationMethod.ReadWrite.All, MailboxSettings.ReadWrite]\n    \
         roles: [Cloud Device Administrator]\n{parts}"
    );
    World::of(&yaml).by_step(action, with)
}

fn method(kind: &str, more: &str) -> String {
    format!("  - {{user: AdeleV@contoso.com, kind: {kind}, {more}}}\n")
}

fn states(document: &RunDocument) -> Vec<State> {
    document.users[0].steps[0].changes.iter().map(|change| change.state).collect()
}

/// What a person is told to do.
fn next(document: &RunDocument) -> String {
    let open = &document.users[0].open;
    open.iter().filter_map(|open| open.next.clone()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn forty_windows_hello_entries_go_in_one_run_also_past_the_quota() {
    let mut parts = String::from("methods:\n");
    for i in 0..40 {
        write!(parts, "{}", method("windowsHelloForBusiness", &format!("name: PC {i}, created: -1h")))
            .unwrap();
    }
    parts.push_str("service: {page_size: 7, throttle: true}\n");
    let world = world(&parts, "review_auth_methods", "{}");
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(states(&document), vec![State::Effective; 40]);
    assert_eq!(world.plan().await.outcome, Outcome::NothingToDo);
}

#[tokio::test(start_paused = true)]
async fn the_default_method_is_tried_again_when_the_others_are_gone() {
    let parts = ["methods:\n".to_owned()]
        .into_iter()
        .chain([
            method("microsoftAuthenticator", "name: theirs, created: -1h, default: true"),
            method("softwareOath", "created: -1h"),
            method("phone", "phone: \"+1 2065550173\", created: -1h"),
        ])
        .collect::<String>();
    let world = world(&parts, "review_auth_methods", "{}");
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    let deletes: Vec<_> = world.sim.with(|t| {
        t.log().iter().filter(|seen| seen.write).map(|seen| (seen.path.clone(), seen.applied)).collect()
    });
    assert_eq!(deletes.len(), 4, "one of three twice: {deletes:?}");
    let (last, applied) = &deletes[3];
    assert!(last.contains("microsoftAuthenticatorMethods") && *applied, "{deletes:?}");
}

/// The intruder's method is the default, and the user's own stays.
fn default_of_the_intruder() -> String {
    let theirs = method("microsoftAuthenticator", "name: theirs, created: -1h, default: true");
    ["methods:\n", &theirs, &method("phone", "phone: \"+1 4255550109\"")].concat()
}

#[tokio::test(start_paused = true)]
async fn a_default_of_the_intruder_gives_way_to_the_users_own_and_goes() {
    let world = world(&default_of_the_intruder(), "review_auth_methods", "{}");
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(states(&document), [State::Effective; 2]);
    assert_eq!(lies(&world, &document), Vec::<String>::new());
    let writes = world.sim.with(|t| t.log().iter().filter(|seen| seen.write).count());
    assert_eq!(writes, 2, "no refusal is provoked");
}

#[tokio::test(start_paused = true)]
async fn a_default_that_can_be_registered_again_becomes_the_default_again() {
    let theirs = method("phone", "phone: \"+1 2065550173\", created: -1h, default: true");
    let parts = ["methods:\n", &theirs, &method("softwareOath", "name: own")].concat();
    let world = world(&parts, "review_auth_methods", "{}");
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(world.snapshot()["irreversible"][ADELE]["preferredMethod"], "oath");
    let document = world.rollback().await;
    assert_eq!(document.outcome, Outcome::RolledBack, "{document:#?}");
    assert_eq!(world.snapshot(), world.original);
}

#[tokio::test(start_paused = true)]
async fn a_default_that_may_not_be_changed_is_refused_and_left_to_a_person() {
    let by_person = world(&default_of_the_intruder(), "review_auth_methods", "{change_default: false}");
    let denied = Fault::Forbidden { code: "accessDenied".into(), message: String::new() };
    let unreadable = world(&default_of_the_intruder(), "review_auth_methods", "{}")
        .with_planted(Planted::new("GET /users/*/authentication/signInPreferences*", denied).times(100));
    for world in [by_person, unreadable] {
        let document = world.contain().await;
        assert_eq!(states(&document), [State::Refused], "{document:#?}");
        assert!(next(&document).contains("choose another default"), "{document:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_permission_of_one_kind_does_for_that_kind_and_the_plan_names_the_one_that_is_missing() {
    let parts = ["methods:\n", &method("fido2", "created: -1h"), &method("softwareOath", "created: -1h")];
    let mut world = world(&parts.concat(), "review_auth_methods", "{}");
    world.prepare(|t| {
        assert!(t.revoke_permission(RUNNER, "UserAuthenticationMethod.ReadWrite.All"));
        assert!(t.grant_permission(RUNNER, "UserAuthenticationMethod.Read.All"));
        assert!(t.grant_permission(RUNNER, "UserAuthMethod-Passkey.ReadWrite.All"));
    });
    let lacks = |document: &RunDocument| {
        let lacks = &document.users[0].steps[0].lacks;
        lacks.iter().map(|lack| lack.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(lacks(&world.plan().await), ["UserAuthMethod-SoftwareOATH.ReadWrite.All"]);
    let document = world.contain().await;
    let refused = document.users[0].steps[0].changes.iter().find(|c| c.state == State::Refused).unwrap();
    assert!(refused.reason.as_ref().unwrap().contains("UserAuthMethod-SoftwareOATH"), "{refused:#?}");
    assert_eq!(states(&document).iter().filter(|s| **s == State::Effective).count(), 1, "{document:#?}");
    world.prepare(|t| t.grant_permission(RUNNER, "UserAuthMethod-SoftwareOATH.ReadWrite.All"));
    assert_eq!(lacks(&world.plan().await), [""; 0]);
    assert_eq!(world.contain().await.outcome, Outcome::Contained);
}

#[tokio::test(start_paused = true)]
async fn a_windows_hello_entry_that_is_refused_holds_nothing_up_and_says_what_to_do() {
    let entry = |i: u8| method("windowsHelloForBusiness", &format!("name: PC {i}, created: -1h"));
    let parts = ["methods:\n", &entry(1), &entry(2), &entry(3)].concat();
    let denied =
        Fault::Forbidden { code: "accessDenied".into(), message: "Request Authorization failed".into() };
    let world = world(&parts, "review_auth_methods", "{}")
        .with_planted(Planted::new("DELETE /users/*/authentication/windowsHello*", denied).nth(2));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Partial);
    let states = states(&document);
    assert_eq!(states.iter().filter(|s| **s == State::Effective).count(), 2, "{states:?}");
    assert!(next(&document).contains("signed in with a second factor"), "{document:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kind_of_method_is_asked_about() {
    let parts = ["methods:\n", &method("telepathy", "created: -1h")].concat();
    let document = world(&parts, "review_auth_methods", "{remove: all}").contain().await;
    assert_eq!(document.outcome, Outcome::NothingToDo);
    assert!(document.users[0].open[0].label.contains("telepathy"));
}

#[tokio::test(start_paused = true)]
async fn a_phone_is_left_to_a_person_and_a_pc_disabled() {
    let parts = "devices:\n  - {name: Pixel, owner: AdeleV@contoso.com, os: Android, registered: -1h}\n  \
                 - {name: PC, owner: AdeleV@contoso.com, registered: -1h}\n  \
                 - {name: HYBRID, owner: AdeleV@contoso.com, trust: ServerAd, registered: -1h}\n";
    let document = world(parts, "review_devices", "{}").contain().await;
    let mut states = states(&document);
    states.sort_unstable();
    assert_eq!((document.outcome, states), (Outcome::Partial, vec![State::Effective, State::Refused]));
    let next = next(&document);
    assert!(next.contains("signed in as Cloud Device Administrator"), "{next}");
    assert!(next.contains("Disable-ADAccount"), "{next}");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_devices_that_the_service_withholds_is_said_to_be_unseen() {
    let parts = "devices:\n  - {name: PC, owner: AdeleV@contoso.com, registered: -1h}\n";
    let denied = Fault::Forbidden { code: "Authorization_RequestDenied".into(), message: String::new() };
    let world = world(parts, "review_devices", "{}")
        .with_planted(Planted::new("GET /users/*/registeredDevices*", denied).times(100));
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "what the other list shows is dealt with");
    assert!(document.users[0].open[0].reasons[0].contains("registeredDevices"));
}

#[tokio::test(start_paused = true)]
async fn devices_that_no_list_may_show_are_found_by_the_mark_of_their_registration() {
    let parts = "devices:\n  - {name: PC, owner: AdeleV@contoso.com, registered: -1h}\n  \
                 - {name: Own, owner: AdeleV@contoso.com}\n  \
                 - {name: Tablet, owner: AdeleV@contoso.com, registered: -1h}\n\
                 service: {page_size: 2}\n";
    let denied = || Fault::Forbidden { code: "Authorization_RequestDenied".into(), message: String::new() };
    let without_lists = |world: World| {
        ["registeredDevices", "ownedDevices"].iter().fold(world, |world, list| {
            world.with_planted(Planted::new(&format!("GET /users/*/{list}*"), denied()).times(100))
        })
    };
    let found = without_lists(world(parts, "review_devices", "{}"));
    let document = found.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    assert_eq!(states(&document), [State::Effective; 2]);
    assert_eq!(lies(&found, &document), Vec::<String>::new());
    assert_eq!(found.rollback().await.outcome, Outcome::RolledBack);
    assert_eq!(found.not_restored(), Vec::<String>::new());
    let hidden = without_lists(world(parts, "review_devices", "{}"))
        .with_planted(Planted::new("GET /devices?*", denied()).times(100));
    let document = hidden.contain().await;
    assert_eq!((states(&document).len(), document.users[0].open.len()), (0, 2), "{document:#?}");
}

#[tokio::test(start_paused = true)]
async fn rules_on_many_pages_are_all_seen_and_read_only_ones_reported() {
    let mut parts = String::from("rules:\n");
    for i in 0..9 {
        writeln!(parts, "  - {{user: AdeleV@contoso.com, name: rule {i}, redirect_to: [drop@fabrikam.com]}}")
            .unwrap();
    }
    parts.push_str(
        "  - {user: AdeleV@contoso.com, name: fixed, forward_to: [drop@fabrikam.com], read_only: true}\n",
    );
    parts.push_str("service: {page_size: 2}\n");
    let world = world(&parts, "review_inbox_rules", "{}");
    let document = world.contain().await;
    assert_eq!(states(&document), vec![State::Effective; 9]);
    assert!(document.users[0].open.iter().any(|open| open.label == "fixed"));
    world.rollback().await;
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_mailbox_has_nothing_to_review() {
    let mut world = World::contoso().by_step("review_inbox_rules", "{}");
    world.users = vec!["NestorW_fabrikam.com#EXT#@contoso.onmicrosoft.com".into()];
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::NothingToDo, "{document:#?}");
    assert!(document.users[0].steps[0].findings[0].reasons[0].contains("no mailbox"));
}

#[tokio::test(start_paused = true)]
async fn the_playbook_for_mail_fraud_closes_what_the_one_for_token_theft_does() {
    let mut world = World::contoso();
    world.playbook = oust::playbook::Playbook::find("business-email-compromise").unwrap();
    assert_eq!(world.contain().await.outcome, Outcome::Contained);
    let works: Vec<&str> = world.sim.footholds().iter().filter(|f| f.works).map(|f| f.what).collect();
    assert_eq!(works, ["access_token"]);
    world.rollback().await;
    assert_eq!(world.not_restored(), Vec::<String>::new());
}
