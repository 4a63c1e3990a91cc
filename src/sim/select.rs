//! `$select`, `$top` and paging.
//!
//! <https://learn.microsoft.com/graph/paging>

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::error::{Answer, GraphError, Outcome};
use super::filter;
use super::request::Ask;

/// The largest `$top` of a directory collection.
const MAX_TOP: usize = 999;

/// One object with the properties that were asked for, or the default ones.
pub fn object(ask: &Ask, context: &str, full: &Value, default: Option<&[&str]>) -> Value {
    let mut answer = Map::new();
    answer.insert("@odata.context".into(), format!("{}/$metadata#{context}/$entity", ask.base).into());
    answer.extend(project(ask, full, default));
    Value::Object(answer)
}

/// The properties that were asked for. Annotations (`@odata.type`) always stay.
fn project(ask: &Ask, full: &Value, default: Option<&[&str]>) -> Map<String, Value> {
    let selected: Option<Vec<&str>> = ask
        .option("$select")
        .filter(|list| !list.is_empty())
        .map(|list| list.split(',').map(str::trim).collect())
        .or_else(|| default.map(<[&str]>::to_vec));
    let members = full.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| {
            name.starts_with('@')
                || selected.as_ref().is_none_or(|s| s.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A page of a collection. `filterable`: the properties that `$filter` may compare, with `eq` only.
pub fn collection(
    ask: &Ask,
    context: &str,
    items: &[Value],
    default: Option<&[&str]>,
    filterable: &[&str],
    page_size: usize,
) -> Outcome {
    page(ask, context, items, &|item: &Value| Cow::Borrowed(item), (default, filterable), page_size)
}

/// The same of things that are made JSON by `show`: only those of the page are, unless there is a `$filter`.
pub fn collection_of<T>(
    ask: &Ask,
    context: &str,
    items: &[T],
    show: impl Fn(&T) -> Value,
    filterable: &[&str],
    page_size: usize,
) -> Outcome {
    page(ask, context, items, &|item: &T| Cow::Owned(show(item)), (None, filterable), page_size)
}

fn page<'a, T>(
    ask: &Ask,
    context: &str,
    items: &'a [T],
    show: &dyn Fn(&'a T) -> Cow<'a, Value>,
    (default, filterable): (Option<&[&str]>, &[&str]),
    page_size: usize,
) -> Outcome {
    let advanced = ["$search", "$orderby", "$count"].iter().any(|name| ask.option(name).is_some());
    if advanced && !ask.eventual {
        return Err(GraphError::unsupported_query());
    }
    let condition = ask.option("$filter").map(|text| filter::parse(text, filterable)).transpose()?;
    let fits = |item: &&'a T| condition.as_ref().is_none_or(|condition| condition.holds(&show(*item)));
    let items: Vec<&'a T> = items.iter().filter(fits).collect();
    let size = match ask.option("$top").map(str::parse::<usize>) {
        None => page_size,
        Some(Ok(top @ 1..=MAX_TOP)) => top.min(page_size.max(1)),
        Some(_) => {
            return Err(GraphError::bad_request(
                "Invalid page size specified. Must be between 1 and 999 inclusive.",
            ));
        }
    };
    let from = ask.option("$skiptoken").map_or(Ok(0), |token| offset(token).ok_or_else(bad_token))?;
    if from > items.len() {
        return Err(bad_token());
    }
    let page = items[from..].iter().take(size.max(1));
    let mut body = json!({ "@odata.context": format!("{}/$metadata#{context}", ask.base) });
    if from == 0 && ask.option("$count") == Some("true") {
        body["@odata.count"] = items.len().into();
    }
    if from + size < items.len() {
        body["@odata.nextLink"] = next_link(ask, from + size).into();
    }
    body["value"] = page.map(|item| Value::Object(project(ask, &show(item), default))).collect();
    Ok(Answer::ok(body))
}

fn bad_token() -> GraphError {
    GraphError::bad_request("The specified page token value is invalid.")
}

fn offset(token: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("page ")?.parse().ok()
}

fn next_link(ask: &Ask, from: usize) -> String {
    link_on(ask, &URL_SAFE_NO_PAD.encode(format!("page {from}")))
}

/// Everything that was asked, and where to go on. The host is the one that the request came to.
pub fn link_on(ask: &Ask, token: &str) -> String {
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    let is_token = |pair: &&str| pair.starts_with("$skiptoken=") || pair.starts_with("%24skiptoken=");
    let mut query: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !is_token(p)).collect();
    let token = format!("$skiptoken={token}");
    query.push(&token);
    format!("{}{path}?{}", ask.base, query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(url: &str) -> Value {
        let items: Vec<Value> = (0..5).map(|n| json!({"id": n, "name": "x"})).collect();
        let ask = Ask::parse("GET", url).unwrap();
        collection(&ask, "things", &items, None, &["id"], 2).unwrap().body.unwrap()
    }

    #[test]
    fn a_collection_is_read_by_following_its_links() {
        let mut url = "https://h/v1.0/things?$select=id".to_owned();
        let mut seen = vec![];
        loop {
            let body = page(&url);
            seen.extend(body["value"].as_array().unwrap().clone());
            match body["@odata.nextLink"].as_str() {
                Some(link) => url = link.to_owned(),
                None => break,
            }
        }
        assert_eq!(Value::from(seen), json!([{"id": 0}, {"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}]));
    }

    #[test]
    fn top_makes_pages_smaller_and_the_host_stays() {
        let body = page("http://127.0.0.1:1/v1.0/things?$top=1");
        assert_eq!(body["value"].as_array().unwrap().len(), 1);
        assert!(
            body["@odata.nextLink"]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:1/v1.0/things?$top=1&$skiptoken=")
        );
    }

    #[test]
    fn a_forged_page_token_is_refused() {
        let ask = Ask::parse("GET", "https://h/v1.0/things?$skiptoken=zzz").unwrap();
        assert_eq!(collection(&ask, "things", &[], None, &[], 2).unwrap_err().status, 400);
    }
}
