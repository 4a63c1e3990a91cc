//! The figures that the README quotes: `cargo bench --bench figures`. What they mean is in `tests/bench/README.md`.
//!
//! Times depend on the machine; round trips and requests don't.
#![allow(clippy::print_stdout)]

mod machine;
mod pair;
mod process;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oust::engine::event::Unwatched;
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::rehearsal::{Audience, CONTOSO, WayIn, rehearse};
use oust::report::RunDocument;
use oust::sim::file;
use oust::sim::intruder::Foothold;

const OUST: &str = env!("CARGO_BIN_EXE_oust");

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let folder = tempfile::tempdir()?;
    machine::describe();
    println!();
    process::size()?;
    process::start_up(folder.path())?;
    process::memory(folder.path())?;
    round_trips(folder.path())?;
    pair::compare(folder.path(), Duration::from_millis(20), 15)?;
    pair::compare(folder.path(), Duration::from_millis(100), 7)
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
    let whole = Duration::from_millis(rehearsal.elapsed_ms).as_secs_f64();
    row("dependent round trips to the cut", &format!("{cut}, and one for the token"));
    row("dependent round trips to verified", &rehearsal.round_trips_until_verified.to_string());
    row("requests of a token-theft run", &rehearsal.requests.to_string());
    row("a whole rehearsal", &format!("{whole:.2} s at {} ms a round trip", latency.as_millis()));
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

fn row(what: &str, figure: &str) {
    println!("{what:<34} {figure}");
}
