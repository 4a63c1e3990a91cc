//! Graph requests as data: a [`Get`] that an action may send, a [`Call`] that only the engine sends.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Turn;

/// What RFC 3986 lets stand unescaped in a path segment or a query value.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// In a body, `{"$secret": "new_password"}` stands for a value that is filled in as the call is sent and
/// is never written anywhere.
pub const SECRET_KEY: &str = "$secret";

/// In a path, stands for the id of the object that the change's look picks: an object that a call creates has
/// no id before it is sent. No encoded segment can be equal to it.
const FOUND: &str = "{id}";

/// Collections of links to objects: a DELETE of an item without `/$ref` would delete the object itself.
pub(crate) const LINKS: [&str; 4] = ["members", "owners", "registeredOwners", "registeredUsers"];

/// In the member `@odata.id` of a body, stands for the root of the Graph API, which differs by cloud.
pub const ROOT: &str = "{graph}";

/// Which edition of the Graph API a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// `/v1.0`
    #[default]
    #[serde(rename = "v1.0")]
    V1,
    /// `/beta`
    Beta,
    /// Exchange Online's administration, which runs cmdlets: another host, another token. The client puts path
    /// and parameters into its envelope.
    Exchange,
}

impl Api {
    /// The first path segment of every URL of this edition.
    pub fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
            Self::Exchange => "exchange",
        }
    }
}

/// A path below the API version, each segment percent-encoded: `/users/alice%40contoso.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Path(String);

impl Path {
    /// Joins segments, encoding each; a slash, a `#`, a quote or two dots in a segment can't change the path.
    pub fn new<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            match segment.as_ref() {
                // URLs take these for "here" and "one up", in percent too. Encoded twice they name nothing.
                "." => path.push_str("%252E"),
                ".." => path.push_str("%252E%252E"),
                segment => path.extend(utf8_percent_encode(segment, UNRESERVED)),
            }
        }
        Self(path)
    }

    /// Adds OData's `$ref`: the link to an object in place of the object.
    fn reference(mut self) -> Self {
        self.0.push_str("/$ref");
        self
    }

    /// Whether it is a member or an owner of a group, and not the link to it. Graph takes names in any case.
    fn is_linked_object(&self) -> bool {
        let mut parts = self.0.rsplit('/');
        parts.next().is_some_and(|id| !id.is_empty())
            && parts.next().is_some_and(|name| LINKS.iter().any(|link| link.eq_ignore_ascii_case(name)))
    }

    /// The encoded path, with its leading slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A read. It is the only kind of request that an action can make.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Get {
    /// The edition of the API.
    #[serde(default)]
    pub api: Api,
    /// Where to read.
    pub path: Path,
    /// Query options such as `$select`, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Sends `ConsistencyLevel: eventual`, which advanced queries need. Its answers come from an index that
    /// lags, so never verify with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub eventual: bool,
}

impl Get {
    /// Reads `/v1.0/<segments>`.
    pub fn new<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self { api: Api::V1, path: Path::new(segments), query: Vec::new(), eventual: false }
    }

    /// Runs a cmdlet of Exchange Online that reads, such as `Get-Mailbox`. Its parameters are the query: `true`
    /// and `false` are switches, all else is text. Any other verb than `Get` is never sent.
    ///
    /// <https://learn.microsoft.com/powershell/module/exchange>
    pub fn cmdlet(name: &str, parameters: &[(&str, &str)]) -> Self {
        let query = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { api: Api::Exchange, query: query.collect(), ..Self::new([name]) }
    }

    /// Adds `$select`: without it Graph returns a default set that lacks most fields we decide on.
    #[must_use]
    pub fn select(self, fields: &[&str]) -> Self {
        self.query("$select", fields.join(","))
    }

    /// Adds `$filter`. Quote literals with [`Get::quote`].
    #[must_use]
    pub fn filter(self, expression: impl Into<String>) -> Self {
        self.query("$filter", expression)
    }

    /// Adds any query option.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// An OData string literal: quoted, quotes doubled.
    pub fn quote(text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// Path and query below the host: `/v1.0/users/x?$select=id`.
    pub fn url(&self) -> String {
        let mut url = format!("/{}{}", self.api.segment(), self.path);
        for (i, (name, value)) in self.query.iter().enumerate() {
            url.push(if i == 0 { '?' } else { '&' });
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, UNRESERVED));
        }
        url
    }
}

