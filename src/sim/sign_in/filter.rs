//! The `$filter` of the sign-in log: clauses that must all hold.

use jiff::Timestamp;

use super::Described;
use crate::sim::error::{GraphError, Outcome};

/// What a filter wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    user: Option<String>,
    ip: Option<String>,
    error: Option<i64>,
    /// Kinds of sign-in; none given: interactive ones.
    kinds: Vec<String>,
}

impl Wanted {
    /// Whether a sign-in is wanted, its time aside.
    pub fn has(&self, sign_in: &Described, user_id: &str) -> bool {
        let kind = if sign_in.interactive { "interactiveUser" } else { "nonInteractiveUser" };
        let of_kind =
            if self.kinds.is_empty() { sign_in.interactive } else { self.kinds.iter().any(|k| k == kind) };
        of_kind
            && self.user.as_ref().is_none_or(|user| user == user_id)
            && self.ip.as_ref().is_none_or(|ip| *ip == sign_in.ip)
            && self.error.is_none_or(|error| error == sign_in.error)
    }
}

/// Reads a filter. The kind of a sign-in is a property in beta alone.
pub fn parse(text: &str, beta: bool) -> Outcome<Wanted> {
    let mut wanted = Wanted::default();
    let syntax = || GraphError::bad_request(format!("Invalid filter clause: syntax error in '{text}'."));
    let (clauses, kinds) = match text.split_once("signInEventTypes/any(t: ") {
        None => (text, None),
        Some((before, rest)) => {
            let (kinds, after) = rest.split_once(')').filter(|_| beta).ok_or_else(syntax)?;
            if !after.trim().is_empty() {
                return Err(syntax());
            }
            (before.trim_end().strip_suffix(" and").unwrap_or(before), Some(kinds))
        }
    };
    for kind in kinds.into_iter().flat_map(|kinds| kinds.split(" or ")) {
        let kind = kind.trim().strip_prefix("t eq ").and_then(literal).ok_or_else(syntax)?;
        wanted.kinds.push(kind.to_owned());
    }
    for clause in clauses.split(" and ").map(str::trim).filter(|clause| !clause.is_empty()) {
        let mut words = clause.splitn(3, ' ');
        let (Some(name), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
            return Err(syntax());
        };
        match (name, operator) {
            ("createdDateTime", "ge") => wanted.from = Some(value.parse().map_err(|_| syntax())?),
            ("createdDateTime", "le") => wanted.to = Some(value.parse().map_err(|_| syntax())?),
            ("userId", "eq") => wanted.user = Some(literal(value).ok_or_else(syntax)?.to_owned()),
            ("ipAddress", "eq") => wanted.ip = Some(literal(value).ok_or_else(syntax)?.to_owned()),
            ("status/errorCode", "eq") => wanted.error = Some(value.parse().map_err(|_| syntax())?),
            _ => return Err(GraphError::unsupported_query()),
        }
    }
    Ok(wanted)
}

/// A text in single quotes. None of these has a quote in it.
fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('\'')?.strip_suffix('\'').filter(|inner| !inner.contains('\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_hold_together_and_the_kind_is_for_beta() {
        let text = "userId eq 'u' and createdDateTime ge 2026-05-01T00:00:00Z and \
                    signInEventTypes/any(t: t eq 'interactiveUser' or t eq 'nonInteractiveUser')";
        let wanted = parse(text, true).unwrap();
        assert_eq!((wanted.user.as_deref(), wanted.kinds.len()), (Some("u"), 2));
        assert_eq!(parse(text, false).unwrap_err().status, 400);
        assert_eq!(
            parse("ipAddress eq '203.0.113.4' and status/errorCode eq 0", false).unwrap().error,
            Some(0)
        );
        for wrong in
            ["userId", "userId eq u", "userId ne 'u'", "createdDateTime ge then", "userId eq 'u' or x eq 'y'"]
        {
            assert_eq!(parse(wrong, true).unwrap_err().status, 400, "{wrong}");
        }
    }
}
