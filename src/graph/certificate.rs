//! Signing in with a certificate: the assertion that proves that we hold its key.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use std::path::Path;

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{digest, rand, signature};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::failure::{Code, Failure, Result};

/// How long an assertion is good for.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// A certificate with its key.
pub struct Certificate {
    key: KeyPair,
    /// SHA-256 of the certificate, base64url: `x5t#S256`.
    thumbprint: String,
    not_after: Timestamp,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a PEM file with an unencrypted RSA key and its certificate, in any order.
    ///
    /// # Errors
    /// [`Code::CertificateRefused`]: unreadable, another kind of file or key, or expired.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self> {
        let refuse = |why: String| {
            Failure::new(
                Code::CertificateRefused,
                format!("the certificate file {} can't be used: {why}", path.display()),
            )
            .next("name a PEM file with the certificate and its unencrypted RSA key")
        };
        let pem = Zeroizing::new(std::fs::read(path).map_err(|e| refuse(e.to_string()))?);
        let found = Self::from_pem(&pem).map_err(|why| refuse(why.to_owned()))?;
        if found.not_after <= now {
            return Err(refuse(format!("it expired at {}", found.not_after))
                .next("register a new certificate with the application"));
        }
        Ok(found)
    }

    /// When it expires.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    fn from_pem(pem: &[u8]) -> std::result::Result<Self, &'static str> {
        let text = std::str::from_utf8(pem).map_err(|_| "it is not PEM; convert a .pfx file first")?;
        let mut key = None;
        let mut certificates = Vec::new();
        for (label, der) in blocks(text) {
            let der = der.ok_or("a block of it is not base64")?;
            match label {
                "CERTIFICATE" => certificates.push(der),
                "PRIVATE KEY" => key = Some(KeyPair::from_pkcs8(&der)),
                "RSA PRIVATE KEY" => key = Some(KeyPair::from_der(&der)),
                "ENCRYPTED PRIVATE KEY" => return Err("its key is encrypted"),
                "EC PRIVATE KEY" => return Err("its key is not RSA"),
                _ => {}
            }
        }
        let key = key.ok_or("it holds no private key")?.map_err(|_| "its key is not a sound RSA key")?;
        // The public key stands in its certificate as it is.
        let public = key.public_key().as_ref();
        let own = certificates.iter().find(|der| der.windows(public.len()).any(|part| part == public));
        let own = own.ok_or("it holds no certificate for its key")?;
        let not_after = not_after(own).ok_or("its certificate can't be read")?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, own));
        Ok(Self { key, thumbprint, not_after })
    }

    /// A signed assertion for the token endpoint `audience`.
    ///
    /// # Errors
    /// [`Code::CertificateRefused`]: the key doesn't sign.
    pub fn assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Result<Zeroizing<String>> {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint });
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4(),
            "nbf": now.as_second(),
            "exp": (now + LIFETIME).as_second(),
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut proof = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&signature::RSA_PSS_SHA256, &rand::SystemRandom::new(), signed.as_bytes(), &mut proof)
            .map_err(|_| Failure::new(Code::CertificateRefused, "the certificate's key can't sign"))?;
        Ok(Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(proof))))
    }
}

/// The blocks of a PEM text: label and content, `None` where that is no base64.
fn blocks(text: &str) -> Vec<(&str, Option<Zeroizing<Vec<u8>>>)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((label, after)) = rest.split_once("-----BEGIN ").and_then(|(_, r)| r.split_once("-----")) {
        let Some((content, after)) = after.split_once("-----END ") else { break };
        let packed = Zeroizing::new(content.split_whitespace().collect::<String>());
        found.push((label, STANDARD.decode(packed.as_bytes()).ok().map(Zeroizing::new)));
        rest = after;
    }
    found
}

