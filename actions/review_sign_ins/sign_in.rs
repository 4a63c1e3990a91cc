//! One row of the log, as far as the review goes by it.
//!
//! <https://learn.microsoft.com/graph/api/resources/signin>

use jiff::Timestamp;
use serde_json::Value;

/// A sign-in. All but the time is as the service gives it: hostile, and of any length.
pub(super) struct SignIn<'a> {
    pub(super) id: &'a str,
    pub(super) at: Timestamp,
    /// IPv4 or IPv6; empty when the service gives none.
    pub(super) address: &'a str,
    pub(super) succeeded: bool,
    pub(super) app: &'a str,
    /// Browser and system, or what the client calls itself.
    pub(super) client: String,
    /// City and country.
    pub(super) place: String,
    pub(super) country: &'a str,
    /// `false`: nobody was asked for anything.
    pub(super) interactive: bool,
    /// Compliant, or managed by the tenant.
    pub(super) managed: bool,
    pub(super) risk: Risk,
}

/// How risky Identity Protection found a sign-in. Needs P2; without it the service says `hidden`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Risk {
    /// None, or not told.
    #[default]
    None,
    Low,
    Medium,
    High,
}

impl Risk {
    fn of(level: &Value) -> Self {
        match level.as_str() {
            Some("low") => Self::Low,
            Some("medium") => Self::Medium,
            Some("high") => Self::High,
            _ => Self::None,
        }
    }

    /// For people; `None`: nothing to say.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Low => Some("low"),
            Self::Medium => Some("medium"),
            Self::High => Some("high"),
        }
    }
}

impl<'a> SignIn<'a> {
    /// `None`: the row is not one of this user, or doesn't say when it was or how it ended.
    pub(super) fn of(row: &'a Value, user: &str) -> Option<Self> {
        let of_user = row["userId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(user));
        let at: Timestamp = row["createdDateTime"].as_str().filter(|_| of_user)?.parse().ok()?;
        let succeeded = row["status"]["errorCode"].as_i64()? == 0;
        let (device, location) = (&row["deviceDetail"], &row["location"]);
        let country = text(&location["countryOrRegion"]);
        Some(Self {
            id: text(&row["id"]),
            at,
            address: text(&row["ipAddress"]),
            succeeded,
            app: text(&row["appDisplayName"]),
            client: client(row),
            place: joined([text(&location["city"]), country], ", "),
            country,
            interactive: row["isInteractive"] != false,
            managed: device["isManaged"] == true || device["isCompliant"] == true,
            risk: Risk::of(&row["riskLevelDuringSignIn"]),
        })
    }
}

/// `Browser (Edge 143, Windows 11)`. What a script calls itself stands in for a browser.
fn client(row: &Value) -> String {
    let device = &row["deviceDetail"];
    let kind = text(&row["clientAppUsed"]);
    let mut detail = joined([text(&device["browser"]), text(&device["operatingSystem"])], ", ");
    if detail.is_empty() {
        text(&row["userAgent"]).clone_into(&mut detail);
    }
    match (kind.is_empty(), detail.is_empty()) {
        (true, _) => detail,
        (false, true) => kind.to_owned(),
        (false, false) => format!("{kind} ({detail})"),
    }
}

fn joined(parts: [&str; 2], with: &str) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(with)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
