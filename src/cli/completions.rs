//! `oust completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::output::{Output, print};
use crate::failure::Result;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub fn run(self, _: &Output) -> Result<u8> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "oust", &mut text);
        print(&String::from_utf8_lossy(&text));
        Ok(0)
    }
}
