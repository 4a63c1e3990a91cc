//! `oust verify`.

use super::bulk;
use super::common::Common;
use super::connect;
use super::output::{Output, Show};
use crate::failure::Result;
use crate::journal::Earlier;

/// Look again at what a run did: is all of it still in force?
///
/// Run it after the next directory sync for a synced account, and before the ticket is closed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a run or a bulk run, the start of one, or `last`
    run: String,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let path = match connect::store(common)?.earlier(&self.run)? {
            Earlier::Run(path) => path,
            Earlier::Bulk(path) => return bulk::verify(&path, common, output, started).await,
        };
        let engine = connect::connect(common, output, connect::users_of(&path)?, None, started)?.engine;
        let document = engine.reverify(&path).await;
        Ok(output.finish(&document, Show::Report))
    }
}
