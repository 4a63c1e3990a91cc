//! Licences, bans and sources of everything that is linked in, by `deny.toml`: the part of `cargo deny check` that
//! needs nothing but the lock file and what has been built already.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml(file: &str) -> Value {
    toml::from_str(&std::fs::read_to_string(root().join(file)).unwrap()).unwrap()
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// Every package of this platform, as cargo knows it.
fn packages() -> Vec<Value> {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
        .args(["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether one of the choices that an SPDX expression gives is allowed.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    // Older manifests write a slash for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = either(&mut rest, allowed);
    verdict && rest.is_empty()
}

fn either(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut verdict = both(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        verdict |= both(words, allowed);
    }
    verdict
}

fn both(words: &mut &[&str], allowed: &[&str]) -> bool {
    let mut verdict = one(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        verdict &= one(words, allowed);
    }
    verdict
}

fn one(words: &mut &[&str], allowed: &[&str]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let verdict = either(words, allowed);
            let closed = words.first() == Some(&")");
            *words = words.get(1..).unwrap_or_default();
            verdict && closed
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, rest @ ..] => {
            *words = rest;
            allowed.contains(licence)
        }
        [] => false,
    }
}

#[test]
fn an_expression_is_allowed_by_one_of_its_choices() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for good in [
        "MIT",
        "GPL-2.0-only OR MIT",
        "MIT/Apache-2.0",
        "ISC AND (GPL-2.0-only OR MIT)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "Apache-2.0",
        "MIT MIT",
        "ISC AND (MIT",
        "(MIT OR ISC) AND",
    ] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

#[test]
fn every_licence_is_one_that_may_be_linked_in() {
    let deny = toml("deny.toml");
    let allowed = strings(&deny["licenses"]["allow"]);
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    let bad: Vec<String> = packages
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or_default(), &allowed))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert_eq!(bad, Vec::<String>::new());
}

#[test]
fn everything_comes_from_one_registry_with_a_checksum_and_nothing_is_banned() {
    let (deny, lock) = (toml("deny.toml"), toml("Cargo.lock"));
    let banned: Vec<&str> =
        deny["bans"]["deny"].as_array().unwrap().iter().map(|ban| ban["crate"].as_str().unwrap()).collect();
    let mut registries = std::collections::BTreeSet::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        assert!(!banned.contains(&name), "{name} is banned");
        let Some(source) = package.get("source").and_then(Value::as_str) else {
            assert!(["oust", "oust-actions"].contains(&name), "{name} comes from a path");
            continue;
        };
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
        assert_eq!(package["checksum"].as_str().map(str::len), Some(64), "{name}");
        registries.insert(source);
    }
    assert_eq!(registries.len(), 1, "{registries:?}");
}
