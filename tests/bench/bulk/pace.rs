//! How long a run takes where the published limits are enforced, beside the least that they admit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use oust::clock::Clock;
use oust::graph::cloud::Endpoint;
use oust::graph::token::{Again, Token};
use oust::graph::{Budget, Graph, GraphParts, Reply, Request, SendError, TenantSize, TokenSource, Transport};
use oust::rehearsal::RUNNER;
use oust::sim::crowd::crowd;
use oust::sim::{Limits, Simulated};
use secrecy::SecretString;

use crate::{AnyError, contain};

/// There and back, at the least; as much again comes on top of it at random.
const LATENCY: Duration = Duration::from_millis(60);
/// What the last of many to be cut off surely meets.
const SLOWEST: Duration = Duration::from_millis(120);
/// Round trips to the cut.
const TRIPS: u32 = 2;

/// The cable, which counts what is throttled apart: how often authentication methods were asked for.
struct Cable {
    sim: Arc<Simulated>,
    reports: AtomicU64,
}

#[async_trait]
impl Transport for Cable {
    async fn send(&self, request: Request) -> Result<Reply, SendError> {
        let is_report = request.url.contains("/authentication/");
        self.reports.fetch_add(u64::from(is_report), Ordering::Relaxed);
        self.sim.send(request).await
    }
}

#[async_trait]
impl TokenSource for Cable {
    async fn token(&self, _: Again) -> oust::failure::Result<Token> {
        Ok(Token { secret: SecretString::from(self.sim.token(RUNNER)), expires_on: None })
    }
}

/// Runs it and prints a row.
pub fn measure(users: usize) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(async {
        let clock = Clock::starting_at("2026-05-02T12:00:00Z".parse()?);
        let (units, size) =
            if users > 500 { (8_000, TenantSize::Large) } else { (5_000, TenantSize::Medium) };
        let mut tenant = crowd(users)?;
        tenant.limits = Some(Limits::new(units, 3_000));
        (tenant.latency, tenant.jitter) = (LATENCY, LATENCY);
        tenant.count_only();
        let cable =
            Arc::new(Cable { sim: Simulated::new(tenant, clock.clone()), reports: AtomicU64::new(0) });
        let graph = Graph::new(GraphParts {
            transport: Arc::<Cable>::clone(&cable),
            tokens: Arc::<Cable>::clone(&cable),
            endpoint: Endpoint::parse(Simulated::BASE_URL, false)?,
            clock: clock.clone(),
            budget: Arc::new(Budget::default()),
        })
        .sized(size);
        let began = tokio::time::Instant::now();
        let document = contain(graph, clock, folder.path(), users).await?;
        let all = began.elapsed().as_secs_f64();
        let cut_ms = document.users.iter().filter_map(|user| user.cut_ms).max().unwrap_or_default();
        let cuts = Duration::from_millis(cut_ms).as_secs_f64();
        let (least_cuts, least_all) =
            (least_for_cuts(users, units), least(cable.reports.load(Ordering::Relaxed)));
        let counts = cable.sim.with(|t| t.counts());
        #[allow(clippy::cast_precision_loss)]
        let share = counts.throttled as f64 / counts.requests as f64 * 100.0;
        println!(
            "{users:>6}  {cuts:>7.1} s  {:>7.2} x  {all:>7.0} s  {:>6.3} x  {:>9}  {share:>7.3} %",
            cuts / least_cuts,
            all / least_all,
            counts.requests
        );
        Ok(())
    })
}

/// The least that the directory's quotas admit for all cuts, in seconds: of each user two units are read and two
/// calls written, which cost a unit each; 3,000 writes in 150 seconds. With nothing of that in the way, the round trips.
#[allow(clippy::cast_precision_loss)]
fn least_for_cuts(users: usize, units: u32) -> f64 {
    let (users, units) = (users as f64, f64::from(units));
    let writes = (2.0 * users - 3_000.0) / 20.0;
    let reads = (4.0 * users - units) / (units / 10.0);
    writes.max(reads).max((SLOWEST * TRIPS).as_secs_f64())
}

/// The least that the quota of authentication methods admits, in seconds: five at once, then one in two seconds.
#[allow(clippy::cast_precision_loss)]
fn least(reports: u64) -> f64 {
    (reports as f64 - 5.0) * 2.0
}
