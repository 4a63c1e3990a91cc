//! Options that every command takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ColorChoice};

use super::output::Format;
use super::time;
use crate::graph::cloud::Cloud;
use crate::graph::credential::Auth;

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Form of the result on stdout
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub output: Format,

    /// Also write the result document to this file, whole, whatever happens
    #[arg(long, global = true, value_name = "PATH", help_heading = "Output")]
    pub result_file: Option<PathBuf>,

    /// Exit with 0 also for outcomes other than success; the document tells them apart
    #[arg(long, global = true, help_heading = "Output")]
    pub exit_zero: bool,

    /// Tell less: nothing while it goes
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,

    /// Tell more: -v the calls, -vv every attempt
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,

    /// Colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Output"
    )]
    pub color: ColorChoice,

    /// Tenant of the configuration
    #[arg(long, global = true, value_name = "NAME", help_heading = "Tenant")]
    pub tenant: Option<String>,

    /// How to sign in [default: whatever the environment holds]
    #[arg(long, global = true, value_enum, value_name = "HOW", help_heading = "Tenant")]
    pub auth: Option<Auth>,

    /// Which Microsoft cloud [default: global]
    #[arg(long, global = true, value_enum, value_name = "CLOUD", help_heading = "Tenant")]
    pub cloud: Option<Cloud>,

    /// Sign in with the access token in this file
    #[arg(
        long,
        global = true,
        env = "OUST_TOKEN_FILE",
        hide_env_values = true,
        value_name = "PATH",
        help_heading = "Tenant"
    )]
    pub token_file: Option<PathBuf>,

    /// Configuration file [default: oust/oust.toml in the platform's directory]
    #[arg(
        long,
        global = true,
        env = "OUST_CONFIG",
        hide_env_values = true,
        value_name = "PATH",
        help_heading = "Tenant"
    )]
    pub config: Option<PathBuf>,

    /// Where runs are kept
    #[arg(
        long,
        global = true,
        env = "OUST_STATE_DIR",
        hide_env_values = true,
        value_name = "DIR",
        help_heading = "Run"
    )]
    pub state_dir: Option<PathBuf>,

    /// Stop after this time, such as 90s or 10m; `oust resume` goes on
    #[arg(long, global = true, value_parser = time::duration, value_name = "DUR", help_heading = "Run")]
    pub deadline: Option<Duration>,

    /// How long the service may fail or throttle the requests of a step, all together, before they are given up
    #[arg(long, global = true, value_parser = time::duration, default_value = "5m", value_name = "DUR", help_heading = "Run")]
    pub retry_for: Duration,

    /// How long a change may take to become visible before it is reported as pending
    #[arg(long, global = true, value_parser = time::duration, default_value = "2m", value_name = "DUR", help_heading = "Run")]
    pub patience: Duration,

    /// Never ask; without --yes nothing is written
    #[arg(long, global = true, help_heading = "Run")]
    pub no_input: bool,
}

/// What is contained, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct What {
    /// User principal name or object id
    #[arg(required_unless_present = "list", value_name = "USER", allow_hyphen_values = false)]
    pub users: Vec<String>,

    /// Many users: a file (`-`: stdin) with one a line, CSV with a header, or JSON lines; each gets a run of its own
    #[arg(long = "users", value_name = "FILE|-", conflicts_with = "users", id = "list")]
    pub list: Option<PathBuf>,

    /// Built-in playbook or YAML file
    #[arg(long, default_value = crate::playbook::DEFAULT_PLAYBOOK, value_name = "ID|FILE")]
    pub playbook: String,

    /// Start of the compromise: a time, a date, or how long ago (36h, 7d)
    #[arg(long, default_value = "3d", value_name = "TIME|DURATION", allow_hyphen_values = true)]
    pub since: String,

    /// Most users of one run [default: 1]; with --users it has to be given
    #[arg(long, value_name = "N")]
    pub max_users: Option<usize>,

    /// Seal what is secret, a new password or an access pass, for this public key (age1…); without it nobody
    /// knows the password, and no pass is issued
    #[arg(long = "secret-recipient", visible_alias = "password-recipient", value_name = "age1…")]
    pub password_recipient: Option<String>,
}

/// Options of a command that writes.
#[derive(Debug, Clone, clap::Args)]
pub struct Writing {
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,

    /// Read and plan, but write nothing
    #[arg(long, alias = "what-if")]
    pub dry_run: bool,
}
