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
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions, Executor,
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
    /// What runs `az`.
    Az(Arc<dyn Executor>),
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
            Way::Az(executor) => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                executor: Some(Arc::clone(executor)),
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
            (None, Way::Az(_)) => {
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::graph::certificate;
    use crate::graph::fake::{Service, answer, no_answer, not_sent};

    const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    const APP: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";

    fn sign_in(way: Way, service: &Arc<Service>) -> SdkSignIn {
        SdkSignIn {
            way,
            authority: "https://login.microsoftonline.com".into(),
            tenant_id: Some(TENANT.into()),
            client_id: Some(APP.into()),
            scope: "https://graph.microsoft.com/.default".into(),
            transport: service.clone(),
            clock: Clock::system(),
        }
    }

    fn token(text: &str) -> std::result::Result<crate::graph::Reply, SendError> {
        answer(200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": text}).to_string())
    }

    fn form(service: &Service, nth: usize) -> HashMap<String, String> {
        let body = service.seen()[nth].body.clone().unwrap();
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_sent_to_the_tenant_for_graph_and_nothing_else() {
        let service = Arc::new(Service::new([token("one"), token("two")]));
        let source = sign_in(Way::Secret("hush & more".into()), &service);
        let first = source.sign_in(None).await.unwrap();
        assert_eq!(first.secret.expose_secret(), "one");
        assert!(first.expires_on.is_some());
        let seen = service.seen();
        assert_eq!(seen[0].method, "POST");
        assert_eq!(seen[0].url, format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
        assert_eq!(seen[0].header("content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(seen[0].header("user-agent"), None);
        assert_eq!(seen[0].bearer, None);
        let sent = form(&service, 0);
        assert_eq!((sent["client_id"].as_str(), sent["client_secret"].as_str()), (APP, "hush & more"));
        assert_eq!(sent["scope"], "https://graph.microsoft.com/.default");
        assert!(!sent.contains_key("claims"));
        // The SDK's own cache must not give the first again.
        let claims = r#"{"access_token":{"nbf":{"value":"1"}}}"#;
        assert_eq!(source.sign_in(Some(claims)).await.unwrap().secret.expose_secret(), "two");
        assert_eq!(form(&service, 1)["claims"], claims);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_by_its_codes_whatever_its_text_holds() {
        let body = r#"{"error":"invalid_client","error_codes":[7000215],"error_description":"AADSTS7000215: \"no\".\r\nTrace ID: x"}"#;
        let service = Arc::new(Service::new([answer(401, body)]));
        let failure = sign_in(Way::Secret("hush".into()), &service).sign_in(None).await.unwrap_err();
        assert_eq!((failure.code, failure.status), (Code::SecretRefused, Some(401)));
        assert!(!failure.what.contains("hush") && !failure.what.contains("Trace"));
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_on_the_way_is_waited_out_and_then_told() {
        let service = Arc::new(Service::new([not_sent(), no_answer(), answer(503, "<html>"), token("one")]));
        let source = sign_in(Way::Secret("hush".into()), &service);
        assert_eq!(source.sign_in(None).await.unwrap().secret.expose_secret(), "one");
        for (trouble, code) in [(not_sent(), Code::Unreachable), (answer(503, "<html>"), Code::Unavailable)] {
            let service = Arc::new(Service::new([trouble]).repeating());
            let failure = sign_in(Way::Secret("hush".into()), &service).sign_in(None).await.unwrap_err();
            assert_eq!(failure.code, code);
            assert!(failure.next.is_some() && service.seen().len() > 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_certificate_sends_an_assertion_for_its_token_endpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate.pem");
        std::fs::write(&path, certificate::tests::pem("301231235959Z")).unwrap();
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        let way = Way::Certificate(Arc::new(Certificate::open(&path, now).unwrap()));
        let service = Arc::new(Service::new([token("one")]));
        sign_in(way, &service).sign_in(None).await.unwrap();
        let sent = form(&service, 0);
        assert_eq!(sent["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let claims = crate::graph::Claims::decode(&sent["client_assertion"]);
        assert!(claims.expires_on.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_federated_token_is_read_anew_for_each_sign_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let service = Arc::new(Service::new([token("one"), token("two")]));
        let source = sign_in(Way::Workload(path.clone()), &service);
        assert_eq!(source.sign_in(None).await.unwrap_err().code, Code::NoCredential);
        for (nth, text) in ["first", "second"].into_iter().enumerate() {
            std::fs::write(&path, text).unwrap();
            source.sign_in(None).await.unwrap();
            assert_eq!(form(&service, nth)["client_assertion"], text);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_managed_identity_is_asked_of_this_machine() {
        let body = json!({"access_token": "one", "expires_on": "1900000000", "token_type": "Bearer",
            "resource": "https://graph.microsoft.com/", "expires_in": "3599", "not_before": "1"});
        let service = Arc::new(Service::new([answer(200, body.to_string())]));
        sign_in(Way::ManagedIdentity, &service).sign_in(None).await.unwrap();
        let seen = service.seen();
        assert!(seen[0].url.starts_with("http://169.254.169.254/metadata/identity/oauth2/token?"));
        assert!(seen[0].url.contains(&format!("client_id={APP}")));
        assert_eq!(seen[0].header("metadata"), Some("true"));

        let service = Arc::new(Service::new([not_sent()]));
        let failure = sign_in(Way::ManagedIdentity, &service).sign_in(None).await.unwrap_err();
        assert_eq!(failure.code, Code::NoCredential);
        assert_eq!(service.seen().len(), 1);
    }

    /// Ends with this status and output, and keeps the command.
    #[cfg(unix)]
    #[derive(Debug)]
    struct Az(i32, &'static str, std::sync::Mutex<String>);

    #[cfg(unix)]
    #[async_trait]
    impl Executor for Az {
        async fn run(
            &self,
            _: &std::ffi::OsStr,
            args: &[&std::ffi::OsStr],
        ) -> std::io::Result<std::process::Output> {
            use std::os::unix::process::ExitStatusExt;
            *self.2.lock().unwrap() = args.iter().map(|arg| arg.to_string_lossy() + " ").collect();
            let status = std::process::ExitStatus::from_raw(self.0 << 8);
            Ok(std::process::Output { status, stdout: self.1.into(), stderr: "ERROR: log in first".into() })
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_azure_cli_is_asked_for_this_tenant_and_its_refusal_is_shown() {
        let out = r#"{"accessToken":"one","expires_on":1900000000,"tokenType":"Bearer"}"#;
        let az = Arc::new(Az(0, out, std::sync::Mutex::default()));
        let service = Arc::new(Service::new([]));
        let token = sign_in(Way::Az(az.clone()), &service).sign_in(None).await.unwrap();
        assert_eq!(
            (token.secret.expose_secret(), token.expires_on.unwrap().as_second()),
            ("one", 1_900_000_000)
        );
        let command = az.2.lock().unwrap().clone();
        assert!(command.contains(TENANT) && command.contains("https://graph.microsoft.com/.default"));

        let az = Arc::new(Az(1, "", std::sync::Mutex::default()));
        let failure = sign_in(Way::Az(az), &service).sign_in(None).await.unwrap_err();
        assert_eq!(failure.code, Code::SignInRefused);
        assert!(failure.what.contains("log in first") && failure.next.is_some(), "{}", failure.what);
    }
}
