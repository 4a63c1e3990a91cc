//! `$filter`, as far as the directory supports it without advanced queries: `eq`, `any`, `and`, `or`.

use serde_json::Value;

use super::error::{GraphError, Outcome};

/// A condition: any of these groups, of which all must hold.
#[derive(Debug, PartialEq)]
pub struct Condition(Vec<Vec<(String, Value)>>);

impl Condition {
    /// Whether the object meets it. Text compares without case, as the directory does.
    pub fn holds(&self, object: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|(name, wanted)| same(&object[name.as_str()], wanted)))
    }

    /// The same of an object whose properties are texts, or none.
    pub fn holds_for<'a>(&self, property: &dyn Fn(&str) -> Option<&'a str>) -> bool {
        let holds = |(name, wanted): &(String, Value)| match (property(name), wanted.as_str()) {
            (Some(found), Some(wanted)) => found.eq_ignore_ascii_case(wanted),
            (None, _) => wanted.is_null(),
            (Some(_), None) => false,
        };
        self.0.iter().any(|all| all.iter().all(holds))
    }
}

fn same(found: &Value, wanted: &Value) -> bool {
    if let Some(elements) = found.as_array() {
        return elements.iter().any(|element| same(element, wanted));
    }
    match (found.as_str(), wanted.as_str()) {
        (Some(found), Some(wanted)) => found.eq_ignore_ascii_case(wanted),
        _ => found == wanted,
    }
}

/// Reads an expression that compares the given properties only.
pub fn parse(text: &str, filterable: &[&str]) -> Outcome<Condition> {
    let mut rest = tokens(text).ok_or_else(|| syntax(text))?.into_iter();
    let mut groups = vec![vec![]];
    loop {
        let (Some(Token::Word(name)), Some(Token::Word(operator)), Some(value)) =
            (rest.next(), rest.next(), rest.next())
        else {
            return Err(syntax(text));
        };
        let name = match name.split_once("/any(") {
            None => name,
            Some((collection, variable)) => {
                let (declared, used) = variable.split_once(':').ok_or_else(|| syntax(text))?;
                match rest.next() {
                    Some(Token::Word(end)) if end == ")" && declared == used => collection.to_owned(),
                    _ => return Err(syntax(text)),
                }
            }
        };
        if operator != "eq" || !filterable.contains(&name.as_str()) {
            return Err(GraphError::unsupported_query());
        }
        if let Some(group) = groups.last_mut() {
            group.push((name, value.into_value()));
        }
        match rest.next() {
            None => return Ok(Condition(groups)),
            Some(Token::Word(word)) if word == "and" => {}
            Some(Token::Word(word)) if word == "or" => groups.push(vec![]),
            Some(_) => return Err(syntax(text)),
        }
    }
}

fn syntax(text: &str) -> GraphError {
    GraphError::bad_request(format!("Invalid filter clause: syntax error in '{text}'."))
}

enum Token {
    Word(String),
    Text(String),
}

impl Token {
    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Word(word) => serde_json::from_str(&word).unwrap_or_else(|_| word.into()),
        }
    }
}

/// Words, and literals in single quotes with quotes doubled.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = vec![];
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(literal) = rest.strip_prefix('\'') {
            let mut value = String::new();
            let mut at = literal;
            loop {
                let (part, after) = at.split_once('\'')?;
                value.push_str(part);
                if let Some(more) = after.strip_prefix('\'') {
                    value.push('\'');
                    at = more;
                } else {
                    rest = after;
                    break;
                }
            }
            found.push(Token::Text(value));
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality_with_and_or() {
        let filter = parse("a eq 'o''neil' and b eq true or c eq null", &["a", "b", "c"]).unwrap();
        assert!(filter.holds(&json!({"a": "O'Neil", "b": true, "c": 1})));
        assert!(!filter.holds(&json!({"a": "o'neil", "b": false, "c": 1})));
        assert!(filter.holds(&json!({"a": "x", "c": null})));
    }

    #[test]
    fn any_element_of_a_collection() {
        let filter = parse("a eq 'x' or m/any(e:e eq 'y')", &["a", "m"]).unwrap();
        assert!(filter.holds(&json!({"m": ["z", "Y"]})));
        assert!(!filter.holds(&json!({"m": []})));
        for text in ["m/any(e:f eq 'y')", "m/any(e:e eq 'y'", "m/any(e eq 'y')", "n/any(e:e eq 'y')"] {
            assert_eq!(parse(text, &["m"]).unwrap_err().status, 400, "{text}");
        }
    }

    #[test]
    fn other_operators_and_properties_are_unsupported() {
        for text in ["a ne 'x'", "z eq 'x'", "startswith(a,'x')", "a eq"] {
            assert_eq!(parse(text, &["a"]).unwrap_err().status, 400, "{text}");
        }
        assert_eq!(parse("a ne 'x'", &["a"]).unwrap_err().code, "Request_UnsupportedQuery");
    }
}
