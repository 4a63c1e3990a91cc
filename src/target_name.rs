//! What a caller may type for a user: an object id or a user principal name, strictly.

use std::fmt;

use crate::failure::{Code, Failure, Result};

/// The longest user principal name: 64 characters, `@`, 255 of domain, and what `#EXT#` adds.
const MAX_CHARS: usize = 1024;

/// A user as a caller names them; the tenant decides whether there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetName {
    /// Object id, lower case.
    Id(String),
    /// User principal name.
    Upn(String),
}

impl TargetName {
    /// Reads an argument. Legal in a name: apostrophe, plus, `#EXT#`, any letter of any script.
    ///
    /// # Errors
    /// [`Code::InvalidTarget`]: empty, too long, a slash, quote, percent or control character, a list in a string.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Err(Failure::new(Code::InvalidTarget, format!("the target {} {what}", excerpt(text)))
                .next("give one user principal name (adele@contoso.com) or one object id per argument"))
        };
        if text.is_empty() {
            return Err(Failure::new(Code::InvalidTarget, "the target is empty")
                .next("give a user principal name (adele@contoso.com) or an object id; is the variable of the caller set?"));
        }
        if text.chars().count() > MAX_CHARS {
            return wrong(&format!("is longer than {MAX_CHARS} characters"));
        }
        if text.starts_with('[') || text.starts_with('{') {
            return wrong("is JSON: a list or an object in a string");
        }
        if let Ok(id) = uuid::Uuid::try_parse(text) {
            return if text.len() == 36 {
                Ok(Self::Id(id.to_string()))
            } else {
                wrong("is an object id in an unusual form")
            };
        }
        if let Some(bad) = text.chars().find(|c| forbidden(*c)) {
            return wrong(&format!("has {}, which no user principal name has", bad.escape_debug()));
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return wrong("is neither a user principal name (name@domain) nor an object id");
        };
        if local.is_empty()
            || domain.is_empty()
            || local.contains('@')
            || domain.starts_with('.')
            || domain.ends_with('.')
        {
            return wrong("is not of the form name@domain");
        }
        Ok(Self::Upn(text.to_owned()))
    }

    /// As typed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Upn(text) => text,
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn forbidden(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '/' | '\\' | '"' | '%' | '?' | '<' | '>' | ':' | ';' | ',' | '*' | '|' | '(' | ')' | '[' | ']'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The start of a text, quoted.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names_are_taken_as_they_are() {
        for name in [
            "o'neil@contoso.com",
            "a+b@contoso.com",
            "adele_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "jürgen@contoso.com",
            "山田@contoso.com",
        ] {
            assert_eq!(TargetName::parse(name).unwrap(), TargetName::Upn(name.into()));
        }
        assert_eq!(
            TargetName::parse("AAAAAAAA-0000-0000-0000-000000000001").unwrap(),
            TargetName::Id("aaaaaaaa-0000-0000-0000-000000000001".into())
        );
    }

    #[test]
    fn everything_else_is_refused_before_anything_is_sent() {
        let long = "a".repeat(10_000);
        for name in [
            "",
            "a/b@contoso.com",
            "a\"b@contoso.com",
            "a\nb@contoso.com",
            "a%40b@contoso.com",
            "[\"adele@contoso.com\"]",
            "adele",
            "@contoso.com",
            "a@",
            &long,
            "a\u{202e}b@contoso.com",
            "{aaaaaaaa-0000-0000-0000-000000000001}",
        ] {
            let failure = TargetName::parse(name).unwrap_err();
            assert_eq!(failure.code, Code::InvalidTarget, "{name:?}");
            assert!(failure.what.len() < 300, "{}", failure.what);
        }
    }
}
