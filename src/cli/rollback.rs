//! `oust rollback`.

use super::bulk;
use super::common::{Common, Writing};
use super::confirm::Typed;
use super::connect;
use super::output::{Output, Show};
use crate::failure::Result;
use crate::journal::Earlier;

/// Take back what a run did, as far as it can be taken back
///
/// The recorded undo calls, the last change first. An object that somebody changed since is left alone and named.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a run or a bulk run, the start of one, or `last`
    run: String,
    /// Only this step; may be given more than once
    #[arg(long, value_name = "STEP")]
    step: Vec<String>,
    #[command(flatten)]
    writing: Writing,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let path = match connect::store(common)?.earlier(&self.run)? {
            Earlier::Run(path) => path,
            Earlier::Bulk(path) => {
                return bulk::rollback(&path, &self.step, &self.writing, (common, output, started)).await;
            }
        };
        let typed = Typed::new(output);
        let consent = if self.writing.dry_run {
            crate::engine::Consent::Given("--dry-run".into())
        } else {
            typed.consent(self.writing.yes, common)?
        };
        let engine = connect::connect(common, output, connect::users_of(&path)?, None, started)?.engine;
        let document = engine.rollback(&path, &self.step, &consent, self.writing.dry_run).await;
        Ok(output.finish(&document, Show::Report))
    }
}
