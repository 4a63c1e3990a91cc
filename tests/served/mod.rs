//! The real binary, in an environment of its own, against a simulated tenant that this process serves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use oust::rehearsal::{CONTOSO, RUNNER, Served};
use oust::sim::file;
use serde_json::Value;
use tempfile::TempDir;

/// The victim of the built-in tenant.
pub const ADELE: &str = "AdeleV@contoso.com";

/// A tenant, and a home directory for the runs against it.
pub struct Place {
    pub served: Served,
    home: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// Serves a tenant file, without its latency.
    pub fn new(tenant: &str) -> Self {
        Self::slow(&tenant.replace("latency: 20ms", "latency: 0ms"))
    }

    /// Serves a tenant file as it is.
    pub fn slow(tenant: &str) -> Self {
        let served = Served::on_loopback(file::parse(tenant).unwrap()).unwrap();
        let place = Self { served, home: tempfile::tempdir().unwrap() };
        place.write("token", &place.served.tenant.token(RUNNER));
        place
    }

    /// The built-in tenant.
    pub fn contoso() -> Self {
        Self::new(CONTOSO)
    }

    /// The built-in tenant with a fault; `what` in the syntax of a tenant file.
    pub fn with_fault(on: &str, what: &str) -> Self {
        Self::new(&format!("{CONTOSO}  faults:\n    - {{on: {on:?}, times: 1000, what: {what}}}\n"))
    }

    /// The built-in tenant whose runner lacks a permission.
    pub fn without(permission: &str) -> Self {
        let line = format!("      - {permission}\n");
        assert!(CONTOSO.contains(&line), "{permission} is in the tenant file");
        Self::new(&CONTOSO.replace(&line, ""))
    }

    /// A path below the home directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file that only its owner can read.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// The binary with these arguments, signed in to the tenant.
    ///
    /// What an earlier one asked is forgotten: the service here throttles nobody, and nobody should wait.
    pub fn command(&self, args: &[&str]) -> Command {
        let _ = std::fs::remove_dir_all(self.path("state/oust/limits"));
        let mut command = bare(self.home.path(), args);
        command.env("OUST_GRAPH_ENDPOINT", self.served.url()).env("OUST_TOKEN_FILE", self.path("token"));
        command
    }

    /// Runs it; `{home}` in an argument is the home directory.
    pub fn oust(&self, args: &[&str]) -> Ran {
        let home = self.home.path().display().to_string();
        let args: Vec<String> = args.iter().map(|arg| arg.replace("{home}", &home)).collect();
        finish(&mut self.command(&args.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// Contains the victim, without a question and with little patience.
    pub fn contain(&self, more: &[&str]) -> Ran {
        self.oust(&[&["contain", ADELE, "--yes", "--output", "json", "--patience", "1s"], more].concat())
    }

    /// `METHOD path` of every write that took effect so far.
    pub fn writes(&self) -> Vec<String> {
        let entries = self.served.tenant.with(|tenant| tenant.log().to_vec());
        let writes = entries.iter().filter(|entry| entry.write && entry.applied);
        writes.map(|entry| format!("{} {}", entry.method, entry.path)).collect()
    }

    /// How many requests there were so far.
    pub fn requests(&self) -> usize {
        self.served.tenant.with(|tenant| tenant.log().len())
    }

    /// Whether a request of that method and path has arrived, answered or not.
    pub fn arrived(&self, request: &str) -> bool {
        self.served.tenant.with(|tenant| {
            tenant.log().iter().any(|seen| {
                let path = seen.path.split('?').next().unwrap_or_default();
                request == format!("{} {path}", seen.method)
            })
        })
    }

    /// The tenant as it is.
    pub fn snapshot(&self) -> Value {
        self.served.tenant.with(|tenant| tenant.snapshot())
    }

    /// The journals of all runs.
    pub fn journals(&self) -> Vec<PathBuf> {
        let runs = std::fs::read_dir(self.path("state/oust/runs")).into_iter().flatten();
        runs.map(|run| run.unwrap().path().join("journal.jsonl")).filter(|path| path.is_file()).collect()
    }

    /// The journal of the only run.
    pub fn journal(&self) -> PathBuf {
        let runs = self.journals();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }
}

impl Ran {
    /// The one document on stdout; anything else there fails the test.
    pub fn document(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: stdout is {:?}, stderr {:?}", self.stdout, self.stderr));
        assert_eq!(document["schema"], "oust.run/1");
        document
    }

    /// That it ended so, with a document that says the same.
    #[track_caller]
    pub fn ended(&self, status: i32, outcome: &str) -> Value {
        let document = self.document();
        assert_eq!(self.status, status, "{document:#}\n{}", self.stderr);
        assert_eq!(
            (&document["outcome"], &document["exit_code"]),
            (&outcome.into(), &status.into()),
            "{document:#}"
        );
        document
    }

    /// That it was refused with this code.
    #[track_caller]
    pub fn refused(&self, status: i32, code: &str) -> Value {
        let document = self.document();
        assert_eq!(
            (self.status, &document["error"]["code"]),
            (status, &code.into()),
            "{document:#}\n{}",
            self.stderr
        );
        document
    }
}

/// The binary with nothing of this process's environment.
pub fn bare(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oust"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("COLUMNS", "100")
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn finish(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code().expect("not killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
