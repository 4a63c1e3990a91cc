//! Access tokens: where they come from, and when a new one is due.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::clock::Clock;
use crate::failure::Result;

/// A token this close to its end is renewed before it is used.
const EARLY: Duration = Duration::from_secs(300);

/// A bearer token. Debug output hides it.
#[derive(Debug, Clone)]
pub struct Token {
    /// What goes into the `Authorization` header.
    pub secret: SecretString,
    /// When it stops working, where that is known.
    pub expires_on: Option<Timestamp>,
}

impl Token {
    /// Whether it can be used for a while yet.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_on.is_none_or(|end| end > now + EARLY)
    }
}

/// Whether an earlier token will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// Any token that hasn't ended.
    Cached,
    /// A new one: the service refused the last.
    Fresh {
        /// The claims that the service demands, as JSON (continuous access evaluation).
        claims: Option<String>,
    },
}

/// Gives tokens for Graph.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token.
    ///
    /// # Errors
    /// With a code of the sign-in family (E02xx), or [`crate::failure::Code::Unreachable`].
    async fn token(&self, again: Again) -> Result<Token>;
}

/// Signs in anew each time that it is asked.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Signs in.
    async fn sign_in(&self, claims: Option<&str>) -> Result<Token>;
}

/// Keeps a token until shortly before its end. Concurrent callers wait for one sign-in.
pub struct Cached<S> {
    from: S,
    clock: Clock,
    kept: tokio::sync::Mutex<Option<Token>>,
}

impl<S: SignIn> Cached<S> {
    /// Holds no token yet.
    pub fn new(from: S, clock: Clock) -> Self {
        Self { from, clock, kept: tokio::sync::Mutex::default() }
    }
}

impl<S> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: SignIn> TokenSource for Cached<S> {
    async fn token(&self, again: Again) -> Result<Token> {
        let mut kept = self.kept.lock().await;
        let Again::Fresh { claims } = again else {
            let now = self.clock.now();
            if let Some(token) = kept.as_ref().filter(|token| token.is_fresh(now)) {
                return Ok(token.clone());
            }
            return match (self.from.sign_in(None).await, kept.as_ref()) {
                (Ok(token), _) => Ok(kept.insert(token).clone()),
                (Err(failure), Some(old)) if old.expires_on.is_some_and(|end| end > now) => {
                    tracing::warn!(
                        code = failure.code.id(),
                        "no new token; the old one works a little longer"
                    );
                    Ok(old.clone())
                }
                (Err(failure), _) => Err(failure),
            };
        };
        let token = self.from.sign_in(claims.as_deref()).await?;
        Ok(kept.insert(token).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::failure::{Code, Failure};

    /// Gives `t1`, `t2`, … good for an hour, unless told to fail.
    struct Counting {
        clock: Clock,
        asked: Mutex<Vec<Option<String>>>,
        fails: Mutex<bool>,
    }

    #[async_trait]
    impl SignIn for Counting {
        async fn sign_in(&self, claims: Option<&str>) -> Result<Token> {
            let mut asked = self.asked.lock().unwrap();
            asked.push(claims.map(Into::into));
            if *self.fails.lock().unwrap() {
                return Err(Failure::new(Code::SecretRefused, "refused"));
            }
            let secret = format!("t{}", asked.len()).into();
            Ok(Token { secret, expires_on: Some(self.clock.now() + Duration::from_secs(3600)) })
        }
    }

    fn cached() -> Cached<Counting> {
        let clock = Clock::starting_at("2026-11-24T08:00:00Z".parse().unwrap());
        let from = Counting { clock: clock.clone(), asked: Mutex::default(), fails: Mutex::default() };
        Cached::new(from, clock)
    }

    async fn take(source: &Cached<Counting>, again: Again) -> String {
        source.token(again).await.unwrap().secret.expose_secret().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_kept_until_five_minutes_before_its_end() {
        let source = cached();
        assert_eq!(take(&source, Again::Cached).await, "t1");
        tokio::time::advance(Duration::from_secs(3299)).await;
        assert_eq!(take(&source, Again::Cached).await, "t1");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(take(&source, Again::Cached).await, "t2");
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_renewal_that_fails_leaves_the_old_token_while_it_works() {
        let source = cached();
        take(&source, Again::Cached).await;
        *source.from.fails.lock().unwrap() = true;
        tokio::time::advance(Duration::from_secs(3400)).await;
        assert_eq!(take(&source, Again::Cached).await, "t1");
        let refused = source.token(Again::Fresh { claims: None }).await.unwrap_err();
        assert_eq!(refused.code, Code::SecretRefused);
        tokio::time::advance(Duration::from_secs(201)).await;
        assert_eq!(source.token(Again::Cached).await.unwrap_err().code, Code::SecretRefused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fresh_token_is_a_new_sign_in_with_the_claims_and_is_kept() {
        let source = cached();
        take(&source, Again::Cached).await;
        assert_eq!(take(&source, Again::Fresh { claims: Some("{}".into()) }).await, "t2");
        assert_eq!(take(&source, Again::Cached).await, "t2");
        assert_eq!(*source.from.asked.lock().unwrap(), [None, Some("{}".to_owned())]);
    }

    #[test]
    fn debug_output_hides_the_token() {
        let token = Token { secret: "hush".into(), expires_on: None };
        assert!(!format!("{token:?}").contains("hush"));
    }
}
