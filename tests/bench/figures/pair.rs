//! `oust` beside a plain script that makes the same kinds of calls one after the other (`examples/sequential.rs`): on
//! the same tenant, in turns, each time in multiples of a round trip.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use oust::rehearsal::{CONTOSO, Served};
use oust::sim::{Seen, file, round_trips};
use serde_json::Value;

use crate::process::contain;
use crate::{AnyError, row};

#[path = "../../../examples/sequential.rs"]
#[allow(dead_code, reason = "an example has a main of its own")]
mod sequential;

/// A figure of a run.
type Of<T> = fn(&Took) -> T;

/// One of the two on a fresh tenant.
struct Took {
    /// Until sessions are revoked and the account is disabled.
    cut: Duration,
    /// Until all is done and read back.
    whole: Duration,
    /// Round trips in a row until each of the two.
    trips: (usize, usize),
    requests: usize,
    /// Ways in that still work.
    open: BTreeSet<String>,
}

/// Sets the two beside each other so many times.
pub fn compare(folder: &Path, latency: Duration, pairs: usize) -> Result<(), AnyError> {
    println!(
        "\n{} ms a round trip, {pairs} pairs in turns: the middle one (least to most)",
        latency.as_millis()
    );
    row("", &columns("oust", "a plain script", "script / oust"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        ours.push(by_oust(folder, latency)?);
        theirs.push(by_script(latency)?);
    }
    if let Some((a, b)) = ours.iter().zip(&theirs).find(|(a, b)| a.open != b.open) {
        return Err(format!("they closed different ways in: {:?} and {:?}", a.open, b.open).into());
    }
    let multiples = |of: Of<Duration>, took: &[Took]| -> Vec<f64> {
        took.iter().map(|took| of(took).as_secs_f64() / latency.as_secs_f64()).collect()
    };
    let times: [(&str, Of<Duration>); 2] =
        [("cut, in round trips", |took| took.cut), ("total, in round trips", |took| took.whole)];
    for (name, of) in times {
        let (ours, theirs) = (multiples(of, &ours), multiples(of, &theirs));
        let ratios = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
        row(name, &columns(&spread(ours), &spread(theirs), &spread(ratios)));
    }
    let counts: [(&str, Of<usize>); 3] = [
        ("longest chain to the cut", |took| took.trips.0),
        ("longest chain in all", |took| took.trips.1),
        ("requests", |took| took.requests),
    ];
    for (name, of) in counts {
        row(name, &columns(&counted(of, &ours), &counted(of, &theirs), ""));
    }
    Ok(())
}

fn served(latency: Duration) -> Result<Served, AnyError> {
    let mut tenant = file::parse(CONTOSO)?;
    tenant.latency = latency;
    Ok(Served::on_loopback(tenant)?)
}

/// The binary, from its start to its end.
fn by_oust(folder: &Path, latency: Duration) -> Result<Took, AnyError> {
    let served = served(latency)?;
    let mut command = contain(&served, folder)?;
    command.args(["--output", "json"]);
    let began = Instant::now();
    let output = command.output()?;
    let whole = began.elapsed();
    let document: Value = serde_json::from_slice(&output.stdout)?;
    if document["outcome"] != "contained" {
        return Err(format!("it ended {}: {}", document["outcome"], document["error"]).into());
    }
    let cut = document["users"][0]["cut_ms"].as_u64().ok_or("there was no cut")?;
    let until_cut = round_trips(&until_cut(&served.tenant.with(|t| t.log().to_vec())));
    Ok(took(&served, (Duration::from_millis(cut), whole), until_cut))
}

fn by_script(latency: Duration) -> Result<Took, AnyError> {
    let served = served(latency)?;
    let (victim, since) = served.tenant.with(|t| (t.victim.clone(), t.compromised_since()));
    let (victim, since) = (victim.ok_or("no victim")?, since.ok_or("no intruder")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let began = Instant::now();
    let mut cut = None;
    let graph = sequential::Graph::of(&served)?;
    let when_cut = || cut = Some((began.elapsed(), served.tenant.with(|t| t.round_trips())));
    runtime.block_on(sequential::evict(&graph, &victim, since, when_cut))?;
    let whole = began.elapsed();
    let (cut, until_cut) = cut.ok_or("there was no cut")?;
    Ok(took(&served, (cut, whole), until_cut))
}

fn took(served: &Served, (cut, whole): (Duration, Duration), until_cut: usize) -> Took {
    let (in_all, requests) = served.tenant.with(|t| (t.round_trips(), t.log().len()));
    let open = served.tenant.footholds().into_iter().filter(|f| f.works).map(|f| f.name).collect();
    Took { cut, whole, trips: (until_cut, in_all), requests, open }
}

/// What had been answered when the first two writes were: sessions revoked, account disabled.
fn until_cut(log: &[Seen]) -> Vec<Seen> {
    let cut = log.iter().filter(|seen| seen.write).take(2).filter_map(|seen| seen.answered).max();
    log.iter().filter(|seen| seen.answered <= cut).cloned().collect()
}

fn columns(ours: &str, theirs: &str, ratio: &str) -> String {
    format!("{ours:<24}{theirs:<24}{ratio}").trim_end().to_owned()
}

fn spread(mut figures: Vec<f64>) -> String {
    figures.sort_by(f64::total_cmp);
    let (least, median, most) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
    format!("{median:.1} ({least:.1} to {most:.1})")
}

/// Counts are the same each time, or it shows.
fn counted(of: Of<usize>, took: &[Took]) -> String {
    let counts: BTreeSet<usize> = took.iter().map(of).collect();
    counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
