//! `oust resume`.

use super::common::Common;
use super::confirm::Typed;
use super::connect;
use super::output::{Output, Show};
use crate::failure::Result;

/// Go on with a run after a crash, a signal or a deadline
///
/// What may have taken effect is settled by reading before anything is sent again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run id, the start of one, or `last`
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
        let path = connect::store(common)?.find(&self.run)?;
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
