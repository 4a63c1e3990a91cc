//! How much memory a run takes, in a process that does nothing else: the tenant is served by another one, which
//! throttles nobody, so that it is over soon.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oust::clock::Clock;
use oust::graph::cloud::Endpoint;
use oust::graph::http::HttpTransport;
use oust::graph::token::{Again, Token};
use oust::graph::{Budget, Graph, GraphParts, TokenSource};
use oust::rehearsal::{RUNNER, Served};
use oust::sim::crowd::crowd;
use secrecy::SecretString;

use crate::AnyError;

/// The mode of the process that is measured.
pub const ALONE: &str = "--alone";

/// Runs it in a process of its own, prints a row and gives its peak in MiB.
pub fn measure(users: usize) -> Result<f64, AnyError> {
    let folder = tempfile::tempdir()?;
    let mut tenant = crowd(users)?;
    tenant.count_only();
    let served = Served::on_loopback(tenant)?;
    std::fs::write(folder.path().join("token"), served.tenant.token(RUNNER))?;
    let began = std::time::Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .args([ALONE, &served.url()])
        .arg(folder.path())
        .arg(users.to_string())
        .spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    let ended = loop {
        peak = peak_of(&status).or(peak);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let peak = peak.ok_or("the kernel doesn't tell how much memory a process takes")?;
    if !ended.success() {
        return Err(format!("the run of {users} users ended with {ended}").into());
    }
    println!(
        "peak memory of {users} users: {peak:.1} MiB ({:.0} s without limits)",
        began.elapsed().as_secs_f64()
    );
    Ok(peak)
}

fn peak_of(status: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(status).ok()?;
    let field = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(field.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// A token that is known.
struct Known(SecretString);

#[async_trait]
impl TokenSource for Known {
    async fn token(&self, _: Again) -> oust::failure::Result<Token> {
        Ok(Token { secret: self.0.clone(), expires_on: None })
    }
}

/// What the process that is measured does.
pub fn contain(url: &str, folder: &Path, users: usize) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let token = SecretString::from(std::fs::read_to_string(folder.join("token"))?);
    runtime.block_on(async {
        let clock = Clock::system();
        let graph = Graph::new(GraphParts {
            transport: Arc::new(HttpTransport::new()?),
            tokens: Arc::new(Known(token)),
            endpoint: Endpoint::parse(url, true)?,
            clock: clock.clone(),
            budget: Arc::new(Budget::default()),
        })
        .unpaced();
        crate::contain(graph, clock, &folder.join("state"), users).await.map(drop)
    })
}
