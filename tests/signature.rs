//! The signed end of a journal: who wrote it can be checked by whoever has the public key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oust::failure::Code;
use oust::journal::{FaultKind, PublicKey, Signer, audit, head_path, signature_path};
use oust::report::{JournalCheck, Outcome};

use crate::support::{Crash, World};

const SEED: [u8; 32] = [7; 32];

/// As `openssl genpkey -algorithm ed25519` writes it: PKCS#8, version 1.
pub fn private(seed: [u8; 32]) -> String {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    pem("PRIVATE KEY", &[head.as_slice(), &seed].concat())
}

/// As `openssl pkey -pubout` writes it.
pub fn public(seed: [u8; 32]) -> String {
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pem("PUBLIC KEY", der.as_ref())
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn private_file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("key.pem");
    std::fs::write(&path, text).unwrap();
    mode(&path, 0o600);
    path
}

fn mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn public_key(folder: &Path, text: &str) -> PublicKey {
    let path = folder.join("key.pub");
    std::fs::write(&path, text).unwrap();
    PublicKey::open(&path).unwrap()
}

fn signing(mut world: World) -> World {
    let key = private_file(world.state_dir(), &private(SEED));
    world.signer = Some(Arc::new(Signer::open(&key).unwrap()));
    world
}

fn check(world: &World, public: &str) -> JournalCheck {
    let path = world.journal();
    let found = audit(&std::fs::read(&path).unwrap());
    JournalCheck::new(&path, &found, None, Some(public_key(world.state_dir(), public).verify(&path)))
}

#[track_caller]
fn assert_signed(world: &World) {
    let check = check(world, &public(SEED));
    assert!(check.sound && check.signature.as_ref().unwrap().covers_all, "{check:#?}");
    assert_eq!(check.signature.unwrap().records, world.records() as u64);
}

fn code(check: &JournalCheck) -> Option<&str> {
    check.error.as_ref().map(|error| error.code.as_str())
}

#[tokio::test(start_paused = true)]
async fn every_command_that_wrote_leaves_a_signed_end() {
    let world = signing(World::contoso()).crashing(Crash::AfterRecords(30));
    assert_ne!(world.contain().await.exit_code, 0);
    assert!(!signature_path(&world.journal()).exists(), "what could not be written is not signed");
    let world = world.mended();
    assert_eq!(world.resume().await.outcome, Outcome::Contained);
    assert_signed(&world);
    world.verify().await;
    assert_signed(&world);
    assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
    assert_signed(&world);
    let refused = world.resume().await;
    assert_eq!(refused.error.unwrap().code, "E0111");
    assert_signed(&world);
}

#[tokio::test(start_paused = true)]
async fn an_edited_last_line_does_not_bear_its_signature() {
    let world = signing(World::contoso());
    world.contain().await;
    let (path, text) = (world.journal(), std::fs::read_to_string(world.journal()).unwrap());
    let edited = text.replacen("\"outcome\":\"contained\"", "\"outcome\":\"partial\"", 1);
    assert_ne!(edited, text);
    std::fs::write(&path, edited).unwrap();
    let found = check(&world, &public(SEED));
    assert_eq!((found.exit_code, code(&found)), (8, Some("E0701")));
    assert_eq!(found.fault.unwrap().kind, FaultKind::OtherHead);

    let shorter: String = text.split_inclusive('\n').take(world.records() - 1).collect();
    std::fs::write(&path, shorter).unwrap();
    assert_eq!(code(&check(&world, &public(SEED))), Some("E0701"));
}

#[tokio::test(start_paused = true)]
async fn lines_after_the_signed_one_and_missing_or_changed_signatures_are_told() {
    let mut world = signing(World::contoso());
    world.contain().await;
    let (head, signature) = (head_path(&world.journal()), signature_path(&world.journal()));
    let (text, bytes) = (std::fs::read(&head).unwrap(), std::fs::read(&signature).unwrap());
    assert_eq!(bytes.len(), 64);
    for at in 0..text.len() {
        let mut changed = text.clone();
        changed[at] ^= 1;
        std::fs::write(&head, changed).unwrap();
        assert_eq!(code(&check(&world, &public(SEED))), Some("E0705"), "byte {at} of head.txt");
    }
    std::fs::write(&head, &text).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&signature, changed).unwrap();
        assert_eq!(code(&check(&world, &public(SEED))), Some("E0705"), "byte {at} of journal.sig");
    }
    std::fs::write(&signature, &bytes).unwrap();
    assert_signed(&world);
    assert_eq!(code(&check(&world, &public([8; 32]))), Some("E0705"), "another key");

    world.signer = None;
    let signed = world.records() as u64;
    world.verify().await;
    let found = check(&world, &public(SEED));
    assert_eq!((code(&found), found.signature.as_ref().unwrap().records), (Some("E0705"), signed));
    std::fs::remove_file(&signature).unwrap();
    assert_eq!(code(&check(&world, &public(SEED))), Some("E0705"));
}

#[tokio::test(start_paused = true)]
async fn a_signature_of_another_run_proves_nothing() {
    let world = signing(World::contoso());
    world.contain().await;
    let first = world.journal();
    world.contain().await;
    for path in [head_path, signature_path] {
        std::fs::copy(path(&first), path(&world.journal())).unwrap();
    }
    let found = check(&world, &public(SEED));
    assert_eq!(code(&found), Some("E0705"), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_signed_is_no_success_and_says_what_stands() {
    let world = signing(World::contoso());
    world.contain().await;
    let head = head_path(&world.journal());
    std::fs::remove_file(&head).unwrap();
    std::fs::create_dir_all(head.join("in the way")).unwrap();
    let document = world.verify().await;
    let error = document.error.unwrap();
    assert_eq!((error.code.as_str(), document.exit_code == 0), ("E0703", false));
    assert!(error.changed.contains("only the signature is missing"), "{error:#?}");
}

#[test]
fn a_key_that_is_none_or_open_to_others_is_refused_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nTUlJ\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let rsa = "-----BEGIN PRIVATE KEY-----\nMIIBVQ==\n-----END PRIVATE KEY-----\n";
    for text in ["", "nonsense", &public(SEED), encrypted, rsa, &private(SEED)[..60]] {
        let failure = Signer::open(&private_file(folder.path(), text)).unwrap_err();
        assert_eq!(failure.code, Code::InvalidKey, "{text}");
        assert!(!failure.what.contains("MII") && failure.next.is_some(), "{failure:?}");
    }
    let path = private_file(folder.path(), &private(SEED));
    assert_eq!(format!("{:?}", Signer::open(&path).unwrap()), "Signer");
    #[cfg(unix)]
    for open in [0o640, 0o604, 0o666] {
        mode(&path, open);
        assert_eq!(Signer::open(&path).unwrap_err().code, Code::ExposedSecret, "{open:o}");
    }
    assert_eq!(Signer::open(folder.path()).unwrap_err().code, Code::InvalidKey);
    for text in ["", &private(SEED), "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"] {
        let path = folder.path().join("key.pub");
        std::fs::write(&path, text).unwrap();
        assert_eq!(PublicKey::open(&path).err().map(|failure| failure.code), Some(Code::InvalidKey));
    }
}
