//! A run as GitHub-flavoured Markdown, for the ticket.
//!
//! Names and calls stand in code spans, sentences are escaped: nothing in a ticket links, mentions or renders
//! because an intruder wrote it.

use std::fmt::Write as _;

use oust_actions::{Decision, Technique, Undo};

use super::escape::{markdown as md, markdown_code as code};
use super::text::{moment, seconds, tally, title};
use super::{
    ChangeDocument, FindingDocument, OpenDocument, Problem, RunDocument, StepDocument, UserDocument, call,
    style,
};

/// The report of a run.
pub fn run(document: &RunDocument) -> String {
    let mut out = String::new();
    summary(&mut out, document);
    for user in &document.users {
        self::user(&mut out, user);
    }
    techniques(&mut out, document);
    if let Some(error) = document.error.as_ref().filter(|error| !super::text::is_told(document, error)) {
        problem(&mut out, error);
    }
    record(&mut out, document);
    out
}

/// A line of Markdown. Writing to a `String` can't fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{ let _ = writeln!($out, $($text)*); }};
}

fn summary(out: &mut String, document: &RunDocument) {
    let outcome = document.outcome;
    line!(out, "# {}: {}\n", sentence(document.look().word), outcome.means());
    if document.dry_run {
        line!(out, "A dry run: nothing was sent.\n");
    }
    line!(out, "| | |");
    line!(out, "|---|---|");
    for user in &document.users {
        line!(out, "| Account | {} |", code(&user.user_principal_name));
        if let Some(at) = user.cut_at {
            let after =
                user.cut_ms.map(|ms| format!(", {} after the start", seconds(ms))).unwrap_or_default();
            line!(out, "| Cut off | {}{after} |", moment(at));
        }
        if let Some(until) = user.residual_access_until {
            line!(
                out,
                "| Still works | access tokens that are already out, until {} at the latest |",
                moment(until)
            );
        }
        for kind in &user.residual_access {
            line!(
                out,
                "| … of {} | until {} ({}) |",
                md(&kind.clients),
                moment(kind.until),
                md(&kind.because)
            );
        }
        if !user.open.is_empty() {
            line!(out, "| Remains | {} for a person to look at |", user.open.len());
        }
    }
    let tally = tally(document);
    if !tally.is_empty() {
        line!(out, "| Changes | {} |", md(&tally));
    }
    let tenant = [&document.tenant_name, &document.tenant_id];
    let tenant: Vec<_> = tenant.into_iter().flatten().map(|name| code(name)).collect();
    if !tenant.is_empty() {
        line!(out, "| Tenant | {} |", tenant.join(" "));
    }
    if let Some(playbook) = &document.playbook {
        line!(out, "| Playbook | {} |", code(playbook));
    }
    if let Some(since) = document.since {
        line!(out, "| Compromise window | since {} |", moment(since));
    }
}

fn user(out: &mut String, user: &UserDocument) {
    line!(out, "\n## {}\n", code(&user.user_principal_name));
    let mut about: Vec<_> = user.display_name.iter().map(|name| code(name)).collect();
    about.extend(user.traits.iter().map(|word| md(word)));
    about.push(code(&user.id));
    line!(out, "{}: {}.", about.join(", "), md(user.outcome.means()));
    line!(out, "\n### What was done\n");
    line!(out, "| Stage | State | What | Change | Call | Undo |");
    line!(out, "|---|---|---|---|---|---|");
    for step in &user.steps {
        for change in &step.changes {
            self::change(out, user, step, change);
        }
        if step.changes.is_empty() {
            line!(out, "| {} | {} | {} | | | |", md(&step.stage), step.look().word, md(&title(step)));
        }
    }
    for error in user.steps.iter().filter_map(|step| step.error.as_ref()) {
        problem(out, error);
    }
    findings(out, user);
    open(out, &user.open);
}

fn change(out: &mut String, user: &UserDocument, step: &StepDocument, change: &ChangeDocument) {
    let mut state =
        change.rollback.as_ref().map_or(change.state.look(), |back| back.state.look()).word.to_owned();
    let rollback = change.rollback.as_ref();
    let notes = [
        rollback.map_or(&change.reason, |back| &back.reason).as_deref().map(md),
        rollback.map_or(change.http_status, |back| back.http_status).map(|status| format!("HTTP {status}")),
        change.graph_error.as_deref().filter(|_| rollback.is_none()).map(code),
        rollback
            .map_or(&change.request_id, |back| &back.request_id)
            .as_deref()
            .map(|id| format!("request {}", code(id))),
    ];
    for note in notes.into_iter().flatten() {
        state.push_str("<br>");
        state.push_str(&note);
    }
    let what = if change.label.is_empty() || change.label == user.user_principal_name {
        md(&change.say)
    } else {
        format!("{}: {}", md(&change.say), code(&change.label))
    };
    let undo = match &change.undo {
        Undo::Call(undo) => code(&call::one_line(undo)),
        Undo::Never(why) => format!("**none**: {}", md(why)),
    };
    line!(
        out,
        "| {} | {state} | {what} | {} → {} | {} | {undo} |",
        md(&step.stage),
        md(&change.from),
        md(&change.to),
        code(&call::one_line(&change.call)),
    );
}

