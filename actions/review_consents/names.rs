//! What an app's name says about it: consent phishing lives on names.

/// A trait of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// No letter and no digit in it.
    NoLetters,
    /// A single letter or digit.
    OneLetter,
    /// Characters that can't be seen or that turn the reading direction.
    Invisible,
    /// A Microsoft brand, misspelt or with look-alike letters.
    Misspelt,
    /// It begins with Microsoft's name, or is the name of one of its products.
    PassesForMicrosoft,
}

impl Oddity {
    /// How much it weighs, and why.
    pub(super) fn weight(self) -> (i16, &'static str) {
        match self {
            Self::NoLetters => (20, "its name has no letters"),
            Self::OneLetter => (15, "its name is a single letter"),
            Self::Invisible => (20, "its name holds invisible characters"),
            Self::Misspelt => (20, "its name is a misspelt Microsoft brand"),
            Self::PassesForMicrosoft => (15, "its name passes for Microsoft's, and it isn't"),
        }
    }
}

const BRANDS: &[&str] = &["microsoft", "outlook", "onedrive", "sharepoint", "office365"];

const PRODUCTS: &[&str] = &[
    "outlook",
    "onedrive",
    "sharepoint",
    "sharepoint online",
    "office",
    "office 365",
    "teams",
    "exchange online",
];

/// What is odd about the name of an app that isn't Microsoft's.
pub(super) fn oddity(name: &str) -> Option<Oddity> {
    if name.chars().any(is_invisible) {
        return Some(Oddity::Invisible);
    }
    match name.chars().filter(|c| c.is_alphanumeric()).count() {
        0 => return Some(Oddity::NoLetters),
        1 => return Some(Oddity::OneLetter),
        _ => {}
    }
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '$').filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    if words.iter().any(|word| is_misspelt(word)) {
        return Some(Oddity::Misspelt);
    }
    let passes = words.first() == Some(&"microsoft") || PRODUCTS.contains(&words.join(" ").as_str());
    passes.then_some(Oddity::PassesForMicrosoft)
}

fn is_misspelt(word: &str) -> bool {
    if BRANDS.contains(&word) {
        return false;
    }
    let plain = without_look_alikes(word);
    BRANDS.iter().any(|brand| {
        plain == without_look_alikes(brand) || (word.len() > 6 && is_one_slip_apart(word, brand))
    })
}

fn without_look_alikes(word: &str) -> String {
    let letters: String = word
        .chars()
        .map(|c| match c {
            '0' | 'о' | 'ο' | 'ó' | 'ò' | 'ö' => 'o',
            '1' | 'і' | 'ı' | 'í' | 'ì' => 'i',
            '3' | 'е' | 'é' | 'è' => 'e',
            '5' | '$' | 'ѕ' => 's',
            'а' | 'á' | 'à' => 'a',
            'с' | 'ç' => 'c',
            'р' => 'p',
            'м' => 'm',
            'т' => 't',
            c => c,
        })
        .collect();
    letters.replace("rn", "m").replace("vv", "w")
}

/// Whether one letter was added, dropped, changed, or swapped with its neighbour.
fn is_one_slip_apart(word: &str, brand: &str) -> bool {
    let (word, brand): (Vec<char>, Vec<char>) = (word.chars().collect(), brand.chars().collect());
    let start = word.iter().zip(&brand).take_while(|(w, b)| w == b).count();
    let (word, brand) = (&word[start..], &brand[start..]);
    let end = word.iter().rev().zip(brand.iter().rev()).take_while(|(w, b)| w == b).count();
    match (&word[..word.len() - end], &brand[..brand.len() - end]) {
        ([], [_]) | ([_], [] | [_]) => true,
        (&[first, second], swapped) => swapped == [second, first],
        _ => false,
    }
}

/// Controls, soft hyphen, zero-width, bidirectional and filler characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_not_odd() {
        for name in [
            "Contoso Expenses",
            "Fabrikam for Microsoft Teams",
            "Mail helper for Outlook",
            "Backup of SharePoint",
            "3D",
            "Zoom",
            "Überblick",
            "日報",
        ] {
            assert_eq!(oddity(name), None, "{name}");
        }
    }

    #[test]
    fn odd_names_are_named() {
        for (name, expected) in [
            ("", Oddity::NoLetters),
            (".", Oddity::NoLetters),
            ("- _ -", Oddity::NoLetters),
            ("x", Oddity::OneLetter),
            ("(a)", Oddity::OneLetter),
            ("Mail\u{202e}liam", Oddity::Invisible),
            ("Micro\u{200b}soft", Oddity::Invisible),
            ("Micros0ft Secure Mail", Oddity::Misspelt),
            ("rnicrosoft", Oddity::Misspelt),
            ("Mіcrosoft", Oddity::Misspelt),
            ("Microsft 365", Oddity::Misspelt),
            ("Mircosoft", Oddity::Misspelt),
            ("Out1ook", Oddity::Misspelt),
            ("0utlook", Oddity::Misspelt),
            ("0ffice365", Oddity::Misspelt),
            ("Microsoft Mail Update", Oddity::PassesForMicrosoft),
            ("OneDrive", Oddity::PassesForMicrosoft),
            ("Office-365", Oddity::PassesForMicrosoft),
        ] {
            assert_eq!(oddity(name), Some(expected), "{name}");
        }
    }
}
