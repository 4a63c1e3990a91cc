//! `oust verify`.

use super::common::Common;
use super::connect;
use super::output::{Output, Show};
use crate::failure::Result;

/// Look again at what a run did: is all of it still in force?
///
/// Run it after the next directory sync for a synced account, and before the ticket is closed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run id, the start of one, or `last`
    run: String,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let path = connect::store(common)?.find(&self.run)?;
        let engine = connect::connect(common, output, connect::users_of(&path)?, None, started)?.engine;
        let document = engine.reverify(&path).await;
        Ok(output.finish(&document, Show::Report))
    }
}
