//! The engine from a program of one's own: plans the containment of a user and prints what would be sent.
//!
//! `cargo run --example embed` plans on the simulated tenant. For a real one, put `HttpTransport`, a token source
//! of `oust::graph::credential` and `Endpoint::for_cloud` in the places marked below.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oust::clock::Clock;
use oust::config::Protected;
use oust::engine::event::Unwatched;
use oust::engine::{Engine, Order, Since, Stop};
use oust::failure::Failure;
use oust::graph::token::{Again, Token, TokenSource};
use oust::graph::{Budget, Endpoint, Graph, GraphParts};
use oust::guard::Guards;
use oust::journal::Store;
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::rehearsal::{CONTOSO, RUNNER};
use oust::sim::{Simulated, file};
use oust::target_name::TargetName;
use secrecy::SecretString;

struct Issuer(Arc<Simulated>);

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, _: Again) -> Result<Token, Failure> {
        Ok(Token { secret: SecretString::from(self.0.token(RUNNER)), expires_on: None })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let clock = Clock::system();
    let tenant = Simulated::new(file::parse(CONTOSO)?, clock.clone());
    let graph = Graph::new(GraphParts {
        transport: Arc::<Simulated>::clone(&tenant), // HttpTransport::new()?
        tokens: Arc::new(Issuer(Arc::clone(&tenant))), // credential::choose(…)?
        endpoint: Endpoint::parse(Simulated::BASE_URL, false)?,
        clock: clock.clone(),
        budget: Arc::new(Budget::default()),
    });
    let engine = Engine {
        graph: Arc::new(graph),
        stop: Stop::new(clock.clone(), None),
        clock: clock.clone(),
        watch: Arc::new(Unwatched),
        store: Store::new(std::env::temp_dir().join("oust-embed")),
        signer: None,
        guards: Guards { protected: Protected::default(), max_users: 1, tenant_id: None },
        started: tokio::time::Instant::now(),
        patience: Duration::from_secs(120),
    };
    let order = Order {
        command: "plan".into(),
        run_id: uuid::Uuid::now_v7(),
        names: vec![TargetName::parse("AdeleV@contoso.com")?],
        playbook: Playbook::find(DEFAULT_PLAYBOOK)?,
        since: Since::Ago(jiff::SignedDuration::from_hours(6)),
        password_recipient: None,
        part_of: None,
    };
    // `engine.contain(…)` would carry it out; a plan can't write, by type.
    let (document, _) = engine.plan(&order).await;
    for change in document.users.iter().flat_map(|u| &u.steps).flat_map(|s| &s.changes) {
        println!("{}: {}", change.say, change.call);
    }
    Ok(())
}
