//! What gives a malicious rule away: words, folders and names that intruders choose.

/// Words of money, of security warnings and of being found out. An intruder hides the answers to them.
const WORDS: &[&str] = &[
    "account",
    "bank",
    "compromise",
    "credential",
    "do not reply",
    "fraud",
    "hack",
    "helpdesk",
    "invoice",
    "iban",
    "malware",
    "mfa",
    "password",
    "payment",
    "payroll",
    "phish",
    "remittance",
    "security",
    "spam",
    "suspicious",
    "swift",
    "transfer",
    "unusual",
    "verification",
    "virus",
    "wire",
];

/// Folders that nobody reads, in lower case.
const UNREAD: &[&str] = &[
    "archive",
    "conversation history",
    "deleted items",
    "junk email",
    "notes",
    "rss feeds",
    "rss subscriptions",
    "sync issues",
];

/// A telling word in what a rule looks for, as it stands there.
pub(super) fn telling(words: &[String]) -> Option<&str> {
    words.iter().map(String::as_str).find(|word| {
        let word = word.to_lowercase();
        WORDS.iter().any(|sign| word.contains(sign))
    })
}

/// Whether a folder of this name is one that nobody reads.
pub(super) fn is_unread_folder(name: &str) -> bool {
    UNREAD.contains(&name.trim().to_lowercase().as_str())
}

/// Whether a name is made to be overlooked: nothing, punctuation, or one character.
pub(super) fn is_inconspicuous(name: &str) -> bool {
    let name = name.trim();
    !name.chars().any(char::is_alphanumeric) || name.chars().count() < 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_made_to_be_overlooked() {
        for name in ["", " ", ".", "..", ",;", "a", "\u{200b}"] {
            assert!(is_inconspicuous(name), "{name:?}");
        }
        for name in ["HR", "Newsletter", "é1", "会議"] {
            assert!(!is_inconspicuous(name), "{name:?}");
        }
    }

    #[test]
    fn words_are_found_inside_words_and_in_any_case() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(telling(&words(&["lunch", "INVOICES 2026"])), Some("INVOICES 2026"));
        assert_eq!(telling(&words(&["lunch", "newsletter"])), None);
        assert!(is_unread_folder(" RSS Feeds") && !is_unread_folder("Newsletters"));
    }
}
