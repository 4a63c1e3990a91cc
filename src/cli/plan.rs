//! `oust plan`.

use std::path::{Path, PathBuf};

use super::common::{Common, What};
use super::output::{Output, Show, write_whole};
use super::{bulk, connect, contain};
use crate::failure::{Code, Exit, Failure, Result};
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
        if let Some(file) = &self.what.list {
            return self.for_many(file, common, output, started).await;
        }
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

    /// Plans are saved one by one: each is carried out, or not, by itself.
    async fn for_many(
        &self,
        file: &Path,
        common: &Common,
        output: &Output,
        started: tokio::time::Instant,
    ) -> Result<u8> {
        if self.out.is_some() {
            return Err(Failure::new(Code::InvalidArguments, "--out saves the plan of one user, and --users names many")
                .next("`oust contain --users FILE --max-users N` plans and carries out; leave --out away to look only"));
        }
        let mut document = bulk::plan(file, &self.what, (common, output, started)).await?;
        if self.detailed_exitcode && document.outcome == Outcome::Planned {
            document.exit_code = Exit::ChangesPending.status();
        }
        Ok(output.finish_bulk(&document))
    }
}
