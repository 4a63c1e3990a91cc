//! Playbooks: YAML to stages of steps. Every mistake is told with its line.

use std::collections::HashSet;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::failure::{Code, Failure, Result};

/// The value of `schema` in a playbook.
pub const PLAYBOOK_SCHEMA: &str = "oust.playbook/1";
/// The playbook that runs when none is named.
pub const DEFAULT_PLAYBOOK: &str = "token-theft";
/// Larger files are refused: no playbook is near it.
const MAX_BYTES: usize = 256 * 1024;

/// The playbooks that are built in: id and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("token-theft", include_str!("../examples/playbooks/token-theft.yaml")),
    ("lockout", include_str!("../examples/playbooks/lockout.yaml")),
    ("illicit-consent", include_str!("../examples/playbooks/illicit-consent.yaml")),
    ("privileged-account", include_str!("../examples/playbooks/privileged-account.yaml")),
    ("recover", include_str!("../examples/playbooks/recover.yaml")),
    ("business-email-compromise", include_str!("../examples/playbooks/business-email-compromise.yaml")),
];

/// A checked playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When to use it.
    pub why: String,
    /// What it follows, usually Microsoft's page.
    pub source: Option<String>,
    /// What is done, in order.
    pub stages: Vec<Stage>,
    /// Ways back in that it does not look at.
    pub not_covered: Vec<NotCovered>,
    /// The text it was read from.
    pub text: String,
}

/// Steps that are sent together; the next stage waits until all are acknowledged.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it waits for besides.
    pub after: Option<After>,
    /// What an object that waits for a person's judgement means for it.
    pub open: OpenFindings,
    /// What is done in it.
    pub steps: Vec<Step>,
}

/// What a stage waits for, besides that the one before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// The proof of all earlier stages: every change in force and read back, no step failed, and looking again
    /// finds nothing to do. For what gives access back.
    Verified,
}

/// What an object that waits for a person's judgement means for a stage that waits for proof.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenFindings {
    /// The stage is held back until it is judged.
    #[default]
    Hold,
    /// It is only said, before the stage is sent.
    Tell,
}

/// One action with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id, unique in the playbook; the action's id unless given.
    pub id: String,
    /// The action.
    pub action: &'static str,
    /// The action's settings.
    pub with: Value,
}

/// A way back in that a playbook does not look at, and what a person must do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotCovered {
    /// What it is.
    pub label: String,
    /// Why it matters.
    pub why: String,
    /// What a person must do.
    pub next: String,
}

impl NotCovered {
    /// A folded block of YAML ends with a newline.
    fn trimmed(self) -> Self {
        let trim = |text: String| text.trim().to_owned();
        Self { label: trim(self.label), why: trim(self.why), next: trim(self.next) }
    }
}

/// A playbook file as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "oust playbook")]
struct PlaybookFile {
    /// `oust.playbook/1`.
    #[schemars(with = "String")]
    schema: Spanned<String>,
    /// Its id.
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// One line.
    title: String,
    /// When to use it.
    #[serde(default)]
    why: String,
    /// What it follows.
    #[serde(default)]
    source: Option<String>,
    /// What is done, in order.
    #[schemars(with = "Vec<StageFile>")]
    stages: Spanned<Vec<StageFile>>,
    /// What it does not look at.
    #[serde(default)]
    not_covered: Vec<NotCovered>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Stage")]
struct StageFile {
    /// Its id, unique.
    #[schemars(with = "String")]
    id: Spanned<String>,
    /// One line.
    #[serde(default)]
    title: String,
    /// `verified`: sent for a user only when all before it is in force and read back.
    #[serde(default)]
    after: Option<After>,
    /// With `after`: what an object that a person must judge means for it; `hold` by default.
    #[serde(default)]
    #[schemars(with = "Option<OpenFindings>")]
    open: Option<Spanned<OpenFindings>>,
    /// What is sent together.
    steps: Vec<StepFile>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Step")]
struct StepFile {
    /// Its id, unique in the playbook; the action's id unless given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    id: Option<Spanned<String>>,
    /// The action; `oust actions` lists them.
    #[schemars(with = "String")]
    action: Spanned<String>,
    /// Settings of the action.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    with: Option<Spanned<Value>>,
}

impl Playbook {
    /// Finds a built-in playbook by id, else reads the file of that name.
    ///
    /// # Errors
    /// [`Code::UnknownName`] when there is neither, [`Code::InvalidPlaybook`] for a mistake in it.
    pub fn find(name: &str) -> Result<Self> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(id, _)| *id == name) {
            return Self::parse(text);
        }
        let path = Path::new(name);
        let bytes = std::fs::read(path).map_err(|e| {
            let known = BUILT_IN.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
            Failure::new(
                Code::UnknownName,
                format!("no built-in playbook and no readable file is called {name:?}: {e}"),
            )
            .next(format!("built in are: {known}; or give the path of a YAML file"))
        })?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let (line, column) = position(e.as_bytes(), e.utf8_error().valid_up_to());
            mistake(line, column, "this is not UTF-8 text")
        })?;
        Self::parse(&text)
    }

    /// Reads a playbook.
    ///
    /// # Errors
    /// [`Code::InvalidPlaybook`] with the line and the column of the first mistake.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            return Err(mistake(
                1,
                1,
                &format!("a playbook has {MAX_BYTES} bytes at most, this has {}", text.len()),
            ));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_nodes: 20_000,
                max_events: 80_000,
                max_depth: 32,
                max_aliases: 1000,
                max_anchors: 1000,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: 20_000,
                max_replay_stack_depth: 8,
                max_alias_expansions_per_anchor: 1000,
            },
        };
        let file: PlaybookFile = serde_saphyr::from_str_with_options(text, options).map_err(|e| {
            let at = e.location();
            let message = e.without_snippet().to_string();
            // The place stands in front already.
            let what = first_line(&message).split(" at line ").next().unwrap_or_default();
            let what = if ["budget breached", "alias "].iter().any(|bound| what.starts_with(bound)) {
                "this grows without bounds: aliases that multiply are refused"
            } else {
                what
            };
            mistake(at.map_or(1, |l| l.line()), at.map_or(1, |l| l.column()), what)
        })?;
        if file.schema.value != PLAYBOOK_SCHEMA {
            return Err(at(
                &file.schema,
                &format!("the schema must be {PLAYBOOK_SCHEMA:?}, not {:?}", file.schema.value),
            ));
        }
        check_id(&file.id)?;
        if file.stages.value.is_empty() {
            return Err(at(&file.stages, "a playbook needs a stage"));
        }
        let mut seen = HashSet::new();
        let stages = file.stages.value.into_iter().map(|s| stage(s, &mut seen)).collect::<Result<_>>()?;
        Ok(Self {
            id: file.id.value,
            title: file.title.trim().to_owned(),
            why: file.why.trim().to_owned(),
            source: file.source,
            stages,
            not_covered: file.not_covered.into_iter().map(NotCovered::trimmed).collect(),
            text: text.to_owned(),
        })
    }

    /// SHA-256 of its text, hex.
    pub fn sha256(&self) -> String {
        hex(digest(&SHA256, self.text.as_bytes()).as_ref())
    }

    /// Whether it gives an account back.
    pub fn gives_back(&self) -> bool {
        self.steps()
            .any(|(_, step)| oust_actions::find(step.action).is_some_and(oust_actions::AnyAction::gives_back))
    }

    /// All steps with their stage, in order.
    pub fn steps(&self) -> impl Iterator<Item = (&Stage, &Step)> {
        self.stages.iter().flat_map(|stage| stage.steps.iter().map(move |step| (stage, step)))
    }

    /// JSON schema of the file, with the settings of every action.
    pub fn schema() -> Value {
        let mut schema = schemars::schema_for!(PlaybookFile).to_value();
        let settings: serde_json::Map<String, Value> = oust_actions::ACTIONS
            .iter()
            .map(|action| (action.about().id.to_owned(), action.settings_schema().to_value()))
            .collect();
        if let Some(step) = schema.pointer_mut("/$defs/Step/properties/action") {
            step["enum"] = settings.keys().cloned().collect();
        }
        schema["x-settings"] = Value::Object(settings);
        schema
    }
}

