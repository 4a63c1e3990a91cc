//! Reading a file that holds a secret: only where nobody else can read it, and never more than a secret is long.

use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::{Code, Failure, Result};

/// More than any secret is long.
const LARGEST: u64 = 64 * 1024;

/// What kind of file it is, for the errors.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// `token file`.
    pub name: &'static str,
    /// The code of a file that can't be used.
    pub code: Code,
    /// What to do then.
    pub next: &'static str,
    /// What to do about a file that others can read: `treat the token as leaked`.
    pub leaked: &'static str,
}

impl Kind {
    /// The error of a file that can't be used.
    pub fn refuse(&self, path: &Path, why: &str) -> Failure {
        Failure::new(self.code, format!("the {} {} can't be used: {why}", self.name, path.display()))
            .next(self.next)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`Code::ExposedSecret`] when others may read it, else the code of the kind.
    pub fn read(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        let data = std::fs::metadata(path).map_err(|e| self.refuse(path, &e.to_string()))?;
        if !data.is_file() {
            return Err(self.refuse(path, "it is no file"));
        }
        if data.len() > LARGEST {
            return Err(self.refuse(path, &format!("it is larger than {LARGEST} bytes")));
        }
        self.refuse_exposed(path, &data)?;
        std::fs::read(path).map(Zeroizing::new).map_err(|e| self.refuse(path, &e.to_string()))
    }

    #[cfg(unix)]
    fn refuse_exposed(&self, path: &Path, data: &std::fs::Metadata) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let others = data.permissions().mode() & 0o077;
        if others == 0 {
            return Ok(());
        }
        let what = format!("the {} {} can be read by others", self.name, path.display());
        Err(Failure::new(Code::ExposedSecret, what).next(format!(
            "chmod 600 {}, and {} if others were on the machine",
            path.display(),
            self.leaked
        )))
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self)]
    fn refuse_exposed(&self, _: &Path, _: &std::fs::Metadata) -> Result<()> {
        Ok(())
    }
}