/// The HTTP methods that write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Acts, or creates.
    Post,
    /// Sets properties.
    Patch,
    /// Replaces.
    Put,
    /// Removes.
    Delete,
}

impl Method {
    /// `POST`, `PATCH`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a second sending of the same call does, once the first may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The same state again: a PATCH of the same value, a DELETE (404 = done), a revocation.
    #[default]
    Harmless,
    /// The service refuses a second one as a conflict (400/409): read, match, adopt.
    Conflicts,
    /// A second object, or the first replaced: look before every repeat.
    Duplicates,
}

/// A write, as data: what the plan shows, the journal keeps and the engine sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The edition of the API.
    #[serde(default)]
    pub api: Api,
    /// Where to write.
    pub path: Path,
    /// The JSON body. Secrets are placeholders, see [`SECRET_KEY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// What a repetition does.
    #[serde(default)]
    pub repeat: Repeat,
    /// When it is sent.
    #[serde(default, skip_serializing_if = "Turn::is_default")]
    pub turn: Turn,
    /// What a person does instead when the service refuses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<String>,
    /// The member of the answer that is a secret and comes only once. The engine seals it for its recipient; an
    /// answer that is lost is a secret that nobody has, so such a call never counts as done by reading alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

impl Call {
    /// A call without a body.
    ///
    /// A DELETE of a member or an owner always gets `/$ref`: without it Graph would delete the user, and not
    /// the membership.
    pub fn new<S: AsRef<str>>(method: Method, segments: impl IntoIterator<Item = S>) -> Self {
        let mut path = Path::new(segments);
        if method == Method::Delete && path.is_linked_object() {
            path = path.reference();
        }
        Self {
            method,
            api: Api::V1,
            path,
            body: None,
            repeat: Repeat::Harmless,
            turn: Turn::default(),
            by_hand: None,
            seal: None,
        }
    }

    /// Runs a cmdlet of Exchange Online that writes, such as `Set-Mailbox`, with these parameters.
    pub fn cmdlet(name: &str, parameters: Value) -> Self {
        Self { api: Api::Exchange, ..Self::new(Method::Post, [name]) }.body(parameters)
    }

    /// Makes an object a member of a group; a second time is refused as a conflict.
    ///
    /// <https://learn.microsoft.com/graph/api/group-post-members>
    pub fn add_member(group: &str, object: &str) -> Self {
        let object = format!("{ROOT}/v1.0{}", Path::new(["directoryObjects", object]));
        let mut call = Self::new(Method::Post, ["groups", group, "members"])
            .body(serde_json::json!({ "@odata.id": object }))
            .repeat(Repeat::Conflicts);
        call.path = call.path.reference();
        call
    }

    /// Ends a membership, and only that.
    ///
    /// <https://learn.microsoft.com/graph/api/group-delete-members>
    pub fn remove_member(group: &str, object: &str) -> Self {
        Self::new(Method::Delete, ["groups", group, "members", object])
    }

    /// A call on the object that the change's look picks, in this collection. For undoing a creation.
    pub fn on_found<S: AsRef<str>>(method: Method, collection: impl IntoIterator<Item = S>) -> Self {
        let mut call = Self::new(method, collection);
        call.path.0.push('/');
        call.path.0.push_str(FOUND);
        call
    }

