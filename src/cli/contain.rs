//! `oust contain`.

use aws_lc_rs::digest::{SHA256, digest};

use super::bulk;
use super::common::{Common, What, Writing};
use super::confirm::Typed;
use super::connect;
use super::output::{Output, Show};
use super::time;
use crate::engine::{Order, parse_recipient};
use crate::failure::Result;
use crate::journal::Earlier;
use crate::playbook::{Playbook, hex};
use crate::report::fold;
use crate::target_name::TargetName;

/// Contain a compromised user: plan, confirm, cut, clean up, verify
///
/// The cut (revoke sessions, disable) comes first; a step that fails never undoes the others. Everything is
/// written to a journal before it is sent.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    writing: Writing,
    /// The same key gives the first run's result again instead of a second run
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Args {
    pub async fn run(self, common: &Common, output: &Output, started: tokio::time::Instant) -> Result<u8> {
        if let Some(file) = &self.what.list {
            let key = self.idempotency_key.as_deref();
            return bulk::contain(file, &self.what, &self.writing, key, (common, output, started)).await;
        }
        let order = order(&self.what, "contain", common)?;
        let typed = Typed::new(output);
        let consent =
            if self.writing.dry_run { None } else { Some(typed.consent(self.writing.yes, common)?) };
        let engine =
            connect::connect(common, output, order.names.len(), self.what.max_users, started)?.engine;
        let Some(consent) = consent else {
            let (document, _) = engine.plan(&order).await;
            return Ok(output.finish(&document, Show::Plan));
        };
        if let Some(key) = &self.idempotency_key {
            let earlier = engine.store.claim_key(key, &request_hash(&order), &order.run_id)?;
            match earlier {
                Some(Earlier::Run(path)) => {
                    let (document, _) = fold::of_run(&path)?;
                    return Ok(output.finish(&document, Show::Report));
                }
                Some(Earlier::Bulk(path)) => return bulk::show(&path, common, output),
                None => {}
            }
        }
        let document = engine.contain(&order, &consent, None).await;
        Ok(output.finish(&document, Show::Report))
    }
}

/// What the options ask for. Everything is checked before anything is sent.
///
/// # Errors
/// Usage errors.
pub fn order(what: &What, command: &str, common: &Common) -> Result<Order> {
    let names = what.users.iter().map(|user| TargetName::parse(user)).collect::<Result<Vec<_>>>()?;
    if let Some(recipient) = &what.password_recipient {
        parse_recipient(recipient)?;
    }
    Ok(Order {
        command: command.to_owned(),
        run_id: connect::store(common)?.next_id(),
        names,
        playbook: Playbook::find(&what.playbook)?,
        since: time::since(&what.since, crate::clock::Clock::system().now())?,
        password_recipient: what.password_recipient.clone(),
        part_of: None,
    })
}

/// What makes two requests the same: users, playbook, recipient. Not `--since`, which moves with the clock
/// when it is given as an age.
fn request_hash(order: &Order) -> String {
    let mut names: Vec<String> = order.names.iter().map(|n| n.as_str().to_lowercase()).collect();
    names.sort_unstable();
    let text = format!("{names:?} {} {:?}", order.playbook.sha256(), order.password_recipient);
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}
