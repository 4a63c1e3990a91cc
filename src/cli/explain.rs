//! `oust explain`.

use super::output::{Output, print};
use crate::failure::{Code, Failure, Result};

/// Explain an error code, such as E0302
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code; without one, all are listed
    code: Option<String>,
}

impl Args {
    pub fn run(self, output: &Output) -> Result<u8> {
        let Some(wanted) = self.code else {
            let lines: String = Code::ALL
                .iter()
                .map(|code| format!("{}  exit {:<2}  {}\n", code.id(), code.exit().status(), code.title()))
                .collect();
            print(&lines);
            return Ok(0);
        };
        let found = Code::ALL.iter().find(|code| code.id().eq_ignore_ascii_case(wanted.trim()));
        let code = found.ok_or_else(|| {
            let wanted: String = wanted.chars().take(20).collect();
            Failure::new(Code::UnknownName, format!("there is no error code {wanted:?}"))
                .next("`oust explain` lists all")
        })?;
        if output.format == super::output::Format::Text {
            print(code.page());
        } else {
            output.json(&serde_json::json!({
                "code": code.id(), "title": code.title(), "exit_code": code.exit().status(), "page": code.page(),
            }));
        }
        Ok(0)
    }
}
