//! Every rule that the tenant enforces, asked the way a caller asks.

mod accounts;
mod apps_and_roles;
mod behaviour;
mod exchange;
mod hostile;
mod objects;
mod personal;
mod ranks;
mod served;
mod sign_ins;
mod tokens;
mod transport;

use secrecy::SecretString;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::faults::{Fault, Planted, RetryAfter};
use super::*;

const NOW: &str = "2026-03-01T12:00:00Z";
const ADELE: &str = "AdeleV@contoso.com";

fn at(seconds: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

/// Accounts and consents alone: a tenant of these tests' own, so that the examples can change.
fn contoso() -> Tenant {
    begun(include_str!("consents.yaml"))
}

/// The tenant that is rehearsed on, with everything that Graph keeps of a user.
fn rehearsed() -> Tenant {
    begun(include_str!("../../../examples/tenants/contoso.yaml"))
}

fn begun(text: &str) -> Tenant {
    let mut tenant = file::parse(text).unwrap();
    tenant.begin(at(0));
    tenant
}

fn request(token: String, method: &'static str, target: &str, body: Option<Value>) -> Request {
    Request {
        method,
        url: format!("https://graph.microsoft.com/v1.0{target}"),
        headers: vec![],
        bearer: Some(SecretString::from(token)),
        body: body.map(|b| Zeroizing::new(b.to_string().into_bytes())),
    }
}

impl Tenant {
    fn deliver_at(&mut self, now: i64, method: &'static str, target: &str, body: Option<Value>) -> Delivery {
        let request = request(self.token("oust", at(now)), method, target, body);
        self.answer(&request, at(now))
    }

    fn ask_at(&mut self, now: i64, method: &'static str, target: &str, body: Option<Value>) -> (u16, Value) {
        match self.deliver_at(now, method, target, body) {
            Delivery::Reply(reply) => {
                (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
            }
            other => panic!("{other:?}"),
        }
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        self.ask_at(0, "GET", target, None)
    }

    fn send(&mut self, method: &'static str, target: &str, body: Value) -> (u16, Value) {
        self.ask_at(0, method, target, Some(body).filter(|b| !b.is_null()))
    }

    fn disable(&mut self, user: &str) -> u16 {
        self.send("PATCH", &format!("/users/{user}"), json!({"accountEnabled": false})).0
    }

    fn reset(&mut self, user: &str) -> u16 {
        let body =
            json!({"passwordProfile": {"password": "Xy7!abcdefgh", "forceChangePasswordNextSignIn": true}});
        self.send("PATCH", &format!("/users/{user}"), body).0
    }

    fn revoke(&mut self, user: &str) -> u16 {
        self.send("POST", &format!("/users/{user}/revokeSignInSessions"), Value::Null).0
    }
}
