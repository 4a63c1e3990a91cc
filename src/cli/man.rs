//! `oust man`.

use std::path::PathBuf;

use clap::CommandFactory;

use super::Cli;
use super::output::{Output, print, write_whole};
use crate::failure::{Code, Failure, Result};

/// Print the man page, or write the pages of all commands into a directory
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory for oust.1, oust-contain.1, …; it is made if need be
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

impl Args {
    pub fn run(self, _: &Output) -> Result<u8> {
        let failed = |e: std::io::Error| Failure::new(Code::Internal, format!("rendering the man page: {e}"));
        let mut command = Cli::command();
        command.build();
        let Some(folder) = self.out_dir else {
            let mut text = Vec::new();
            clap_mangen::Man::new(command).render(&mut text).map_err(failed)?;
            print(&String::from_utf8_lossy(&text));
            return Ok(0);
        };
        std::fs::create_dir_all(&folder)
            .map_err(|e| Failure::new(Code::OutputUnwritable, format!("making {}: {e}", folder.display())))?;
        for (name, command) in std::iter::once(("oust".to_owned(), command.clone()))
            .chain(command.get_subcommands().map(|c| (format!("oust-{}", c.get_name()), c.clone())))
        {
            let mut text = Vec::new();
            clap_mangen::Man::new(command).title(name.clone()).render(&mut text).map_err(failed)?;
            write_whole(&folder.join(format!("{name}.1")), &text)?;
        }
        Ok(0)
    }
}
