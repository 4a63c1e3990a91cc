//! Where Graph and sign-in live, and which other address may stand in for Graph.
//!
//! <https://learn.microsoft.com/graph/deployments>

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::failure::{Code, Failure, Result};

/// A Microsoft cloud. Tokens of one are worthless in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// Everybody, GCC included.
    #[default]
    Global,
    /// US Government L4 (GCC High).
    UsGov,
    /// US Government L5 (DoD).
    UsDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Origin of the sign-in service.
    pub fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsDod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// Origin of Graph.
    pub fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// Origin of Exchange Online's administration.
    ///
    /// <https://learn.microsoft.com/exchange/reference/admin-api-get-started>
    pub fn exchange(self) -> &'static str {
        match self {
            Self::Global => "https://outlook.office365.com",
            Self::UsGov => "https://outlook.office365.us",
            Self::UsDod => "https://outlook-dod.office365.us",
            Self::China => "https://outlook.office365.cn",
        }
    }

    /// What a token for Exchange Online is asked for.
    pub fn exchange_scope(self) -> String {
        format!("{}/.default", self.exchange())
    }

    /// What a token is asked for: all that was granted on this cloud's Graph.
    pub fn scope(self) -> String {
        format!("{}/.default", self.graph())
    }
}

/// As actions know it, which reach no host.
impl From<Cloud> for oust_actions::Cloud {
    fn from(cloud: Cloud) -> Self {
        match cloud {
            Cloud::Global => Self::Global,
            Cloud::UsGov => Self::UsGov,
            Cloud::UsDod => Self::UsDod,
            Cloud::China => Self::China,
        }
    }
}

/// The origin that Graph requests go to. The token goes nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The cloud's own Graph.
    pub fn for_cloud(cloud: Cloud) -> Self {
        // A constant that can't fail to parse; the test below parses them all.
        Self(Url::parse(cloud.graph()).unwrap_or_else(|_| unreachable!("a constant")))
    }

    /// The cloud's own Exchange Online.
    pub fn exchange_of_cloud(cloud: Cloud) -> Self {
        Self(Url::parse(cloud.exchange()).unwrap_or_else(|_| unreachable!("a constant")))
    }

    /// Another address, from `OUST_GRAPH_ENDPOINT` or `OUST_EXCHANGE_ENDPOINT`: scheme, host and perhaps a port, nothing else.
    ///
    /// `http` is for a rehearsal on this machine: on loopback alone, and only with a `fixed_token` (one from a
    /// file), so that a real sign-in never ends on an unprotected wire.
    ///
    /// # Errors
    /// [`Code::InvalidEndpoint`].
    pub fn parse(text: &str, fixed_token: bool) -> Result<Self> {
        Self::parse_from("OUST_GRAPH_ENDPOINT", text, fixed_token)
    }

    /// As [`Endpoint::parse`], with the variable that messages name.
    ///
    /// # Errors
    /// [`Code::InvalidEndpoint`].
    pub fn parse_from(variable: &str, text: &str, fixed_token: bool) -> Result<Self> {
        let refuse = |why: &str| {
            Failure::new(Code::InvalidEndpoint, format!("{variable} can't be used: {why}"))
                .next("give an origin such as https://graph.microsoft.com, or unset it")
        };
        let url = Url::parse(text.trim()).map_err(|e| refuse(&e.to_string()))?;
        if url.host().is_none() {
            return Err(refuse("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name or a password"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it may hold no path, query or fragment"));
        }
        match url.scheme() {
            "http" if !is_loopback(&url) => {
                Err(refuse("http would send the token in the clear; only loopback may use it"))
            }
            "http" if !fixed_token => Err(refuse("http on loopback needs --token-file or OUST_TOKEN_FILE")),
            "https" | "http" => Ok(Self(url)),
            _ => Err(refuse("the scheme is not https")),
        }
    }

    /// The absolute URL of a path that begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// Checks that a link which the service gave stays here, so that the token may go there.
    ///
    /// # Errors
    /// The host that it leads to, or what else is wrong with it.
    pub fn owns(&self, link: &str) -> std::result::Result<(), String> {
        let url = Url::parse(link).map_err(|e| format!("a link that is no absolute URL ({e})"))?;
        let same = url.scheme() == self.0.scheme()
            && url.host() == self.0.host()
            && url.port_or_known_default() == self.0.port_or_known_default();
        if same && url.username().is_empty() && url.password().is_none() {
            return Ok(());
        }
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        Err(format!("a link to {}://{}{port}", url.scheme(), url.host_str().unwrap_or_default()))
    }
}

/// Whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cloud_has_an_https_endpoint_and_its_own_scope() {
        for &cloud in Cloud::value_variants() {
            let endpoint = Endpoint::for_cloud(cloud);
            let exchange = Endpoint::exchange_of_cloud(cloud);
            assert_eq!(exchange.url("/x"), format!("{}/x", cloud.exchange()));
            assert_eq!(cloud.exchange_scope(), format!("{}/.default", cloud.exchange()));
            assert!(exchange.0.scheme() == "https" && exchange != endpoint);
            assert_eq!(endpoint.url("/v1.0/me"), format!("{}/v1.0/me", cloud.graph()));
            assert!(endpoint.0.scheme() == "https" && cloud.login().starts_with("https://"));
            assert_eq!(cloud.scope(), format!("{}/.default", cloud.graph()));
        }
    }

    #[test]
    fn only_a_protected_origin_is_accepted() {
        for (text, fixed, good) in [
            ("https://graph.microsoft.com", false, true),
            ("https://proxy.contoso.com:8443/", false, true),
            ("http://127.0.0.1:8080", true, true),
            ("http://[::1]:8080", true, true),
            ("http://localhost", true, true),
            ("http://127.0.0.1:8080", false, false),
            ("http://10.0.0.1", true, false),
            ("http://127.0.0.1.contoso.com", true, false),
            ("http://graph.microsoft.com", true, false),
            ("https://user@graph.microsoft.com", false, false),
            ("https://:pass@graph.microsoft.com", false, false),
            ("https://graph.microsoft.com/v1.0", false, false),
            ("https://graph.microsoft.com/?x=1", false, false),
            ("https://graph.microsoft.com/#x", false, false),
            ("ftp://graph.microsoft.com", false, false),
            ("file:///etc/passwd", false, false),
            ("graph.microsoft.com", false, false),
            ("", false, false),
        ] {
            let got = Endpoint::parse(text, fixed);
            assert_eq!(got.is_ok(), good, "{text} with fixed token: {fixed}");
            if let Err(failure) = got {
                assert_eq!(failure.code, Code::InvalidEndpoint);
            }
        }
    }

    #[test]
    fn a_link_is_followed_only_to_the_same_origin() {
        let here = Endpoint::parse("https://graph.microsoft.com", false).unwrap();
        assert_eq!(here.owns("https://graph.microsoft.com/v1.0/users?$skiptoken=a"), Ok(()));
        assert_eq!(here.owns("https://GRAPH.microsoft.com:443/v1.0/users"), Ok(()));
        for link in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:444/v1.0/users",
            "https://graph.microsoft.com.contoso.com/v1.0/users",
            "https://graph.microsoft.com@contoso.com/v1.0/users",
            "https://a:b@graph.microsoft.com/v1.0/users",
            "/v1.0/users?$skiptoken=a",
            "",
        ] {
            assert!(here.owns(link).is_err(), "{link}");
        }
        assert!(here.owns("https://contoso.com/x").unwrap_err().contains("contoso.com"));
    }
}
