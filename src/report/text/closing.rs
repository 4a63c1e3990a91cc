//! The last lines: what belongs into the ticket, and what to type next.

use anstyle::Style;

use super::is_rollback;
use super::sheet::Sheet;
use super::steps::Form;
use crate::report::style::{FAINT, HEAD};
use crate::report::{Outcome, RollbackState, RunDocument, State, UserDocument};

/// Columns of the names at the left.
pub(super) const NAMES: usize = 9;

pub(super) fn write(sheet: &mut Sheet, document: &RunDocument, form: Form, saved: Option<&str>) {
    sheet.gap();
    let mut fact = |name: &str, value: &str| sheet.exact(0, name, NAMES, Style::new(), value);
    // A dry run keeps no record: its id would lead nowhere.
    if let Some(run) = document.run_id.as_ref().filter(|_| !document.dry_run || document.journal.is_some()) {
        fact("run", run);
    }
    if let Some(journal) = &document.journal {
        fact("journal", &journal.path);
        fact("head", &format!("{} (for the ticket)", journal.head));
    }
    for path in &document.sealed {
        let what = if is_of_answer(path) { "the Temporary Access Pass" } else { "the new password" };
        fact("sealed", &format!("{path} ({what}, for its recipient alone)"));
    }
    let mut commands = next(document, form);
    if let (Some(file), Some(first)) = (saved, commands.first_mut()) {
        first.0 = format!("oust apply {}", quoted(file));
    }
    self::commands(sheet, &commands);
}

/// What to type next, each with why beside it or below.
pub(super) fn commands(sheet: &mut Sheet, commands: &[(String, &'static str)]) {
    let longest = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0) + 2;
    let beside = commands.iter().all(|(_, why)| NAMES + longest + why.len() <= sheet.width);
    for (i, (command, why)) in commands.iter().enumerate() {
        let tag = if i == 0 { "next" } else { "" };
        if beside {
            let gap = longest - command.len();
            let tag = sheet.paint.paint(FAINT, &format!("{tag:NAMES$}"));
            let (command, why) = (sheet.paint.paint(HEAD, command), sheet.paint.paint(FAINT, why));
            sheet.line(&format!("{tag}{command}{:gap$}{why}", ""));
        } else {
            sheet.exact(0, tag, NAMES, HEAD, command);
            sheet.text(NAMES + 2, FAINT, why);
        }
    }
}

/// Whether a sealed file holds what an answer brought, by the name that the engine gave it.
fn is_of_answer(path: &str) -> bool {
    path.rsplit(['/', '\\']).next().is_some_and(|name| name.starts_with("temporaryAccessPass-"))
}

/// The commands that make sense now, the likeliest first, each with why.
pub(in crate::report) fn next(document: &RunDocument, form: Form) -> Vec<(String, &'static str)> {
    if document.dry_run || form == Form::Plan || document.outcome == Outcome::Planned {
        return planned(document);
    }
    let Some(run) = document.run_id.as_deref().filter(|run| is_plain(run)) else {
        return vec![];
    };
    let verify = (format!("oust verify {run}"), "is it still in force?");
    let resume = (format!("oust resume {run}"), "go on with the rest");
    let rollback = (format!("oust rollback {run}"), "once the account is clean");
    match document.outcome {
        Outcome::Contained => vec![verify, rollback],
        // Taking all of it back would also put back what the reviews removed.
        Outcome::Recovered => vec![verify],
        Outcome::Unverified => vec![verify, resume],
        Outcome::Partial => vec![resume, verify, rollback],
        Outcome::Interrupted => vec![resume],
        Outcome::RolledBack => {
            vec![(format!("oust report {run}"), "this report again")]
        }
        Outcome::NothingToDo | Outcome::Planned | Outcome::Refused | Outcome::Failed => vec![],
    }
}

fn planned(document: &RunDocument) -> Vec<(String, &'static str)> {
    let mut changes = document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes);
    let any = changes.any(|change| match &change.rollback {
        Some(rollback) => rollback.state == RollbackState::Planned,
        None => matches!(change.state, State::Planned | State::WillRevert),
    });
    // While a person is asked for confirmation there is a prompt below, and no command to type.
    if !any || document.command != "plan" && !document.dry_run {
        return vec![];
    }
    let command = if is_rollback(document) { "rollback" } else { document.command.as_str() };
    match command {
        "rollback" | "resume" => {
            let run = document.run_id.as_deref().filter(|run| is_plain(run));
            return run.map(|run| (format!("oust {command} {run}"), "do it")).into_iter().collect();
        }
        "plan" | "contain" => {}
        _ => return vec![],
    }
    let users: Vec<_> = document.users.iter().map(typed).collect();
    if users.iter().any(|user| user.is_empty()) {
        return vec![];
    }
    let many = if users.len() > 1 { format!(" --max-users {}", users.len()) } else { String::new() };
    let playbook = match document.playbook.as_deref() {
        Some(id) if id != "token-theft" && is_plain(id) => format!(" --playbook {id}"),
        _ => String::new(),
    };
    let mut changes = document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes);
    let sealed = changes.any(|change| change.call.seal.is_some());
    let recipient = if sealed { " --secret-recipient age1…" } else { "" };
    vec![(format!("oust contain {}{many}{playbook}{recipient}", users.join(" ")), "do it")]
}

/// A path as a POSIX shell takes it.
pub(super) fn quoted(path: &str) -> String {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if path.chars().all(plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// How the user is typed: the sign-in name where a shell takes it literally, else the object id.
fn typed(user: &UserDocument) -> &str {
    [&user.user_principal_name, &user.id].into_iter().find(|name| is_plain(name)).map_or("", |name| name)
}

/// Whether a shell takes it as one literal word.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('-')
        && word.len() < 120
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+'))
}
