//! Text from a tenant, made safe for where it goes.
//!
//! Display names, rule names and error messages can be chosen by the intruder. Unescaped they could move the
//! cursor, hide a line, turn text around, forge a row of a table or start a formula.

use super::width;

/// Columns after which [`terminal`] cuts: longer than any honest name or remark, shorter than a flood.
pub const MAX_COLUMNS: usize = 240;

/// How many joining marks in a row are shown: honest scripts need fewer, "Zalgo" text has dozens.
const MAX_MARKS: usize = 3;

/// Ranges that show nothing, or change how their neighbours look.
const UNSEEN: &[(char, char)] = &[
    ('\u{a0}', '\u{a0}'),        // no-break space
    ('\u{ad}', '\u{ad}'),        // soft hyphen
    ('\u{34f}', '\u{34f}'),      // combining grapheme joiner
    ('\u{600}', '\u{605}'),      // Arabic number signs
    ('\u{61c}', '\u{61c}'),      // Arabic letter mark
    ('\u{6dd}', '\u{6dd}'),      // end of ayah
    ('\u{70f}', '\u{70f}'),      // Syriac abbreviation mark
    ('\u{115f}', '\u{1160}'),    // Hangul fillers
    ('\u{1680}', '\u{1680}'),    // Ogham space
    ('\u{17b4}', '\u{17b5}'),    // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),    // Mongolian selectors and vowel separator
    ('\u{2000}', '\u{200f}'),    // spaces, zero-width characters, direction marks
    ('\u{2028}', '\u{202f}'),    // line and paragraph separators, bidi embeddings and overrides
    ('\u{205f}', '\u{206f}'),    // spaces, word joiner, invisible operators, bidi isolates
    ('\u{2800}', '\u{2800}'),    // blank Braille
    ('\u{3164}', '\u{3164}'),    // Hangul filler
    ('\u{e000}', '\u{f8ff}'),    // private use
    ('\u{fdd0}', '\u{fdef}'),    // no characters
    ('\u{fe00}', '\u{fe0d}'),    // variation selectors but for text and emoji
    ('\u{feff}', '\u{feff}'),    // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),    // halfwidth Hangul filler
    ('\u{fff0}', '\u{fffb}'),    // unassigned, interlinear annotation
    ('\u{fffe}', '\u{ffff}'),    // no characters
    ('\u{1bca0}', '\u{1bca3}'),  // shorthand format controls
    ('\u{1d159}', '\u{1d159}'),  // musical null notehead
    ('\u{1d173}', '\u{1d17a}'),  // musical format controls
    ('\u{e0000}', '\u{10ffff}'), // tags, more selectors, unassigned, private use
];

fn is_unseen(c: char) -> bool {
    c.is_control() || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// For one line of a terminal: everything unseen becomes visible (`\u{202e}`, `\n`), and what is longer than
/// [`MAX_COLUMNS`] is cut off with an ellipsis.
pub fn terminal(text: &str) -> String {
    terminal_within(text, MAX_COLUMNS)
}

/// Like [`terminal`], with another limit, in columns.
pub fn terminal_within(text: &str, limit: usize) -> String {
    // Nothing beyond this many characters can be among the first `limit` columns.
    let reach = text.char_indices().nth((limit + 1) * (MAX_MARKS + 1)).map_or(text.len(), |(at, _)| at);
    width::cut(&visible(&text[..reach]), limit)
}

/// Like [`terminal`], but of any length: for what must be exact, such as a call.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if width::joins(c) { marks + 1 } else { 0 };
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unseen(c) || marks > MAX_MARKS => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// For GitHub-flavoured Markdown, within a line or a table cell: no markup, no link, no mention, no HTML.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let shown = visible(text);
    let mut before = ' ';
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '$' => out.push_str("&#36;"),
            c if is_markup(c, before, after) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        // Mentions and issue numbers are found after the markup is gone: only a character between helps.
        if c == '@' && !before.is_alphanumeric() || c == '#' && after.is_ascii_digit() {
            out.push_str("&#8203;");
        }
        before = c;
    }
    out
}

/// Whether a character could be markup or the start of an automatic link where it stands. Others stay as they
/// are: a ticket is read as source, too.
fn is_markup(c: char, before: char, after: char) -> bool {
    match c {
        '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '@' | '#' => true,
        '+' | '-' | '=' => before == ' ',
        ')' => before.is_ascii_digit(),
        ':' => before.is_ascii_alphabetic() && after != ' ',
        '.' => before.is_ascii_digit() || matches!(before, 'w' | 'W'),
        _ => false,
    }
}

