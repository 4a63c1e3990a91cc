//! `oust rehearse`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::common::Common;
use super::output::{Format, Output, complain, print};
use super::signals;
use crate::clock::Clock;
use crate::engine::Stop;
use crate::engine::event::{Event, Unwatched, Watch, What};
use crate::failure::{Code, Exit, Failure, Result};
use crate::playbook::{DEFAULT_PLAYBOOK, Playbook};
use crate::rehearsal::{Audience, CONTOSO, RUNNER, Rehearsal, Served, WayIn, rehearse};
use crate::report::progress::{JsonLines, Progress};
use crate::report::style::{self, Paint};
use crate::report::{RunDocument, State, escape, text, width};
use crate::sim::intruder::Foothold;
use crate::sim::{Tenant, file};

/// Rehearse on a simulated tenant: attack, plan, containment, proof, rollback
///
/// The engine, the Graph client, the HTTP stack and the journal are those of a real run; only the tenant is
/// simulated, on a loopback port of this machine. Nothing has to be set up.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Tenant file of your own; `oust schema tenant` says what can be in it
    #[arg(value_name = "TENANT.yaml")]
    file: Option<PathBuf>,
    /// Built-in playbook or YAML file
    #[arg(long, default_value = DEFAULT_PLAYBOOK, value_name = "ID|FILE")]
    playbook: String,
    /// Only serve the tenant, so that curl or a SOAR can be pointed at it
    #[arg(long, value_name = "ADDR")]
    serve: Option<SocketAddr>,
    /// With --serve: write a token for the tenant's own application into this file
    #[arg(long, value_name = "PATH", requires = "serve")]
    write_token: Option<PathBuf>,
}

/// The document of a rehearsal: that of its run, and what only a rehearsal can know.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    run: &'a RunDocument,
    rehearsal: &'a Rehearsal,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let tenant = match &self.file {
            None => file::parse(CONTOSO)?,
            Some(path) => file::parse(&read(path)?)?,
        };
        if let Some(address) = self.serve {
            return serve(tenant, address, self.write_token.as_deref()).await;
        }
        let playbook = Playbook::find(&self.playbook)?;
        let scratch = tempfile::tempdir().map_err(|e| {
            Failure::new(Code::StateUnwritable, format!("making a directory for the rehearsal: {e}"))
        })?;
        let state = (common.state_dir.as_deref().unwrap_or(scratch.path()), common.state_dir.is_some());
        let (watch, audience): (Arc<dyn Watch>, Box<dyn Audience + Sync>) = match output.format {
            Format::Text => {
                let watch = Progress::new(Box::new(std::io::stdout()), output.paint, output.quiet());
                let full = output.verbose();
                let recovery = playbook.gives_back().then(|| playbook.id.clone());
                let stage = Stage {
                    paint: output.paint,
                    width: output.width,
                    full,
                    started,
                    recovery,
                    parts: AtomicU8::new(0),
                };
                (Arc::new(Told { inner: watch, full }), Box::new(stage))
            }
            Format::Jsonl => (Arc::new(JsonLines::new(Box::new(std::io::stdout()))), Box::new(Nobody)),
            Format::Json => (Arc::new(Unwatched), Box::new(Nobody)),
        };
        let (mut run, rehearsal) =
            rehearse(tenant, playbook, state, common.patience, watch, &*audience).await?;
        if !rehearsal.restored && run.exit_code == Exit::Done.status() {
            run.exit_code = Exit::Partial.status();
        }
        match output.format {
            Format::Text => print(&closing(&rehearsal, output)),
            Format::Json | Format::Jsonl => output.json(&Document { run: &run, rehearsal: &rehearsal }),
        }
        output.write_result_file(&Document { run: &run, rehearsal: &rehearsal })?;
        Ok(run.exit_code)
    }
}

/// The events that a story needs: what is begun and decided stands in the plan already.
struct Told {
    inner: Progress,
    full: bool,
}

impl Watch for Told {
    fn saw(&self, event: &Event) {
        let aside = match &event.what {
            What::Began { .. } | What::Resolved { .. } | What::Decided { .. } | What::Stage { .. } => true,
            What::Changed { state, .. } => *state == State::Pending,
            _ => false,
        };
        if self.full || !aside {
            self.inner.saw(event);
        }
    }
}

/// Nobody listens: the document says it all.
struct Nobody;

impl Audience for Nobody {
    fn attack(&self, _: &str, _: &[String], _: &[Foothold]) {}
    fn containing(&self) {}
    fn contained(&self, _: &RunDocument) {}
    fn plan(&self, _: &RunDocument) {}
    fn run(&self, _: &RunDocument, _: &[WayIn]) {}
    fn rollback(&self, _: &RunDocument) {}
}

/// A person listens.
struct Stage {
    paint: Paint,
    width: usize,
    full: bool,
    started: tokio::time::Instant,
    /// The playbook, when it gives an account back: a containment comes before it.
    recovery: Option<String>,
    parts: AtomicU8,
}

impl Stage {
    fn heading(&self, title: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        let number = self.parts.fetch_add(1, Ordering::SeqCst) + 1;
        let title = self.paint.paint(style::HEAD, &format!("{number}. {title}"));
        print(&format!("\n{title}  {}\n\n", self.paint.paint(style::FAINT, &format!("({seconds:.2} s)"))));
    }

    /// Hostile text, hanging beside a tag of so many columns.
    fn wrapped(&self, tag: &str, columns: usize, text: &str) {
        let lines = width::wrap(&escape::terminal(text), self.width.saturating_sub(columns + 2));
        for (i, line) in lines.iter().enumerate() {
            let tag = if i == 0 { tag } else { &" ".repeat(columns) };
            print(&format!("  {tag}{line}\n"));
        }
    }

