//! `oust playbooks`.

use super::output::{Format, Output, print};
use crate::failure::{Code, Failure, Result};
use crate::playbook::{BUILT_IN, DEFAULT_PLAYBOOK, Playbook};

/// List the built-in playbooks, print one, or check a file
///
/// `oust playbooks token-theft > mine.yaml` is how to begin one of your own; `oust playbooks check mine.yaml`
/// checks it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of a playbook, or `check`
    id: Option<String>,
    /// File to check
    file: Option<String>,
}

impl Args {
    pub fn run(self, output: &Output) -> Result<u8> {
        match (self.id.as_deref(), self.file) {
            (None, _) => list(output),
            (Some("check"), Some(file)) => {
                let playbook = Playbook::find(&file)?;
                let steps = playbook.steps().count();
                match output.format {
                    Format::Text => print(&format!(
                        "{}: fine, {} stages, {steps} steps\n",
                        playbook.id,
                        playbook.stages.len()
                    )),
                    Format::Json | Format::Jsonl => output.json(&summary(&playbook)),
                }
                Ok(0)
            }
            (Some("check"), None) => {
                Err(Failure::new(Code::InvalidArguments, "check needs a file")
                    .next("oust playbooks check FILE"))
            }
            (Some(id), _) => {
                let playbook = Playbook::find(id)?;
                match output.format {
                    Format::Text => print(&playbook.text),
                    Format::Json | Format::Jsonl => output.json(&summary(&playbook)),
                }
                Ok(0)
            }
        }
    }
}

fn list(output: &Output) -> Result<u8> {
    let playbooks = BUILT_IN.iter().map(|(_, text)| Playbook::parse(text)).collect::<Result<Vec<_>>>()?;
    match output.format {
        Format::Text => {
            let width = playbooks.iter().map(|p| p.id.len()).max().unwrap_or(0);
            for playbook in &playbooks {
                let mark = if playbook.id == DEFAULT_PLAYBOOK { " (default)" } else { "" };
                print(&format!("{:width$}  {}{mark}\n", playbook.id, playbook.title));
            }
        }
        Format::Json | Format::Jsonl => output.json(&playbooks.iter().map(summary).collect::<Vec<_>>()),
    }
    Ok(0)
}

fn summary(playbook: &Playbook) -> serde_json::Value {
    serde_json::json!({
        "id": playbook.id,
        "title": playbook.title,
        "why": playbook.why,
        "source": playbook.source,
        "sha256": playbook.sha256(),
        "stages": playbook.stages.iter().map(|stage| serde_json::json!({
            "id": stage.id,
            "title": stage.title,
            "steps": stage.steps.iter().map(|step| serde_json::json!({
                "id": step.id, "action": step.action, "with": step.with,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "not_covered": playbook.not_covered,
    })
}
