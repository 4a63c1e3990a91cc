//! Reads: one object, or a collection to its last page.

use std::collections::HashSet;

use oust_actions::{Api, Get, OnPage, Read, ReadError, Reading};
use serde_json::Value;

use super::client::Graph;
use super::exchange;
use super::fetch::{signed_out, unreadable};
use super::request_time::StepBudget;
use crate::failure::Code;

/// A collection with more pages than this is not believed.
const MOST_PAGES: usize = 10_000;

impl Graph {
    /// Reads for a step, at the expense of its time.
    pub fn within<'a>(&'a self, step: &'a StepBudget) -> InStep<'a> {
        InStep { graph: self, step: Some(step) }
    }
}

/// A [`Graph`] that reads for a step.
#[derive(Clone, Copy)]
pub struct InStep<'a> {
    graph: &'a Graph,
    step: Option<&'a StepBudget>,
}

impl Read for Graph {
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value> {
        Box::pin(async move { InStep { graph: self, step: None }.one(get).await })
    }

    fn pages<'a>(&'a self, get: &'a Get, each: OnPage<'a>) -> Reading<'a, ()> {
        Box::pin(async move { InStep { graph: self, step: None }.pages(get, each).await })
    }
}

impl Read for InStep<'_> {
    /// A cmdlet answers with a collection also where it is asked for one object.
    fn one<'a>(&'a self, get: &'a Get) -> Reading<'a, Value> {
        Box::pin(async move {
            if get.api == Api::Exchange {
                let found = self.all(get).await?.into_iter().next();
                return found.ok_or_else(|| exchange::nothing(get));
            }
            let url = self.graph.endpoint().url(&get.url());
            self.graph.fetch(get, &url, self.step).await.map(Value::Object)
        })
    }

    /// Follows `@odata.nextLink` as it is given, until there is none.
    ///
    /// <https://learn.microsoft.com/graph/paging>
    fn pages<'a>(&'a self, get: &'a Get, each: OnPage<'a>) -> Reading<'a, ()> {
        let graph = self.graph;
        Box::pin(async move {
            let mut seen = HashSet::new();
            let endpoint = graph.endpoint_of(get.api).map_err(|closed| exchange::closed(get, &closed))?;
            let mut url = match get.api {
                Api::V1 | Api::Beta => endpoint.url(&get.url()),
                Api::Exchange => graph.cmdlets().await.map_err(|failure| signed_out(get, &failure))?.url,
            };
            loop {
                let mut page = graph.fetch(get, &url, self.step).await?;
                match page.remove("value") {
                    Some(Value::Array(rows)) => each(rows),
                    _ => return Err(unreadable(get, "a collection without its list of values")),
                }
                url = match page.remove("@odata.nextLink") {
                    None | Some(Value::Null) => return Ok(()),
                    Some(Value::String(link)) => link,
                    Some(_) => return Err(unreadable(get, "a link to the next page that is no text")),
                };
                if let Err(why) = endpoint.owns(&url) {
                    let code = Some(Code::ForeignLink.id().to_owned());
                    let message = format!("the service answered with {why}; the token was not sent there");
                    return Err(ReadError { code, ..unreadable(get, message) });
                }
                if seen.len() + 1 >= MOST_PAGES {
                    return Err(unreadable(get, format!("a collection of more than {MOST_PAGES} pages")));
                }
                if !seen.insert(url.clone()) {
                    return Err(unreadable(get, "pages that lead back to an earlier page"));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use oust_actions::ReadErrorKind as Kind;
    use serde_json::json;

    use super::*;
    use crate::graph::fake::{Service, Setup, Tokens, answer, scripted, set_up};
    use crate::graph::{Reply, SendError};

    async fn all(setup: &Setup, get: &Get) -> Result<Vec<Value>, ReadError> {
        setup.graph.all(get).await
    }

    fn page(items: &Value, next: &Value) -> Result<Reply, SendError> {
        answer(200, json!({ "value": items, "@odata.nextLink": next }).to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_followed_verbatim_with_the_same_headers() {
        let next = "https://graph.microsoft.com/v1.0/users?%24skiptoken=A+b%20c";
        let setup = scripted([
            page(&json!([1]), &json!(next)),
            page(&json!([]), &json!("https://graph.microsoft.com/v1.0/users?p=3")),
            page(&json!([2, 3]), &json!(null)),
        ]);
        let get = Get { eventual: true, ..Get::new(["users"]) };
        assert_eq!(all(&setup, &get).await.unwrap(), [1, 2, 3].map(Value::from));
        let seen = setup.service.seen();
        assert_eq!(seen[1].url, next);
        assert!(seen.iter().all(|s| s.header("consistencylevel") == Some("eventual")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_fails_for_a_while_does_not_lose_the_others() {
        let next = json!("https://graph.microsoft.com/v1.0/users?p=2");
        let setup =
            scripted([page(&json!([1]), &next), answer(503, "<html>"), page(&json!([2]), &json!(null))]);
        assert_eq!(all(&setup, &Get::new(["users"])).await.unwrap(), [1, 2].map(Value::from));
    }

    #[tokio::test(start_paused = true)]
    async fn pages_are_given_one_by_one_and_those_before_an_error_too() {
        let link = |n: u8| json!(format!("https://graph.microsoft.com/v1.0/users?p={n}"));
        let setup = scripted([page(&json!([1, 2]), &link(2)), page(&json!([3]), &link(3)), answer(403, "")]);
        let mut pages = Vec::new();
        let ended = setup.graph.pages(&Get::new(["users"]), &mut |rows| pages.push(rows.len())).await;
        assert_eq!((pages, ended.unwrap_err().kind), (vec![2, 1], Kind::Forbidden));
    }

    #[tokio::test(start_paused = true)]
    async fn a_foreign_link_gets_neither_request_nor_token() {
        for link in ["https://contoso.com/v1.0/users?p=2", "http://graph.microsoft.com/x", "/v1.0/users?p=2"]
        {
            let setup = scripted([page(&json!([1]), &json!(link))]);
            let error = all(&setup, &Get::new(["users"])).await.unwrap_err();
            assert_eq!((error.kind, error.code.as_deref()), (Kind::Unreadable, Some("E0503")), "{link}");
            assert_eq!(setup.service.seen().len(), 1);
            assert!(!link.contains("contoso") || error.message.contains("https://contoso.com"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pages_without_end_or_form_are_unreadable() {
        let here = json!("https://graph.microsoft.com/v1.0/users?p=1");
        for body in [page(&json!([1]), &here), page(&json!([1]), &json!(7)), page(&json!({}), &json!(null))] {
            let setup = set_up(Service::new([body]).repeating(), Tokens::default(), None);
            let error = all(&setup, &Get::new(["users"])).await.unwrap_err();
            assert_eq!(error.kind, Kind::Unreadable);
            assert!(setup.service.seen().len() <= 2);
        }
        let endless = (0..=MOST_PAGES)
            .map(|n| page(&json!([]), &json!(format!("https://graph.microsoft.com/v1.0/users?p={n}"))));
        let setup = scripted(endless);
        assert_eq!(all(&setup, &Get::new(["users"])).await.unwrap_err().kind, Kind::Unreadable);
        assert_eq!(setup.service.seen().len(), MOST_PAGES);
    }
}
