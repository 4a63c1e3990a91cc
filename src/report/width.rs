//! How many columns text takes in a terminal, and how to cut, pad and wrap it by that.
//!
//! An approximation of Unicode's East Asian Width: enough to keep columns straight. It is not a means of
//! safety; that is [`super::escape`].

/// Ranges of characters that take no column: they join the one before.
const ZERO: &[(char, char)] = &[
    ('\u{300}', '\u{36f}'),
    ('\u{483}', '\u{489}'),
    ('\u{591}', '\u{5bd}'),
    ('\u{610}', '\u{61a}'),
    ('\u{64b}', '\u{65f}'),
    ('\u{6d6}', '\u{6dc}'),
    ('\u{e34}', '\u{e3a}'),
    ('\u{e47}', '\u{e4e}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1dc0}', '\u{1dff}'),
    ('\u{20d0}', '\u{20ff}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{fe20}', '\u{fe2f}'),
];

/// Ranges of characters that take two columns.
const TWO: &[(char, char)] = &[
    ('\u{1100}', '\u{115f}'),
    ('\u{231a}', '\u{231b}'),
    ('\u{2614}', '\u{2615}'),
    ('\u{26a1}', '\u{26a1}'),
    ('\u{2705}', '\u{2705}'),
    ('\u{274c}', '\u{274c}'),
    ('\u{2e80}', '\u{303e}'),
    ('\u{3041}', '\u{4dbf}'),
    ('\u{4e00}', '\u{a4cf}'),
    ('\u{a960}', '\u{a97f}'),
    ('\u{ac00}', '\u{d7a3}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{fe30}', '\u{fe6f}'),
    ('\u{ff01}', '\u{ff60}'),
    ('\u{ffe0}', '\u{ffe6}'),
    ('\u{1f300}', '\u{1f64f}'),
    ('\u{1f680}', '\u{1f6ff}'),
    ('\u{1f900}', '\u{1f9ff}'),
    ('\u{1fa70}', '\u{1faff}'),
    ('\u{20000}', '\u{3fffd}'),
];

fn within(ranges: &[(char, char)], c: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Whether a character joins the one before it.
pub(super) fn joins(c: char) -> bool {
    within(ZERO, c)
}

/// Columns of one character.
fn columns_of(c: char) -> usize {
    if joins(c) {
        0
    } else if within(TWO, c) {
        2
    } else {
        1
    }
}

/// Columns of a text without control characters.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Cuts to at most `limit` columns, the last of them an ellipsis when something was cut off.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += columns_of(c);
        if used >= limit {
            break;
        }
        out.push(c);
    }
    if limit > 0 {
        out.push('…');
    }
    out
}

/// Fills with spaces to `width` columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(text))));
    out
}

/// Breaks at spaces into lines of at most `width` columns; a longer word is broken where it must be.
/// Never returns an empty list.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = vec![];
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let needs = columns(word);
        if used > 0 && used + 1 + needs > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used + columns_of(c) > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += columns_of(c);
        }
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_joining_characters_count_as_a_terminal_shows_them() {
        assert_eq!(columns("Zoë"), 3);
        assert_eq!(columns("Zoe\u{308}"), 3);
        assert_eq!(columns("監査"), 4);
    }

    #[test]
    fn cutting_never_exceeds_the_limit_and_says_that_it_cut() {
        assert_eq!(cut("監査監査", 5), "監査…");
        assert_eq!(cut("監査監査", 8), "監査監査");
        assert_eq!(cut("abcdef", 4), "abc…");
        for limit in 0..9 {
            assert!(columns(&cut("a監b査c監", limit)) <= limit);
        }
    }

    #[test]
    fn wrapping_keeps_every_word_and_every_line_within_the_width() {
        let text = "a short one and a-very-long-word-that-fits-nowhere-at-all end";
        let lines = wrap(text, 12);
        assert!(lines.iter().all(|line| columns(line) <= 12), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("", 12), [""]);
    }
}
