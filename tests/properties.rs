//! Any tenant, any trouble: no undo is lost, no neighbour is touched, nothing is called effective that isn't.

use std::fmt::Write as _;

use oust::journal::load;
use oust::report::{Outcome, RollbackState};
use oust::sim::faults::Faults;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::support::{World, differences, lies, on_a_still_clock};

const PEOPLE: [&str; 5] = ["AdeleV", "AlexW", "DiegoS", "MeganB", "NestorW"];
const APPS: [&str; 4] = ["Mail Backup", "Travel Planner", "Survey Tool", "Payroll Export"];
const SCOPES: [&str; 9] = [
    "openid",
    "offline_access",
    "User.Read",
    "Mail.Read",
    "Mail.ReadWrite",
    "Files.ReadWrite.All",
    "Calendars.Read",
    "Directory.ReadWrite.All",
    "full_access_as_user",
];

#[derive(Debug, Clone)]
struct Grant {
    app: usize,
    /// `None`: for everyone.
    user: Option<usize>,
    scopes: Vec<&'static str>,
    spaces: usize,
}

#[derive(Debug, Clone)]
struct Assignment {
    app: usize,
    user: usize,
    hours_ago: u16,
}

#[derive(Debug, Clone)]
struct Any {
    people: usize,
    is_synced: bool,
    is_enabled: bool,
    grants: Vec<Grant>,
    assignments: Vec<Assignment>,
    page_size: usize,
    lag: Option<u8>,
    seed: u64,
    /// In percent of all requests.
    trouble: u8,
}

prop_compose! {
    fn grant()(
        app in 0..APPS.len(),
        user in prop::option::weighted(0.85, 0..PEOPLE.len()),
        scopes in prop::sample::subsequence(&SCOPES[..], 1..=5),
        spaces in 0_usize..3,
    ) -> Grant {
        Grant { app, user, scopes, spaces }
    }
}

prop_compose! {
    fn any_tenant()(
        people in 1..=PEOPLE.len(),
        is_synced in prop::bool::weighted(0.2),
        is_enabled in prop::bool::weighted(0.8),
        grants in prop::collection::vec(grant(), 0..=6),
        assignments in prop::collection::vec((0..APPS.len(), 0..PEOPLE.len(), 0_u16..2000), 0..=4),
        page_size in prop::sample::select(&[1_usize, 2, 100][..]),
        lag in prop::option::weighted(0.2, 1_u8..40),
        seed in any::<u64>(),
        trouble in prop::sample::select(&[0_u8, 10, 30, 60, 85][..]),
    ) -> Any {
        let assignments =
            assignments.into_iter().map(|(app, user, hours_ago)| Assignment { app, user, hours_ago }).collect();
        Any { people, is_synced, is_enabled, grants, assignments, page_size, lag, seed, trouble }
    }
}

