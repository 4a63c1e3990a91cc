//! `oust apply`.

use std::path::PathBuf;

use super::common::{Common, Writing};
use super::confirm::Typed;
use super::connect;
use super::output::{Output, Show};
use crate::engine::SavedPlan;
use crate::failure::{Code, Failure, Result};

/// Carry out a saved plan, unless the tenant changed since
#[derive(Debug, clap::Args)]
pub struct Args {
    /// File of `oust plan --out`
    file: PathBuf,
    #[command(flatten)]
    writing: Writing,
    /// Most users of one run [default: 1]
    #[arg(long, value_name = "N")]
    max_users: Option<usize>,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        let bytes = std::fs::read(&self.file).map_err(|e| {
            Failure::new(Code::InvalidPlan, format!("reading {}: {e}", self.file.display()))
                .next("make it anew: `oust plan USER --out FILE`")
        })?;
        let saved = SavedPlan::parse(&bytes)?;
        let order = saved.order(connect::store(common)?.next_id())?;
        let typed = Typed::new(output);
        let consent =
            if self.writing.dry_run { None } else { Some(typed.consent(self.writing.yes, common)?) };
        let mut engine = connect::connect(common, output, order.names.len(), self.max_users, started)?.engine;
        if engine.guards.tenant_id.as_ref().is_some_and(|id| !id.eq_ignore_ascii_case(&saved.tenant_id)) {
            return Err(Failure::new(
                Code::WrongTenant,
                format!("the plan is of tenant {}, and another is configured", saved.tenant_id),
            )
            .next("give --tenant, or make a plan in this tenant"));
        }
        engine.guards.tenant_id = Some(saved.tenant_id.clone());
        let document = match consent {
            None => engine.check_saved(&order, &saved).await,
            Some(consent) => engine.contain(&order, &consent, Some(&saved)).await,
        };
        Ok(output.finish(&document, if self.writing.dry_run { Show::Plan } else { Show::Report }))
    }
}
