//! What an answer of 401 demands of the next token.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::Reply;

/// The claims that a 401 demands, decoded from `WWW-Authenticate`.
///
/// <https://learn.microsoft.com/entra/identity-platform/claims-challenge>
pub fn demanded_claims(reply: &Reply) -> Option<String> {
    let header = reply.header("www-authenticate")?;
    let (_, rest) = header.split_once("claims=\"")?;
    let encoded = rest.split('"').next()?.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(encoded).or_else(|_| URL_SAFE_NO_PAD.decode(encoded)).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    claims.is_object().then(|| claims.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(header: &str) -> Option<String> {
        let headers = vec![("www-authenticate".to_owned(), header.to_owned())];
        demanded_claims(&Reply { status: 401, headers, body: vec![] })
    }

    #[test]
    fn a_claims_challenge_is_decoded_and_junk_is_not() {
        let json = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
        let encoded = base64::engine::general_purpose::STANDARD.encode(json);
        let header = format!(
            r#"Bearer authorization_uri="https://login.windows.net/common/oauth2/authorize", error="insufficient_claims", claims="{encoded}""#
        );
        assert_eq!(challenge(&header).as_deref(), Some(json));
        for junk in ["", "Bearer", r#"Bearer claims="""#, r#"Bearer claims="!!""#, r#"Bearer claims="WzFd""#]
        {
            assert_eq!(challenge(junk), None, "{junk}");
        }
    }
}
