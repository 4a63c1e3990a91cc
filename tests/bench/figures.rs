//! The figures that the README quotes: `cargo bench`.
//!
//! Times depend on the machine; round trips and requests don't.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oust::clock::Clock;
use oust::engine::event::Unwatched;
use oust::journal::{Began, FORMAT, Journal, Record, Store};
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::rehearsal::{Audience, CONTOSO, RUNNER, Served, WayIn, rehearse};
use oust::report::RunDocument;
use oust::sim::file;
use oust::sim::intruder::Foothold;
use uuid::Uuid;

const OUST: &str = env!("CARGO_BIN_EXE_oust");
const STARTS: usize = 30;
const APPENDS: usize = 500;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let folder = tempfile::tempdir()?;
    start_up()?;
    append(folder.path())?;
    memory(folder.path())?;
    round_trips(folder.path())
}

fn start_up() -> Result<(), AnyError> {
    let mut times = Vec::new();
    for _ in 0..=STARTS {
        let began = Instant::now();
        Command::new(OUST).arg("--version").stdout(Stdio::null()).status()?;
        times.push(began.elapsed());
    }
    times.remove(0);
    row("start-up of oust --version", &mut times);
    Ok(())
}

fn append(folder: &Path) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let run = Store::new(folder.to_owned()).create_run(&Uuid::now_v7())?;
    let mut journal = Journal::create(&run, Clock::system())?;
    journal.append(Record::Began(Box::new(Began {
        format: FORMAT,
        version: "bench".into(),
        run_id: run.id().into(),
        command: "bench".into(),
        playbook: "bench".into(),
        playbook_sha256: String::new(),
        playbook_text: String::new(),
        tenant: oust_actions::Tenant::default(),
        operator: oust_actions::Operator::default(),
        users: vec![],
        since: jiff::Timestamp::UNIX_EPOCH,
        password_recipient: None,
        part_of: None,
    })))?;
    let mut times = Vec::new();
    for _ in 0..APPENDS {
        let began = Instant::now();
        journal.append(Record::Resumed {
            version: "bench".into(),
            operator: oust_actions::Operator::default(),
        })?;
        times.push(began.elapsed());
    }
    row("journal append with sync", &mut times);
    Ok(())
}

/// The peak is what the kernel kept of the process when it was last asked, once a millisecond.
fn memory(folder: &Path) -> Result<(), AnyError> {
    let served = Served::on_loopback(file::parse(CONTOSO)?)?;
    let victim = served.tenant.with(|t| t.victim.clone()).unwrap_or_default();
    let token = folder.join("token");
    std::fs::write(&token, served.tenant.token(RUNNER))?;
    private(&token)?;
    let mut child = Command::new(OUST)
        .args(["contain", &victim, "--yes", "--output", "json"])
        .env("OUST_GRAPH_ENDPOINT", served.url())
        .env("OUST_TOKEN_FILE", &token)
        .env("OUST_STATE_DIR", folder.join("state"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    let began = Instant::now();
    let ended = loop {
        peak = peak_kib(&status).or(peak);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let peak =
        peak.map_or_else(|| "not known on this system".into(), |kib| format!("{:.1} MiB", kib / 1024.0));
    println!(
        "peak memory of a one-user run     {peak} (exit {ended}, {:.2} s)",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn peak_kib(status: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn round_trips(folder: &Path) -> Result<(), AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tenant = file::parse(CONTOSO)?;
    let latency = tenant.latency;
    let playbook = Playbook::find(DEFAULT_PLAYBOOK)?;
    let state = (folder, true);
    let rehearsal = runtime
        .block_on(rehearse(tenant, playbook, state, Duration::from_secs(60), Arc::new(Unwatched), &Nobody))?
        .1;
    let cut = rehearsal.round_trips_until_cut.ok_or("there was no cut")?;
    println!("dependent round trips to the cut  {cut}, and one for the token");
    println!("dependent round trips to verified {}", rehearsal.round_trips_until_verified);
    println!("requests of a token-theft run     {}", rehearsal.requests);
    println!(
        "a whole rehearsal                 {:.2} s at {} ms a round trip",
        Duration::from_millis(rehearsal.elapsed_ms).as_secs_f64(),
        latency.as_millis()
    );
    Ok(())
}

struct Nobody;

impl Audience for Nobody {
    fn containing(&self) {}
    fn contained(&self, _: &RunDocument) {}
    fn attack(&self, _: &str, _: &[String], _: &[Foothold]) {}
    fn plan(&self, _: &RunDocument) {}
    fn run(&self, _: &RunDocument, _: &[WayIn]) {}
    fn rollback(&self, _: &RunDocument) {}
}

fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    let (least, median, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what:<33} median {:.2} ms (least {:.2}, most {:.2}, of {})",
        ms(median),
        ms(least),
        ms(most),
        times.len()
    );
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_: &Path) -> std::io::Result<()> {
    Ok(())
}
