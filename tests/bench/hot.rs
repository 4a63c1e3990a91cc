//! What this machine has to do itself: `cargo bench --bench hot`.
//!
//! `$batch` has no place here: no read of a run saves a round trip by it, so none is sent by it.

mod large_run;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use oust::journal::{Journal, RunPath, Store, load};
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::report::style::Paint;
use oust::report::{RunDocument, fold, markdown, text};

/// Records of the large journal.
const RECORDS: usize = 100_000;
const RULES: usize = (RECORDS - large_run::AROUND) / 3;
/// Objects that an action decides on.
const FINDINGS: usize = 10_000;

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let folder = tempfile::tempdir()?;
    let store = Store::new(folder.path().to_owned());
    append(&mut criterion, &store)?;
    plan(&mut criterion)?;
    let run = large_run::whole(&store, RULES)?;
    replay(&mut criterion, &run)?;
    render(&mut criterion, &run)?;
    criterion.final_summary();
    Ok(())
}

/// What a call did is synced; what was read back is not.
fn append(criterion: &mut Criterion, store: &Store) -> Result<(), AnyError> {
    let (_, mut journal, plan) = large_run::begun(store, 1)?;
    journal.intend([large_run::intent(&plan, 0)?])?;
    let mut append = |name: &str, record: &dyn Fn() -> oust::journal::Record, journal: &mut Journal| {
        criterion.bench_function(name, |bencher| bencher.iter(|| journal.append(record())));
    };
    append("journal append with sync", &|| large_run::accepted(0), &mut journal);
    append("journal append without sync", &|| large_run::effective(0), &mut journal);
    // A journal that could not be written takes no more records, and tells so at once.
    Ok(journal.append(large_run::effective(0))?)
}

fn plan(criterion: &mut Criterion) -> Result<(), AnyError> {
    let (who, action) = (large_run::adele(), large_run::action()?);
    let state = large_run::observed(&who, FINDINGS, 2)?;
    let plan = action.plan(&who, &state)?;
    if plan.changes.len() + plan.kept.len() < FINDINGS {
        return Err("not every rule was judged".into());
    }
    criterion.bench_function("plan of 10,000 findings", |bencher| {
        bencher.iter(|| action.plan(black_box(&who), black_box(&state)));
    });
    Ok(())
}

fn replay(criterion: &mut Criterion, run: &RunPath) -> Result<(), AnyError> {
    if load(run.journal())?.0.lines.len() != RECORDS {
        return Err("the journal is not of the length that it is named after".into());
    }
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10).throughput(Throughput::Elements(u64::try_from(RECORDS)?));
    group.bench_function("journal of 100,000 records", |bencher| {
        bencher.iter(|| load(black_box(run.journal())));
    });
    group.finish();
    Ok(())
}

fn render(criterion: &mut Criterion, run: &RunPath) -> Result<(), AnyError> {
    let (chain, ledger) = load(run.journal())?;
    let meta = fold::Meta {
        command: "contain".into(),
        playbook: Some(Playbook::find(DEFAULT_PLAYBOOK)?),
        journal: Some((run.journal().to_owned(), chain.head)),
        ..fold::Meta::default()
    };
    let document = || fold::document(black_box(&ledger), &meta, None);
    let mut group = criterion.benchmark_group(format!("report of {RULES} changes"));
    group.sample_size(10);
    group.bench_function("document", |bencher| bencher.iter(document));
    let document: RunDocument = document();
    group.bench_function("text", |bencher| {
        bencher.iter(|| text::run(black_box(&document), &Paint { colour: false }, 100));
    });
    group.bench_function("Markdown", |bencher| bencher.iter(|| markdown::run(black_box(&document))));
    group.bench_function("JSON", |bencher| bencher.iter(|| serde_json::to_vec(black_box(&document))));
    group.finish();
    Ok(())
}
