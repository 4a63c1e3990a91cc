//! When a call is sent among the calls of its step, and what a person does when the service refuses it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Call;

/// The place of a call among those of its step. Without one, the calls of a step leave together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Turn {
    /// Calls of a higher wave leave once those of every lower one are acknowledged or given up.
    pub wave: u8,
    /// Texts of a refusal that means "only once the others are gone", in lower case. After such a refusal
    /// the call is sent once more, when the other calls of the step are acknowledged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_when_told: Vec<String>,
}

impl Turn {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a refusal with this text asks for the others to go first.
    pub fn waits_after(&self, refusal: &str) -> bool {
        let refusal = refusal.to_lowercase();
        self.last_when_told.iter().any(|text| refusal.contains(text.as_str()))
    }
}

impl Call {
    /// Sends it after the calls of every lower wave of its step.
    #[must_use]
    pub fn wave(mut self, wave: u8) -> Self {
        self.turn.wave = wave;
        self
    }

    /// Sends it once more, after the others, when it is refused with one of these texts (lower case).
    #[must_use]
    pub fn last_when_told(mut self, texts: &[&str]) -> Self {
        self.turn.last_when_told = texts.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// Says what a person does instead when the service refuses it.
    #[must_use]
    pub fn by_hand(mut self, instead: impl Into<String>) -> Self {
        self.by_hand = Some(instead.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Method;

    #[test]
    fn a_call_without_a_turn_reads_and_writes_as_before() {
        let call = Call::new(Method::Delete, ["users", "x"]);
        let json = serde_json::to_value(&call).unwrap();
        assert_eq!(json.get("turn"), None);
        assert_eq!(json.get("by_hand"), None);
        assert_eq!(serde_json::from_value::<Call>(json).unwrap(), call);
        let later = call.wave(2).last_when_told(&["default"]).by_hand("do it in the portal");
        let json = serde_json::to_value(&later).unwrap();
        assert_eq!(json["turn"]["wave"], 2);
        assert_eq!(serde_json::from_value::<Call>(json).unwrap(), later);
    }

    #[test]
    fn a_refusal_is_known_by_its_text() {
        let turn = Call::new(Method::Delete, ["x"]).last_when_told(&["default method"]).turn;
        assert!(turn.waits_after("badRequest: Cannot delete Default Method with other methods configured."));
        assert!(!turn.waits_after("Authorization_RequestDenied"));
        assert!(!Turn::default().waits_after("default method"));
    }
}
