//! What can go wrong between the caller and the service, planted on purpose.

use schemars::JsonSchema;
use serde::Deserialize;

use super::random::Random;

/// The faults of a tenant: planted ones first, then random ones.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    planted: Vec<(Planted, u32)>,
    random: Option<(Random, f64)>,
}

/// A fault and the requests that it hits.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Planted {
    /// `METHOD pattern` or a pattern alone. A pattern with `*` must fit the whole path and query, as in
    /// `/users/*/revokeSignInSessions`; one without is looked for anywhere in it.
    pub on: String,
    /// Hits from the nth matching request on; the first is 1.
    #[serde(default)]
    pub nth: Option<u32>,
    /// How many matching requests it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub what: Fault,
}

fn once() -> u32 {
    1
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Another status than the real one.
    Status {
        /// HTTP status.
        code: u16,
        /// `Retry-After`, when there is one.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
        /// The body, instead of the usual one of that status.
        #[serde(default)]
        body: Option<String>,
        /// The request took effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// The connection breaks before an answer.
    Reset {
        /// The request took effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// No connection: the request never arrives.
    RefuseConnection,
    /// The request takes effect, and its answer ends in the middle.
    CutBody,
    /// A page of HTML, as from a proxy; without effect.
    Html,
    /// The request takes effect, and its answer is empty.
    Empty,
    /// An answer larger than any client should read.
    Huge,
    /// The page points to another host for the next one.
    WrongHostNextLink,
    /// No answer ever. In process it is told at once.
    Hang {
        /// The request took effect all the same.
        #[serde(default)]
        after_effect: bool,
    },
    /// 401: the token has expired.
    TokenExpired,
    /// 401 with a claims challenge.
    ClaimsChallenge,
    /// 403.
    Forbidden {
        /// Graph's error code.
        #[serde(default = "denied")]
        code: String,
        /// Graph's message.
        #[serde(default)]
        message: String,
    },
}

fn denied() -> String {
    "Authorization_RequestDenied".to_owned()
}

/// The forms of `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u32),
    /// A fraction of seconds, which Graph does send.
    Fraction(f64),
    /// An HTTP date so many seconds ahead.
    HttpDate(i64),
}

impl Fault {
    /// A plain answer with that status, without effect.
    pub fn status(code: u16) -> Self {
        Self::Status { code, retry_after: None, body: None, after_effect: false }
    }

    /// Whether the request reaches the directory first.
    pub(super) fn has_effect(&self) -> bool {
        match self {
            Self::Status { after_effect, .. }
            | Self::Reset { after_effect }
            | Self::Hang { after_effect } => *after_effect,
            Self::CutBody | Self::Empty | Self::WrongHostNextLink => true,
            _ => false,
        }
    }
}

impl Planted {
    /// Hits the first matching request.
    pub fn new(on: &str, what: Fault) -> Self {
        Self { on: on.to_owned(), nth: None, times: 1, what }
    }

    /// Hits from the nth matching request on.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Hits that many matching requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn fits(&self, method: &str, target: &str) -> bool {
        let pattern = match self.on.split_once(' ') {
            Some((wanted, _)) if !wanted.eq_ignore_ascii_case(method) => return false,
            Some((_, pattern)) => pattern,
            None => &self.on,
        };
        if pattern.contains('*') { glob(pattern, target) } else { target.contains(pattern) }
    }
}

impl Faults {
    /// Transient faults, on that share of all requests (0 to 1).
    pub fn random(seed: u64, rate: f64) -> Self {
        Self { planted: Vec::new(), random: Some((Random::new(seed), rate)) }
    }

    /// Adds a fault.
    pub fn plant(&mut self, fault: Planted) {
        self.planted.push((fault, 0));
    }

    /// What hits this request, if anything.
    pub(super) fn strike(&mut self, method: &str, target: &str) -> Option<Fault> {
        let mut hit = None;
        for (fault, seen) in self.planted.iter_mut().filter(|(f, _)| f.fits(method, target)) {
            *seen += 1;
            let first = fault.nth.unwrap_or(1).max(1);
            if hit.is_none() && (first..first.saturating_add(fault.times)).contains(seen) {
                hit = Some(fault.what.clone());
            }
        }
        hit.or_else(|| {
            let (random, rate) = self.random.as_mut()?;
            random.chance(*rate).then(|| transient(random))
        })
    }
}

fn transient(random: &mut Random) -> Fault {
    let status =
        |code, retry_after, after_effect| Fault::Status { code, retry_after, body: None, after_effect };
    match random.below(8) {
        0 => status(429, Some(RetryAfter::Fraction(1.5)), false),
        1 => status(429, None, false),
        2 => status(503, Some(RetryAfter::Seconds(2)), false),
        3 => status(504, None, true),
        4 => Fault::Reset { after_effect: true },
        5 => Fault::Reset { after_effect: false },
        6 => Fault::CutBody,
        _ => Fault::RefuseConnection,
    }
}

/// `*` stands for any run of characters.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_nth_match_and_no_more_than_it_should() {
        let mut faults = Faults::default();
        faults.plant(Planted::new("POST /users/*/revoke", Fault::Html).nth(2).times(2));
        let hits: Vec<bool> = (0..5).map(|_| faults.strike("POST", "/users/1/revoke").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(faults.strike("GET", "/users/1/revoke").is_none());
    }

    #[test]
    fn patterns() {
        assert!(glob("/users/*", "/users/x?y"));
        assert!(glob("*/a/*/b", "/z/a/1/b"));
        assert!(!glob("/users/*/b", "/users/x"));
        assert!(Planted::new("appRole", Fault::Html).fits("GET", "/users/x/appRoleAssignments"));
    }

    #[test]
    fn random_faults_repeat_with_their_seed() {
        let run = |seed| {
            let mut faults = Faults::random(seed, 0.5);
            (0..40).map(|_| faults.strike("GET", "/x")).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
