//! Pacing: alone, with other processes, and on what answers say. Time is tokio's, held still.

use std::path::Path;

use serde_json::json;
use tokio::time::Instant;

use super::*;

const METHODS: &str = "/v1.0/users/x/authentication/methods";
const RULES: &str = "/v1.0/users/x/mailFolders/inbox/messageRules";
const RISK: &str = "/v1.0/identityProtection/riskyUsers/x";
const USER: &str = "/v1.0/users/x";

fn limits() -> (Arc<Limits>, Timestamp) {
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let now = clock.now();
    (Arc::new(Limits::new(clock)), now)
}

/// Another process's limits on the same clock.
fn beside(clock: &Clock, folder: &Path, tenant: &str, app: &str) -> Limits {
    let limits = Limits::new(clock.clone()).sharing(folder.join("limits"));
    let claims = Claims { tenant_id: Some(tenant.into()), app_id: Some(app.into()), ..Claims::default() };
    limits.join(|| claims);
    limits
}

fn read(path: &str) -> Load {
    Load::of("GET", path, "")
}

async fn admit(limits: &Limits, load: &Load, budget: &Budget, now: Timestamp) -> Result<Permit, TooLong> {
    limits.admit(load, &mut RequestTime::new(budget, None, now)).await
}

async fn pass(limits: &Limits, path: &str) -> Permit {
    admit(limits, &read(path), &Budget::default(), limits.clock.steady()).await.unwrap()
}

fn share(text: &str) -> Reply {
    Reply { status: 200, headers: vec![("x-ms-throttle-limit-percentage".into(), text.into())], body: vec![] }
}

