//! The tenant that is rehearsed on: behind HTTP on a thread of its own, with tokens as it issues them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::RUNNER;
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};
use crate::graph::token::{Again, Token, TokenSource};
use crate::sim::{Simulated, Tenant, http};

/// A simulated tenant behind HTTP, served by a thread of its own.
pub struct Served {
    /// The tenant.
    pub tenant: Arc<Simulated>,
    /// Where it listens.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
}

impl Served {
    /// Serves a tenant.
    ///
    /// # Errors
    /// [`Code::Unreachable`]: the address can't be listened on.
    pub fn start(tenant: Tenant, address: SocketAddr) -> Result<Self> {
        let failed =
            |e: std::io::Error| Failure::new(Code::Unreachable, format!("listening on {address}: {e}"));
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let tenant = Simulated::new(tenant, Clock::system());
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&tenant);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let serving = move || {
            runtime.block_on(async move {
                if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                    let _ = http::serve(listener, served, async {
                        let _ = stopped.await;
                    })
                    .await;
                }
            });
        };
        std::thread::Builder::new().name("tenant".into()).spawn(serving).map_err(failed)?;
        Ok(Self { tenant, address: bound, stop: Some(stop) })
    }

    /// On any free port of the loopback interface.
    ///
    /// # Errors
    /// As [`Served::start`].
    pub fn on_loopback(tenant: Tenant) -> Result<Self> {
        Self::start(tenant, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// `http://127.0.0.1:40000`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

/// Issues tokens as the simulated tenant does.
pub(super) struct Issuer(pub(super) Arc<Simulated>);

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: SecretString::from(self.0.token(RUNNER)), expires_on: None })
    }
}

/// The same for Exchange Online.
pub(super) struct ExchangeIssuer(pub(super) Arc<Simulated>);

#[async_trait]
impl TokenSource for ExchangeIssuer {
    async fn token(&self, _: Again) -> Result<Token> {
        Ok(Token { secret: SecretString::from(self.0.exchange_token(RUNNER)), expires_on: None })
    }
}
