//! `oust actions`.

use oust_actions::{ACTIONS, About, AnyAction};

use super::output::{Format, Output, print};
use crate::failure::{Code, Failure, Result};
use crate::report::width;

/// List the actions, or show one: what it closes, what it needs, what can be taken back
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id of an action
    id: Option<String>,
}

impl Args {
    pub fn run(self, output: &Output) -> Result<u8> {
        let Some(id) = self.id else {
            let cards: Vec<About> = ACTIONS.iter().map(|a| a.about()).collect();
            match output.format {
                Format::Text => {
                    let width = cards.iter().map(|c| c.id.len()).max().unwrap_or(0);
                    print(
                        &cards.iter().map(|c| format!("{:width$}  {}\n", c.id, c.title)).collect::<String>(),
                    );
                }
                Format::Json | Format::Jsonl => output.json(&cards),
            }
            return Ok(0);
        };
        let action = oust_actions::find(&id).ok_or_else(|| {
            Failure::new(
                Code::UnknownName,
                format!("there is no action {:?}", id.chars().take(40).collect::<String>()),
            )
            .next("`oust actions` lists them")
        })?;
        match output.format {
            Format::Text => print(&card(action, output.width)),
            Format::Json | Format::Jsonl => output.json(&action.about()),
        }
        Ok(0)
    }
}

fn card(action: &dyn AnyAction, columns: usize) -> String {
    let about = action.about();
    let mut text = format!(
        "{}: {}\n\n{}\n\nPermissions (application)\n",
        about.id,
        about.title,
        width::wrap(about.why, columns).join("\n")
    );
    for permission in about.permissions {
        let kind = if permission.write { "to apply" } else { "to look " };
        let or = match permission.or {
            [] => String::new(),
            or => format!(" (or {})", or.join(", ")),
        };
        let without = if permission.optional { " (the step does without it)" } else { "" };
        text.push_str(&format!("  {kind}  {}{or}{without}\n", permission.name));
        for part in permission.parts {
            text.push_str(&format!("              or for {} {}\n", part.collection, part.name));
        }
    }
    // A literal call: nothing can be declared, so that nothing may be called none.
    let depends = about.permissions.is_empty();
    if depends {
        text.push_str("  it depends on the path of the call\n");
    }
    text.push_str("\nDirectory role of the service principal\n");
    if about.roles.is_empty() {
        text.push_str(if depends { "  it depends on the path of the call\n" } else { "  none\n" });
    }
    for role in about.roles {
        text.push_str(match role {
            oust_actions::Role::ForSensitiveAction => {
                "  for targets that hold a role: one that may act on them\n"
            }
            oust_actions::Role::ForTokensOfAdmins => {
                "  for targets that hold a role: one that may reset their password\n"
            }
            oust_actions::Role::ForDevices => "  for every device: Cloud Device Administrator\n",
            oust_actions::Role::ForAnyPassword => {
                "  for every target: User Administrator; for admins Privileged Authentication Administrator\n"
            }
        });
    }
    text.push_str(&format!("\nTaking back: {}\n", about.reversibility));
    let list = |techniques: &[oust_actions::Technique]| {
        techniques.iter().map(|t| format!("  {} {}\n", t.id, t.name)).collect::<String>()
    };
    for (head, techniques) in [("Answers (ATT&CK)", about.attack), ("Is (D3FEND)", about.defend)] {
        if !techniques.is_empty() {
            text.push_str(&format!("\n{head}\n{}", list(techniques)));
        }
    }
    let settings = action.settings_schema().to_value();
    if let Some(properties) = settings["properties"].as_object().filter(|p| !p.is_empty()) {
        text.push_str("\nSettings (`with:` in a playbook)\n");
        for (name, schema) in properties {
            let what = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
            let value = schema.get("default").map_or_else(|| "required".to_owned(), ToString::to_string);
            text.push_str(&format!("  {name} = {value}: {what}\n"));
        }
    }
    text.push_str(&format!(
        "\nRead more\n{}",
        about.pages.iter().map(|p| format!("  {p}\n")).collect::<String>()
    ));
    text
}
