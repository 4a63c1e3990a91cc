//! How long to wait before a request is sent again, and when waiting ends.
//!
//! <https://learn.microsoft.com/graph/throttling>

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// The longest wait that is accepted from the service. A larger `Retry-After` counts as this.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The longest wait of our own making.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(20);

/// The shortest: Graph asks not to retry at once.
const SHORTEST_BACK_OFF: Duration = Duration::from_millis(100);

/// How much time may go into waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// When the run has to end; no wait goes past it.
    pub deadline: Option<Timestamp>,
    /// How long one request may be retried, a page of a collection counting as one.
    pub per_read: Duration,
    /// How long all requests of one step together may be failed or throttled.
    pub per_step: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { deadline: None, per_read: Duration::from_secs(60), per_step: Duration::from_secs(300) }
    }
}

/// Which limit a wait would have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The run's deadline.
    Deadline,
    /// The time for one request.
    Request,
    /// What the requests of a step may lose together.
    Step,
}

/// A wait that was not begun, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// The wait.
    pub asked: RetryAfter,
    /// The limit that it would pass.
    pub over: Over,
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = if self.asked.capped { "more than " } else { "" };
        let seconds = self.asked.wait.as_secs_f64();
        let limit = match self.over {
            Over::Deadline => "the deadline would pass",
            Over::Request => "that is longer than one request may take",
            Over::Step => "that is longer than the requests of one step may wait together",
        };
        write!(f, "the next try would have to wait {more}{seconds:.1} s and {limit}")
    }
}

impl Budget {
    /// Whether a wait ends before the deadline.
    ///
    /// # Errors
    /// It doesn't.
    pub fn allows(&self, wait: Duration, now: Timestamp) -> Result<(), Over> {
        self.until_deadline(now).filter(|left| wait > *left).map_or(Ok(()), |_| Err(Over::Deadline))
    }

    /// Time left until the deadline; none is zero. `None`: there is no deadline.
    pub fn until_deadline(&self, now: Timestamp) -> Option<Duration> {
        self.deadline
            .map(|deadline| Duration::try_from(deadline.duration_since(now)).unwrap_or(Duration::ZERO))
    }
}

/// A wait before a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// How long, at most [`LONGEST_WAIT`].
    pub wait: Duration,
    /// Whether the service asked for it by a `Retry-After` header; else it is our own back-off.
    pub asked: bool,
    /// Whether it asked for more than [`LONGEST_WAIT`].
    pub capped: bool,
}

impl RetryAfter {
    /// Reads the header: seconds, also with a fraction, or an HTTP date, which is compared with the
    /// service's time. Junk and negative values are `None`: the caller backs off by itself.
    pub fn parse(text: &str, service_time: Timestamp) -> Option<Self> {
        let text = text.trim();
        let wait = match text.parse::<f64>() {
            Ok(seconds) if seconds.is_nan() || seconds < 0.0 => return None,
            Ok(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
            Err(_) => {
                let at = http_date(text)?;
                Duration::try_from(at.duration_since(service_time)).unwrap_or(Duration::ZERO)
            }
        };
        Some(Self { wait: wait.min(LONGEST_WAIT), asked: true, capped: wait > LONGEST_WAIT })
    }
}

/// Reads an HTTP date such as `Tue, 24 Nov 2026 08:00:00 GMT`.
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// Random waits, so that many requests that failed together don't come back together.
#[derive(Debug)]
pub struct Jitter(Mutex<u64>);

impl Jitter {
    /// Seeded from the system's random source.
    pub fn random() -> Self {
        let mut seed = [0; 8];
        // Without randomness waits still work, only less spread.
        let _ = aws_lc_rs::rand::fill(&mut seed);
        Self::seeded(u64::from_le_bytes(seed))
    }

    /// The same waits for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The wait before attempt number `attempt` (the first repetition is 1): exponential with full jitter.
    ///
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
    pub fn back_off(&self, attempt: u32) -> Duration {
        let ceiling = Duration::from_millis(500)
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)))
            .min(LONGEST_BACK_OFF);
        ceiling.mul_f64(self.fraction()).max(SHORTEST_BACK_OFF)
    }

    /// Uniform in [0, 1): SplitMix64.
    fn fraction(&self) -> f64 {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        f64::from(u32::try_from(z >> 32).unwrap_or(0)) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn retry_after_in_every_form() {
        let now = at("2026-11-24T08:00:00Z");
        let secs = |s: f64| Some(RetryAfter { wait: Duration::from_secs_f64(s), asked: true, capped: false });
        let most = Some(RetryAfter { wait: LONGEST_WAIT, asked: true, capped: true });
        for (text, want) in [
            ("0", secs(0.0)),
            (" 7 ", secs(7.0)),
            ("2.128", secs(2.128)),
            ("Tue, 24 Nov 2026 08:00:30 GMT", secs(30.0)),
            ("Tue, 24 Nov 2026 07:00:00 GMT", secs(0.0)),
            ("300", secs(300.0)),
            ("301", most),
            ("1e300", most),
            ("inf", most),
            ("99999999999999999999", most),
            ("Mon, 01 Jan 2035 00:00:00 GMT", most),
            ("-5", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(RetryAfter::parse(text, now), want, "{text:?}");
        }
    }

    #[test]
    fn back_off_grows_to_a_ceiling_and_differs_from_time_to_time() {
        let jitter = Jitter::seeded(7);
        let first: Vec<_> = (0..200).map(|_| jitter.back_off(1)).collect();
        assert!(first.iter().all(|w| (SHORTEST_BACK_OFF..Duration::from_millis(500)).contains(w)));
        assert!(first.iter().any(|w| *w > Duration::from_millis(400)));
        let late: Vec<_> = (0..200).map(|_| jitter.back_off(u32::MAX)).collect();
        assert!(late.iter().all(|w| *w <= LONGEST_BACK_OFF));
        assert!(
            late.iter().any(|w| *w > LONGEST_BACK_OFF / 2) && late.iter().any(|w| *w < LONGEST_BACK_OFF / 2)
        );
        assert_eq!(Jitter::seeded(7).back_off(3), Jitter::seeded(7).back_off(3));
    }
}
