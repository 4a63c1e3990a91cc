//! Many users at once: nobody is touched before all are guarded, everybody is cut off before anything else, and what
//! was not done is done later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oust::bulk::{Bulk, BulkConsent, BulkOrder};
use oust::engine::event::{Event, Watch, What};
use oust::engine::{Engine, Stop};
use oust::journal::{BulkPath, Earlier, load};
use oust::report::Outcome;
use oust::report::bulk::BulkDocument;
use oust::sim::Limits;
use oust::sim::crowd::{crowd, user_principal_name};
use oust::sim::faults::{Fault, Planted, RetryAfter};
use oust::target_name::TargetName;
use oust::user_list::{ListedUser, UserList};
use uuid::Uuid;

use crate::support::{ADELE, CONTOSO, Crash, Power, World, differences, restorable};

const ALEX: &str = "AlexW@contoso.com";
const MEGAN: &str = "MeganB@contoso.com";

fn yes() -> BulkConsent<'static> {
    BulkConsent::Given("a test".into())
}

fn list(names: &[&str]) -> UserList {
    let entry = |(at, name): (usize, &&str)| ListedUser {
        line: at + 1,
        name: TargetName::parse(name).unwrap(),
        tenant: None,
        since: None,
    };
    UserList { entries: names.iter().enumerate().map(entry).collect(), sha256: "of the list".into() }
}

/// A new process.
fn bulk(world: &World) -> Bulk {
    let engine = world.engine();
    Bulk {
        store: engine.store.clone(),
        clock: engine.clock.clone(),
        stop: engine.stop.clone(),
        watch: Arc::clone(&engine.watch),
        started: engine.started,
        engines: BTreeMap::from([(None, engine)]),
    }
}

fn order(world: &World, list: UserList) -> BulkOrder {
    BulkOrder {
        command: "contain".into(),
        bulk_id: Uuid::now_v7(),
        max_users: list.entries.len(),
        list,
        playbook: world.playbook.clone(),
        since: world.order().since,
        password_recipient: None,
    }
}

pub async fn contain(world: &World, names: &[&str]) -> BulkDocument {
    bulk(world).contain(&order(world, list(names)), &yes()).await
}

fn path(world: &World) -> BulkPath {
    world.store().bulks().remove(0)
}

async fn resume(world: &World) -> BulkDocument {
    bulk(world).resume(&path(world), &yes()).await
}

/// Sign-in name and outcome of each.
fn outcomes(document: &BulkDocument) -> Vec<(&str, Outcome)> {
    document.users.iter().map(|user| (user.user.as_str(), user.outcome)).collect()
}

