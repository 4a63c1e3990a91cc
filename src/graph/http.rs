//! The network. The only file that knows the HTTP library.
#![allow(clippy::disallowed_types)]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Method, redirect};
use secrecy::ExposeSecret;

use super::cloud::is_loopback;
use super::{MAX_REPLY_BYTES, METADATA_HOST, Reply, Request, SendError, Transport};
use crate::failure::{Code, Failure, Result};

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE_REQUEST: Duration = Duration::from_secs(60);

/// A pool of connections. Proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
pub struct HttpTransport {
    client: Client,
    /// Without a proxy; made when it is needed.
    direct: OnceLock<Client>,
}

impl std::fmt::Debug for HttpTransport {
    /// Nothing of the client, which may show a proxy's password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// Opens no connection yet.
    ///
    /// Roots of trust are the platform's. On Linux `SSL_CERT_FILE` replaces them, as everywhere there; on
    /// Windows and macOS its certificates are added to them.
    ///
    /// # Errors
    /// `SSL_CERT_FILE` names a file that can't be read or has no certificate ([`Code::InvalidConfig`]).
    pub fn new() -> Result<Self> {
        let client = build(builder()?)?;
        Ok(Self { client, direct: OnceLock::new() })
    }

    /// Opens a connection to the URL's host ahead of need. Its outcome doesn't matter.
    pub async fn warm(&self, url: &str) {
        let Ok(url) = reqwest::Url::parse(url) else { return };
        let Ok(client) = self.client_for(&url) else { return };
        let answer = client.head(url).send().await;
        tracing::debug!(ok = answer.is_ok(), "connection opened ahead");
    }

    /// What goes to this machine itself goes past any proxy: a token over http on loopback, and the metadata
    /// service.
    fn client_for(&self, url: &reqwest::Url) -> Result<&Client, SendError> {
        if url.host_str() != Some(METADATA_HOST) && !is_loopback(url) {
            return Ok(&self.client);
        }
        if let Some(direct) = self.direct.get() {
            return Ok(direct);
        }
        let direct = builder().and_then(|builder| build(builder.no_proxy()));
        let direct = direct.map_err(|failure| SendError::NotSent(failure.what))?;
        Ok(self.direct.get_or_init(|| direct))
    }
}

fn builder() -> Result<ClientBuilder> {
    let builder = Client::builder()
        .user_agent(concat!("oust/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(WHOLE_REQUEST)
        .pool_idle_timeout(Duration::from_secs(90))
        .redirect(redirect::Policy::none())
        .referer(false);
    match std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        Some(path) => Ok(builder.tls_certs_merge(roots(Path::new(&path))?)),
        None => Ok(builder),
    }
}

fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|e| {
        Failure::new(Code::InvalidConfig, format!("the HTTP client can't be set up: {}", chain(&e)))
            .next("check SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables")
    })
}

/// The certificates of a PEM file.
fn roots(path: &Path) -> Result<Vec<Certificate>> {
    let refuse = |why: String| {
        Failure::new(Code::InvalidConfig, format!("SSL_CERT_FILE {} can't be used: {why}", path.display()))
            .next("name a PEM file of certificates, or unset it")
    };
    let pem = std::fs::read(path).map_err(|e| refuse(e.to_string()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|e| refuse(chain(&e)))?;
    if roots.is_empty() { Err(refuse("it holds no certificate".into())) } else { Ok(roots) }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Reply, SendError> {
        let request = convert(request)?;
        let client = self.client_for(request.url())?;
        let mut answer = client.execute(request).await.map_err(|e| classify(&e))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| SendError::NoAnswer(chain(&e)))? {
            if body.len() + piece.len() > MAX_REPLY_BYTES {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status, headers, body })
    }
}