#[tokio::test(start_paused = true)]
async fn a_pace_holds_in_every_stretch_and_for_its_family_alone() {
    let (limits, _) = limits();
    let start = Instant::now();
    let mut begun = Vec::new();
    for _ in 0..12 {
        pass(&limits, METHODS).await;
        begun.push(start.elapsed().as_secs());
    }
    assert_eq!(begun, [0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20]);
    pass(&limits, USER).await;
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_together_begin_in_the_order_in_which_they_came() {
    let (limits, _) = limits();
    let start = Instant::now();
    let each = (0..50_u64).map(|number| {
        let limits = Arc::clone(&limits);
        async move {
            pass(&limits, RISK).await;
            (start.elapsed().as_millis(), number)
        }
    });
    let mut begun = futures::future::join_all(each).await;
    begun.sort_unstable();
    assert!(begun.is_sorted_by_key(|(_, number)| *number), "{begun:?}");
    assert!(begun.windows(2).all(|pair| (1060..1100).contains(&(pair[1].0 - pair[0].0))), "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn a_directory_refills_and_its_reads_do_not_wait_for_writes() {
    let (limits, _) = limits();
    let start = Instant::now();
    let write = Load::of("PATCH", USER, "");
    let budget = Budget::default();
    let mut at_once = 0;
    loop {
        admit(&limits, &write, &budget, limits.clock.steady()).await.unwrap();
        if start.elapsed() > Duration::ZERO {
            break;
        }
        at_once += 1;
    }
    assert!((2950..3000).contains(&at_once), "{at_once}");
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (limits, write) = (Arc::clone(&limits), write.clone());
            tokio::spawn(async move {
                admit(&limits, &write, &Budget::default(), limits.clock.steady()).await.map(drop)
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let begun = start.elapsed();
    for _ in 0..400 {
        pass(&limits, USER).await;
    }
    assert_eq!(start.elapsed(), begun);
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert!((900..1200).contains(&start.elapsed().as_millis()), "20 writes a second: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_larger_tenant_takes_more() {
    let (small, _) = limits();
    let large = Limits::new(small.clock.clone()).sized(TenantSize::Large);
    for (limits, most) in [(&*small, 3500), (&large, 8000)] {
        let start = Instant::now();
        for _ in 0..most {
            pass(limits, USER).await;
        }
        assert!(start.elapsed() < Duration::from_millis(300));
        for _ in 0..most {
            pass(limits, USER).await;
        }
        assert!((9_900..10_400).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_is_no_reason_to_give_up_but_the_deadline_is() {
    let (limits, now) = limits();
    for _ in 0..70 {
        admit(&limits, &read(RISK), &Budget::default(), now).await.unwrap();
    }
    let ending = Budget { deadline: Some(now + Duration::from_millis(69_500)), ..Budget::default() };
    let late = admit(&limits, &read(RISK), &ending, now).await.unwrap_err();
    assert_eq!(late.over, Over::Deadline);
}

#[tokio::test(start_paused = true)]
async fn all_that_queue_give_up_as_soon_as_the_first_cannot_make_it() {
    let (limits, now) = limits();
    let start = Instant::now();
    let budget = Budget { deadline: Some(now + Duration::from_secs(25)), ..Budget::default() };
    let each = (0..100).map(|_| {
        let (limits, budget) = (Arc::clone(&limits), budget.clone());
        async move { admit(&limits, &read(METHODS), &budget, now).await.map(drop).map_err(|late| late.over) }
    });
    let ends = futures::future::join_all(each).await;
    assert_eq!(ends.iter().filter(|end| end.is_ok()).count(), 15);
    assert!(ends.iter().filter_map(|end| end.err()).all(|over| over == Over::Deadline));
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn time_in_the_queue_is_not_the_requests_own() {
    let (limits, _) = limits();
    for _ in 0..70 {
        pass(&limits, RISK).await;
    }
    let budget = Budget::default();
    let mut time = RequestTime::new(&budget, None, limits.clock.steady());
    limits.admit(&read(RISK), &mut time).await.unwrap();
    let now = limits.clock.steady();
    let wait = |seconds: u64| RetryAfter { asked: false, ..held(seconds * 1000) };
    assert_eq!(time.wait(wait(61), now, now), Err(Over::Request));
    assert_eq!(time.wait(wait(60), now, now), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_takes_four_at_once_and_ten_thousand_in_ten_minutes() {
    let (limits, now) = limits();
    let budget = Budget { deadline: Some(now + Duration::from_secs(5)), ..Budget::default() };
    let mut inside = Vec::new();
    for _ in 0..4 {
        inside.push(admit(&limits, &read(RULES), &budget, now).await.unwrap());
    }
    let other = read("/v1.0/users/y/mailFolders/inbox/messageRules");
    assert!(admit(&limits, &other, &budget, now).await.is_ok());
    let fifth = admit(&limits, &read(RULES), &budget, now).await;
    assert_eq!(fifth.unwrap_err().over, Over::Deadline);
    inside.pop();
    let start = Instant::now();
    for _ in 4..10_000 {
        pass(&limits, RULES).await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    pass(&limits, RULES).await;
    assert!(start.elapsed().as_secs() > 590);
}

#[tokio::test(start_paused = true)]
async fn a_held_family_waits_or_gives_up_at_once_and_says_until_when() {
    let (limits, now) = limits();
    let start = Instant::now();
    assert_eq!((limits.throttled(), limits.throttled_until()), (0, None));
    limits.refused(&read(USER), Duration::from_secs(30));
    limits.refused(&read(USER), Duration::from_secs(3));
    assert_eq!(limits.throttled(), 2);
    assert_eq!(limits.throttled_until(), Some((Family::Identity, now + Duration::from_secs(30))));
    let hasty = Budget { per_read: Duration::from_secs(10), ..Budget::default() };
    let given_up = admit(&limits, &read(USER), &hasty, now).await.unwrap_err();
    assert_eq!(given_up, TooLong { asked: held(30_000), over: Over::Request });
    pass(&limits, METHODS).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    pass(&limits, USER).await;
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(limits.throttled_until(), None);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_others_nearly_use_up_slows_down() {
    let (limits, now) = limits();
    let start = Instant::now();
    for (text, waited) in [("0.5", 0), ("junk", 0), ("NaN", 0), ("1.0", 200), ("99", 1200)] {
        limits.learn(&read(USER), &share(text));
        admit(&limits, &read(USER), &Budget::default(), now).await.unwrap();
        let gone = start.elapsed().as_millis();
        assert!((waited..waited + 10).contains(&gone), "{text}: {gone} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_use_is_left_to_them_and_our_own_use_slows_nothing() {
    let (limits, _) = limits();
    for _ in 0..1750 {
        pass(&limits, USER).await;
    }
    let start = Instant::now();
    limits.learn(&read(USER), &share("0.8"));
    for _ in 1750..2500 {
        pass(&limits, USER).await;
    }
    assert!(start.elapsed().as_secs() < 1, "a quarter is used elsewhere: {:?}", start.elapsed());
    for _ in 2500..3200 {
        pass(&limits, USER).await;
    }
    assert!(start.elapsed().as_millis() > 300, "{:?}", start.elapsed());

    let alone = Limits::new(limits.clock.clone());
    for _ in 0..3200 {
        pass(&alone, USER).await;
    }
    let start = Instant::now();
    alone.learn(&read(USER), &share("0.95"));
    for _ in 3200..3400 {
        pass(&alone, USER).await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn two_processes_keep_within_one_quota_and_other_tenants_and_applications_have_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let (one, two) = (beside(&clock, folder.path(), "T", "a"), beside(&clock, folder.path(), "t", "A"));
    let start = Instant::now();
    let mut begun = Vec::new();
    for _ in 0..6 {
        pass(&one, METHODS).await;
        begun.push(start.elapsed().as_secs());
        pass(&two, METHODS).await;
        begun.push(start.elapsed().as_secs());
    }
    assert_eq!(begun, [0, 0, 0, 0, 0, 10, 10, 10, 10, 10, 20, 20]);
    let now = Instant::now();
    let (fabrikam, other_app) =
        (beside(&clock, folder.path(), "u", "a"), beside(&clock, folder.path(), "t", "b"));
    for _ in 0..5 {
        pass(&fabrikam, METHODS).await;
        pass(&other_app, METHODS).await;
    }
    assert_eq!(now.elapsed(), Duration::ZERO);
    pass(&one, RISK).await;
    pass(&fabrikam, RISK).await;
    assert_eq!(now.elapsed(), Duration::ZERO);
    pass(&other_app, RISK).await;
    assert_eq!(now.elapsed().as_secs(), 1, "one a second for all applications of a tenant");
}

#[tokio::test(start_paused = true)]
async fn what_the_service_asked_of_one_process_the_others_keep_to() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let (one, two) = (beside(&clock, folder.path(), "t", "a"), beside(&clock, folder.path(), "t", "a"));
    let elsewhere = beside(&clock, folder.path(), "u", "a");
    let start = Instant::now();
    one.refused(&read(USER), Duration::from_secs(20));
    pass(&elsewhere, USER).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    pass(&two, USER).await;
    assert_eq!(start.elapsed().as_secs(), 20);
    // The hold of an hour hence, after the clock was set back, is no hold.
    one.refused(&read(USER), Duration::from_secs(20));
    clock.set(-3600);
    pass(&two, USER).await;
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    pass(&beside(&clock, folder.path(), "t", "a"), METHODS).await;
    let path = std::fs::read_dir(folder.path().join("limits")).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read_to_string(&path).unwrap();
    for junk in
        ["", "{", "null", "[1]", &whole[..whole.len() / 2], &format!("{whole}]]}}"), &"[".repeat(20_000)]
    {
        std::fs::write(&path, junk).unwrap();
        let start = Instant::now();
        for _ in 0..5 {
            pass(&beside(&clock, folder.path(), "t", "a"), METHODS).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO, "{junk}");
        pass(&beside(&clock, folder.path(), "t", "a"), METHODS).await;
        assert_eq!(start.elapsed().as_secs(), 10, "{junk}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_blocks_for_one_stretch_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let limits = beside(&clock, folder.path(), "t", "a");
    for _ in 0..5 {
        pass(&limits, METHODS).await;
    }
    clock.set(-86_400);
    let start = Instant::now();
    pass(&beside(&clock, folder.path(), "t", "a"), METHODS).await;
    assert!((10..=11).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn files_are_private_small_and_no_links_and_nothing_is_refused_without_them() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    let limits = beside(&clock, folder.path(), "t", "a");
    for _ in 0..5000 {
        pass(&limits, "/v1.0/deviceManagement/managedDevices").await;
    }
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("limits")), 0o700);
    let file = std::fs::read_dir(folder.path().join("limits")).unwrap().next().unwrap().unwrap();
    assert_eq!(mode(&file.path()), 0o600);
    assert!(file.metadata().unwrap().len() < 2048);
    assert!(!file.file_name().to_string_lossy().contains("/a"));

    let other = folder.path().join("other");
    std::fs::write(&other, json!({"windows": [[[1, 5]]]}).to_string()).unwrap();
    std::fs::remove_file(file.path()).unwrap();
    symlink(&other, file.path()).unwrap();
    pass(&beside(&clock, folder.path(), "t", "a"), USER).await;
    assert_eq!(std::fs::read_to_string(&other).unwrap(), json!({"windows": [[[1, 5]]]}).to_string());

    let nowhere = beside(&clock, &other, "t", "a");
    pass(&nowhere, USER).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_another_process_keeps_locked_is_not_waited_for_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
    pass(&beside(&clock, folder.path(), "t", "a"), METHODS).await;
    let path = std::fs::read_dir(folder.path().join("limits")).unwrap().next().unwrap().unwrap().path();
    let stopped = File::options().read(true).write(true).open(path).unwrap();
    stopped.lock().unwrap();
    let start = Instant::now();
    let limits = beside(&clock, folder.path(), "t", "a");
    pass(&limits, METHODS).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(stopped);
    let start = Instant::now();
    pass(&limits, METHODS).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_is_told_of_waits_and_why() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let limits = Limits::new(Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap())).telling(Arc::new(
        move |why, wait| hears.lock().unwrap().push(format!("{} s: {why}", wait.as_secs())),
    ));
    for _ in 0..7 {
        pass(&limits, METHODS).await;
    }
    limits.refused(&read(USER), Duration::from_secs(30));
    pass(&limits, USER).await;
    let told = [
        "10 s: Graph's limit for authentication method and report requests",
        "30 s: the service throttles directory requests",
    ];
    assert_eq!(*heard.lock().unwrap(), told);
}
