//! A failed read as an error for people.

use oust_actions::{ReadError, ReadErrorKind as Kind};

use super::sign_in_error::hint;
use crate::failure::{Code, Failure};

impl From<ReadError> for Failure {
    /// A failed sign-in and a foreign link keep their own codes, which travel in [`ReadError::code`].
    fn from(error: ReadError) -> Self {
        let own = error.code.as_deref().and_then(|code| Code::ALL.iter().find(|ours| ours.id() == code));
        let code = own.copied().unwrap_or_else(|| code_of(&error));
        let what = match own {
            Some(_) => ReadError { code: None, ..error.clone() }.to_string(),
            None => error.to_string(),
        };
        let failure =
            Self { status: error.status, request_id: error.request_id.clone(), ..Self::new(code, what) };
        match next(code) {
            Some(next) => failure.next(next),
            None => failure,
        }
    }
}

fn code_of(error: &ReadError) -> Code {
    match error.kind {
        Kind::Forbidden if lacks_licence(error) => Code::LicenceMissing,
        Kind::Forbidden => Code::PermissionMissing,
        Kind::SignIn => Code::SignInRefused,
        Kind::NotFound | Kind::Refused => Code::Refused,
        Kind::Unavailable if error.status.is_none() => Code::Unreachable,
        Kind::Unavailable => Code::Unavailable,
        Kind::Unreadable => Code::Unreadable,
        Kind::Closed => Code::NoCredential,
        Kind::Stopped => Code::DeadlinePassed,
    }
}

fn lacks_licence(error: &ReadError) -> bool {
    error.code.as_deref().is_some_and(|code| code.contains("NonPremiumTenant"))
}

fn next(code: Code) -> Option<&'static str> {
    hint(code).or(match code {
        Code::PermissionMissing => {
            Some("run `oust doctor` to see which permission or directory role is missing")
        }
        Code::LicenceMissing => Some("leave the step out, or assign the licence"),
        Code::ForeignLink => Some("check OUST_GRAPH_ENDPOINT and the proxy"),
        Code::Unreadable => Some("check the proxy: something between here and Graph may be answering"),
        Code::Unavailable => Some("wait a minute and run the command again"),
        Code::DeadlinePassed => Some("give a later --deadline"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: Kind, status: Option<u16>, code: Option<&str>) -> Failure {
        Failure::from(ReadError {
            kind,
            path: "/v1.0/users/x".into(),
            status,
            code: code.map(Into::into),
            message: "no".into(),
            request_id: Some("r".into()),
        })
    }

    #[test]
    fn every_kind_has_its_code() {
        for (kind, status, code, want) in [
            (Kind::NotFound, Some(404), None, Code::Refused),
            (Kind::Forbidden, Some(403), Some("Authorization_RequestDenied"), Code::PermissionMissing),
            (
                Kind::Forbidden,
                Some(403),
                Some("Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
                Code::LicenceMissing,
            ),
            (Kind::SignIn, Some(401), Some("InvalidAuthenticationToken"), Code::SignInRefused),
            (Kind::SignIn, None, Some("E0203"), Code::SecretRefused),
            (Kind::Refused, Some(400), None, Code::Refused),
            (Kind::Unavailable, Some(503), None, Code::Unavailable),
            (Kind::Unavailable, None, None, Code::Unreachable),
            (Kind::Unreadable, Some(200), None, Code::Unreadable),
            (Kind::Unreadable, Some(200), Some("E0503"), Code::ForeignLink),
            (Kind::Stopped, None, None, Code::DeadlinePassed),
        ] {
            let failure = failure(kind, status, code);
            assert_eq!((failure.code, failure.status), (want, status));
            assert_eq!(failure.request_id.as_deref(), Some("r"));
            assert!(failure.what.contains("/v1.0/users/x") && !failure.what.contains("(E0"));
        }
    }
}
