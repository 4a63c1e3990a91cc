//! The page that the text is set on: indents, hanging wraps, one blank line between parts.

use anstyle::Style;

use crate::report::style::{FAINT, Paint};
use crate::report::{escape, width};

/// Columns after which a paragraph is cut: twenty mistakes of a list are long, a flood is longer.
const MAX_COLUMNS: usize = 2400;

/// Text under way.
pub(super) struct Sheet {
    out: String,
    pub(super) paint: Paint,
    pub(super) width: usize,
}

impl Sheet {
    pub(super) fn new(paint: Paint, width: usize) -> Self {
        Self { out: String::new(), paint, width }
    }

    /// One blank line, never two and none at the top.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line as it is: escaped and coloured already.
    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// A heading.
    pub(super) fn head(&mut self, indent: usize, style: Style, text: &str) {
        let text = width::cut(&escape::terminal(text), self.width.saturating_sub(indent));
        let text = self.paint.paint(style, &text);
        self.line(&format!("{:indent$}{text}", ""));
    }

    /// Hostile text, escaped and wrapped at `indent`.
    pub(super) fn text(&mut self, indent: usize, style: Style, text: &str) {
        self.tagged(indent, style, "", 0, style, text);
    }

    /// A tag, then hostile text that is escaped but neither cut nor wrapped: it has to be exact, and a terminal
    /// copies its own soft wrap as one line.
    pub(super) fn exact(&mut self, indent: usize, tag: &str, columns: usize, style: Style, text: &str) {
        let gap = columns.saturating_sub(width::columns(tag));
        let tag = self.paint.paint(FAINT, tag);
        let text = self.paint.paint(style, &escape::visible(text));
        self.line(&format!("{:indent$}{tag}{:gap$}{text}", "", ""));
    }

    /// A tag of `columns` columns, then hostile text that hangs beside it.
    pub(super) fn tagged(
        &mut self,
        indent: usize,
        tag_style: Style,
        tag: &str,
        columns: usize,
        style: Style,
        text: &str,
    ) {
        let hang = indent + columns;
        for (i, line) in
            width::wrap(&escape::terminal_within(text, MAX_COLUMNS), self.width.saturating_sub(hang))
                .into_iter()
                .enumerate()
        {
            let painted = self.paint.paint(style, &line);
            if i == 0 {
                let gap = columns.saturating_sub(width::columns(tag));
                let tag = self.paint.paint(tag_style, tag);
                self.line(&format!("{:indent$}{tag}{:gap$}{painted}", "", ""));
            } else {
                self.line(&format!("{:hang$}{painted}", ""));
            }
        }
    }

    /// The text so far.
    pub(super) fn finish(self) -> String {
        self.out
    }
}
