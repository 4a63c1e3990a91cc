//! What the environment says about signing in. Read once, here; everything below is told.

use std::path::PathBuf;

use secrecy::SecretString;

/// The variables of the Azure SDKs and our own. The configuration may fill what is missing.
///
/// <https://learn.microsoft.com/azure/developer/intro/passwordless-overview>
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `AZURE_TENANT_ID`: GUID or domain.
    pub tenant_id: Option<String>,
    /// `AZURE_CLIENT_ID`: the application.
    pub client_id: Option<String>,
    /// `AZURE_CLIENT_SECRET`.
    pub client_secret: Option<SecretString>,
    /// `AZURE_CLIENT_CERTIFICATE_PATH`: PEM with the key and the certificate.
    pub certificate_path: Option<PathBuf>,
    /// `AZURE_FEDERATED_TOKEN_FILE`: the token of another identity provider.
    pub federated_token_file: Option<PathBuf>,
    /// `AZURE_AUTHORITY_HOST`: another origin to sign in at.
    pub authority_host: Option<String>,
    /// `OUST_TOKEN_FILE` or `--token-file`: a token that somebody else got.
    pub token_file: Option<PathBuf>,
    /// Whether the platform announces a managed identity (`IDENTITY_ENDPOINT`, `MSI_ENDPOINT`).
    pub has_managed_identity: bool,
    /// Whether the Azure CLI is on the `PATH`.
    pub has_az: bool,
}

impl Environment {
    /// Reads the process's environment.
    pub fn from_process() -> Self {
        let mut read = Self::from_lookup(|name| std::env::var(name).ok());
        read.has_az = std::env::var_os("PATH").is_some_and(|path| {
            let names = if cfg!(windows) { ["az.cmd", "az.exe"].as_slice() } else { ["az"].as_slice() };
            std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).is_file()))
        });
        read
    }

    /// Reads variables through `lookup`; an empty one counts as unset.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        Self {
            tenant_id: read("AZURE_TENANT_ID"),
            client_id: read("AZURE_CLIENT_ID"),
            client_secret: read("AZURE_CLIENT_SECRET").map(SecretString::from),
            certificate_path: read("AZURE_CLIENT_CERTIFICATE_PATH").map(Into::into),
            federated_token_file: read("AZURE_FEDERATED_TOKEN_FILE").map(Into::into),
            authority_host: read("AZURE_AUTHORITY_HOST"),
            token_file: read("OUST_TOKEN_FILE").map(Into::into),
            has_managed_identity: read("IDENTITY_ENDPOINT").or_else(|| read("MSI_ENDPOINT")).is_some(),
            has_az: false,
        }
    }
}