/// Lower-case hex of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn stage(file: StageFile, seen: &mut HashSet<String>) -> Result<Stage> {
    check_id(&file.id)?;
    if !seen.insert(format!("stage {}", file.id.value)) {
        return Err(at(&file.id, &format!("the stage id {:?} is there twice", file.id.value)));
    }
    if file.steps.is_empty() {
        return Err(at(&file.id, &format!("the stage {:?} has no steps", file.id.value)));
    }
    let steps = file.steps.iter().map(|s| step(s, seen)).collect::<Result<_>>()?;
    if let Some(open) = file.open.as_ref().filter(|_| file.after.is_none()) {
        return Err(at(open, "`open` is for a stage with `after: verified`"));
    }
    let open = file.open.map(|open| open.value).unwrap_or_default();
    Ok(Stage { id: file.id.value, title: file.title, after: file.after, open, steps })
}

fn step(file: &StepFile, seen: &mut HashSet<String>) -> Result<Step> {
    let Some(action) = oust_actions::find(&file.action.value) else {
        let known = oust_actions::ACTIONS.iter().map(|a| a.about().id).collect::<Vec<_>>().join(", ");
        return Err(at(
            &file.action,
            &format!("there is no action {:?}; there are: {known}", file.action.value),
        ));
    };
    let id = file.id.as_ref().unwrap_or(&file.action);
    check_id(id)?;
    if !seen.insert(format!("step {}", id.value)) {
        return Err(at(
            id,
            &format!("the step id {:?} is there twice; give this step an id of its own", id.value),
        ));
    }
    let with = file.with.as_ref().map_or(Value::Null, |with| with.value.clone());
    if let Err(why) = action.check_settings(&with) {
        let place = file.with.as_ref().map_or_else(|| at(&file.action, &why), |with| at(with, &why));
        return Err(place);
    }
    Ok(Step { id: id.value.clone(), action: action.about().id, with })
}

fn check_id(id: &Spanned<String>) -> Result<()> {
    let fine = !id.value.is_empty()
        && id.value.len() <= 64
        && id.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if fine { Ok(()) } else { Err(at(id, "an id has 1 to 64 of a–z, 0–9, '-' and '_'")) }
}

fn at<T>(place: &Spanned<T>, what: &str) -> Failure {
    mistake(place.referenced.line(), place.referenced.column(), what)
}

fn mistake(line: u64, column: u64, what: &str) -> Failure {
    Failure::new(Code::InvalidPlaybook, format!("playbook line {line}, column {column}: {what}"))
        .next("mend the file; `oust playbooks check FILE` checks it without running anything")
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or(message)
}

fn position(bytes: &[u8], offset: usize) -> (u64, u64) {
    let before = &bytes[..offset];
    let line = before.split(|b| *b == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
    (line as u64, column as u64)
}
