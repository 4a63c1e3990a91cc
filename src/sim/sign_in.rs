//! The sign-in log. It is made as it is read: a hundred thousand sign-ins are a line of the tenant file and no object.
//!
//! <https://learn.microsoft.com/graph/api/signin-list>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::build::Problem;
use super::directory::{Directory, object_id};
use super::error::{Answer, GraphError, Outcome};
use super::file::Licence;
use super::moment::{Length, Moment};
use super::request::Ask;

mod filter;

/// Rows on a page at most, and when the caller doesn't ask for fewer.
const PAGE: usize = 1000;
/// Sign-ins of a series at most.
const MOST: u64 = 10_000_000;
/// How long a row is kept with a licence.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Sign-ins in a tenant file: one, or many alike.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Whose, by UPN.
    pub user: String,
    /// When, of many the first. What lies ahead shows up once its time has come.
    pub at: Moment,
    /// How many; 1 by default.
    #[serde(default = "one")]
    pub count: u64,
    /// How far apart; a minute by default.
    pub every: Option<Length>,
    /// The address.
    pub ip: String,
    /// City.
    pub city: Option<String>,
    /// Country, as two letters.
    pub country: Option<String>,
    /// The application; Office 365 Exchange Online by default.
    pub app: Option<String>,
    /// `Browser`, `Mobile Apps and Desktop clients`, `IMAP4`, …; Browser by default.
    pub client: Option<String>,
    /// Browser with its version.
    pub browser: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// `false`: nobody was asked for anything. Beta alone shows these.
    #[serde(default = "yes")]
    pub interactive: bool,
    /// From a device that the tenant manages.
    #[serde(default)]
    pub managed: bool,
    /// The error code; 0 by default, which is success.
    #[serde(default)]
    pub error: i64,
    /// `low`, `medium`, `high`.
    pub risk: Option<String>,
}

fn one() -> u64 {
    1
}

fn yes() -> bool {
    true
}

/// The same, with its user found.
#[derive(Debug, Clone)]
pub struct Series {
    user_id: String,
    described: Described,
    every: SignedDuration,
    /// Tells its rows from those of others.
    number: usize,
}

/// A place in the log: it runs by time, then by series, both downward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at: Timestamp,
    series: usize,
}

impl Series {
    /// Takes a description of the tenant file.
    pub fn describe(user_id: String, described: &Described, number: usize) -> Result<Self, Problem> {
        let every = described.every.map_or(SignedDuration::from_mins(1), |length| length.0);
        let (count, far) = (described.count, described.count > 1 && every.is_zero());
        if count == 0 || count > MOST || far {
            let what = format!("a series of sign-ins has 1 to {MOST}, and time between them");
            return Err(Problem::new(&described.ip, what));
        }
        Ok(Self { user_id, described: described.clone(), every, number })
    }

    /// When its sign-in of that number was.
    fn at(&self, directory: &Directory, number: u64) -> Option<Timestamp> {
        let step = i32::try_from(number).ok().and_then(|number| self.every.checked_mul(number))?;
        directory.time(self.described.at).checked_add(step).ok()
    }

    /// The number of its last sign-in before that place.
    fn before(&self, directory: &Directory, place: Place) -> Option<u64> {
        let last = self.described.count - 1;
        let past = place.at.duration_since(directory.time(self.described.at));
        if past.is_negative() {
            return None;
        }
        let step = self.every.as_nanos().max(1);
        let number = u64::try_from(past.as_nanos() / step).ok()?;
        if number > last {
            return Some(last);
        }
        let same = self.at(directory, number) == Some(place.at) && self.number >= place.series;
        if same { number.checked_sub(1) } else { Some(number) }
    }

