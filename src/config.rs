//! The configuration file: what is protected, limits, tenants. Every value is optional.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Code, Failure, Result};
use crate::graph::cloud::Cloud;
use crate::graph::credential::Auth;
use crate::graph::limits::TenantSize;

/// `oust.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is never contained.
    pub protected: Protected,
    /// Limits.
    pub limits: Limits,
    /// The record of a run.
    pub journal: JournalConfig,
    /// Tenants by the name that `--tenant` takes.
    pub tenants: BTreeMap<String, TenantConfig>,
}

/// Accounts that are never contained, whoever asks: emergency access accounts above all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protected {
    /// Object ids of users.
    pub users: Vec<uuid::Uuid>,
    /// Object ids of groups, with all their transitive members.
    pub groups: Vec<uuid::Uuid>,
}

/// Limits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most users of one run.
    pub max_users: Option<usize>,
}

/// The record of a run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JournalConfig {
    /// Path of the Ed25519 private key that signs the ends of journals, PKCS#8 in PEM.
    pub signing_key: Option<PathBuf>,
}

/// How to reach a tenant.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantConfig {
    /// Tenant id.
    pub tenant_id: Option<String>,
    /// Client id of the application that runs oust.
    pub client_id: Option<String>,
    /// How to sign in.
    pub auth: Option<Auth>,
    /// Which cloud.
    pub cloud: Option<Cloud>,
    /// Path of a PEM file with certificate and key.
    pub certificate_path: Option<PathBuf>,
    /// How many users it has, which decides how much Graph may be asked.
    pub size: TenantSize,
    /// Whether forwarding, delegates and hidden rules are looked at through Exchange Online, which takes a
    /// token and a permission of its own.
    pub exchange: bool,
}

impl Config {
    /// The file that is read: the named one, or the platform's if there is one.
    pub fn path(named: Option<&Path>) -> Option<PathBuf> {
        named.map(Path::to_owned).or_else(|| default_path().filter(|path| path.is_file()))
    }

    /// Reads the file, which may be missing only where nobody named it.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`] with the line.
    pub fn load(named: Option<&Path>) -> Result<Self> {
        let Some(path) = Self::path(named) else { return Ok(Self::default()) };
        let wrong = |what: String| {
            Failure::new(Code::InvalidConfig, format!("the configuration {}: {what}", path.display()))
                .next("mend the file, or name another one in OUST_CONFIG")
        };
        let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
        toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(1, |s| 1 + text[..s.start.min(text.len())].matches('\n').count());
            wrong(format!("line {line}: {}", e.message()))
        })
    }

    /// The tenant of that name, the only one, or none.
    ///
    /// # Errors
    /// [`Code::UnknownName`].
    pub fn tenant(&self, name: Option<&str>) -> Result<TenantConfig> {
        match name {
            Some(name) => self.tenants.get(name).cloned().ok_or_else(|| {
                let known = self.tenants.keys().cloned().collect::<Vec<_>>().join(", ");
                Failure::new(Code::UnknownName, format!("the configuration has no tenant {name:?}"))
                    .next(format!("it has: {}", if known.is_empty() { "none" } else { &known }))
            }),
            None if self.tenants.len() == 1 => Ok(self.tenants.values().next().cloned().unwrap_or_default()),
            None => Ok(TenantConfig::default()),
        }
    }
}

fn default_path() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("oust").join("oust.toml"))
}

/// Where runs are kept when nobody says.
pub fn default_state_dir() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir().unwrap_or_else(|| base.data_dir()).join("oust"))
}
