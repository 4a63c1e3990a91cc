//! Asking a person: the plan is shown, and the user principal name is typed.

use std::io::{BufRead, IsTerminal, Write};

use super::common::Common;
use super::output::{Output, complain};
use crate::bulk::{AskBulk, BulkConsent};
use crate::engine::{Ask, Consent};
use crate::failure::{Code, Failure, Result};
use crate::playbook::Playbook;
use crate::report::bulk::BulkDocument;
use crate::report::{RunDocument, escape, text};

/// Asks on the terminal.
pub struct Typed<'a> {
    output: &'a Output,
}

impl<'a> Typed<'a> {
    /// Asks with this output's width and colours.
    pub fn new(output: &'a Output) -> Self {
        Self { output }
    }

    /// The consent that the options give.
    ///
    /// # Errors
    /// [`Code::NotConfirmed`] when nobody can be asked.
    pub fn consent(&'a self, yes: bool, common: &Common) -> Result<Consent<'a>> {
        if yes {
            return Ok(Consent::Given("--yes".into()));
        }
        check_somebody(common)?;
        Ok(Consent::Ask(self))
    }

    /// The same for many users.
    ///
    /// # Errors
    /// [`Code::NotConfirmed`] when nobody can be asked.
    pub fn bulk_consent(&'a self, yes: bool, common: &Common) -> Result<BulkConsent<'a>> {
        if yes {
            return Ok(BulkConsent::Given("--yes".into()));
        }
        check_somebody(common)?;
        Ok(BulkConsent::Ask(self))
    }
}

/// Whether there is somebody to ask.
fn check_somebody(common: &Common) -> Result<()> {
    if common.no_input || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::new(Code::NotConfirmed, "there is nobody to ask, and --yes was not given")
            .next("look with --dry-run first, then add --yes"));
    }
    Ok(())
}

impl Ask for Typed<'_> {
    fn ask(&self, plan: &RunDocument) -> Result<String> {
        let wanted = match plan.users.as_slice() {
            [one] => one.user_principal_name.clone(),
            many => format!("{} users", many.len()),
        };
        typed(&text::question(plan, &self.output.paint_stderr, self.output.width), &wanted)
    }
}

impl AskBulk for Typed<'_> {
    fn ask(&self, bulk: &BulkDocument, playbook: &Playbook) -> Result<String> {
        let wanted = format!("{} users", bulk.users.len());
        typed(&text::bulk_question(bulk, playbook, &self.output.paint_stderr, self.output.width), &wanted)
    }
}

/// Asks, and gives by what it was confirmed.
fn typed(question: &str, wanted: &str) -> Result<String> {
    complain(question.trim_end());
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "\nType {} to go on, anything else to leave it: ", escape::terminal(wanted));
    let _ = err.flush();
    let mut typed = String::new();
    super::signals::asking(true);
    let read = std::io::stdin().lock().read_line(&mut typed);
    super::signals::asking(false);
    if read.is_ok() && typed.trim().eq_ignore_ascii_case(wanted) {
        return Ok(format!("typed {wanted}"));
    }
    Err(Failure::new(Code::NotConfirmed, "what was typed is not what was asked for")
        .next("nothing was done; run it again to do it"))
}
