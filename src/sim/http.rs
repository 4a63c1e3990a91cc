//! The tenant behind HTTP, for rehearsals and for tests of the real transport.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{self, HeaderValue, Method, StatusCode, header};
use futures::{StreamExt as _, stream};
use secrecy::SecretString;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::{Delivery, Simulated};
use crate::graph::{MAX_REPLY_BYTES, Reply, Request};

/// The largest request that is read; Graph's own limit is 4 MB.
const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

/// Serves until `stop` is ready. The token endpoint is at `/{tenant}/oauth2/v2.0/token`.
pub async fn serve(
    listener: TcpListener,
    tenant: Arc<Simulated>,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let host = listener.local_addr()?.to_string();
    let app = Router::new().fallback(move |request: http::Request<Body>| {
        let (tenant, host) = (Arc::clone(&tenant), host.clone());
        async move { answer(&tenant, &host, request).await }
    });
    // Not gracefully: a request that a fault keeps waiting would hold it up for ever.
    tokio::select! {
        ended = axum::serve(listener, app).into_future() => ended,
        () = stop => Ok(()),
    }
}

async fn answer(tenant: &Simulated, local: &str, request: http::Request<Body>) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let Some(method) = method(&parts.method) else { return plain(StatusCode::METHOD_NOT_ALLOWED) };
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        text("host").or_else(|| parts.uri.authority().map(http::uri::Authority::as_str)).unwrap_or(local);
    let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let forwarded = ["consistencylevel", "client-request-id"];
    let request = Request {
        method,
        url: format!("http://{host}{path}"),
        headers: forwarded.into_iter().filter_map(|name| Some((name, text(name)?.to_owned()))).collect(),
        bearer: text("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| SecretString::from(token.to_owned())),
        body: (!body.is_empty()).then(|| Zeroizing::new(body.to_vec())),
    };
    match tenant.deliver(&request).await {
        Delivery::Reply(reply) => whole(reply),
        Delivery::NoConnection | Delivery::Broken => dropped(),
        Delivery::Cut(reply) => cut(reply),
        Delivery::Silence => std::future::pending().await,
        Delivery::Huge => {
            let chunk = Bytes::from(vec![b' '; 1024 * 1024]);
            let chunks = (0..=MAX_REPLY_BYTES / chunk.len()).map(move |_| Ok::<_, io::Error>(chunk.clone()));
            http::Response::new(Body::from_stream(stream::iter(chunks)))
        }
    }
}

fn method(method: &Method) -> Option<&'static str> {
    ["GET", "POST", "PATCH", "PUT", "DELETE"].into_iter().find(|known| method.as_str() == *known)
}

fn plain(status: StatusCode) -> http::Response<Body> {
    let mut response = http::Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn whole(reply: Reply) -> http::Response<Body> {
    let mut response = head(&reply);
    *response.body_mut() = Body::from(reply.body);
    response
}

/// Closes the connection before a byte is sent: a body that fails at once takes its head with it.
fn dropped() -> http::Response<Body> {
    let failure = Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset));
    http::Response::new(Body::from_stream(stream::iter([failure])))
}

/// Sends half of the body and closes the connection: its length promises more.
fn cut(reply: Reply) -> http::Response<Body> {
    let mut response = head(&reply);
    let length = reply.body.len().max(2);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let mut half = reply.body;
    half.truncate(length / 2);
    let half = stream::iter([Ok(Bytes::from(half))]);
    let end = stream::once(async {
        // Lets what is there be sent first.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    *response.body_mut() = Body::from_stream(half.chain(end));
    response
}

fn head(reply: &Reply) -> http::Response<Body> {
    let mut response = plain(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for (name, value) in &reply.headers {
        let name = http::HeaderName::try_from(name.as_str());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
