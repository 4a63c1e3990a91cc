//! Signing in through the Azure SDK, over our own transport.
//!
//! A credential object is made anew for each sign-in: it keeps tokens of its own, and there is no other way
//! to make it forget one that Graph refused. For a managed identity the SDK itself reads the platform's
//! variables (`IDENTITY_ENDPOINT`, …).

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{
    ClientMethodOptions, ClientOptions, ExponentialRetryOptions, RetryOptions, Transport as SdkTransport,
};
use azure_core::time::Duration;
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::certificate::Certificate;
use super::token::{SignIn, Token};
use super::wire::Wire;
use super::{SendError, Transport, sign_in_error};
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// A way to sign in with all that it needs.
pub(super) enum Way {
    Secret(SecretString),
    Certificate(Arc<Certificate>),
    Workload(PathBuf),
    ManagedIdentity,
    Az,
}

/// Signs in one way.
pub(super) struct SdkSignIn {
    pub way: Way,
    /// Origin of the sign-in service.
    pub authority: String,
    pub tenant_id: Option<String>,
    pub client_id: Option<String>,
    pub scope: String,
    pub transport: Arc<dyn Transport>,
    pub clock: Clock,
}

#[async_trait]
impl SignIn for SdkSignIn {
    async fn sign_in(&self, claims: Option<&str>) -> Result<Token> {
        let wire = Arc::new(Wire::new(Arc::clone(&self.transport), claims));
        let credential = self.credential(Arc::clone(&wire)).map_err(|error| {
            Failure::new(Code::NoCredential, format!("the sign-in can't be set up: {}", one_line(&error)))
                .next("check AZURE_TENANT_ID, AZURE_CLIENT_ID and the files that the environment names")
        })?;
        match credential.get_token(&[&self.scope], None).await {
            Ok(token) => Ok(Token {
                secret: token.token.secret().into(),
                expires_on: Timestamp::from_second(token.expires_on.unix_timestamp()).ok(),
            }),
            Err(error) => Err(self.explain(wire.trouble(), &error)),
        }
    }
}

impl SdkSignIn {
    fn credential(&self, wire: Arc<Wire>) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let client_options = self.client_options(wire);
        let tenant_id = self.tenant_id.clone().unwrap_or_default();
        let client_id = self.client_id.clone().unwrap_or_default();
        Ok(match &self.way {
            Way::Secret(secret) => ClientSecretCredential::new(
                &tenant_id,
                client_id,
                Secret::new(secret.expose_secret().to_owned()),
                Some(ClientSecretCredentialOptions { client_options }),
            )?,
            Way::Certificate(certificate) => {
                let assertion = Assertion {
                    certificate: Arc::clone(certificate),
                    client_id: client_id.clone(),
                    audience: format!("{}/{tenant_id}/oauth2/v2.0/token", self.authority),
                    clock: self.clock.clone(),
                };
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant_id, client_id, assertion, Some(options))?
            }
            Way::Workload(path) => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: Some(client_id),
                    tenant_id: Some(tenant_id),
                    token_file_path: Some(path.clone()),
                }))?
            }
            Way::ManagedIdentity => ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: self.client_id.clone().map(UserAssignedId::ClientId),
                client_options,
            }))?,
            Way::Az => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: self.tenant_id.clone(),
                ..AzureCliCredentialOptions::default()
            }))?,
        })
    }

    fn client_options(&self, wire: Arc<Wire>) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host.clone_from(&self.authority);
        ClientOptions {
            transport: Some(SdkTransport::new(wire)),
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: 3,
                max_total_elapsed: Duration::seconds(20),
                ..ExponentialRetryOptions::default()
            }),
            ..ClientOptions::default()
        }
    }

    fn explain(
        &self,
        trouble: Option<std::result::Result<super::Reply, SendError>>,
        error: &azure_core::Error,
    ) -> Failure {
        match (trouble, &self.way) {
            (Some(Ok(reply)), Way::ManagedIdentity) => sign_in_error::from_reply(&reply)
                .next("assign a managed identity to this machine; AZURE_CLIENT_ID chooses among several"),
            (Some(Ok(reply)), _) => sign_in_error::from_reply(&reply),
            (Some(Err(error)), Way::ManagedIdentity) => {
                Failure::new(Code::NoCredential, format!("this machine offers no managed identity: {error}"))
                    .next(sign_in_error::hint(Code::NoCredential).unwrap_or_default())
            }
            (Some(Err(error)), _) => Failure::new(
                Code::Unreachable,
                format!("{} can't be reached to sign in: {error}", self.authority),
            )
            .next(sign_in_error::hint(Code::Unreachable).unwrap_or_default()),
            (None, Way::Az) => {
                Failure::new(Code::SignInRefused, format!("the Azure CLI gave no token: {}", one_line(error)))
                    .next("run `az login`")
            }
            (None, _) => {
                Failure::new(Code::SignInRefused, format!("the sign-in failed: {}", one_line(error)))
            }
        }
    }
}

/// The SDK's text up to its first line break, where its advice begins.
fn one_line(error: &azure_core::Error) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(300).collect()
}

/// Signs a new assertion each time that the SDK needs one.
#[derive(Debug)]
struct Assertion {
    certificate: Arc<Certificate>,
    client_id: String,
    audience: String,
    clock: Clock,
}

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let signed = self.certificate.assertion(&self.client_id, &self.audience, self.clock.now());
        signed.map(|assertion| assertion.to_string()).map_err(|failure| {
            azure_core::Error::with_message(azure_core::error::ErrorKind::Credential, failure.what)
        })
    }
}
