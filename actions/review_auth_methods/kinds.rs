//! The kinds of authentication methods: where each is deleted, and whether it can be put back.
//!
//! <https://learn.microsoft.com/graph/api/resources/authenticationmethods-overview>

use crate::Api;

/// What is known about a kind of method.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Its type, without `#microsoft.graph.` and `AuthenticationMethod`.
    pub id: &'static str,
    /// Its own collection: the generic one doesn't delete.
    pub collection: &'static str,
    /// The edition of the API that has the collection.
    pub api: Api,
    /// Its name for people.
    pub name: &'static str,
    /// How it comes back.
    pub back: Back,
    /// Whether it serves to sign in or to pass the second factor.
    pub signs_in: bool,
}

/// How a deleted method comes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Back {
    /// With these properties, all of which are readable. The first ones tell which method it is.
    With {
        /// Which of its kind it is.
        identity: &'static [&'static str],
        /// What else it needs.
        rest: &'static [&'static str],
    },
    /// It can't, and why.
    Never(&'static str),
}

const KEY: &str = "its key is on the user's device and nowhere else: the user registers it again";

/// The kinds that are reviewed. The password is none of them: it can't be deleted.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        id: "phone",
        collection: "phoneMethods",
        api: Api::V1,
        name: "phone",
        back: Back::With { identity: &["phoneType"], rest: &["phoneNumber"] },
        signs_in: true,
    },
    Kind {
        id: "email",
        collection: "emailMethods",
        api: Api::V1,
        name: "email address for password reset",
        back: Back::With { identity: &["emailAddress"], rest: &[] },
        signs_in: false,
    },
    Kind {
        id: "external",
        collection: "externalAuthenticationMethods",
        api: Api::V1,
        name: "external method",
        back: Back::With { identity: &["configurationId"], rest: &["displayName"] },
        signs_in: true,
    },
    Kind {
        id: "temporaryAccessPass",
        collection: "temporaryAccessPassMethods",
        api: Api::V1,
        name: "Temporary Access Pass",
        back: Back::Never("its secret is shown once, when it is made: issue a new one"),
        signs_in: false,
    },
    keyed("microsoftAuthenticator", "microsoftAuthenticatorMethods", "Microsoft Authenticator"),
    keyed("fido2", "fido2Methods", "passkey"),
    keyed("softwareOath", "softwareOathMethods", "software one-time code"),
    keyed("windowsHelloForBusiness", "windowsHelloForBusinessMethods", "Windows Hello"),
    keyed("platformCredential", "platformCredentialMethods", "platform credential"),
    Kind { api: Api::Beta, ..keyed("hardwareOath", "hardwareOathMethods", "hardware one-time code") },
];

const fn keyed(id: &'static str, collection: &'static str, name: &'static str) -> Kind {
    Kind { id, collection, api: Api::V1, name, back: Back::Never(KEY), signs_in: true }
}

/// The kind of this type, with or without its affixes.
pub(super) fn kind(of: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.id == short(of))
}

/// `#microsoft.graph.phoneAuthenticationMethod` → `phone`
pub(super) fn short(odata_type: &str) -> &str {
    let name = odata_type.rsplit('.').next().unwrap_or(odata_type);
    name.strip_suffix("AuthenticationMethod").unwrap_or(name)
}

/// Whether a type is the password's.
pub(super) fn is_password(odata_type: &str) -> bool {
    short(odata_type) == "password"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_finds_its_kind_and_a_new_one_none() {
        let phone = kind("#microsoft.graph.phoneAuthenticationMethod").unwrap();
        assert_eq!(phone.collection, "phoneMethods");
        assert_eq!(kind("#microsoft.graph.passwordAuthenticationMethod"), None);
        assert!(is_password("#microsoft.graph.passwordAuthenticationMethod"));
        assert_eq!(kind("#microsoft.graph.telepathyAuthenticationMethod"), None);
        assert_eq!(kind(""), None);
    }
}
