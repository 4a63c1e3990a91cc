//! A plan in a file: what `plan --out` writes and `apply` carries out, unless the tenant moved meanwhile.

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use oust_actions::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::run::VERSION;
use super::{Order, Since};
use crate::failure::{Code, Failure, Result};
use crate::journal::{Ledger, Planned};
use crate::playbook::{Playbook, hex};
use crate::target_name::TargetName;

/// The value of `schema` in a [`SavedPlan`].
pub const PLAN_SCHEMA: &str = "oust.plan/1";

/// A plan in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// `oust.plan/1`.
    pub schema: String,
    /// Version of oust that made it. Only that version carries it out.
    pub version: String,
    /// When it was made.
    #[schemars(with = "String")]
    pub made_at: Timestamp,
    /// The tenant.
    pub tenant_id: String,
    /// Start of the compromise window.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Text of the playbook.
    pub playbook: String,
    /// Public key of age for what is secret: new passwords, access passes.
    pub password_recipient: Option<String>,
    /// Object ids of the users.
    pub users: Vec<String>,
    /// Every step of every user.
    pub steps: Vec<SavedStep>,
    /// SHA-256 of all the above.
    pub sha256: String,
}

/// A step of a plan in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedStep {
    /// The user's object id.
    pub user_id: String,
    /// The step.
    pub step: String,
    /// SHA-256 of the observed state.
    pub state_sha256: String,
    /// The observed state, so that a later difference can be named.
    pub state: Value,
    /// What was decided.
    #[schemars(with = "Value")]
    pub plan: Plan,
}

impl SavedPlan {
    /// Saves what a dry run decided.
    pub fn new(order: &Order, ledger: &Ledger, made_at: Timestamp) -> Self {
        let steps = ledger.users.iter().flat_map(|user| {
            user.steps.iter().map(move |step| SavedStep {
                user_id: user.target.user.id.clone(),
                step: step.step.clone(),
                state_sha256: hash(&step.state),
                state: step.state.clone(),
                plan: Plan {
                    changes: step.changes.iter().map(|c| c.change.clone()).collect(),
                    ..step.plan.clone()
                },
            })
        });
        let mut saved = Self {
            schema: PLAN_SCHEMA.to_owned(),
            version: VERSION.to_owned(),
            made_at,
            tenant_id: ledger.began.as_ref().map(|b| b.tenant.id.clone()).unwrap_or_default(),
            since: ledger.began.as_ref().map_or(made_at, |b| b.since),
            playbook: order.playbook.text.clone(),
            password_recipient: order.password_recipient.clone(),
            users: ledger.users.iter().map(|u| u.target.user.id.clone()).collect(),
            steps: steps.collect(),
            sha256: String::new(),
        };
        saved.sha256 = saved.checksum();
        saved
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Code::InvalidPlan`]: cut off, edited, of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |what: String| {
            Failure::new(Code::InvalidPlan, format!("the plan file {what}"))
                .next("make it anew: `oust plan USER --out FILE`")
        };
        let value: Value =
            serde_json::from_slice(bytes).map_err(|e| wrong(format!("is cut off or no JSON: {e}")))?;
        let schema = value["schema"].as_str().unwrap_or_default();
        if schema != PLAN_SCHEMA {
            return Err(wrong(format!(
                "has the schema {:?}, not {PLAN_SCHEMA:?}",
                schema.chars().take(40).collect::<String>()
            )));
        }
        let version = value["version"].as_str().unwrap_or_default().to_owned();
        if version != VERSION {
            let version: String = version.chars().take(40).collect();
            return Err(wrong(format!("was made by version {version:?}, and this is {VERSION}")));
        }
        let saved: Self =
            serde_json::from_value(value).map_err(|e| wrong(format!("was edited or is incomplete: {e}")))?;
        if saved.sha256 != saved.checksum() {
            return Err(wrong("was edited: its checksum does not fit".into()));
        }
        Ok(saved)
    }

    /// The order that carries it out.
    ///
    /// # Errors
    /// [`Code::InvalidPlaybook`].
    pub fn order(&self, run_id: Uuid) -> Result<Order> {
        Ok(Order {
            command: "apply".into(),
            run_id,
            names: self.users.iter().cloned().map(TargetName::Id).collect(),
            playbook: Playbook::parse(&self.playbook)?,
            since: Since::At(self.since),
            password_recipient: self.password_recipient.clone(),
            part_of: None,
        })
    }

    /// Whether the tenant is as it was.
    ///
    /// # Errors
    /// [`Code::WorldMoved`], naming what moved.
    pub fn check_drift(&self, now: &[Planned]) -> Result<()> {
        let mut moved = Vec::new();
        for fresh in now {
            let saved = self.steps.iter().find(|s| s.user_id == fresh.user_id && s.step == fresh.step);
            match saved {
                None => moved.push(format!("{}: the step is not in the plan", fresh.step)),
                // A log grows by itself, and whoever tries passwords could keep a plan from being carried out.
                Some(_) if only_looks(&fresh.action) => {}
                Some(saved) if saved.state_sha256 != hash(&fresh.state) => {
                    moved.push(format!("{}: {}", fresh.step, difference(&saved.state, &fresh.state, "")));
                }
                Some(saved) => {
                    let writes =
                        |plan: &Plan| plan.changes.iter().map(|c| c.call.to_string()).collect::<Vec<_>>();
                    if writes(&saved.plan) != writes(&fresh.plan) {
                        moved.push(format!("{}: the same state is judged otherwise now", fresh.step));
                    }
                }
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Code::WorldMoved,
            format!("the tenant changed since the plan was made: {}", moved.join("; ")),
        )
        .next("look at what changed, then make and apply a new plan"))
    }

    /// What `sha256` has to be. It shows an accident or a careless edit; whoever forges a plan can forge it too, and
    /// `apply` plans anew for that.
    pub fn checksum(&self) -> String {
        hash(&serde_json::json!({
            "schema": self.schema, "version": self.version, "made_at": self.made_at, "tenant_id": self.tenant_id,
            "since": self.since, "playbook": self.playbook, "password_recipient": self.password_recipient,
            "users": self.users, "steps": self.steps,
        }))
    }
}

fn only_looks(action: &str) -> bool {
    oust_actions::find(action).is_some_and(oust_actions::AnyAction::only_looks)
}

fn hash(value: &Value) -> String {
    hex(digest(&SHA256, &serde_json::to_vec(value).unwrap_or_default()).as_ref())
}

/// Names the first places that differ.
fn difference(before: &Value, after: &Value, path: &str) -> String {
    let short = |v: &Value| {
        let text = v.to_string();
        if text.chars().count() > 60 {
            format!("{}…", text.chars().take(60).collect::<String>())
        } else {
            text
        }
    };
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
            let parts: Vec<String> = keys
                .filter(|k| a.get(*k) != b.get(*k))
                .map(|k| {
                    difference(
                        a.get(k).unwrap_or(&Value::Null),
                        b.get(k).unwrap_or(&Value::Null),
                        &format!("{path}{k}."),
                    )
                })
                .take(3)
                .collect();
            parts.join(", ")
        }
        (Value::Array(a), Value::Array(b)) if a.len() != b.len() => {
            format!("{} had {} entries and has {}", path.trim_end_matches('.'), a.len(), b.len())
        }
        (Value::Array(a), Value::Array(b)) => {
            let at = a.iter().zip(b).position(|(x, y)| x != y).unwrap_or(0);
            difference(&a[at], &b[at], &format!("{path}{at}."))
        }
        _ => format!("{} was {} and is {}", path.trim_end_matches('.'), short(before), short(after)),
    }
}