#[tokio::test(start_paused = true)]
async fn everybody_is_contained_in_a_run_of_their_own() {
    let world = World::contoso();
    let document = contain(&world, &[ADELE, ALEX]).await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Contained, 0), "{document:#?}");
    assert_eq!(outcomes(&document), [(ADELE, Outcome::Contained), (ALEX, Outcome::Contained)]);
    assert_eq!((document.counts.users, document.counts.cut), (2, 2));
    assert_eq!(world.store().runs().len(), 2);
    let store = world.store();
    for (run, user) in document.users.iter().map(|user| (user.run_id.as_ref().unwrap(), user)) {
        let (chain, ledger) = load(store.find(run).unwrap().journal()).unwrap();
        assert_eq!(ledger.began.unwrap().part_of, document.run_id);
        assert_eq!(Some(chain.head), user.journal_head);
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_is_cut_off_before_anything_else_is_written() {
    let world = World::contoso();
    contain(&world, &[ADELE, ALEX]).await;
    let seen = world.sim.with(|t| t.log().to_vec());
    let cuts: Vec<bool> = seen
        .iter()
        .filter(|seen| seen.write)
        .map(|seen| seen.path.contains("revokeSignInSessions") || seen.method == "PATCH")
        .collect();
    assert!(cuts.len() > 8 && cuts[..4].iter().all(|cut| *cut), "{cuts:?}");
}

#[tokio::test(start_paused = true)]
async fn one_user_under_two_names_has_one_run() {
    let world = World::contoso();
    let id = world.user_id(ADELE);
    let document = contain(&world, &[ADELE, ALEX, &id]).await;
    assert_eq!(outcomes(&document), [(ADELE, Outcome::Contained), (ALEX, Outcome::Contained)]);
    assert_eq!(world.store().runs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_whom_a_guard_protects_keeps_everybody_untouched() {
    let world = World::contoso();
    let document = contain(&world, &[ADELE, ALEX, MEGAN]).await;
    let error = document.error.as_ref().unwrap();
    assert_eq!((document.outcome, error.code.as_str()), (Outcome::Refused, "E0302"), "{document:#?}");
    assert!(error.detail.contains("1 of 3") && error.detail.contains("line 3"), "{error:#?}");
    assert_eq!((world.writes(), world.snapshot()), (0, world.original.clone()));
    assert!(world.store().bulks().is_empty() && world.store().runs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_longer_than_was_said_is_refused() {
    let world = World::contoso();
    let order = BulkOrder { max_users: 1, ..order(&world, list(&[ADELE, ALEX])) };
    let document = bulk(&world).contain(&order, &yes()).await;
    assert_eq!(document.error.unwrap().code, "E0403");
    assert_eq!(world.sim.with(|t| t.log().len()), 0, "nobody was even looked for");
}

#[tokio::test(start_paused = true)]
async fn one_who_is_not_there_keeps_nobody_else_from_being_contained() {
    let world = World::contoso();
    let document = contain(&world, &["AdelV@contoso.com", ALEX]).await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Partial, 3));
    assert_eq!(outcomes(&document), [("AdelV@contoso.com", Outcome::Refused), (ALEX, Outcome::Contained)]);
    assert_eq!(document.users[0].error.as_ref().unwrap().code, "E0407");
    let nobody = contain(&World::contoso(), &["AdelV@contoso.com", "AlexV@contoso.com"]).await;
    assert_eq!((nobody.outcome, nobody.error.unwrap().code.as_str()), (Outcome::Refused, "E0407"));
}

#[tokio::test(start_paused = true)]
async fn a_plan_for_many_writes_nothing() {
    let world = World::contoso();
    let document = bulk(&world).plan(&order(&world, list(&[ADELE, ALEX]))).await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Planned, 0), "{document:#?}");
    assert!(document.users.iter().all(|user| user.changes > 0));
    assert_eq!(world.writes(), 0);
    assert!(world.store().bulks().is_empty() && world.store().runs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn all_of_it_can_be_verified_and_taken_back() {
    let world = World::contoso();
    contain(&world, &[ADELE, ALEX]).await;
    let verified = bulk(&world).verify(&path(&world)).await;
    assert_eq!((verified.outcome, verified.exit_code), (Outcome::Contained, 0), "{verified:#?}");
    let foreseen = bulk(&world).rollback(&path(&world), &[], &yes(), true).await;
    assert!(foreseen.dry_run && !world.not_restored().is_empty(), "{foreseen:#?}");
    let rolled_back = bulk(&world).rollback(&path(&world), &[], &yes(), false).await;
    assert_eq!((rolled_back.outcome, rolled_back.exit_code), (Outcome::RolledBack, 0), "{rolled_back:#?}");
    assert_eq!(world.not_restored(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_bulk_run_is_the_last_one_and_its_parts_are_found_too() {
    let world = World::contoso();
    world.contain().await;
    let store = world.store();
    assert!(matches!(store.earlier("last"), Ok(Earlier::Run(_))));
    let document = contain(&world, &[ADELE, ALEX]).await;
    assert_eq!(store.earlier("last").unwrap().id(), document.run_id.clone().unwrap());
    let part = document.users[1].run_id.clone().unwrap();
    assert_eq!(store.earlier(&part).unwrap().id(), part);
    assert_eq!(Bulk::read(&store, &path(&world)).unwrap().users, document.users);
    assert_eq!(Bulk::summary(&store, &path(&world)).unwrap(), document);
    world.contain().await;
    assert!(matches!(store.earlier("last"), Ok(Earlier::Run(_))));
}

/// Stops everything once that many users are cut off.
struct StopAfterCut(Stop);

impl Watch for StopAfterCut {
    fn saw(&self, event: &Event) {
        if matches!(event.what, What::Cut { .. }) {
            self.0.signal();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_what_is_to_be_resumed() {
    let mut world = World::contoso();
    let first = bulk(&world);
    world.watch = Arc::new(StopAfterCut(first.stop.clone()));
    let stop = first.stop.clone();
    let mut stopped = bulk(&world);
    stopped.stop = stop.clone();
    stopped.engines.values_mut().for_each(|engine| engine.stop = stop.clone());
    let document = stopped.contain(&order(&world, list(&[ADELE, ALEX])), &yes()).await;
    assert_eq!((document.outcome, document.exit_code), (Outcome::Interrupted, 7), "{document:#?}");
    assert!(document.counts.cut > 0, "{document:#?}");
    let resumed = resume(&world).await;
    assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Contained, 0), "{resumed:#?}");
    assert_eq!(resumed.counts.cut, 2);
}

#[tokio::test(start_paused = true)]
async fn who_could_not_be_found_is_looked_for_again() {
    let world = World::contoso()
        .with_planted(Planted::new("GET /users/AlexW@contoso.com", Fault::status(503)).times(1_000));
    let document = contain(&world, &[ADELE, ALEX]).await;
    assert_eq!(document.outcome, Outcome::Partial, "{document:#?}");
    world.sim.with(|t| t.faults = oust::sim::faults::Faults::default());
    let resumed = resume(&world).await;
    assert_eq!(resumed.outcome, Outcome::Contained, "{resumed:#?}");
    assert_eq!(world.sim.with(|t| t.is_enabled(ALEX)), Some(false));
}

/// `None`: the power failed.
async fn try_contain(world: &World) -> Option<BulkDocument> {
    let (bulk, order, consent) = (bulk(world), order(world, list(&[ADELE, ALEX])), yes());
    tokio::select! {
        biased;
        () = world.wire.went_out() => None,
        document = bulk.contain(&order, &consent) => Some(document),
    }
}

#[tokio::test(start_paused = true)]
async fn after_any_crash_a_resume_ends_as_if_nothing_had_happened_and_can_be_taken_back() {
    let ended = World::contoso();
    contain(&ended, &[ADELE, ALEX]).await;
    let expected = restorable(&ended.snapshot());
    let requests = ended.wire.passed().len();
    // Every ninth: the runs of single users are tried at each.
    let power =
        (1..=requests).step_by(9).flat_map(|n| [Crash::At(Power::Before(n)), Crash::At(Power::After(n))]);
    let records = (0..ended.records() * 2).step_by(9).map(Crash::AfterRecords);
    for crash in power.chain(records) {
        let world = World::contoso().crashing(crash);
        try_contain(&world).await;
        let world = world.mended();
        if world.store().bulks().is_empty() {
            assert_eq!(world.snapshot(), world.original, "{crash:?}");
            continue;
        }
        let resumed = resume(&world).await;
        assert_eq!((resumed.outcome, resumed.exit_code), (Outcome::Contained, 0), "{crash:?}: {resumed:#?}");
        assert_eq!(
            differences(&expected, &restorable(&world.snapshot())),
            Vec::<String>::new(),
            "{crash:?} {resumed:#?}"
        );
        let rolled_back = bulk(&world).rollback(&path(&world), &[], &yes(), false).await;
        assert_eq!(rolled_back.outcome, Outcome::RolledBack, "{crash:?}: {rolled_back:#?}");
        assert_eq!(world.not_restored(), Vec::<String>::new(), "{crash:?}");
    }
}

/// A tenant of so many compromised users that holds its callers to the published limits.
fn crowded(users: usize) -> (World, Vec<String>) {
    let mut tenant = crowd(users).unwrap();
    tenant.limits = Some(Limits::default());
    (tenant.latency, tenant.jitter) = (Duration::from_millis(60), Duration::from_millis(60));
    (World::with(tenant), (1..=users).map(user_principal_name).collect())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_users_take_what_the_slowest_quota_dictates_and_the_cuts_three_round_trips() {
    let (world, names) = crowded(100);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let began = tokio::time::Instant::now();
    let document = contain(&world, &names).await;
    let took = began.elapsed();
    assert_eq!((document.outcome, document.counts.cut), (Outcome::Contained, 100), "{:?}", document.counts);
    let seen = world.sim.with(|t| t.log().to_vec());
    let throttled = seen.iter().filter(|seen| seen.status == Some(429)).count();
    assert!(throttled * 100 < seen.len(), "{throttled} of {}", seen.len());
    // Five in ten seconds, the first five at once.
    let reports = seen.iter().filter(|seen| seen.path.contains("/authentication/")).count();
    let least = Duration::from_secs(2) * u32::try_from(reports - 5).unwrap();
    assert!(took.as_secs_f64() <= 1.15 * least.as_secs_f64(), "{took:?}, and {least:?} would do");
    let last = document.users.iter().filter_map(|user| user.cut_ms).max().unwrap();
    assert!(last <= 3 * 120, "three round trips of 120 ms at most, and it took {last} ms");
    assert_eq!(document.tenants[0].throttled, throttled as u64);
}

/// Only finding everybody, before the first write, waits for the slowest tenant: the guards are for the whole list.
#[tokio::test(start_paused = true)]
async fn a_tenant_that_throttles_does_not_slow_another() {
    let (slow, fast) = (World::contoso(), World::contoso());
    let retry_after = Some(RetryAfter::Seconds(40));
    let busy = Fault::Status { code: 429, retry_after, body: None, after_effect: false };
    slow.sim.with(|t| t.faults.plant(Planted::new("PATCH /users/*", busy)));
    let mut both = bulk(&slow);
    let engine = both.engines.remove(&None).unwrap();
    both.engines.insert(Some("contoso".into()), engine);
    let engine = Engine { store: both.store.clone(), stop: both.stop.clone(), ..fast.engine() };
    both.engines.insert(Some("fabrikam".into()), engine);
    let mut users = list(&[ADELE, ALEX]);
    users.entries[0].tenant = Some("contoso".into());
    users.entries[1].tenant = Some("fabrikam".into());
    let document = both.contain(&order(&slow, users), &yes()).await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    let tenants: Vec<_> = document.tenants.iter().map(|t| (t.name.as_deref(), t.users, t.cut)).collect();
    assert_eq!(tenants, [(Some("contoso"), 1, 1), (Some("fabrikam"), 1, 1)]);
    let cut: Vec<u64> = document.users.iter().filter_map(|user| user.cut_ms).collect();
    assert!(cut[0] >= 40_000 && cut[1] < 1_000, "{cut:?}");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_everybody_on_the_list_consented_to_is_not_in_common_use() {
    let names: Vec<String> = (1..=12).map(|n| format!("user{n}@contoso.com")).collect();
    let mut tenant = CONTOSO.to_owned();
    for name in &names {
        tenant = tenant
            .replacen("\nusers:\n", &format!("\nusers:\n  - {{name: {name}, upn: {name}}}\n"), 1)
            .replacen(
                "\nconsents:\n",
                &format!("\nconsents:\n  - {{app: Mail Backup, user: {name}, scopes: Mail.Read}}\n"),
                1,
            );
    }
    let risks = |names: Vec<&str>| {
        let world = World::of(&tenant);
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        async move {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let document = contain(&world, &names).await;
            let run = world.store().find(document.users[0].run_id.as_ref().unwrap()).unwrap();
            let (document, _) = oust::report::fold::of_run(&run).unwrap();
            let steps = document.users[0].steps.iter();
            let findings = steps.flat_map(|step| &step.findings).filter(|f| f.label.contains("Mail Backup"));
            findings.filter_map(|finding| finding.risk).max().unwrap()
        }
    };
    let together = risks(names.iter().map(String::as_str).collect()).await;
    assert_eq!(together, risks(vec!["user1@contoso.com"]).await + 10);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_to_another_tenant_than_was_meant_keeps_everybody_untouched() {
    let (right, mut wrong) = (World::contoso(), World::contoso());
    wrong.guards.tenant_id = Some(Uuid::nil().to_string());
    let mut both = bulk(&right);
    let engine = both.engines.remove(&None).unwrap();
    both.engines.insert(Some("contoso".into()), engine);
    both.engines.insert(Some("fabrikam".into()), Engine { store: both.store.clone(), ..wrong.engine() });
    let mut users = list(&[ADELE, ALEX]);
    users.entries[0].tenant = Some("contoso".into());
    users.entries[1].tenant = Some("fabrikam".into());
    let document = both.contain(&order(&right, users), &yes()).await;
    let error = document.error.unwrap();
    assert_eq!((document.outcome, error.code.as_str()), (Outcome::Refused, "E0406"), "{error:#?}");
    assert_eq!((right.writes(), wrong.writes()), (0, 0));
}