impl Any {
    /// The tenant file. The victim is Adele Vance.
    fn yaml(&self) -> String {
        let runner = &crate::support::CONTOSO[crate::support::CONTOSO.find("  - name: oust").unwrap()..];
        let runner = &runner[..runner.find("\n\n").unwrap()];
        let mut yaml = String::from("victim: AdeleV@contoso.com\nusers:\n");
        for (i, person) in PEOPLE[..self.people].iter().enumerate() {
            writeln!(yaml, "  - name: {person}\n    upn: {person}@contoso.com").unwrap();
            if i == 0 {
                writeln!(yaml, "    enabled: {}", self.is_enabled).unwrap();
                if self.is_synced {
                    writeln!(yaml, "    synced: {{sam: {person}, domain: corp.contoso.com}}").unwrap();
                }
            }
        }
        writeln!(yaml, "apps:\n{runner}").unwrap();
        for app in APPS {
            writeln!(yaml, "  - name: {app}\n    home: fabrikam.com").unwrap();
        }
        let mut seen = Vec::new();
        let known = |user: usize| user < self.people;
        writeln!(yaml, "consents:").unwrap();
        for grant in self.grants.iter().filter(|g| g.user.is_none_or(known)) {
            if seen.contains(&(grant.app, grant.user)) {
                continue;
            }
            seen.push((grant.app, grant.user));
            let spaces = " ".repeat(grant.spaces);
            let scopes = grant.scopes.join(&format!(" {spaces}"));
            writeln!(yaml, "  - app: {}\n    scopes: \"{spaces}{scopes}\"", APPS[grant.app]).unwrap();
            if let Some(user) = grant.user {
                writeln!(yaml, "    user: {}@contoso.com", PEOPLE[user]).unwrap();
            }
        }
        seen.clear();
        writeln!(yaml, "assignments:").unwrap();
        for held in self.assignments.iter().filter(|a| known(a.user)) {
            if seen.contains(&(held.app, Some(held.user))) {
                continue;
            }
            seen.push((held.app, Some(held.user)));
            let (app, user) = (APPS[held.app], PEOPLE[held.user]);
            writeln!(yaml, "  - app: {app}\n    user: {user}@contoso.com\n    created: -{}h", held.hours_ago)
                .unwrap();
        }
        writeln!(yaml, "service:\n  page_size: {}\n  seed: {}", self.page_size, self.seed % 1_000_000)
            .unwrap();
        if let Some(lag) = self.lag {
            writeln!(yaml, "  lag: {{object: {lag}s, list: {lag}s, probability: 0.7}}").unwrap();
        }
        yaml.replace("consents:\nassignments", "consents: []\nassignments")
            .replace("assignments:\nservice", "assignments: []\nservice")
    }

    fn world(&self) -> World {
        let world = World::of(&self.yaml());
        world.sim.with(|t| t.faults = Faults::random(self.seed, f64::from(self.trouble) / 100.0));
        world
    }
}

async fn holds(any: &Any) -> Result<(), TestCaseError> {
    let world = any.world();
    let victim = world.victim_id();
    let others = world.sim.with(|t| t.snapshot_without(&victim));
    let contained = world.contain().await;
    prop_assert_eq!(lies(&world, &contained), Vec::<String>::new(), "after contain");
    if world.store().runs().is_empty() {
        prop_assert_eq!(world.snapshot(), world.original.clone(), "written without a journal");
        return Ok(());
    }
    load(&world.journal()).map_err(|e| TestCaseError::fail(e.to_string()))?;

    let resumed = world.resume().await;
    prop_assert_eq!(lies(&world, &resumed), Vec::<String>::new(), "after resume");
    world.sim.with(|t| t.faults = Faults::default());
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let resumed = world.resume().await;
    let nothing_left = resumed.error.as_ref().is_some_and(|e| e.code == "E0111");
    prop_assert!(
        nothing_left
            || [Outcome::Contained, Outcome::NothingToDo, Outcome::Unverified].contains(&resumed.outcome),
        "without trouble a resume ends the work: {resumed:#?}"
    );
    let verified = world.verify().await;
    prop_assert_eq!(lies(&world, &verified), Vec::<String>::new(), "after verify");
    let now = world.sim.with(|t| t.snapshot_without(&victim));
    prop_assert_eq!(differences(&others, &now), Vec::<String>::new(), "a neighbour was touched");

    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let rolled_back = world.rollback().await;
    prop_assert_eq!(world.not_restored(), Vec::<String>::new(), "{:#?}", rolled_back);
    let now = world.sim.with(|t| t.snapshot_without(&victim));
    prop_assert_eq!(
        differences(&others, &now),
        Vec::<String>::new(),
        "a neighbour was touched by the rollback"
    );
    let states = rolled_back.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes);
    for state in states.filter_map(|c| c.rollback.as_ref()).map(|r| r.state) {
        let fine = [RollbackState::Restored, RollbackState::Already, RollbackState::Never].contains(&state);
        prop_assert!(fine, "{:#?}", rolled_back);
    }
    load(&world.journal()).map_err(|e| TestCaseError::fail(e.to_string()))?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None::<Box<FileFailurePersistence>>.map(|p| p as _),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_undo_is_lost_no_neighbour_touched_nothing_falsely_effective(any in any_tenant()) {
        on_a_still_clock(holds(&any))?;
    }
}
