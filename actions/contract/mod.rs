//! The contract between an action and the engine: what an action may read, and what it returns.
//!
//! Nothing in here can write to a tenant. A change is data: a sentence, a call, its undo and a way to look.

mod about;
mod action;
mod call;
mod change;
mod cloud;
#[cfg(test)]
pub(crate) mod fake;
mod read;
mod target;
mod turn;

pub use about::{About, Part, Permission, Resource, Role, Technique};
pub use action::{Action, AnyAction, NoSettings, Observing, Settings};
pub(crate) use call::LINKS;
pub use call::{Api, Call, Get, Method, Path, ROOT, Repeat, SECRET_KEY};
pub use change::{Change, Decision, Finding, Lasts, Look, Plan, Seen, Undo, Write};
pub use cloud::Cloud;
pub(crate) use cloud::{BUT_GLOBAL, IN_CHINA};
pub use read::{OnPage, Read, ReadError, ReadErrorKind, Reading};
pub use target::{Operator, Target, Tenant, User};
pub use turn::Turn;
