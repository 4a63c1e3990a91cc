//! The trait that an action implements, and its form without type parameters that the engine drives.

use std::future::Future;
use std::pin::Pin;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{About, Plan, Read, ReadError, Target};

/// What a playbook may set for a step of an action, under `with:`. Use `#[serde(default, deny_unknown_fields)]`.
pub trait Settings: DeserializeOwned + Default + JsonSchema {}
impl<T: DeserializeOwned + Default + JsonSchema> Settings for T {}

/// For an action that has nothing to set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoSettings {}

/// A remediation action: it reads and decides. Only the engine writes.
pub trait Action: Send + Sync + 'static {
    /// What was seen, as the journal keeps it and as a saved plan is compared by.
    type State: Serialize + DeserializeOwned + Send + Sync;
    /// What a playbook may set.
    type Settings: Settings;

    /// Its card.
    fn about(&self) -> About;

    /// Whether it gives access back instead of taking it away: a run with such a step recovers an account.
    fn gives_back(&self) -> bool {
        false
    }

    /// Whether it only looks and never wants a change. What it sees may move while nobody does anything, so a saved
    /// plan doesn't go by it.
    fn only_looks(&self) -> bool {
        false
    }

    /// Looks at everything that the decision rests on.
    fn observe(
        &self,
        who: &Target,
        graph: &dyn Read,
    ) -> impl Future<Output = Result<Self::State, ReadError>> + Send;

    /// Decides from what was seen, with no other input. No changes: already contained.
    fn plan(&self, who: &Target, now: &Self::State) -> Plan;
}

/// An observation under way, its state as JSON.
pub type Observing<'a> = Pin<Box<dyn Future<Output = Result<Value, ReadError>> + Send + 'a>>;

/// An [`Action`] of any type.
pub trait AnyAction: Send + Sync {
    /// See [`Action::about`].
    fn about(&self) -> About;

    /// See [`Action::gives_back`].
    fn gives_back(&self) -> bool;

    /// See [`Action::only_looks`].
    fn only_looks(&self) -> bool;

    /// See [`Action::observe`].
    fn observe<'a>(&'a self, who: &'a Target, graph: &'a dyn Read) -> Observing<'a>;

    /// See [`Action::plan`].
    ///
    /// # Errors
    /// The state isn't one of this action's: the journal or the plan file is from another version.
    fn plan(&self, who: &Target, state: &Value) -> Result<Plan, serde_json::Error>;

    /// Checks a step's `with:`.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check_settings(&self, settings: &Value) -> Result<(), String>;

    /// JSON schema of a step's `with:`.
    fn settings_schema(&self) -> Schema;
}

impl<A: Action> AnyAction for A {
    fn about(&self) -> About {
        Action::about(self)
    }

    fn gives_back(&self) -> bool {
        Action::gives_back(self)
    }

    fn only_looks(&self) -> bool {
        Action::only_looks(self)
    }

    fn observe<'a>(&'a self, who: &'a Target, graph: &'a dyn Read) -> Observing<'a> {
        Box::pin(async move {
            let state = Action::observe(self, who, graph).await?;
            Ok(serde_json::to_value(state).unwrap_or_default())
        })
    }

    fn plan(&self, who: &Target, state: &Value) -> Result<Plan, serde_json::Error> {
        Ok(Action::plan(self, who, &A::State::deserialize(state)?))
    }

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        // A step without `with:` takes the defaults, where an action has them.
        let none = Value::Object(serde_json::Map::new());
        let settings = if settings.is_null() { &none } else { settings };
        A::Settings::deserialize(settings).map(drop).map_err(|e| e.to_string())
    }

    fn settings_schema(&self) -> Schema {
        schemars::schema_for!(A::Settings)
    }
}