/// A Markdown code span that no text can end, also inside a table.
pub fn markdown_code(text: &str) -> String {
    // A bar behind a backslash would be read as an escaped backslash and the end of the cell.
    let shown = visible(text).replace("\\|", "\\\\u{7c}").replace('|', "\\|");
    let mut longest = 0;
    let mut run = 0;
    for c in shown.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let gap = if longest > 0 || shown.is_empty() { " " } else { "" };
    format!("{fence}{gap}{shown}{gap}{fence}")
}

/// For HTML text and quoted attributes.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// For one field of a CSV file: quoted where needed, and a start that a spreadsheet would run as a formula is
/// disarmed with an apostrophe (OWASP, "CSV injection").
pub fn csv(text: &str) -> String {
    let starts = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let formula = text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(starts);
    let field = format!("{}{}", if formula { "'" } else { "" }, visible(text));
    if field.contains([',', ';', '"', '\'']) || field.starts_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_hides_text_reaches_the_terminal() {
        for (hostile, shown) in [
            ("Adele\u{1b}[2K\u{1b}[1A", "Adele\\u{1b}[2K\\u{1b}[1A"),
            ("a\u{9b}31m", "a\\u{9b}31m"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("a\u{200e}\u{200f}\u{200b}\u{200d}\u{feff}b", "a\\u{200e}\\u{200f}\\u{200b}\\u{200d}\\u{feff}b"),
            ("two\u{2028}lines\u{2029}", "two\\u{2028}lines\\u{2029}"),
            ("tab\tnew\nline\r", "tab\\tnew\\nline\\r"),
            ("nul\0bell\u{7}del\u{7f}", "nul\\u{0}bell\\u{7}del\\u{7f}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("\u{e000}\u{f0000}", "\\u{e000}\\u{f0000}"),
            ("\u{3164}", "\\u{3164}"),
        ] {
            assert_eq!(terminal(hostile), shown);
        }
    }

    #[test]
    fn honest_names_stay_as_they_are() {
        for name in ["Zoë Müller-Østergård", "監査 太郎", "أحمد", "O'Neil \\ AD", "☎️ Support", ""]
        {
            assert_eq!(terminal(name), name);
        }
    }

    #[test]
    fn stacked_marks_are_broken_up() {
        let zalgo = format!("a{}", "\u{300}".repeat(20));
        assert!(terminal(&zalgo).contains("\\u{300}"));
        assert!(!terminal("a\u{300}\u{301}").contains('\\'));
    }

    #[test]
    fn a_flood_is_cut_by_columns() {
        let shown = terminal(&"監".repeat(100_000));
        assert!(width::columns(&shown) <= MAX_COLUMNS);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn markdown_has_no_markup_left() {
        for (hostile, shown) in [
            ("[x](http://evil.example)", r"\[x\](http\://evil.example)"),
            ("<script>", "&lt;script&gt;"),
            ("&#64;all", r"&amp;\#&#8203;64;all"),
            ("| a |", r"\| a \|"),
            ("@admins", r"\@&#8203;admins"),
            ("AdeleV@contoso.com", r"AdeleV\@contoso.com"),
            ("#12 **b** `c`", r"\#&#8203;12 \*\*b\*\* \`c\`"),
            ("www.evil.example", r"www\.evil.example"),
            ("mailto:a@b.example", r"mailto\:a\@b.example"),
            ("1. one", r"1\. one"),
            ("well-known (all)", "well-known (all)"),
            ("# h\n- l", r"\# h\\n- l"),
        ] {
            assert_eq!(markdown(hostile), shown);
        }
    }

    #[test]
    fn a_code_span_holds_backticks_and_bars() {
        assert_eq!(markdown_code("plain"), "`plain`");
        assert_eq!(markdown_code("a``b"), "``` a``b ```");
        assert_eq!(markdown_code("a|b"), "`a\\|b`");
        assert_eq!(markdown_code("a\\|b"), "`a\\\\u{7c}b`");
    }

    #[test]
    fn html_has_no_tag_or_quote_left() {
        assert_eq!(
            html("<a href=\"x\" b='y'>&\u{202e}"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\u{202e}"
        );
    }

    #[test]
    fn csv_never_starts_a_formula() {
        for (hostile, field) in [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\\t=1\""),
            ("\r=1", "\"'\\r=1\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("plain", "plain"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
        ] {
            assert_eq!(csv(hostile), field);
        }
    }

    #[test]
    fn no_escape_lets_a_control_character_or_an_override_through() {
        proptest::proptest!(|(text in "\\PC*|(?s:.*)")| {
            for shown in [terminal(&text), visible(&text), markdown(&text), markdown_code(&text), html(&text), csv(&text)] {
                proptest::prop_assert!(!shown.chars().any(is_unseen), "{shown:?}");
            }
        });
    }
}
