//! `oust resume`.

use super::bulk;
use super::common::Common;
use super::confirm::Typed;
use super::connect;
use super::output::{Output, Show};
use crate::failure::Result;
use crate::journal::Earlier;

/// Go on with a run after a crash, a signal or a deadline
///
/// What may have taken effect is settled by reading before anything is sent again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a run or a bulk run, the start of one, or `last`
    run: String,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Read and say what is left to do, but write nothing
    #[arg(long, alias = "what-if")]
    dry_run: bool,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let path = match connect::store(common)?.earlier(&self.run)? {
            Earlier::Run(path) => path,
            Earlier::Bulk(path) if self.dry_run => return bulk::show(&path, common, output),
            Earlier::Bulk(path) => return bulk::resume(&path, common, output, started).await,
        };
        if self.dry_run {
            return super::report::show(&path, output, Show::Plan);
        }
        let typed = Typed::new(output);
        let consent = typed.consent(self.yes || confirmed(&path)?, common)?;
        let engine =
            connect::connect(common, output, connect::users_of(&path)?, Some(usize::MAX), started)?.engine;
        let document = engine.resume(&path, &consent).await;
        Ok(output.finish(&document, Show::Report))
    }
}

/// A run that was confirmed before it stopped is not asked about again.
fn confirmed(path: &crate::journal::RunPath) -> Result<bool> {
    Ok(crate::journal::load(path.journal())?.1.confirmed.is_some())
}