fn findings(out: &mut String, user: &UserDocument) {
    let judged: Vec<&FindingDocument> = user.steps.iter().flat_map(|step| &step.findings).collect();
    if judged.is_empty() {
        return;
    }
    line!(out, "\n### What was judged\n");
    line!(out, "| Decision | Risk | Name | Id | Why |");
    line!(out, "|---|---|---|---|---|");
    // What goes first, then what a person decides, then what stays.
    for wanted in [Decision::Remove, Decision::Ask, Decision::Keep] {
        for finding in judged.iter().filter(|finding| finding.decision == wanted) {
            let risk = finding.risk.map(|risk| risk.to_string()).unwrap_or_default();
            let why: Vec<_> = finding.reasons.iter().map(|reason| md(reason)).collect();
            let word = style::decision(wanted).word;
            let (name, id) = (code(&finding.label), code(&finding.object_id));
            line!(out, "| {word} | {risk} | {name} | {id} | {} |", why.join("<br>"));
        }
    }
}

fn open(out: &mut String, open: &[OpenDocument]) {
    if open.is_empty() {
        return;
    }
    line!(out, "\n### Still open\n");
    for item in open {
        line!(out, "- [ ] **{}**: {}", md(&item.label), md(&item.reasons.join("; ")));
        if let Some(next) = &item.next {
            line!(out, "  Do: {}", md(next));
        }
    }
}

/// What the run's actions answer, by MITRE ATT&CK and D3FEND.
fn techniques(out: &mut String, document: &RunDocument) {
    let mut ids: Vec<&str> = vec![];
    for step in document.users.iter().flat_map(|user| &user.steps) {
        if !ids.contains(&step.action.as_str()) {
            ids.push(&step.action);
        }
    }
    let cards: Vec<_> =
        ids.into_iter().filter_map(oust_actions::find).map(oust_actions::AnyAction::about).collect();
    if cards.is_empty() {
        return;
    }
    let listed = |of: &[Technique]| {
        of.iter()
            .map(|technique| format!("{} {}", technique.id, technique.name))
            .collect::<Vec<_>>()
            .join("<br>")
    };
    line!(out, "\n## Techniques\n");
    line!(out, "| Action | Answers (ATT&CK) | By (D3FEND) |");
    line!(out, "|---|---|---|");
    for card in cards {
        line!(out, "| {} | {} | {} |", code(card.id), listed(card.attack), listed(card.defend));
    }
}

fn problem(out: &mut String, error: &Problem) {
    line!(out, "\n> **error {}**: {}", code(&error.code), md(&error.detail));
    line!(out, "> changed: {}", md(&error.changed));
    if let Some(next) = &error.next {
        line!(out, "> next: {}", md(next));
    }
    if let Some(id) = &error.graph_request_id {
        line!(out, "> request: {}", code(id));
    }
    line!(out, "> explain: {}", code(&format!("oust explain {}", error.code)));
}

fn record(out: &mut String, document: &RunDocument) {
    line!(out, "\n## Record\n");
    if let (Some(from), Some(to)) = (document.started_at, document.finished_at) {
        line!(out, "- from {} to {}", moment(from), moment(to));
    }
    line!(out, "- {}, exit status {}", code(&format!("oust {}", document.command)), document.exit_code);
    if let Some(run) = &document.run_id {
        line!(out, "- run {}", code(run));
    }
    if let Some(journal) = &document.journal {
        line!(out, "- journal {}", code(&journal.path));
        line!(out, "- SHA-256 of its last line {}", code(&journal.head));
    }
    for (command, why) in super::text::next(document) {
        line!(out, "- next: {} ({})", code(&command), md(why));
    }
}

/// `CONTAINED` as `Contained`.
pub(super) fn sentence(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_string() + &chars.as_str().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// Cells of a table row: bars that are not escaped.
    fn cells(row: &str) -> usize {
        row.replace("\\|", "").matches('|').count()
    }

    /// A line without its code spans, which hold whatever they hold.
    fn without_code(line: &str) -> String {
        let line = line.replace("\\`", "");
        let mut bare = String::new();
        let mut rest = line.as_str();
        while let Some(at) = rest.find('`') {
            bare.push_str(&rest[..at]);
            let fence = &rest[at..at + rest[at..].find(|c| c != '`').unwrap_or(1)];
            let inside = &rest[at + fence.len()..];
            let end = inside.find(fence).expect("a code span ends");
            rest = &inside[end + fence.len()..];
        }
        bare + rest
    }

    #[test]
    fn every_table_row_has_the_cells_of_its_head_whatever_the_names() {
        for document in [sample::contained(), sample::partial(), sample::rolled_back(), sample::hostile()] {
            let text = run(&document);
            let mut head = None;
            for row in text.lines() {
                if row.starts_with('|') {
                    assert_eq!(cells(row), *head.get_or_insert(cells(row)), "{row}");
                } else {
                    head = None;
                }
            }
        }
    }

    #[test]
    fn no_text_of_the_tenant_becomes_markup() {
        let text = run(&sample::hostile());
        let bare: String = text.lines().map(without_code).collect();
        for markup in ["<script", "[x]", "\u{1b}", "\u{202e}", " @all"] {
            assert!(!bare.contains(markup), "{markup}: {bare}");
        }
    }

    #[test]
    fn the_ticket_has_the_record_the_techniques_and_what_is_open() {
        let text = run(&sample::contained());
        for needed in [
            "# Contained: every change is in force and was read back",
            "| Cut off | 2026-11-24 02:14:07 UTC, 0.84 s after the start |",
            "T1539 Steal Web Session Cookie",
            "D3-ST Session Termination",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "- [ ] **inbox rules and forwarding**",
            "«new password, never written»",
            "**none**: the old password is not known",
        ] {
            assert!(text.contains(needed), "{needed}\n{text}");
        }
    }
}
