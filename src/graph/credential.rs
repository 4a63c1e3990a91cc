//! Which way to sign in, and the signing in.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Transport;
use super::certificate::Certificate;
use super::cloud::Cloud;
use super::environment::Environment;
use super::sdk::{SdkSignIn, Way};
use super::sign_in_error::hint;
use super::token::{Cached, TokenSource};
use super::token_file::FixedToken;
use crate::clock::Clock;
use crate::failure::{Code, Failure, Result};

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// The first that the environment is set up for, in the order below, a token file before them all.
    #[default]
    Auto,
    /// A client secret.
    Secret,
    /// A certificate and its key in a PEM file.
    Certificate,
    /// Workload identity federation: a token of another identity provider.
    Workload,
    /// The identity that Azure gives to this machine.
    ManagedIdentity,
    /// Whoever is logged in to the Azure CLI.
    Az,
    /// A token from a file.
    TokenFile,
}

/// Decides how to sign in, and says in words what was chosen. Nothing is sent yet.
///
/// `auto` asks only the environment and probes nothing: a managed identity is chosen where the platform
/// announces one, or where there is nothing else, not even the Azure CLI.
///
/// # Errors
/// [`Code::NoCredential`] when something is missing, and what is wrong with a file that was named.
pub fn choose(
    auth: Auth,
    environment: &Environment,
    cloud: Cloud,
    http: Arc<dyn Transport>,
) -> Result<(Arc<dyn TokenSource>, String)> {
    choose_at(auth, environment, (cloud, cloud.scope()), http, Clock::system())
}

/// The same sign-in for Exchange Online. `None`: a token from a file is for Graph, and there is no second one.
///
/// # Errors
/// As [`choose`].
pub fn choose_for_exchange(
    auth: Auth,
    environment: &Environment,
    cloud: Cloud,
    http: Arc<dyn Transport>,
) -> Result<Option<Arc<dyn TokenSource>>> {
    let chosen = if auth == Auth::Auto { automatic(environment).0 } else { auth };
    if chosen == Auth::TokenFile {
        return Ok(None);
    }
    let scope = cloud.exchange_scope();
    choose_at(auth, environment, (cloud, scope), http, Clock::system()).map(|(tokens, _)| Some(tokens))
}

fn choose_at(
    auth: Auth,
    environment: &Environment,
    (cloud, scope): (Cloud, String),
    http: Arc<dyn Transport>,
    clock: Clock,
) -> Result<(Arc<dyn TokenSource>, String)> {
    let (auth, why) = match auth {
        Auth::Auto => automatic(environment),
        chosen => (chosen, "it was asked for"),
    };
    if auth == Auth::TokenFile {
        let path = need(environment.token_file.as_ref(), "a token file", "OUST_TOKEN_FILE")?;
        let said = format!("the token in {}, because {why}", path.display());
        return Ok((Arc::new(FixedToken::open(path)?), said));
    }
    let way = way(auth, environment, &clock)?;
    let said = format!("{}, because {why}", describe(&way, environment));
    let sign_in = SdkSignIn {
        way,
        authority: authority(environment, cloud)?,
        tenant_id: environment.tenant_id.clone(),
        client_id: environment.client_id.clone(),
        scope,
        transport: http,
        clock: clock.clone(),
    };
    Ok((Arc::new(Cached::new(sign_in, clock)), said))
}

/// The Azure SDKs' order.
fn automatic(environment: &Environment) -> (Auth, &'static str) {
    if environment.token_file.is_some() {
        (Auth::TokenFile, "a token file is set")
    } else if environment.client_secret.is_some() {
        (Auth::Secret, "AZURE_CLIENT_SECRET is set")
    } else if environment.certificate_path.is_some() {
        (Auth::Certificate, "AZURE_CLIENT_CERTIFICATE_PATH is set")
    } else if environment.federated_token_file.is_some() {
        (Auth::Workload, "AZURE_FEDERATED_TOKEN_FILE is set")
    } else if environment.has_managed_identity {
        (Auth::ManagedIdentity, "the platform announces one")
    } else if environment.has_az {
        (Auth::Az, "no credential is set and the Azure CLI is installed")
    } else {
        (Auth::ManagedIdentity, "no credential is set and there is no Azure CLI")
    }
}

fn way(auth: Auth, environment: &Environment, clock: &Clock) -> Result<Way> {
    let application = || -> Result<()> {
        need(environment.tenant_id.as_ref(), "the tenant", "AZURE_TENANT_ID")?;
        need(environment.client_id.as_ref(), "the application", "AZURE_CLIENT_ID")?;
        Ok(())
    };
    match auth {
        Auth::Secret => {
            let secret: &SecretString =
                need(environment.client_secret.as_ref(), "the secret", "AZURE_CLIENT_SECRET")?;
            application()?;
            Ok(Way::Secret(secret.clone()))
        }
        Auth::Certificate => {
            let path = need(
                environment.certificate_path.as_ref(),
                "the certificate",
                "AZURE_CLIENT_CERTIFICATE_PATH",
            )?;
            application()?;
            Ok(Way::Certificate(Arc::new(Certificate::open(path, clock.now())?)))
        }
        Auth::Workload => {
            let path: &PathBuf = need(
                environment.federated_token_file.as_ref(),
                "the federated token",
                "AZURE_FEDERATED_TOKEN_FILE",
            )?;
            application()?;
            Ok(Way::Workload(path.clone()))
        }
        Auth::ManagedIdentity => Ok(Way::ManagedIdentity),
        Auth::Az => Ok(Way::Az(azure_identity::new_executor())),
        Auth::Auto | Auth::TokenFile => Err(Failure::new(Code::Internal, "no way to sign in was chosen")),
    }
}

