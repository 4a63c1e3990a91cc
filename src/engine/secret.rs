//! Secrets: new passwords, made as they are sent, and what an answer brings once. Sealed for a recipient if there
//! is one, kept nowhere.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use oust_actions::{Call, SECRET_KEY};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::failure::{Code, Failure, Result};
use crate::journal::Store;

/// 32 characters of this alphabet are more than 180 bits. No character that needs escaping in JSON or is read
/// wrongly aloud.
const ALPHABET: [&[u8]; 4] =
    [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnpqrstuvwxyz", b"23456789", b"-_.!#*+=@%"];
const LENGTH: usize = 32;

/// A body to send. Wiped after use.
pub type Body = Zeroizing<Vec<u8>>;

/// The secrets of one process: the same change sent twice carries the same secret.
pub struct Secrets {
    known: HashMap<String, Zeroizing<String>>,
    recipient: Option<Recipient>,
    folder: PathBuf,
}

/// A secret that was sealed into a file.
pub struct SealedFile {
    /// The file.
    pub path: PathBuf,
    /// Whom it is for: a public key.
    pub recipient: String,
}

impl Secrets {
    /// Seals into `folder` for `recipient`; without one nobody learns a secret.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`]: not a public key of age.
    pub fn new(recipient: Option<&str>, folder: &Path) -> Result<Self> {
        let recipient = recipient.map(parse_recipient).transpose()?;
        Ok(Self { known: HashMap::new(), recipient, folder: folder.to_owned() })
    }

    /// The body of a call with its secrets filled in, and the file they were sealed into. The file is on disk
    /// when this returns, so a crash after the call loses nothing.
    ///
    /// # Errors
    /// [`Code::StateUnwritable`] when the sealed file can't be written: the call must not be sent then.
    pub fn fill(&mut self, user_id: &str, call: &Call) -> Result<(Option<Body>, Option<SealedFile>)> {
        let Some(body) = &call.body else { return Ok((None, None)) };
        let text = Zeroizing::new(serde_json::to_vec(body).unwrap_or_default());
        let Some(name) = secret_name(body) else { return Ok((Some(text), None)) };
        let key = format!("{user_id}/{name}");
        let fresh = !self.known.contains_key(&key);
        if fresh {
            self.known.insert(key.clone(), password()?);
        }
        let secret = &self.known[&key];
        let sealed = match &self.recipient {
            Some(recipient) if fresh => Some(seal(recipient, secret, &self.folder, name, user_id)?),
            _ => None,
        };
        let place = serde_json::to_vec(&serde_json::json!({ SECRET_KEY: name })).unwrap_or_default();
        let mut filled = Zeroizing::new(Vec::with_capacity(text.len() + LENGTH));
        let at = text.windows(place.len()).position(|w| w == place).unwrap_or_default();
        filled.extend_from_slice(&text[..at]);
        filled.push(b'"');
        filled.extend_from_slice(secret.as_bytes());
        filled.push(b'"');
        filled.extend_from_slice(&text[at + place.len()..]);
        Ok((Some(filled), sealed))
    }
}

impl Secrets {
    /// Whether what the answer of a call brings can be sealed: asked before the call is announced.
    ///
    /// # Errors
    /// [`Code::RecipientMissing`]; [`Code::StateUnwritable`] when the folder takes no file.
    pub fn check_can_seal(&self, call: &Call) -> Result<()> {
        if call.seal.is_none() {
            return Ok(());
        }
        if self.recipient.is_none() {
            return Err(no_recipient());
        }
        Store::check_writable(&self.folder)
    }

    /// Seals what an answer brought as `name`. The file is on disk when this returns.
    ///
    /// # Errors
    /// As [`Secrets::check_can_seal`].
    pub fn seal(&self, user_id: &str, name: &str, secret: &str) -> Result<SealedFile> {
        let recipient = self.recipient.as_ref().ok_or_else(no_recipient)?;
        seal(recipient, secret, &self.folder, name, user_id)
    }
}

/// A secret comes once, and nobody is named who could open it.
pub(super) fn no_recipient() -> Failure {
    Failure::new(
        Code::RecipientMissing,
        "the answer holds a secret that comes once, and nobody is named to have it",
    )
    .next("name a public key of age that it is sealed for: `--secret-recipient age1…`")
}

/// Reads a public key of age, `age1…`.
///
/// # Errors
/// [`Code::InvalidConfig`].
pub fn parse_recipient(text: &str) -> Result<Recipient> {
    text.parse().map_err(|e| {
        Failure::new(Code::InvalidConfig, format!("the recipient is not a public key of age: {e}"))
            .next("give the public key (age1…) that age-keygen prints; the private key stays with its owner")
    })
}

fn secret_name(value: &Value) -> Option<&str> {
    match value {
        Value::Object(map) => match map.get(SECRET_KEY) {
            Some(Value::String(name)) => Some(name),
            _ => map.values().find_map(secret_name),
        },
        Value::Array(items) => items.iter().find_map(secret_name),
        _ => None,
    }
}

/// A password that satisfies any policy of Entra ID and AD: 32 characters of all four classes.
fn password() -> Result<Zeroizing<String>> {
    let random = SystemRandom::new();
    let all: Vec<u8> = ALPHABET.concat();
    loop {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        while text.len() < LENGTH {
            let mut byte = [0u8; 1];
            random
                .fill(&mut byte)
                .map_err(|_| Failure::new(Code::Internal, "the system gives no random numbers"))?;
            // Only whole multiples of the alphabet, so that every character is as likely as any other.
            let limit = 256 / all.len() * all.len();
            if usize::from(byte[0]) < limit {
                text.push(char::from(all[usize::from(byte[0]) % all.len()]));
            }
        }
        if ALPHABET.iter().all(|class| text.bytes().any(|b| class.contains(&b))) {
            return Ok(text);
        }
    }
}

fn seal(recipient: &Recipient, secret: &str, folder: &Path, name: &str, user_id: &str) -> Result<SealedFile> {
    let failed =
        |e: &dyn std::fmt::Display| Failure::new(Code::StateUnwritable, format!("sealing the {name}: {e}"));
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient as &dyn age::Recipient))
        .map_err(|e| failed(&e))?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|e| failed(&e))?;
    writer.write_all(secret.as_bytes()).map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    let path = free_name(folder, name, user_id);
    Store::write_sealed(&path, &sealed)?;
    Ok(SealedFile { path, recipient: recipient.to_string() })
}