    fn way(&self, works: bool, name: &str, why: &str) {
        let word = if works {
            self.paint.paint(style::BAD, "WORKS ")
        } else {
            self.paint.paint(style::GOOD, "closed")
        };
        self.wrapped(&format!("{word}  "), 8, &format!("{name}: {why}"));
    }
}

impl Audience for Stage {
    fn attack(&self, url: &str, story: &[String], footholds: &[Foothold]) {
        print(&format!(
            "A rehearsal on a simulated tenant at {url}; nothing outside this machine is touched.\n"
        ));
        self.heading("The attack");
        for line in story {
            self.wrapped("- ", 2, line);
        }
        print("\n  The intruder's ways in:\n");
        for foothold in footholds {
            self.way(foothold.works, &foothold.name, &foothold.why);
        }
    }

    fn containing(&self) {
        self.heading("Beforehand, the containment: oust contain USER");
    }

    fn contained(&self, run: &RunDocument) {
        print("\n");
        print(&text::verdict(run, &self.paint, self.width));
    }

    fn plan(&self, plan: &RunDocument) {
        let playbook = self.recovery.as_ref().map(|id| format!(" --playbook {id}")).unwrap_or_default();
        self.heading(&format!("The plan: oust plan USER{playbook}"));
        if self.full {
            print(&text::plan(plan, &self.paint, self.width));
        } else {
            print(&text::brief_plan(plan, &self.paint, self.width));
            print("\n  Calls, reasons and what to do about the rest: `oust rehearse -v`.\n");
        }
        let what = if self.recovery.is_some() { "recovery" } else { "containment" };
        self.heading(&format!("The {what}: oust contain USER{playbook}"));
    }

    fn run(&self, run: &RunDocument, ways_in: &[WayIn]) {
        print("\n");
        if self.full {
            print(&text::run_with_calls(run, &self.paint, self.width));
        } else {
            print(&text::verdict(run, &self.paint, self.width));
        }
        self.heading("The intruder's ways in, tried again");
        for way in ways_in {
            let last = match way.last_in_ms {
                Some(ms) if !way.after => {
                    format!(" (last let in at {:.2} s)", Duration::from_millis(ms).as_secs_f64())
                }
                _ => String::new(),
            };
            self.way(way.after, &way.name, &format!("{}{last}", way.why));
        }
        self.heading("Taking it back: oust rollback RUN");
    }

    fn rollback(&self, rollback: &RunDocument) {
        let _ = rollback;
    }
}

fn closing(rehearsal: &Rehearsal, output: &Output) -> String {
    let paint = output.paint;
    let mut text = String::from("\n");
    if rehearsal.restored {
        text.push_str(&paint.paint(style::GOOD, "The tenant is as it was"));
        let permanent = match rehearsal.irreversible.len() {
            0 => ".\n".to_owned(),
            n => format!(", but for {n} changes that can't be undone: permanent above.\n"),
        };
        text.push_str(&permanent);
    } else {
        text.push_str(&paint.paint(style::BAD, "The tenant is NOT as it was"));
        let differences = rehearsal.differences.iter().map(|path| escape::terminal(path));
        text.push_str(&format!(": {}\n", differences.collect::<Vec<_>>().join(", ")));
    }
    let cut = rehearsal
        .round_trips_until_cut
        .map_or_else(|| "no cut".to_owned(), |n| format!("{n} dependent round trips until the cut"));
    text.push_str(&format!(
        "\n{cut}, {} until verified, {} requests; the whole rehearsal took {:.2} s.\n",
        rehearsal.round_trips_until_verified,
        rehearsal.requests,
        Duration::from_millis(rehearsal.elapsed_ms).as_secs_f64(),
    ));
    text.push_str("\nNext: `oust doctor` against your own tenant, then `oust plan USER`.\n");
    text
}

async fn serve(tenant: Tenant, address: SocketAddr, token: Option<&Path>) -> Result<u8> {
    let served = Served::start(tenant, address)?;
    let (id, app) = served.tenant.with(|t| (t.tenant_id.clone(), t.app_id(RUNNER).unwrap_or_default()));
    let mut lines = format!(
        "serving tenant {id} at {url}; Ctrl-C ends it\n\na token:\n  curl -d client_id={app} -d client_secret=… -d grant_type=client_credentials \\\n       -d scope=https://graph.microsoft.com/.default {url}/{id}/oauth2/v2.0/token\n",
        url = served.url()
    );
    if let Some(path) = token {
        write_token(path, &served.tenant.token(RUNNER))?;
        lines.push_str(&format!(
            "\noust itself:\n  export OUST_GRAPH_ENDPOINT={} OUST_TOKEN_FILE={}\n  oust doctor\n",
            served.url(),
            path.display()
        ));
    }
    print(&lines);
    let stop = Stop::new(Clock::system(), None);
    signals::listen(&stop);
    while stop.sleep(Duration::from_secs(3600)).await {}
    complain("stopped");
    Ok(0)
}

fn write_token(path: &Path, token: &str) -> Result<()> {
    let failed =
        |e: std::io::Error| Failure::new(Code::OutputUnwritable, format!("writing {}: {e}", path.display()));
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(token.as_bytes())).map_err(failed)
}

fn read(path: &Path) -> Result<String> {
    let wrong = |what: String| {
        Failure::new(Code::InvalidTenantFile, format!("the tenant file {}: {what}", path.display()))
            .next("`oust schema tenant` says what can be in it")
    };
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + String::from_utf8_lossy(&e.as_bytes()[..at]).matches('\n').count();
        wrong(format!("line {line}: this is not UTF-8 text"))
    })
}
