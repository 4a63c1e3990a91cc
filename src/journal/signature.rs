//! The signed head: what a third party needs to see that a journal ends as its operator left it.
//!
//! Two files beside the journal. `head.txt` names the run, its records and the hash of the last; `journal.sig` is the
//! Ed25519 signature (RFC 8032, 64 bytes) over exactly the bytes of `head.txt`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::store::write_private;
use crate::failure::{Code, Failure, Result};
use crate::secret_file::Kind;

/// First line of `head.txt`.
const TITLE: &str = "oust journal head 1";
/// `SubjectPublicKeyInfo` of an Ed25519 key up to the 32 bytes of the key itself (RFC 8410, 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

const SIGNING_KEY: Kind = Kind {
    name: "signing key",
    code: Code::InvalidKey,
    next: "make one with: openssl genpkey -algorithm ed25519 -out journal-key.pem",
    leaked: "make a new key",
};

/// Signs the ends of journals.
pub struct Signer(Ed25519KeyPair);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Reads a private key: PKCS#8 in PEM, unencrypted, as `openssl genpkey -algorithm ed25519` makes it.
    ///
    /// # Errors
    /// [`Code::ExposedSecret`] when others may read the file, [`Code::InvalidKey`] when it holds no such key.
    pub fn open(path: &Path) -> Result<Self> {
        let text = SIGNING_KEY.read(path)?;
        if text.windows(21).any(|part| part == b"ENCRYPTED PRIVATE KEY") {
            return Err(
                SIGNING_KEY.refuse(path, "it is encrypted, and nobody is there to type its passphrase")
            );
        }
        let der = pem(&text, "PRIVATE KEY");
        let key = der.and_then(|der| Ed25519KeyPair::from_pkcs8(&der).ok());
        key.map(Self)
            .ok_or_else(|| SIGNING_KEY.refuse(path, "it holds no Ed25519 private key in PEM (PKCS#8)"))
    }

    /// Writes `head.txt` and `journal.sig` beside a journal.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`].
    pub fn sign(&self, journal: &Path, head: &SignedHead) -> Result<()> {
        let text = head.text();
        write_private(&head_path(journal), text.as_bytes())?;
        write_private(&signature_path(journal), self.0.sign(text.as_bytes()).as_ref())
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// UUID v7 of the run.
    pub run_id: String,
    /// How many records the journal has.
    pub records: u64,
    /// SHA-256 of the last line without its newline, hex.
    pub head: String,
}

impl SignedHead {
    /// The bytes of `head.txt`: four lines, each ended by a newline.
    pub fn text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        let _ = write!(text, "run {}\nrecords {}\nsha256 {}\n", self.run_id, self.records, self.head);
        text
    }

    /// Reads `head.txt`. `None`: it is not as [`SignedHead::text`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let title = lines.next()?;
        let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
        let found =
            Self { run_id: value("run")?, records: value("records")?.parse().ok()?, head: value("sha256")? };
        (title == TITLE && found.text() == text).then_some(found)
    }
}

/// The key that a third party checks with.
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`Code::InvalidKey`].
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |why: &str| {
            Failure::new(Code::InvalidKey, format!("the public key {} can't be used: {why}", path.display()))
                .next("write it with: openssl pkey -in journal-key.pem -pubout -out journal-key.pub")
        };
        let text = Zeroizing::new(std::fs::read(path).map_err(|e| refuse(&e.to_string()))?);
        let der = pem(&text, "PUBLIC KEY").ok_or_else(|| refuse("it holds no public key in PEM"))?;
        let key = der.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| refuse("it is no Ed25519 key"))
    }

    /// What was signed beside a journal.
    ///
    /// # Errors
    /// Why there is nothing that this key has signed.
    pub fn verify(&self, journal: &Path) -> std::result::Result<SignedHead, String> {
        let read = |path: PathBuf| {
            std::fs::read(&path).map_err(|e| format!("there is no signature: {}: {e}", path.display()))
        };
        let (text, signature) = (read(head_path(journal))?, read(signature_path(journal))?);
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(&text, &signature)
            .map_err(|_| "journal.sig is not a signature of head.txt by this key".to_owned())?;
        std::str::from_utf8(&text)
            .ok()
            .and_then(SignedHead::parse)
            .ok_or_else(|| "head.txt can't be read".to_owned())
    }
}

/// `head.txt` beside a journal.
pub fn head_path(journal: &Path) -> PathBuf {
    journal.with_file_name("head.txt")
}

/// `journal.sig` beside a journal.
pub fn signature_path(journal: &Path) -> PathBuf {
    journal.with_file_name("journal.sig")
}

/// The content of the first block of that label.
fn pem(text: &[u8], label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (content, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let packed = Zeroizing::new(content.split_whitespace().collect::<String>());
    STANDARD.decode(packed.as_bytes()).ok().map(Zeroizing::new)
}
