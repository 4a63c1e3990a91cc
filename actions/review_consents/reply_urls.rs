//! What the places to which an app has codes and tokens sent say about it.

/// A trait of an app's reply URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    /// Without TLS, and not to the user's own machine.
    PlainHttp,
    /// To a bare IP address.
    IpLiteral,
    /// To a tunnel or a name of a dynamic DNS service, which anyone has within a minute.
    Throwaway,
    /// To any host that fits a pattern.
    Wildcard,
    /// To the user's own machine only: a program that holds no secret.
    OnlyLoopback,
}

impl Oddity {
    /// How much it weighs, and why.
    pub(super) fn weight(self) -> (i16, &'static str) {
        match self {
            Self::PlainHttp => (15, "has codes sent without TLS"),
            Self::IpLiteral => (15, "has codes sent to a bare IP address"),
            Self::Throwaway => (20, "has codes sent to a tunnel or a dynamic DNS name"),
            Self::Wildcard => (10, "has codes sent to any host of a pattern"),
            Self::OnlyLoopback => (5, "has codes sent to the user's own machine only: it proves no identity"),
        }
    }
}

/// Domains under which anyone has a host at once.
const THROWAWAY: &[&str] = &[
    "ngrok.io",
    "ngrok.app",
    "ngrok.dev",
    "ngrok-free.app",
    "ngrok-free.dev",
    "trycloudflare.com",
    "loca.lt",
    "localtunnel.me",
    "serveo.net",
    "localhost.run",
    "lhr.life",
    "pagekite.me",
    "devtunnels.ms",
    "duckdns.org",
    "ddns.net",
    "hopto.org",
    "zapto.org",
    "sytes.net",
    "no-ip.org",
    "dynu.net",
    "nip.io",
    "sslip.io",
];

/// The oddities, each with a URL that shows it.
pub(super) fn oddities(urls: &[String]) -> Vec<(Oddity, &str)> {
    let mut found: Vec<(Oddity, &str)> = Vec::new();
    let mut note = |oddity, url| {
        if !found.iter().any(|(seen, _)| *seen == oddity) {
            found.push((oddity, url));
        }
    };
    let mut all_loopback = !urls.is_empty();
    for url in urls {
        let Some((scheme, host)) = scheme_and_host(url) else {
            // A scheme of an app of the device, such as `msauth.com.contoso.app:/auth`.
            all_loopback = false;
            continue;
        };
        if is_loopback(&host) {
            continue;
        }
        all_loopback = false;
        if scheme == "http" {
            note(Oddity::PlainHttp, url.as_str());
        }
        if is_ip(&host) {
            note(Oddity::IpLiteral, url.as_str());
        }
        if THROWAWAY.iter().any(|domain| is_below(&host, domain)) {
            note(Oddity::Throwaway, url.as_str());
        }
        if host.contains('*') {
            note(Oddity::Wildcard, url.as_str());
        }
    }
    if all_loopback {
        note(Oddity::OnlyLoopback, urls[0].as_str());
    }
    found.sort_unstable();
    found
}

/// Scheme and host of an `http` or `https` URL, in lower case; as lenient as a browser.
fn scheme_and_host(url: &str) -> Option<(String, String)> {
    let url = url.trim().to_lowercase().replace('\\', "/");
    let (scheme, rest) = url.split_once("://")?;
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let host = match host_and_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host_and_port.split(':').next()?,
    };
    Some((scheme.to_owned(), host.trim_end_matches('.').to_owned()))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(urls: &[&str]) -> Vec<Oddity> {
        let urls: Vec<String> = urls.iter().map(|&url| url.to_owned()).collect();
        oddities(&urls).into_iter().map(|(oddity, _)| oddity).collect()
    }

    #[test]
    fn ordinary_places_are_not_odd() {
        assert_eq!(of(&[]), []);
        assert_eq!(of(&["https://app.fabrikam.com/signin", "http://localhost:8080", "msal1:/auth"]), []);
        assert_eq!(of(&["https://notngrok.io/", "https://fabrikam.com/?to=http://1.2.3.4"]), []);
    }

    #[test]
    fn odd_places_are_named() {
        for (url, oddity) in [
            ("http://app.fabrikam.com", Oddity::PlainHttp),
            ("HTTP:\\\\app.fabrikam.com", Oddity::PlainHttp),
            ("https://203.0.113.7:8443/cb", Oddity::IpLiteral),
            ("https://[2001:db8::7]/cb", Oddity::IpLiteral),
            ("https://login.microsoft.com@a1b2.ngrok-free.app/cb", Oddity::Throwaway),
            ("https://Mail.DuckDNS.org./", Oddity::Throwaway),
            ("https://*.fabrikam.com/", Oddity::Wildcard),
            ("http://127.0.0.1/", Oddity::OnlyLoopback),
        ] {
            assert_eq!(of(&[url]), [oddity], "{url}");
        }
    }

    #[test]
    fn loopback_beside_a_real_place_is_development() {
        assert_eq!(of(&["http://localhost", "https://app.fabrikam.com"]), []);
        assert_eq!(of(&["http://localhost", "http://[::1]/cb"]), [Oddity::OnlyLoopback]);
    }
}
