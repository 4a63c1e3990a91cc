//! The binary itself: its size, how soon it starts, what a run holds at most.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oust::rehearsal::{CONTOSO, RUNNER, Served};
use oust::sim::file;
use serde_json::Value;

use crate::machine::field;
use crate::{AnyError, OUST, row};

const STARTS: usize = 30;

/// Size of the binary.
pub fn size() -> Result<(), AnyError> {
    #[allow(clippy::cast_precision_loss)]
    let mib = std::fs::metadata(OUST)?.len() as f64 / 1024.0 / 1024.0;
    row("size of the binary", &format!("{mib:.1} MiB"));
    Ok(())
}

/// From the start to the end of a command that does nothing, and from the start of a run to the moment when it would
/// send its first request: until then it reads its configuration and this machine's roots of trust.
pub fn start_up(folder: &Path) -> Result<(), AnyError> {
    let version = || {
        let began = Instant::now();
        Command::new(OUST).arg("--version").stdout(Stdio::null()).status()?;
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    };
    row("start-up of oust --version", &median(version)?);
    let served = Served::on_loopback(file::parse(CONTOSO)?)?;
    let run = || {
        let output = contain(&served, folder)?.args(["--dry-run", "--output", "jsonl"]).output()?;
        let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let began: Value = serde_json::from_slice(first)?;
        began["elapsed_ms"].as_f64().ok_or_else(|| "the run did not begin".into())
    };
    row("a run before its first request", &median(run)?);
    Ok(())
}

fn median(milliseconds: impl Fn() -> Result<f64, AnyError>) -> Result<String, AnyError> {
    // The first one may have to be read from the disk.
    milliseconds()?;
    let mut times = (0..STARTS).map(|_| milliseconds()).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f64::total_cmp);
    let (least, median, most) = (times[0], times[STARTS / 2], times[STARTS - 1]);
    Ok(format!("{median:.1} ms (median of {STARTS}; {least:.1} to {most:.1})"))
}

/// The most memory that a run takes: what the kernel kept of the process when it was last asked, once a
/// millisecond.
pub fn memory(folder: &Path) -> Result<(), AnyError> {
    let served = Served::on_loopback(file::parse(CONTOSO)?)?;
    let mut child = contain(&served, folder)?.stdout(Stdio::null()).spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = None;
    let ended = loop {
        peak = field(&status, "VmHWM").or(peak);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    if !ended.success() {
        return Err(format!("the run ended with {ended}").into());
    }
    let kib = peak.and_then(|text| text.strip_suffix("kB")?.trim().parse::<f64>().ok());
    let said =
        kib.map_or_else(|| "not known on this system".into(), |kib| format!("{:.1} MiB", kib / 1024.0));
    row("peak memory of a one-user run", &said);
    Ok(())
}

/// The command that contains the victim of a served tenant, its runs kept in this folder. What earlier ones used of the
/// tenant's quotas is forgotten, or it would wait for them.
pub fn contain(served: &Served, folder: &Path) -> Result<Command, AnyError> {
    let victim = served.tenant.with(|t| t.victim.clone()).unwrap_or_default();
    let since = served.tenant.with(|t| t.compromised_since()).ok_or("the tenant has no intruder")?;
    let token = folder.join("token");
    std::fs::write(&token, served.tenant.token(RUNNER))?;
    private(&token)?;
    let state = folder.join("state");
    if state.exists() {
        std::fs::remove_dir_all(state.join("limits"))?;
    }
    let mut command = Command::new(OUST);
    command
        .args(["contain", &victim, "--since", &since.to_string(), "--yes"])
        .env("OUST_GRAPH_ENDPOINT", served.url())
        .env("OUST_TOKEN_FILE", &token)
        .env("OUST_STATE_DIR", &state)
        .env("OUST_CONFIG", folder.join("none.toml"))
        .stderr(Stdio::null());
    std::fs::write(folder.join("none.toml"), "")?;
    Ok(command)
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