    fn row(&self, directory: &Directory, number: u64, at: Timestamp) -> Value {
        let d = &self.described;
        let id = object_id("sign-in", &format!("{} {} {number}", self.user_id, self.number));
        let user = directory.user(&self.user_id);
        let app = d.app.as_deref().unwrap_or("Office 365 Exchange Online");
        let kind = if d.interactive { "interactiveUser" } else { "nonInteractiveUser" };
        let failure = if d.error == 0 { "Other." } else { "The sign-in was refused." };
        json!({
            "id": id, "createdDateTime": at.to_string(), "userId": self.user_id,
            "userDisplayName": user.map(|u| &u.display_name), "userPrincipalName": user.map(|u| &u.principal_name),
            "appId": object_id("app id", app), "appDisplayName": app, "ipAddress": d.ip,
            "clientAppUsed": d.client.as_deref().unwrap_or("Browser"), "userAgent": d.user_agent,
            "correlationId": object_id("correlation", &id), "conditionalAccessStatus": "notApplied",
            "isInteractive": d.interactive, "signInEventTypes": [kind], "riskDetail": "none",
            "riskLevelAggregated": d.risk.as_deref().unwrap_or("none"),
            "riskLevelDuringSignIn": d.risk.as_deref().unwrap_or("none"),
            "riskState": if d.risk.is_some() { "atRisk" } else { "none" }, "riskEventTypes_v2": [],
            "resourceDisplayName": app, "resourceId": object_id("app", app),
            "status": { "errorCode": d.error, "failureReason": failure, "additionalDetails": null },
            "deviceDetail": {
                "deviceId": "", "displayName": "", "operatingSystem": d.os, "browser": d.browser,
                "isCompliant": d.managed, "isManaged": d.managed, "trustType": if d.managed { "AzureAd" } else { "" },
            },
            "location": {
                "city": d.city, "state": null, "countryOrRegion": d.country,
                "geoCoordinates": { "altitude": null, "latitude": null, "longitude": null },
            },
            "appliedConditionalAccessPolicies": [],
        })
    }
}

/// `GET /auditLogs/signIns`, newest first.
pub fn list(directory: &Directory, ask: &Ask, now: Timestamp, page_size: usize) -> Outcome {
    if directory.licence == Licence::Free {
        return Err(GraphError::new(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        ));
    }
    for option in ["$select", "$orderby", "$search", "$count", "$skip", "$expand"] {
        if ask.option(option).is_some() {
            return Err(GraphError::bad_request(format!("The query option '{option}' is not supported.")));
        }
    }
    let beta = ask.version == "beta";
    let wanted = filter::parse(ask.option("$filter").unwrap_or_default(), beta)?;
    // The published page is ten times that of the directory, and stays so where a tenant file makes pages smaller.
    let most = page_size.saturating_mul(10).clamp(1, PAGE);
    let size = match ask.option("$top").map(str::parse::<usize>) {
        None => most,
        Some(Ok(top @ 1..=PAGE)) => top.min(most),
        Some(_) => return Err(GraphError::bad_request("The page size must be between 1 and 1000.")),
    };
    let oldest = now.saturating_sub(KEPT).unwrap_or(now);
    let oldest = wanted.from.map_or(oldest, |from| from.max(oldest));
    let newest = wanted.to.map_or(now, |to| to.min(now));
    let mut place = match ask.option("$skiptoken") {
        None => Place { at: newest, series: usize::MAX },
        Some(token) => place(token).ok_or_else(|| GraphError::bad_request("The skip token is not valid."))?,
    };
    let series: Vec<&Series> =
        directory.sign_ins.iter().filter(|series| wanted.has(&series.described, &series.user_id)).collect();
    let mut rows = Vec::new();
    let mut next = None;
    while let Some((series, number, at)) = latest(directory, &series, place).filter(|(.., at)| *at >= oldest)
    {
        if rows.len() == size {
            next = Some(place);
            break;
        }
        rows.push(series.row(directory, number, at));
        place = Place { at, series: series.number };
    }
    let mut body = json!({ "@odata.context": format!("{}/$metadata#auditLogs/signIns", ask.base) });
    if let Some(place) = next {
        let token = format!("{} {}", place.at, place.series);
        body["@odata.nextLink"] = super::select::link_on(ask, &URL_SAFE_NO_PAD.encode(token)).into();
    }
    body["value"] = rows.into();
    Ok(Answer::ok(body))
}

/// The last sign-in before a place.
fn latest<'a>(
    directory: &Directory,
    series: &[&'a Series],
    place: Place,
) -> Option<(&'a Series, u64, Timestamp)> {
    let each = series.iter().filter_map(|series| {
        let number = series.before(directory, place)?;
        Some((*series, number, series.at(directory, number)?))
    });
    each.max_by_key(|(series, _, at)| Place { at: *at, series: series.number })
}

fn place(token: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (at, series) = std::str::from_utf8(&bytes).ok()?.split_once(' ')?;
    Some(Place { at: at.parse().ok()?, series: series.parse().ok()? })
}
