//! Commands that need no tenant, word for word. `TRYCMD=overwrite cargo test transcripts` writes them anew.

use std::fs;

use crate::served::{bare, finish};

#[test]
fn transcripts() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    trycmd::TestCases::new()
        .env("HOME", home.path().display().to_string())
        .env("XDG_CONFIG_HOME", home.path().join("config").display().to_string())
        .env("XDG_STATE_HOME", home.path().join("state").display().to_string())
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .case("tests/cli/*.trycmd")
        .run();
}

#[test]
fn every_shell_has_completions_and_every_command_a_page() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = finish(&mut bare(home.path(), &["completions", shell]));
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{shell}");
        assert!(ran.stdout.contains("rollback"), "{shell}");
    }
    let ran = finish(&mut bare(home.path(), &["man", "pages"]));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    for command in ["contain", "plan", "rollback", "rehearse", "doctor"] {
        let page = fs::read_to_string(home.path().join(format!("pages/oust-{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME"), "{command}");
    }
}
