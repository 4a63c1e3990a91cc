//! What was judged and stays, and what a person must do.

use anstyle::Style;
use oust_actions::Decision;

use super::sheet::Sheet;
use super::steps::Form;
use crate::report::style::{FAINT, HEAD, INFO, WARN, decision};
use crate::report::{FindingDocument, OpenDocument, UserDocument, escape, width};

/// From this width on findings stand in columns.
const TABLE_WIDTH: usize = 80;
/// Columns of the decision, with the gap behind.
const DECISION: usize = 8;
/// Columns of the names in a brief plan.
const BRIEF: usize = 6;
/// Columns of the risk, with the gap behind.
const RISK: usize = 6;

/// Everything that was judged and stays, with the reasons. What goes stands among the changes, what a person
/// must decide among what is open.
pub(super) fn kept(sheet: &mut Sheet, user: &UserDocument, form: Form) {
    let is_open = |finding: &FindingDocument| user.open.iter().any(|open| open.label == finding.label);
    let stays = |finding: &&FindingDocument| match finding.decision {
        Decision::Remove => false,
        Decision::Ask => !is_open(finding),
        Decision::Keep => true,
    };
    let mut kept: Vec<FindingDocument> = vec![];
    for finding in user.steps.iter().flat_map(|step| &step.findings).filter(stays) {
        match kept.iter_mut().find(|above| is_of_one_object(above, finding)) {
            Some(above) => above.reasons.extend(finding.reasons.last().cloned()),
            None => kept.push(finding.clone()),
        }
    }
    if kept.is_empty() {
        return;
    }
    if form == Form::Brief {
        let names: Vec<_> = kept.iter().map(name).collect();
        sheet.gap();
        sheet.tagged(2, HEAD, "kept", BRIEF, Style::new(), &names.join(", "));
        return;
    }
    sheet.gap();
    sheet.head(2, HEAD, "judged and kept");
    if sheet.width >= TABLE_WIDTH {
        let longest = kept.iter().map(|f| width::columns(&escape::terminal(name(f)))).max().unwrap_or(0);
        let names = longest.clamp(4, (sheet.width - 4 - DECISION - RISK) / 3) + 2;
        let head = format!("{:DECISION$}{:RISK$}{}why", "", "risk", width::pad("name", names));
        sheet.head(4, FAINT, &head);
        for finding in &kept {
            row(sheet, finding, names);
        }
    } else {
        for finding in &kept {
            stacked(sheet, finding);
        }
    }
}

/// The consent and the assignment of one app are judged by the same reasons; only the last names the kind.
fn is_of_one_object(above: &FindingDocument, finding: &FindingDocument) -> bool {
    let (Some((kind, shared)), true) = (finding.reasons.split_last(), above.reasons.len() > 1) else {
        return false;
    };
    (&above.label, above.decision, above.risk) == (&finding.label, finding.decision, finding.risk)
        && above.reasons.len() > shared.len()
        && above.reasons.starts_with(shared)
        && !above.reasons[shared.len()..].contains(kind)
}

fn name(finding: &FindingDocument) -> &str {
    if finding.label.is_empty() { &finding.object_id } else { &finding.label }
}

fn risk(finding: &FindingDocument) -> String {
    finding.risk.map_or_else(|| "-".to_owned(), |risk| risk.to_string())
}

fn row(sheet: &mut Sheet, finding: &FindingDocument, names: usize) {
    let look = decision(finding.decision);
    let hang = DECISION + RISK + names;
    let name = width::wrap(&escape::terminal(name(finding)), names - 2);
    let why: Vec<_> = finding
        .reasons
        .iter()
        .flat_map(|reason| width::wrap(&escape::terminal(reason), sheet.width.saturating_sub(4 + hang)))
        .collect();
    for i in 0..name.len().max(why.len()) {
        let (word, risk) = if i == 0 { (look.word, risk(finding)) } else { ("", String::new()) };
        let word = sheet.paint.paint(look.style, &width::pad(word, DECISION));
        let name = width::pad(name.get(i).map_or("", |line| line), names);
        let why = why.get(i).map_or("", |line| line);
        sheet.line(&format!("    {word}{risk:<RISK$}{name}{why}"));
    }
}

fn stacked(sheet: &mut Sheet, finding: &FindingDocument) {
    let look = decision(finding.decision);
    let risk = finding.risk.map(|risk| format!("risk {risk}: ")).unwrap_or_default();
    sheet.tagged(4, look.style, look.word, DECISION, Style::new(), &format!("{risk}{}", name(finding)));
    for reason in &finding.reasons {
        sheet.text(4 + DECISION, FAINT, reason);
    }
}

/// The ways in that are left, numbered so that they can be worked off.
pub(super) fn open(sheet: &mut Sheet, user: &UserDocument, form: Form) {
    if user.open.is_empty() {
        return;
    }
    if form == Form::Brief {
        let unnamed = |open: &&OpenDocument| open.label == user.user_principal_name;
        let name =
            |open| if unnamed(&open) { open.reasons.first().unwrap_or(&open.label) } else { &open.label };
        let names: Vec<_> = user.open.iter().map(name).map(String::as_str).collect();
        sheet.tagged(2, WARN, "open", BRIEF, Style::new(), &format!("for a person: {}", names.join("; ")));
        return;
    }
    sheet.gap();
    sheet.head(2, WARN.bold(), "still open: a person must look at these");
    for (i, open) in user.open.iter().enumerate() {
        let number = format!("{}.", i + 1);
        sheet.tagged(4, WARN, &number, 4, HEAD, &open.label);
        for reason in &open.reasons {
            sheet.text(8, Style::new(), reason);
        }
        if let Some(next) = &open.next {
            sheet.tagged(8, INFO, "do:", 4, Style::new(), next);
        }
    }
}
