//! How soon: round trips that wait for each other, counted by the tenant, and time on a clock that stands still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oust::engine::event::{Event, Watch, What};
use oust::graph::{Auth, Cloud, Environment, credential};
use oust::report::Outcome;
use oust::sim::Simulated;
use oust::sim::faults::{Fault, Planted};
use tokio::time::Instant;

use crate::support::{RUNNER, Wire, World};

/// What a run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Took {
    /// Round trips in a row until revoke and disable are acknowledged.
    trips_to_cut: usize,
    to_cut: Duration,
    /// Until all is read back.
    trips: usize,
    whole: Duration,
}

/// Looks at the tenant's count and at the clock when the cut comes.
struct Stopwatch {
    sim: Arc<Simulated>,
    began: Instant,
    cut: Mutex<Option<(usize, Duration)>>,
}

impl Watch for Stopwatch {
    fn saw(&self, event: &Event) {
        if matches!(event.what, What::Cut { .. }) {
            let trips = self.sim.with(|tenant| tenant.round_trips());
            self.cut.lock().unwrap().get_or_insert((trips, self.began.elapsed()));
        }
    }
}

async fn measure(mut world: World) -> Took {
    let began = Instant::now();
    let watch = Arc::new(Stopwatch { sim: Arc::clone(&world.sim), began, cut: Mutex::default() });
    world.watch = Arc::<Stopwatch>::clone(&watch);
    let document = world.contain().await;
    assert_eq!(document.outcome, Outcome::Contained, "{document:#?}");
    let (trips_to_cut, to_cut) = watch.cut.lock().unwrap().expect("a cut");
    assert_eq!(document.users[0].cut_ms, Some(u64::try_from(to_cut.as_millis()).unwrap()));
    let trips = world.sim.with(|tenant| tenant.round_trips());
    Took { trips_to_cut, to_cut, trips, whole: began.elapsed() }
}

/// The built-in tenant; the token takes a round trip like any other request.
fn signing_in() -> World {
    let mut world = World::contoso();
    let environment = Environment {
        tenant_id: Some(world.sim.with(|tenant| tenant.tenant_id.clone())),
        client_id: world.sim.with(|tenant| tenant.app_id(RUNNER)),
        client_secret: Some("only-for-rehearsals".into()),
        ..Environment::default()
    };
    let wire = Arc::<Wire>::clone(&world.wire);
    world.tokens = credential::choose(Auth::Secret, &environment, Cloud::Global, wire).unwrap().0;
    world
}

/// A tenant and a playbook that use every family of endpoints.
fn all_families() -> World {
    let tenant = include_str!("../examples/tenants/all-footholds.yaml");
    World::of(tenant).by(include_str!("../examples/playbooks/all-actions.yaml"))
}

#[tokio::test(start_paused = true)]
async fn the_cut_comes_after_three_round_trips_and_the_proof_within_ten() {
    let (world, latency) = (signing_in(), Duration::from_millis(20));
    world.sim.with(|tenant| tenant.latency = latency);
    let sim = Arc::clone(&world.sim);
    let took = measure(world).await;
    let tokens =
        sim.with(|t| t.log().iter().filter(|seen| seen.path.ends_with("/oauth2/v2.0/token")).count());
    assert_eq!(tokens, 1, "the token is among the requests");
    assert!(took.trips_to_cut <= 3 && took.trips <= 10, "{took:?}");
    // Nothing but the service is waited for.
    assert_eq!((took.to_cut, took.whole), (3 * latency, latency * u32::try_from(took.trips).unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_answers_after_a_minute_does_not_delay_the_cut() {
    let undisturbed = measure(World::contoso()).await;
    for slow in ["/authentication/methods", "/mailFolders/", "/servicePrincipals/", "/ownedObjects"] {
        let world = World::contoso();
        world.wire.delay(slow, Duration::from_secs(60));
        let took = measure(world).await;
        assert!(took.whole >= Duration::from_secs(60), "{slow} is asked");
        assert_eq!(
            (took.trips_to_cut, took.to_cut),
            (undisturbed.trips_to_cut, undisturbed.to_cut),
            "{slow}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_family_does_not_delay_the_cut() {
    let undisturbed = measure(all_families()).await;
    for family in ["/identityProtection/", "/authentication/", "/messageRules"] {
        let throttled = Planted { times: 3, ..Planted::new(family, Fault::status(429)) };
        let world = all_families().with_planted(throttled);
        let sim = Arc::clone(&world.sim);
        let took = measure(world).await;
        let refused = sim.with(|t| t.log().iter().filter(|seen| seen.status == Some(429)).count());
        assert_eq!(refused, 3, "{family} is asked");
        assert_eq!(
            (took.trips_to_cut, took.to_cut),
            (undisturbed.trips_to_cut, undisturbed.to_cut),
            "{family}"
        );
    }
}

/// The Azure CLI of this test waits for a line that never comes.
#[cfg(unix)]
#[test]
fn the_connection_to_graph_is_open_before_the_token_is_there() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    use crate::served::{ADELE, Place};

    let place = Place::contoso();
    let pipe = place.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Open for both, or opening it would wait for the other end.
    let token = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    let az = place.write("az", &format!("#!/bin/sh\nexec cat '{}'\n", pipe.display()));
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o700)).unwrap();
    let graph = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut oust = place
        .command(&["plan", ADELE, "--auth", "az"])
        .env("PATH", format!("{}:/usr/bin:/bin", place.path("").display()))
        .env("OUST_GRAPH_ENDPOINT", format!("http://{}", graph.local_addr().unwrap()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (says, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        BufReader::new(graph.accept().unwrap().0).read_line(&mut line).unwrap();
        says.send(line)
    });
    // Only a failure waits so long. Killed before it has said what it came for, it may say nothing.
    let line = said.recv_timeout(Duration::from_mins(2));
    oust.kill().unwrap();
    oust.wait().unwrap();
    drop(token);
    let line = line.expect("a connection while the token travels");
    assert_eq!(line, "HEAD /v1.0 HTTP/1.1\r\n");
}
