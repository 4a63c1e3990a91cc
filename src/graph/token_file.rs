//! A token from a file (`--token-file`, `OUST_TOKEN_FILE`): for a rehearsal, or where another tool signs in.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::claims::Claims;
use super::token::{Again, Token, TokenSource};
use crate::failure::{Code, Failure, Result};
use crate::secret_file::Kind;

const FILE: Kind = Kind {
    name: "token file",
    code: Code::NoCredential,
    next: "write an access token for Graph, and nothing else, to a file that only you can read",
    leaked: "treat the token as leaked",
};

/// Reads the file once, and again when the service refuses the token.
#[derive(Debug)]
pub struct FixedToken {
    path: PathBuf,
    kept: Mutex<Token>,
}

impl FixedToken {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Code::ExposedSecret`] when others may read it, [`Code::NoCredential`] when it holds no token.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let kept = Mutex::new(read(&path)?);
        Ok(Self { path, kept })
    }
}

#[async_trait]
impl TokenSource for FixedToken {
    async fn token(&self, again: Again) -> Result<Token> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if again == Again::Cached {
            return Ok(kept);
        }
        let token = read(&self.path)?;
        if token.secret.expose_secret() == kept.secret.expose_secret() {
            let what =
                format!("the token in {} was refused, and the file still holds it", self.path.display());
            return Err(Failure::new(Code::TokenExpired, what)
                .next("put a new token into the file, then run the command again"));
        }
        *self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = token.clone();
        Ok(token)
    }
}

fn read(path: &Path) -> Result<Token> {
    let bytes = FILE.read(path)?;
    let text = std::str::from_utf8(&bytes).map_or("\0", str::trim);
    if text.is_empty() {
        return Err(FILE.refuse(path, "it is empty"));
    }
    // What RFC 6750 lets a bearer token be made of.
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b)) {
        return Err(FILE.refuse(path, "it holds something other than a token"));
    }
    Ok(Token { secret: SecretString::from(text), expires_on: Claims::decode(text).expires_on })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        write(&path, content);
        (folder, path)
    }

    fn write(path: &Path, content: &[u8]) {
        std::fs::write(path, content).unwrap();
        #[cfg(unix)]
        set_mode(path, 0o600);
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn a_refused_token_is_replaced_by_what_the_file_holds_by_then() {
        let (_folder, path) = file(b" first\n");
        let source = FixedToken::open(&path).unwrap();
        let taken = source.token(Again::Cached).await.unwrap();
        assert_eq!(taken.secret.expose_secret(), "first");
        let unchanged = source.token(Again::Fresh { claims: None }).await.unwrap_err();
        assert_eq!(unchanged.code, Code::TokenExpired);
        write(&path, b"second");
        let renewed = source.token(Again::Fresh { claims: None }).await.unwrap();
        assert_eq!(renewed.secret.expose_secret(), "second");
        assert_eq!(source.token(Again::Cached).await.unwrap().secret.expose_secret(), "second");
    }

    #[test]
    fn a_file_without_a_token_is_refused_without_showing_it() {
        let large = vec![b'a'; 70_000];
        for content in [&b""[..], b" \n", b"two words", b"\xff\xfe", b"a\0b", b"Bearer abc", &large] {
            let (_folder, path) = file(content);
            let failure = FixedToken::open(&path).unwrap_err();
            assert_eq!(failure.code, Code::NoCredential);
            assert!(!failure.what.contains("two words") && failure.next.is_some());
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(FixedToken::open(folder.path().join("none")).unwrap_err().code, Code::NoCredential);
        assert_eq!(FixedToken::open(folder.path()).unwrap_err().code, Code::NoCredential);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o666] {
            let (_folder, path) = file(b"token");
            set_mode(&path, mode);
            assert_eq!(FixedToken::open(&path).unwrap_err().code, Code::ExposedSecret, "{mode:o}");
        }
    }
}
