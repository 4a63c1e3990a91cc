//! What is spoken over TLS, and with whom not: a server on loopback with a certificate of its own.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

struct Server {
    url: String,
    certificate: Certificate,
    /// Nothing when there was no handshake.
    heard: JoinHandle<Option<Heard>>,
}

#[derive(Debug, PartialEq)]
struct Heard {
    /// The protocol that was agreed upon, if any.
    agreed: Option<Vec<u8>>,
    /// The first bytes that came.
    first: Vec<u8>,
}

/// Answers one request in HTTP/1.1, whatever it offers.
async fn server(offers: &[&str]) -> Server {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let mut config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    config.alpn_protocols = offers.iter().map(|name| name.as_bytes().to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1.0/x", listener.local_addr().unwrap().port());
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
        let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        let mut first = vec![0; 24];
        stream.read_exact(&mut first).await.ok()?;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
        Some(Heard { agreed, first })
    });
    Server { url, certificate: Certificate::from_der(cert.der()).unwrap(), heard }
}

fn get(url: &str) -> Request {
    Request { method: "GET", url: url.to_owned(), headers: vec![], bearer: Some("hush".into()), body: None }
}

fn trusting(certificate: Certificate) -> HttpTransport {
    let direct = builder().unwrap().no_proxy().tls_certs_merge([certificate]);
    HttpTransport { client: build(builder().unwrap()).unwrap(), direct: build(direct).unwrap().into() }
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let server = server(&["h2", "http/1.1"]).await;
    // The server can't answer in it.
    trusting(server.certificate).send(get(&server.url)).await.unwrap_err();
    let Heard { agreed, first } = server.heard.await.unwrap().unwrap();
    assert_eq!((agreed.as_deref(), &first[..]), (Some(&b"h2"[..]), &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..]));
}

#[tokio::test]
async fn http_1_is_spoken_where_nothing_else_is_offered() {
    for offers in [&["http/1.1"][..], &[]] {
        let server = server(offers).await;
        let reply = trusting(server.certificate).send(get(&server.url)).await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"{}"[..]));
        let Heard { first, .. } = server.heard.await.unwrap().unwrap();
        assert!(first.starts_with(b"GET /v1.0/x HTTP/1.1\r\n"));
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_is_not_trusted() {
    let server = server(&["h2", "http/1.1"]).await;
    let error = HttpTransport::new().unwrap().send(get(&server.url)).await.unwrap_err();
    assert!(matches!(&error, SendError::Untrusted(why) if why.contains("certificate")), "{error}");
    assert_eq!(server.heard.await.unwrap(), None);
}