/// A resume after a crash makes a new secret; the earlier file stays, since its call may be the one that counted.
fn free_name(folder: &Path, name: &str, user_id: &str) -> PathBuf {
    let mut path = folder.join(format!("{name}-{user_id}.age"));
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = folder.join(format!("{name}-{user_id}-{number}.age"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use oust_actions::Method;

    fn call() -> Call {
        Call::new(Method::Patch, ["users", "u"]).body(serde_json::json!({
            "passwordProfile": {"password": {SECRET_KEY: "new_password"}, "forceChangePasswordNextSignIn": true}
        }))
    }

    #[test]
    fn a_password_has_all_classes_and_no_two_are_alike() {
        let (a, b) = (password().unwrap(), password().unwrap());
        assert_eq!(a.len(), LENGTH);
        assert_ne!(*a, *b);
        assert!(ALPHABET.iter().all(|class| a.bytes().any(|c| class.contains(&c))));
    }

    #[test]
    fn the_same_call_carries_the_same_secret_and_only_the_recipient_can_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let identity = age::x25519::Identity::generate();
        let mut secrets = Secrets::new(Some(&identity.to_public().to_string()), folder.path()).unwrap();
        let (first, sealed) = secrets.fill("u", &call()).unwrap();
        let (second, again) = secrets.fill("u", &call()).unwrap();
        assert_eq!(first, second);
        assert!(again.is_none());
        let body: Value = serde_json::from_slice(&first.unwrap()).unwrap();
        let sent = body["passwordProfile"]["password"].as_str().unwrap().to_owned();
        let bytes = std::fs::read(sealed.unwrap().path).unwrap();
        assert!(!bytes.windows(sent.len()).any(|w| w == sent.as_bytes()));
        assert_eq!(age::decrypt(&identity, &bytes).unwrap(), sent.as_bytes());
    }
}
