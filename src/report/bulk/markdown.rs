//! A bulk run as GitHub-flavoured Markdown, for the ticket: the counts, and those whom a person has to look at. The
//! others are in the CSV.

use std::fmt::Write as _;

use super::{BulkDocument, words};
use crate::report::escape::{markdown as md, markdown_code as code};
use crate::report::markdown::sentence;
use crate::report::text::moment;

/// The most rows: a ticket has its limits.
const ROWS: usize = 200;

/// A line of Markdown. Writing to a `String` can't fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{ let _ = writeln!($out, $($text)*); }};
}

/// The summary of a bulk run.
pub fn markdown(document: &BulkDocument) -> String {
    let mut out = String::new();
    line!(out, "# {}: {}\n", sentence(document.look().word), document.sentence());
    if document.dry_run {
        line!(out, "A dry run: nothing was sent.\n");
    }
    facts(&mut out, document);
    if let Some(error) = &document.error {
        line!(out, "\n> **error {}**: {}", code(&error.code), md(&error.detail));
        line!(out, "> changed: {}", md(&error.changed));
        if let Some(next) = &error.next {
            line!(out, "> next: {}", md(next));
        }
    }
    needing(&mut out, document);
    record(&mut out, document);
    out
}

fn facts(out: &mut String, document: &BulkDocument) {
    line!(out, "| | |");
    line!(out, "|---|---|");
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            line!(out, "| {name} | {value} |");
        }
    };
    fact("Would do", &document.would_do());
    fact("Cut off", &document.cuts());
    fact("Not cut off", &document.at_large());
    if let Some(until) = document.users.iter().filter_map(|user| user.residual_access_until).max() {
        let until = moment(until);
        fact("Still works", &format!("access tokens that are already out, until {until} at the latest"));
    }
    for tenant in &document.tenants {
        fact("Tenant", &format!("{}: {}", code(tenant.called()), tenant.tally()));
    }
    fact("Playbook", &document.playbook.as_deref().map(code).unwrap_or_default());
}

fn needing(out: &mut String, document: &BulkDocument) {
    let needing: Vec<_> = document.needing().into_iter().flatten().collect();
    if needing.is_empty() {
        return;
    }
    line!(out, "\n## A person must look at these\n");
    line!(out, "| Outcome | User | Tenant | Why | Run |");
    line!(out, "|---|---|---|---|---|");
    for user in needing.iter().take(ROWS) {
        let or_empty = |text: &Option<String>| text.as_deref().map(code).unwrap_or_default();
        line!(
            out,
            "| {} | {} | {} | {} | {} |",
            words::look(user).word,
            code(&user.user),
            or_empty(&user.tenant),
            md(&user.why()),
            or_empty(&user.run_id)
        );
    }
    if needing.len() > ROWS {
        line!(out, "\nAnd {} more: the CSV has all of them.", needing.len() - ROWS);
    }
}

fn record(out: &mut String, document: &BulkDocument) {
    line!(out, "\n## Record\n");
    if let (Some(from), Some(to)) = (document.started_at, document.finished_at) {
        line!(out, "- from {} to {}", moment(from), moment(to));
    }
    line!(out, "- {}, exit status {}", code(&format!("oust {}", document.command)), document.exit_code);
    if let Some(run) = &document.run_id {
        line!(out, "- bulk run {}", code(run));
    }
    if let Some(hash) = &document.list_sha256 {
        line!(out, "- SHA-256 of the list of users {}", code(hash));
    }
    for (command, why) in document.next() {
        line!(out, "- next: {} ({})", code(&command), md(why));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_ticket_has_the_counts_and_those_who_need_a_person() {
        insta::assert_snapshot!(markdown(&sample::mixed()));
    }

    #[test]
    fn a_row_has_the_cells_of_its_head_whatever_the_names() {
        for document in [sample::mixed(), sample::crowded(), sample::planned(), sample::hostile()] {
            let text = markdown(&document);
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
            let mut head = None;
            for row in text.lines() {
                let cells = row.replace("\\|", "").matches('|').count();
                if row.starts_with('|') {
                    assert_eq!(cells, *head.get_or_insert(cells), "{row}");
                } else {
                    head = None;
                }
            }
        }
    }
}