/// Whatever fails in here was never sent.
fn convert(request: Request) -> Result<reqwest::Request, SendError> {
    let odd = |what: &str| SendError::NotSent(format!("{what} can't be sent"));
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| odd("the method"))?;
    let url = reqwest::Url::parse(&request.url).map_err(|_| odd("the URL"))?;
    let mut out = reqwest::Request::new(method, url);
    for (name, value) in request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| odd("a header"))?;
        out.headers_mut().append(name, HeaderValue::try_from(value).map_err(|_| odd("a header"))?);
    }
    if let Some(token) = request.bearer {
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", token.expose_secret()));
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| odd("the token"))?;
        value.set_sensitive(true);
        out.headers_mut().insert(AUTHORIZATION, value);
    }
    if let Some(body) = request.body {
        // Keeps the wiping owner instead of copying out of it.
        *out.body_mut() = Some(Bytes::from_owner(body).into());
    }
    Ok(out)
}

/// Tells "surely never arrived" from "may have arrived".
fn classify(error: &reqwest::Error) -> SendError {
    // As rustls words it; where it is worded otherwise it is tried again as any other failure to connect.
    if error.is_connect() && chain(error).contains("invalid peer certificate") {
        SendError::Untrusted(chain(error))
    } else if error.is_connect() || error.is_builder() {
        SendError::NotSent(chain(error))
    } else {
        SendError::NoAnswer(chain(error))
    }
}

/// The causes of an error in one line, without the URL, which may hold a query.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            let _ = write!(text, "{}{said}", if text.is_empty() { "" } else { ": " });
        }
        cause = inner.source();
    }
    if text.is_empty() { "the HTTP library gave no reason".to_owned() } else { text }
}

