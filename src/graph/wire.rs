//! Lends our transport to the Azure SDK for one sign-in, and listens in.
//!
//! The SDK hides the error body of a refused sign-in behind a text; this keeps the answer itself. It also
//! adds a claims challenge to the request, for which the SDK has no option.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request as SdkRequest};
use zeroize::Zeroizing;

use super::{Reply, Request, SendError, Transport};

/// The headers of the SDK that are passed on. Its User-Agent and its request ids aren't.
const PASSED_ON: [&str; 4] = ["accept", "content-type", "metadata", "x-identity-header"];

/// Our transport as the SDK wants it.
pub(super) struct Wire {
    transport: Arc<dyn Transport>,
    claims: Option<String>,
    last: Mutex<Option<Result<Reply, SendError>>>,
}

impl Wire {
    pub fn new(transport: Arc<dyn Transport>, claims: Option<&str>) -> Self {
        Self { transport, claims: claims.map(Into::into), last: Mutex::default() }
    }

    /// The last answer that was no success.
    pub fn trouble(&self) -> Option<Result<Reply, SendError>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn body(&self, request: &SdkRequest) -> azure_core::Result<Option<Zeroizing<Vec<u8>>>> {
        let Body::Bytes(bytes) = request.body() else {
            return Err(Error::with_message(ErrorKind::Other, "a sign-in has no streamed body"));
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut body = Zeroizing::new(bytes.to_vec());
        if let Some(claims) = &self.claims {
            body.extend_from_slice(b"&claims=");
            body.extend(url::form_urlencoded::byte_serialize(claims.as_bytes()).flat_map(str::bytes));
        }
        Ok(Some(body))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &SdkRequest) -> azure_core::Result<AsyncRawResponse> {
        let mut headers = Vec::new();
        for name in PASSED_ON {
            let of_name = request.headers().iter().find(|(n, _)| n.as_str().eq_ignore_ascii_case(name));
            headers.extend(of_name.map(|(_, value)| (name, value.as_str().to_owned())));
        }
        let answer = self
            .transport
            .send(Request {
                method: request.method().as_str(),
                url: request.url().to_string(),
                headers,
                bearer: None,
                body: self.body(request)?,
            })
            .await;
        let good = answer.as_ref().is_ok_and(|reply| (200..300).contains(&reply.status));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (!good).then(|| answer.clone());
        let reply = answer.map_err(|error| {
            let kind = match error {
                // Where there is no metadata service there is none a minute later: no retry.
                _ if request.url().host_str() == Some(super::METADATA_HOST) => ErrorKind::Other,
                SendError::NotSent(_) => ErrorKind::Connection,
                SendError::NoAnswer(_) => ErrorKind::Io,
                SendError::Untrusted(_) | SendError::TooLarge => ErrorKind::Other,
            };
            Error::with_error(kind, error, "signing in")
        })?;
        let mut headers = Headers::new();
        for (name, value) in reply.headers {
            headers.insert(name, value);
        }
        Ok(AsyncRawResponse::from_bytes(reply.status.into(), headers, reply.body))
    }
}
