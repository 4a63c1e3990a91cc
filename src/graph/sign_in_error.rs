//! What Entra's refusal of a sign-in means. Told by `error` and `error_codes`, never by the text, which
//! changes and is translated.
//!
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

use serde::Deserialize;

use super::Reply;
use crate::failure::{Code, Failure};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: String,
    error_codes: Vec<i64>,
    error_description: String,
    trace_id: String,
}

/// The failure behind an error answer of the token endpoint.
pub fn from_reply(reply: &Reply) -> Failure {
    let Ok(body) = serde_json::from_slice::<Body>(&reply.body) else {
        return unexplained(reply);
    };
    let code = code_of(reply.status, &body);
    let mut what = format!("the sign-in was refused: {}", first_sentence(&body));
    if !body.error_codes.is_empty() && !what.contains("AADSTS") {
        let codes: Vec<_> = body.error_codes.iter().map(|code| format!("AADSTS{code}")).collect();
        what = format!("{what} ({})", codes.join(", "));
    }
    let failure = Failure {
        status: Some(reply.status),
        request_id: Some(body.trace_id).filter(|id| !id.is_empty()),
        ..Failure::new(code, what)
    };
    match special_hint(&body.error_codes).or_else(|| hint(code)) {
        Some(next) => failure.next(next),
        None => failure,
    }
}

/// An answer that isn't Entra's: a proxy's, or the metadata service's.
fn unexplained(reply: &Reply) -> Failure {
    let code = match reply.status {
        429 | 500..=599 => Code::Unavailable,
        _ => Code::SignInRefused,
    };
    let what = format!("the sign-in was answered with HTTP {} and no reason that can be read", reply.status);
    Failure { status: Some(reply.status), ..Failure::new(code, what) }
        .next("check the proxy and AZURE_AUTHORITY_HOST")
}

fn code_of(status: u16, body: &Body) -> Code {
    for code in &body.error_codes {
        match code {
            7_000_215 | 7_000_222 => return Code::SecretRefused,
            700_021 | 700_023 | 700_024 | 700_025 | 700_027 | 700_030 => return Code::CertificateRefused,
            700_016 => return Code::AppNotInTenant,
            90_002 | 900_021 | 900_023 => return Code::TenantNotFound,
            _ => {}
        }
    }
    match (status, body.error.as_str()) {
        (429 | 500..=599, _) | (_, "temporarily_unavailable") => Code::Unavailable,
        _ => Code::SignInRefused,
    }
}

/// What to do about a refusal that has no code of its own.
fn special_hint(codes: &[i64]) -> Option<&'static str> {
    codes.iter().find_map(|code| match code {
        7_000_222 => Some("the client secret has expired: make a new one in the app registration"),
        7_000_112 => Some("the application is disabled in the tenant: enable its service principal"),
        53_003 => Some("a Conditional Access policy for workload identities blocks this address: exclude it"),
        65_001 => Some("grant admin consent to the application's permissions"),
        70_011 | 500_011 => Some("check that --cloud fits the tenant: its Graph was not found there"),
        70_021 | 700_211 | 700_212 | 700_213 => {
            Some("the federated credential's issuer, subject or audience doesn't match the token's")
        }
        _ => None,
    })
}

/// What to do about a failed sign-in, by its code.
pub fn hint(code: Code) -> Option<&'static str> {
    match code {
        Code::NoCredential => Some(
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH, or run `az login`",
        ),
        Code::SignInRefused => Some("run `oust doctor`"),
        Code::SecretRefused => Some(
            "check that AZURE_CLIENT_SECRET is the secret's value, not its id, and belongs to AZURE_CLIENT_ID",
        ),
        Code::CertificateRefused => Some(
            "check that the certificate is registered with the application and that this machine's time is right",
        ),
        Code::AppNotInTenant => {
            Some("check AZURE_CLIENT_ID and AZURE_TENANT_ID; grant admin consent in that tenant")
        }
        Code::TenantNotFound => {
            Some("check AZURE_TENANT_ID, and --cloud if the tenant is in a national cloud")
        }
        Code::TokenExpired => Some("put a new token into the file, then run the command again"),
        Code::Unreachable => Some("check the network, the proxy settings and SSL_CERT_FILE"),
        _ => None,
    }
}

/// Entra's description without the trace that follows it.
fn first_sentence(body: &Body) -> String {
    let text = body.error_description.split(" Trace ID:").next().unwrap_or_default();
    let text = text.lines().next().unwrap_or_default().trim();
    let text = if text.is_empty() { body.error.as_str() } else { text };
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, error: &str, code: i64) -> Failure {
        let body = json!({
            "error": error, "error_codes": [code], "trace_id": "t1",
            "error_description": format!("AADSTS{code}: it's \"so\". Trace ID: t1 Correlation ID: c"),
        });
        from_reply(&Reply { status, headers: vec![], body: body.to_string().into_bytes() })
    }

    #[test]
    fn refusals_have_their_code_and_a_way_out() {
        for (status, error, code, want) in [
            (401, "invalid_client", 7_000_215, Code::SecretRefused),
            (401, "invalid_client", 7_000_222, Code::SecretRefused),
            (401, "invalid_client", 700_027, Code::CertificateRefused),
            (400, "unauthorized_client", 700_016, Code::AppNotInTenant),
            (400, "invalid_request", 90_002, Code::TenantNotFound),
            (400, "invalid_grant", 65_001, Code::SignInRefused),
            (400, "access_denied", 53_003, Code::SignInRefused),
            (400, "invalid_request", 700_213, Code::SignInRefused),
            (401, "invalid_client", 1, Code::SignInRefused),
        ] {
            let failure = refused(status, error, code);
            assert_eq!(failure.code, want, "{code}");
            assert_eq!(failure.status, Some(status));
            assert_eq!(failure.request_id.as_deref(), Some("t1"));
            assert!(failure.next.is_some());
            assert!(failure.what.contains(&format!("AADSTS{code}")) && !failure.what.contains("Trace"));
        }
        assert_ne!(
            refused(401, "invalid_client", 7_000_222).next,
            refused(401, "invalid_client", 7_000_215).next
        );
    }

    #[test]
    fn the_text_alone_decides_nothing() {
        let body = json!({"error": "invalid_client", "error_description": "AADSTS7000215: secret"});
        let reply = Reply { status: 401, headers: vec![], body: body.to_string().into_bytes() };
        assert_eq!(from_reply(&reply).code, Code::SignInRefused);
    }

    #[test]
    fn an_answer_that_is_not_entras_is_told_by_its_status() {
        for (status, body, want) in [
            (502, "<html>", Code::Unavailable),
            (429, "", Code::Unavailable),
            (403, "<html>", Code::SignInRefused),
            (503, "{}", Code::Unavailable),
            (400, "{}", Code::SignInRefused),
            (400, r#"{"error":1}"#, Code::SignInRefused),
        ] {
            let reply = Reply { status, headers: vec![], body: body.into() };
            assert_eq!(from_reply(&reply).code, want, "{status} {body}");
        }
    }
}