#[cfg(test)]
mod tls;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use zeroize::Zeroizing;

    use super::*;

    /// Answers one request on loopback with these bytes; gives its URL, and what it was sent.
    async fn server(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1.0/x", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut got = Vec::new();
            let mut piece = [0; 4096];
            loop {
                let count = stream.read(&mut piece).await.unwrap();
                got.extend_from_slice(&piece[..count]);
                if count == 0 || got.ends_with(b"\r\n\r\n") || got.ends_with(b"}") {
                    break;
                }
            }
            // The client may hang up before the end of an answer that is too large.
            let _ = stream.write_all(&answer).await;
            String::from_utf8(got).unwrap()
        });
        (url, task)
    }

    fn request(method: &'static str, url: &str, body: Option<&str>) -> Request {
        Request {
            method,
            url: url.to_owned(),
            headers: vec![("client-request-id", "c1".to_owned())],
            bearer: Some("hush".into()),
            body: body.map(|body| Zeroizing::new(body.as_bytes().to_vec())),
        }
    }

    /// Its proxy is dead: whatever arrives went past it.
    fn transport() -> HttpTransport {
        let dead = reqwest::Proxy::all("http://127.0.0.1:1").unwrap();
        HttpTransport { client: build(builder().unwrap().proxy(dead)).unwrap(), direct: OnceLock::new() }
    }

    #[tokio::test]
    async fn a_request_and_its_answer_arrive_whole() {
        let answer = "HTTP/1.1 201 Created\r\nRequest-Id: r1\r\nContent-Length: 2\r\n\r\n{}";
        let (url, server) = server(answer.into()).await;
        let reply = transport().send(request("PATCH", &url, Some(r#"{"a":1}"#))).await.unwrap();
        assert_eq!(
            (reply.status, reply.header("request-id"), reply.body.as_slice()),
            (201, Some("r1"), &b"{}"[..])
        );
        let got = server.await.unwrap().to_lowercase();
        assert!(got.starts_with("patch /v1.0/x http/1.1\r\n") && got.ends_with(r#"{"a":1}"#));
        for header in ["authorization: bearer hush", "client-request-id: c1", "content-length: 7"] {
            assert!(got.contains(header), "{header} in {got}");
        }
    }

    #[tokio::test]
    async fn a_post_without_a_body_states_its_length_once() {
        let (url, server) = server("HTTP/1.1 204 No Content\r\n\r\n".into()).await;
        let mut post = request("POST", &url, None);
        post.headers.push(("content-length", "0".to_owned()));
        assert_eq!(transport().send(post).await.unwrap().status, 204);
        assert_eq!(server.await.unwrap().to_lowercase().matches("content-length: 0\r\n").count(), 1);
    }

    #[tokio::test]
    async fn a_compressed_answer_is_given_as_it_was_meant() {
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 27\r\n\r\n".to_vec();
        // gzip of {"a":1}
        answer.extend([
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 50, 172, 5, 0, 175, 172, 27, 86, 7, 0, 0,
            0,
        ]);
        let (url, _server) = server(answer).await;
        assert_eq!(transport().send(request("GET", &url, None)).await.unwrap().body, br#"{"a":1}"#);
    }

    #[tokio::test]
    async fn a_redirect_is_given_back_and_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (url, _server) = server(answer.into()).await;
        assert_eq!(transport().send(request("GET", &url, None)).await.unwrap().status, 302);
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_or_missing_is_in_doubt() {
        for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 20", ""] {
            let (url, _server) = server(answer.into()).await;
            let error = transport().send(request("POST", &url, None)).await.unwrap_err();
            assert!(matches!(error, SendError::NoAnswer(_)), "{answer:?}: {error}");
        }
    }

    #[tokio::test]
    async fn without_a_connection_it_was_surely_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/?secret=1", listener.local_addr().unwrap());
        drop(listener);
        let error = transport().send(request("POST", &url, None)).await.unwrap_err();
        assert!(matches!(error, SendError::NotSent(_)), "{error}");
        assert!(!error.to_string().contains("secret"));
        for (method, url) in [("GET", "no url"), ("G T", "http://127.0.0.1:1/")] {
            let error = transport().send(request(method, url, None)).await.unwrap_err();
            assert!(matches!(error, SendError::NotSent(_)));
        }
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_read_to_its_end() {
        let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        answer.resize(MAX_REPLY_BYTES + 4096, b' ');
        let (url, _server) = server(answer).await;
        assert_eq!(transport().send(request("GET", &url, None)).await, Err(SendError::TooLarge));
    }

    /// Gzip of this many times 258 spaces: one literal, then "258 as before" in 13 bits (RFC 1951, 3.2.6).
    fn bomb(times: usize) -> Vec<u8> {
        let (header, space, repeat, end) = ("110", "01010000", "1100010100000", "0000000");
        let bits = [header, space].into_iter().chain(std::iter::repeat_n(repeat, times)).chain([end]);
        let bits: Vec<u8> = bits.flat_map(str::bytes).map(|bit| bit - b'0').collect();
        let packed = bits.chunks(8).map(|bits| bits.iter().rev().fold(0_u8, |byte, bit| byte << 1 | bit));
        let mut bytes = vec![31, 139, 8, 0, 0, 0, 0, 0, 0, 255];
        bytes.extend(packed);
        bytes
    }

    #[tokio::test]
    async fn a_small_answer_that_unpacks_without_end_is_not_unpacked_to_its_end() {
        let body = bomb(8 * MAX_REPLY_BYTES / 258);
        assert!(body.len() < MAX_REPLY_BYTES / 16);
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        let (url, _server) = server([head.into_bytes(), body].concat()).await;
        assert_eq!(transport().send(request("GET", &url, None)).await, Err(SendError::TooLarge));
    }

    #[test]
    fn only_this_machine_is_reached_past_the_proxy() {
        let transport = transport();
        for (url, direct) in [
            ("http://127.0.0.1:8080/v1.0/x", true),
            ("http://[::1]/", true),
            ("http://169.254.169.254/metadata/identity/oauth2/token", true),
            ("https://graph.microsoft.com/v1.0/x", false),
        ] {
            let client = transport.client_for(&url.parse().unwrap()).unwrap();
            assert_eq!(!std::ptr::eq(client, &raw const transport.client), direct, "{url}");
        }
    }

    #[test]
    fn a_file_of_roots_needs_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        assert_eq!(roots(&path).unwrap_err().code, Code::InvalidConfig);
        std::fs::write(&path, "no certificate").unwrap();
        assert_eq!(roots(&path).unwrap_err().code, Code::InvalidConfig);
    }
}