fn need<'a, T>(value: Option<&'a T>, what: &str, variable: &str) -> Result<&'a T> {
    value.ok_or_else(|| {
        let failure = Failure::new(Code::NoCredential, format!("{what} is not given: {variable} is not set"));
        failure.next(hint(Code::NoCredential).unwrap_or_default())
    })
}

/// The origin to sign in at. `https` always, on loopback too: the SDK refuses anything else.
fn authority(environment: &Environment, cloud: Cloud) -> Result<String> {
    let Some(text) = &environment.authority_host else { return Ok(cloud.login().to_owned()) };
    let refuse = |why: &str| {
        Failure::new(Code::InvalidEndpoint, format!("AZURE_AUTHORITY_HOST can't be used: {why}"))
            .next("give an origin such as https://login.microsoftonline.com, or unset it and use --cloud")
    };
    // The SDKs take a bare host name too.
    let full = if text.contains("://") { text.clone() } else { format!("https://{text}") };
    let url = Url::parse(full.trim()).map_err(|e| refuse(&e.to_string()))?;
    if url.scheme() != "https" {
        return Err(refuse("the scheme is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.path() != "/" {
        return Err(refuse("it may hold nothing but scheme, host and port"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn describe(way: &Way, environment: &Environment) -> String {
    let app = environment.client_id.as_deref().unwrap_or_default();
    let tenant = environment.tenant_id.as_deref().unwrap_or_default();
    match way {
        Way::Secret(_) => format!("the client secret of application {app} in tenant {tenant}"),
        Way::Certificate(certificate) => format!(
            "the certificate of application {app} in tenant {tenant}, good until {:.0}",
            certificate.not_after()
        ),
        Way::Workload(_) => format!("the workload identity of application {app} in tenant {tenant}"),
        Way::ManagedIdentity if app.is_empty() => "the managed identity of this machine".to_owned(),
        Way::ManagedIdentity => format!("the managed identity {app} of this machine"),
        Way::Az(_) if tenant.is_empty() => "the Azure CLI's login".to_owned(),
        Way::Az(_) => format!("the Azure CLI's login for tenant {tenant}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_lookup(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn auto_takes_the_azure_sdks_order() {
        let secret = ("AZURE_CLIENT_SECRET", "s");
        let certificate = ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem");
        let workload = ("AZURE_FEDERATED_TOKEN_FILE", "/t");
        let msi = ("IDENTITY_ENDPOINT", "http://127.0.0.1/msi");
        for (variables, az, want) in [
            (&[("OUST_TOKEN_FILE", "/f"), secret][..], true, Auth::TokenFile),
            (&[secret, certificate, workload, msi], true, Auth::Secret),
            (&[certificate, workload, msi], true, Auth::Certificate),
            (&[workload, msi], true, Auth::Workload),
            (&[msi], true, Auth::ManagedIdentity),
            (&[("AZURE_CLIENT_SECRET", " ")], true, Auth::Az),
            (&[], true, Auth::Az),
            (&[], false, Auth::ManagedIdentity),
        ] {
            let environment = Environment { has_az: az, ..environment(variables) };
            assert_eq!(automatic(&environment).0, want, "{variables:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (auth, variables, missing) in [
            (Auth::Auto, &[("AZURE_CLIENT_SECRET", "s")][..], "AZURE_TENANT_ID"),
            (Auth::Auto, &[("AZURE_CLIENT_SECRET", "s"), ("AZURE_TENANT_ID", "t")], "AZURE_CLIENT_ID"),
            (Auth::Secret, &[("AZURE_TENANT_ID", "t")], "AZURE_CLIENT_SECRET"),
            (Auth::Certificate, &[], "AZURE_CLIENT_CERTIFICATE_PATH"),
            (Auth::Workload, &[], "AZURE_FEDERATED_TOKEN_FILE"),
            (Auth::TokenFile, &[], "OUST_TOKEN_FILE"),
        ] {
            let http = Arc::new(crate::graph::HttpTransport::new().unwrap());
            let failure = choose(auth, &environment(variables), Cloud::Global, http).err().unwrap();
            assert_eq!(failure.code, Code::NoCredential);
            assert!(failure.what.contains(missing) && failure.next.is_some(), "{}", failure.what);
        }
    }

    #[test]
    fn the_authority_is_an_https_origin() {
        assert_eq!(authority(&environment(&[]), Cloud::UsDod).unwrap(), "https://login.microsoftonline.us");
        for (host, want) in [
            ("https://login.chinacloudapi.cn/", Some("https://login.chinacloudapi.cn")),
            ("login.microsoftonline.us", Some("https://login.microsoftonline.us")),
            ("https://127.0.0.1:8443", Some("https://127.0.0.1:8443")),
            ("http://127.0.0.1:8080", None),
            ("http://login.microsoftonline.com", None),
            ("https://login.microsoftonline.com/tenant", None),
            ("https://a@login.microsoftonline.com", None),
            ("https://", None),
        ] {
            let got = authority(&environment(&[("AZURE_AUTHORITY_HOST", host)]), Cloud::Global);
            assert_eq!(got.as_deref().ok(), want, "{host}");
            assert!(got.err().is_none_or(|failure| failure.code == Code::InvalidEndpoint));
        }
    }
}