    /// The call with the id of the object that was found. `None`: it needs one, and `found` has none.
    pub fn found(&self, found: &Value) -> Option<Self> {
        let Some(start) = self.path.0.strip_suffix(FOUND) else { return Some(self.clone()) };
        let id = found["id"].as_str().filter(|id| !id.is_empty())?;
        let path = Path(format!("{start}{}", utf8_percent_encode(id, UNRESERVED)));
        Some(Self { path, ..self.clone() })
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// States what a repetition does, when it isn't harmless.
    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Says which member of the answer is a secret, to be sealed and never written.
    #[must_use]
    pub fn seal(mut self, member: &str) -> Self {
        self.seal = Some(member.to_owned());
        self
    }

    /// Path below the host: `/v1.0/users/x`.
    pub fn url(&self) -> String {
        format!("/{}{}", self.api.segment(), self.path)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url())?;
        self.body.as_ref().map_or(Ok(()), |body| write!(f, " {body}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_segment_stays_one_segment() {
        let path = Path::new(["users", "a/../b?x#y'z%é@contoso.com", "revokeSignInSessions"]);
        assert_eq!(
            path.as_str(),
            "/users/a%2F..%2Fb%3Fx%23y%27z%25%C3%A9%40contoso.com/revokeSignInSessions"
        );
    }

    #[test]
    fn a_segment_of_dots_leads_nowhere_else() {
        // A URL parser takes `..` and `%2E%2E` for one level up: a hostile id must not turn a deletion on its parent.
        assert_eq!(Path::new(["groups", "g", "members", ".."]).as_str(), "/groups/g/members/%252E%252E");
        assert_eq!(Path::new(["groups", ".", "members"]).as_str(), "/groups/%252E/members");
        assert_eq!(Path::new(["users", "..."]).as_str(), "/users/...");
    }

    #[test]
    fn a_membership_ends_by_its_link_and_never_by_the_member() {
        let by_hand = Call::new(Method::Delete, ["groups", "g", "members", "u"]);
        assert_eq!(by_hand.to_string(), "DELETE /v1.0/groups/g/members/u/$ref");
        assert_eq!(Call::remove_member("g", "u"), by_hand);
        let in_capitals = Call::new(Method::Delete, ["groups", "g", "Members", "u"]);
        assert_eq!(in_capitals.url(), "/v1.0/groups/g/Members/u/$ref");
        assert_eq!(
            Call::new(Method::Delete, ["applications", "a", "owners", "u"]).url(),
            "/v1.0/applications/a/owners/u/$ref"
        );
        assert_eq!(
            Call::add_member("g", "u/x").to_string(),
            r#"POST /v1.0/groups/g/members/$ref {"@odata.id":"{graph}/v1.0/directoryObjects/u%2Fx"}"#
        );
    }

    #[test]
    fn the_id_of_what_was_created_is_filled_in_and_nothing_else() {
        let undo = Call::on_found(Method::Delete, ["servicePrincipals"]);
        let found = undo.found(&serde_json::json!({ "id": "a/b" })).unwrap();
        assert_eq!(found.to_string(), "DELETE /v1.0/servicePrincipals/a%2Fb");
        assert_eq!(undo.found(&serde_json::json!({ "id": "" })), None);
        let hostile = Call::new(Method::Delete, ["servicePrincipals", "{id}"]);
        assert_eq!(hostile.found(&serde_json::json!({ "id": "x" })), Some(hostile));
    }

    #[test]
    fn a_cmdlet_is_data_like_any_other_request() {
        let get = Get::cmdlet("Get-Mailbox", &[("Identity", "u 1")]);
        assert_eq!(get.url(), "/exchange/Get-Mailbox?Identity=u%201");
        let call = Call::cmdlet("Set-Mailbox", serde_json::json!({ "Identity": "u" }));
        assert_eq!(call.to_string(), r#"POST /exchange/Set-Mailbox {"Identity":"u"}"#);
        assert_eq!(serde_json::to_value(&call).unwrap()["api"], "exchange");
    }

    #[test]
    fn query_values_are_encoded_and_quotes_doubled() {
        let get = Get::new(["users"])
            .filter(format!("userPrincipalName eq {}", Get::quote("o'neil+x@contoso.com")));
        assert_eq!(
            get.url(),
            "/v1.0/users?$filter=userPrincipalName%20eq%20%27o%27%27neil%2Bx%40contoso.com%27"
        );
    }
}
