//! The path of a literal step: below the API version, in segments, with one placeholder.

use crate::Target;
use crate::contract::LINKS;

/// Stands for the object id of the user that is contained.
pub(super) const USER: &str = "{user}";

/// Segments of a path, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segments(Vec<String>);

impl Segments {
    /// Reads `/users/{user}/…`. Whatever could lead elsewhere once it is resolved or decoded is refused.
    pub(super) fn parse(path: &str) -> Result<Self, String> {
        let wrong = |what: &str| Err(format!("the path {path:?} {what}"));
        if path.contains("://") || path.starts_with("//") {
            return wrong("names a host: give what comes after the version, such as /users/{user}");
        }
        if path.contains(['?', '#']) {
            return wrong("holds a query: give `$select` or `$expand` under `query`");
        }
        if path.contains(['%', '\\']) || path.chars().any(char::is_control) {
            return wrong(
                "holds a character that has to be encoded: write it plain, it is encoded as it is sent",
            );
        }
        let Some(rest) = path.strip_prefix('/') else { return wrong("has to start with a slash") };
        let segments: Vec<&str> = rest.split('/').collect();
        for segment in &segments {
            match *segment {
                "" => return wrong("has an empty segment"),
                "." | ".." => return wrong("leads upwards"),
                USER => {}
                other if other.contains(['{', '}']) => return wrong("has a placeholder that is not {user}"),
                other if other.eq_ignore_ascii_case("$batch") => {
                    return wrong("is a batch: a step makes one call");
                }
                other if other.starts_with('$') && other != "$ref" => {
                    return wrong("has a segment that starts with `$`, which is refused but for `$ref`");
                }
                _ => {}
            }
        }
        let first = segments[0].to_ascii_lowercase();
        if ["v1.0", "beta"].contains(&first.as_str()) {
            return wrong("names a version: leave it out, it is always v1.0");
        }
        if ["me", USER].contains(&first.as_str()) {
            return wrong("does not start with a collection such as /users");
        }
        if first == "directoryobjects" {
            return wrong("does not tell a user from a group: write the collection of its kind");
        }
        // The guards know who is contained, and nobody else.
        if first.starts_with("users(") || first == "users" && segments.get(1).is_none_or(|id| *id != USER) {
            return wrong("names a user that is not the one who is contained: write /users/{user}");
        }
        Ok(Self(segments.into_iter().map(str::to_owned).collect()))
    }

    /// As they are written.
    pub(super) fn plain(&self) -> &[String] {
        &self.0
    }

    /// The path without `$ref` at its end, if it has one.
    pub(super) fn without_ref(&self) -> Option<Self> {
        let (last, rest) = self.0.split_last()?;
        (last == "$ref").then(|| Self(rest.to_vec()))
    }

    /// Whether a segment is `$ref`.
    pub(super) fn has_ref(&self) -> bool {
        self.0.iter().any(|segment| segment == "$ref")
    }

    /// Whether it is the account of the user who is contained, and nothing below it.
    pub(super) fn is_user(&self) -> bool {
        self.0.len() == 2 && self.0[1] == USER
    }

    /// Whether it is the link of a group, an app or a device to somebody else.
    pub(super) fn links_another(&self) -> bool {
        let is_link = |name: &str| LINKS.iter().any(|link| link.eq_ignore_ascii_case(name));
        self.0.windows(2).any(|pair| is_link(&pair[0]) && pair[1] != USER)
    }

    /// Filled in for this user, each still to be encoded.
    pub(super) fn filled(&self, who: &Target) -> Vec<String> {
        self.0
            .iter()
            .map(|segment| if segment == USER { who.user.id.clone() } else { segment.clone() })
            .collect()
    }
}