/// The end of a certificate's validity: `Certificate.tbsCertificate.validity.notAfter` (RFC 5280, 4.1).
fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (SEQUENCE, outer, _) = der(certificate)? else { return None };
    let (SEQUENCE, mut inner, _) = der(outer)? else { return None };
    if inner.first() == Some(&VERSION) {
        inner = der(inner)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        inner = der(inner)?.2;
    }
    let (SEQUENCE, validity, _) = der(inner)? else { return None };
    let (tag, time, _) = der(der(validity)?.2)?;
    let text = std::str::from_utf8(time).ok()?;
    let full = match tag {
        // UTCTime: two digits of the year, from 1950 on.
        0x17 => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", full).ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

/// The first element: its tag, its content, and what follows it.
fn der(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, short], mut rest) = bytes.split_first_chunk::<2>()?;
    let mut length = usize::from(short);
    if short & 0x80 != 0 {
        let count = usize::from(short & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits.iter().fold(0, |sum, &digit| (sum << 8) | usize::from(digit));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::UnparsedPublicKey;

    use super::*;

    static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &content].concat()
    }

    /// As much of a certificate as is looked at.
    fn certificate(not_after: &str, key: &[u8]) -> Vec<u8> {
        let tag = if not_after.len() == 13 { 0x17 } else { 0x18 };
        let validity =
            element(0x30, &[&element(0x17, &[b"200101000000Z"]), &element(tag, &[not_after.as_bytes()])]);
        let version = element(0xa0, &[&element(2, &[&[2]])]);
        let (serial, empty) = (element(2, &[&[1]]), element(0x30, &[]));
        let tbs = element(0x30, &[&version, &serial, &empty, &empty, &validity, &element(3, &[key])]);
        element(0x30, &[&tbs])
    }

    fn block(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    fn private() -> String {
        let der: Pkcs8V1Der<'_> = KEY.as_der().unwrap();
        block("PRIVATE KEY", der.as_ref())
    }

    /// A file's text with a key and its certificate.
    pub fn pem(not_after: &str) -> String {
        let other = block("CERTIFICATE", &certificate("300101000000Z", b"another key"));
        other + &private() + &block("CERTIFICATE", &certificate(not_after, KEY.public_key().as_ref()))
    }

    #[test]
    fn the_end_of_validity_is_read_in_both_forms() {
        for (text, want) in [
            ("301231235959Z", "2030-12-31T23:59:59Z"),
            ("991231235959Z", "1999-12-31T23:59:59Z"),
            ("20501231235959Z", "2050-12-31T23:59:59Z"),
        ] {
            assert_eq!(not_after(&certificate(text, b"")), Some(want.parse().unwrap()));
        }
        assert_eq!(not_after(&certificate("301331235959Z", b"")), None);
    }

    #[test]
    fn no_cut_off_or_odd_certificate_is_read_or_panics() {
        let whole = certificate("301231235959Z", b"key");
        for end in 0..whole.len() {
            assert_eq!(not_after(&whole[..end]), None, "{end}");
        }
        for odd in [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x84, 255, 255, 255, 255], b"x"]
        {
            assert_eq!(not_after(odd), None);
        }
    }

    #[test]
    fn the_assertion_is_signed_by_the_key_and_names_the_certificate() {
        let certificate = Certificate::from_pem(pem("301231235959Z").as_bytes()).unwrap();
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let assertion = certificate.assertion("app", "https://login.contoso.com/t", now).unwrap();
        let (signed, proof) = assertion.rsplit_once('.').unwrap();
        let proof = URL_SAFE_NO_PAD.decode(proof).unwrap();
        UnparsedPublicKey::new(&signature::RSA_PSS_2048_8192_SHA256, KEY.public_key().as_ref())
            .verify(signed.as_bytes(), &proof)
            .unwrap();
        let parts: Vec<serde_json::Value> = signed
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0]["alg"], "PS256");
        let own = self::certificate("301231235959Z", KEY.public_key().as_ref());
        assert_eq!(parts[0]["x5t#S256"], URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &own)));
        assert_eq!((&parts[1]["iss"], &parts[1]["sub"]), (&json!("app"), &json!("app")));
        assert_eq!(parts[1]["aud"], "https://login.contoso.com/t");
        assert_eq!(parts[1]["exp"].as_i64().unwrap() - parts[1]["nbf"].as_i64().unwrap(), 600);
    }

    #[test]
    fn a_file_that_can_not_sign_is_refused_with_the_reason() {
        let lone = block("CERTIFICATE", &certificate("301231235959Z", b"another key"));
        for (text, reason) in [
            (String::new(), "no private key"),
            (lone.clone(), "no private key"),
            (private(), "no certificate for its key"),
            (private() + &lone, "no certificate for its key"),
            (block("ENCRYPTED PRIVATE KEY", b"x"), "encrypted"),
            (block("EC PRIVATE KEY", b"x"), "not RSA"),
            (block("PRIVATE KEY", b"x"), "not a sound RSA key"),
            ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----".into(), "not base64"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA".into(), "no private key"),
        ] {
            let why = Certificate::from_pem(text.as_bytes()).unwrap_err();
            assert!(why.contains(reason), "{why} for {reason}");
        }
        assert!(Certificate::from_pem(b"\xff\xfe").unwrap_err().contains(".pfx"));
    }

    #[test]
    fn an_expired_certificate_is_refused_before_anything_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.pem");
        std::fs::write(&path, pem("301231235959Z")).unwrap();
        let end: Timestamp = "2030-12-31T23:59:59Z".parse().unwrap();
        let good = Certificate::open(&path, end - SignedDuration::from_secs(1)).unwrap();
        assert_eq!(good.not_after(), end);
        let failure = Certificate::open(&path, end).unwrap_err();
        assert_eq!(failure.code, Code::CertificateRefused);
        assert!(failure.what.contains("2030-12-31"));
        assert_eq!(Certificate::open(folder.path(), end).unwrap_err().code, Code::CertificateRefused);
    }
}
