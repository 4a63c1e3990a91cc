//! The users of a bulk run as CSV, for the ticket and for a spreadsheet: a row each, and no formula in it.
//!
//! The columns `user`, `tenant` and `tenant_id` are as a list of users has them: what is left of a file after
//! filtering can be given to `--users` again.

use super::{BulkDocument, BulkUser};
use crate::report::escape;

/// The columns. New ones come last.
const HEADER: &str = "user,tenant,outcome,exit_code,cut_at,residual_access_until,changes,open,why,tenant_id,user_id,line,run_id,\
                      journal_head";

/// The users of a bulk run, with a header.
pub fn csv(document: &BulkDocument) -> String {
    let mut out = format!("{HEADER}\n");
    for user in &document.users {
        out.push_str(&row(user));
        out.push('\n');
    }
    out
}

fn row(user: &BulkUser) -> String {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let outcome = serde_json::to_value(user.outcome).ok();
    let fields = [
        user.user.clone(),
        or_empty(&user.tenant),
        outcome.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned(),
        user.exit_code.to_string(),
        user.cut_at.map(|at| at.to_string()).unwrap_or_default(),
        user.residual_access_until.map(|at| at.to_string()).unwrap_or_default(),
        user.changes.to_string(),
        user.open.to_string(),
        user.why(),
        or_empty(&user.tenant_id),
        or_empty(&user.user_id),
        user.line.map(|line| line.to_string()).unwrap_or_default(),
        or_empty(&user.run_id),
        or_empty(&user.journal_head),
    ];
    fields.map(|field| escape::csv(&field)).join(",")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::user_list::UserList;

    #[test]
    fn every_user_has_a_row() {
        let text = csv(&sample::mixed());
        let rows: Vec<&str> =
            text.lines().filter(|row| !row.starts_with("user") || row.starts_with("user,")).collect();
        insta::assert_snapshot!(rows.join("\n"));
    }

    #[test]
    fn a_name_is_no_formula_and_no_row_of_its_own() {
        let document = sample::hostile();
        let text = csv(&document);
        assert_eq!(text.lines().count(), document.users.len() + 1);
        for row in text.lines().skip(1) {
            assert!(row.starts_with("\"'="), "{row}");
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']));
    }

    #[test]
    fn it_is_a_list_of_users_again() {
        let document = sample::mixed();
        let list = UserList::parse(csv(&document).as_bytes(), "users").unwrap();
        let named: Vec<_> = list.entries.iter().map(|u| (u.name.as_str(), u.tenant.as_deref())).collect();
        let wanted: Vec<_> = document.users.iter().map(|u| (u.user.as_str(), u.tenant.as_deref())).collect();
        assert_eq!(named, wanted);
    }
}
