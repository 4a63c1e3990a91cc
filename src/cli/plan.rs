//! `oust plan`.

use std::path::PathBuf;

use super::common::{Common, What};
use super::output::{Output, Show, write_whole};
use super::{connect, contain};
use crate::failure::{Exit, Result};
use crate::report::Outcome;

/// Show what contain would do, and write nothing
///
/// Current and new value of each object, the exact calls, what is irreversible, what is kept and why, what
/// stays open.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// Save the plan, for `oust apply FILE`
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 2 when changes are pending
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let order = contain::order(&self.what, "plan", common)?;
        let engine =
            connect::connect(common, output, order.names.len(), self.what.max_users, started)?.engine;
        let (mut document, saved) = engine.plan(&order).await;
        let mut show = Show::Plan;
        if let (Some(path), Some(saved)) = (&self.out, saved) {
            write_whole(path, &serde_json::to_vec_pretty(&saved).unwrap_or_default())?;
            show = Show::SavedPlan(path);
        }
        if self.detailed_exitcode && document.outcome == Outcome::Planned {
            document.exit_code = Exit::ChangesPending.status();
        }
        Ok(output.finish(&document, show))
    }
}
