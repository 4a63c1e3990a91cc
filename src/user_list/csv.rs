//! CSV as RFC 4180 has it, strictly: a stray quote would swallow the lines behind it, and with them users that
//! nobody contains. So it is a mistake here, where lenient readers guess.

/// A record.
pub(super) struct Record {
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    /// Its fields, without quotes and the spaces around them.
    pub(super) fields: Vec<String>,
}

/// Where the text is no CSV, and why. What follows can't be read.
pub(super) type Broken = (usize, &'static str);

/// The records of a text whose lines end with `\n`. Ends after the first [`Broken`]; blank lines are left out.
pub(super) struct Records<'a> {
    rest: &'a str,
    line: usize,
    delimiter: char,
}

impl<'a> Records<'a> {
    /// Reads from `line` on.
    pub(super) fn new(text: &'a str, line: usize, delimiter: char) -> Self {
        Self { rest: text, line, delimiter }
    }

    /// Takes the next field, and says whether it was the last of its record.
    fn field(&mut self) -> Result<(String, bool), Broken> {
        let start = self.rest.trim_start_matches(' ');
        let value = if let Some(quoted) = start.strip_prefix('"') {
            self.quoted(quoted)?
        } else {
            let end = start.find([self.delimiter, '\n']).unwrap_or(start.len());
            let (value, rest) = start.split_at(end);
            self.rest = rest;
            if value.contains('"') {
                return Err((self.line, "a quote stands inside a field that is not quoted"));
            }
            value.trim().to_owned()
        };
        match self.rest.chars().next() {
            Some(c) if c == self.delimiter => self.rest = &self.rest[c.len_utf8()..],
            Some('\n') => {
                self.rest = &self.rest[1..];
                self.line += 1;
                return Ok((value, true));
            }
            Some(_) => return Err((self.line, "text follows a closing quote")),
            None => return Ok((value, true)),
        }
        Ok((value, false))
    }

    /// Takes what stands between quotes, and the spaces behind.
    fn quoted(&mut self, mut rest: &'a str) -> Result<String, Broken> {
        let mut value = String::new();
        loop {
            let Some(at) = rest.find('"') else { return Err((self.line, "a quote is not closed")) };
            value.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(more) = rest.strip_prefix('"') else { break };
            value.push('"');
            rest = more;
        }
        self.line += value.matches('\n').count();
        self.rest = rest.trim_start_matches(' ');
        Ok(value.trim().to_owned())
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((_, rest)) = self.rest.split_once('\n').filter(|(line, _)| line.trim().is_empty()) {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.trim().is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = vec![];
        loop {
            match self.field() {
                Ok((field, last)) => {
                    fields.push(field);
                    if last {
                        return Some(Ok(Record { line, fields }));
                    }
                }
                Err(broken) => {
                    self.rest = "";
                    return Some(Err(broken));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(usize, Vec<String>), Broken>> {
        Records::new(text, 1, ',').map(|r| r.map(|r| (r.line, r.fields))).collect()
    }

    fn record(line: usize, fields: &[&str]) -> Result<(usize, Vec<String>), Broken> {
        Ok((line, fields.iter().map(|&field| field.to_owned()).collect()))
    }

    #[test]
    fn fields_may_be_quoted_and_hold_delimiters_quotes_and_lines() {
        assert_eq!(
            read("a, b ,\n\n  \n\"x,\"\"y\"\"\nz\" , \"\"\nend"),
            [record(1, &["a", "b", ""]), record(4, &["x,\"y\"\nz", ""]), record(6, &["end"]),]
        );
        assert_eq!(read(""), []);
    }

    #[test]
    fn a_stray_quote_ends_the_reading_where_it_stands() {
        for (text, line, what) in [
            ("a\nb,\"open\nc,d\n", 2, "a quote is not closed"),
            ("a\nb\"c\n", 2, "a quote stands inside a field that is not quoted"),
            ("a\n\"b\nc\"d\"\n", 3, "text follows a closing quote"),
        ] {
            let all = read(text);
            assert_eq!(all.len(), 2, "{text}");
            assert_eq!(all[1], Err((line, what)), "{text}");
        }
    }

    #[test]
    fn what_is_written_by_the_rules_is_read_as_it_was() {
        let field = "[ -~é\n]{0,12}";
        proptest::proptest!(|(rows in proptest::collection::vec(proptest::collection::vec(field, 1..4), 0..6))| {
            let written: String = rows
                .iter()
                .map(|row| row.iter().map(|f| format!("\"{}\"", f.replace('"', "\"\""))).collect::<Vec<_>>().join(",") + "\n")
                .collect();
            let read: Vec<Vec<String>> = read(&written).into_iter().map(|r| r.unwrap().1).collect();
            let trimmed: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|f| f.trim().to_owned()).collect()).collect();
            proptest::prop_assert_eq!(read, trimmed);
        });
    }
}
