//! Every error that a person or a caller sees: what happened, what was changed, what to do next.

mod codes;

use std::fmt;

pub use codes::{Code, Exit};

/// An error with its code. Messages are lower-case fragments fit for "failed to …".
#[derive(Debug, Clone, thiserror::Error)]
pub struct Failure {
    /// What kind; `oust explain CODE` tells more.
    pub code: Code,
    /// What happened.
    pub what: String,
    /// What was and what wasn't changed in the tenant. `None`: nothing was changed.
    pub changed: Option<String>,
    /// What to do next.
    pub next: Option<String>,
    /// HTTP status of the answer behind it.
    pub status: Option<u16>,
    /// Graph's `request-id`, for a support case.
    pub request_id: Option<String>,
    /// The step of the playbook that it concerns.
    pub step: Option<String>,
}

impl Failure {
    /// An error before anything was changed.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            changed: None,
            next: None,
            status: None,
            request_id: None,
            step: None,
        }
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Says what was changed before it happened.
    #[must_use]
    pub fn changed(mut self, changed: impl Into<String>) -> Self {
        self.changed = Some(changed.into());
        self
    }

    /// Says which step it concerns.
    #[must_use]
    pub fn step(mut self, step: impl Into<String>) -> Self {
        self.step = Some(step.into());
        self
    }

    /// The exit status of a process that ends with it.
    pub fn exit(&self) -> Exit {
        self.code.exit()
    }

    /// As an RFC 9457 problem, for the result document.
    pub fn problem(&self, instance: Option<&str>) -> crate::report::Problem {
        crate::report::Problem {
            kind: format!("urn:oust:error:{}", self.code.id()),
            title: self.code.title().to_owned(),
            status: self.status,
            detail: self.to_string(),
            instance: instance.map(|id| format!("urn:oust:run:{id}")),
            code: self.code.id().to_owned(),
            changed: self.changed.clone().unwrap_or_else(|| "nothing was changed".to_owned()),
            next: self.next.clone(),
            graph_request_id: self.request_id.clone(),
            step: self.step.clone(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Most functions of this crate end like this.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
