//! The catalogue of error codes. A code never changes its meaning; `oust explain` prints its page.

/// Exit statuses, frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done and verified; nothing to do; plan computed.
    Done = 0,
    /// Failed, nothing changed.
    Failed = 1,
    /// `plan --detailed-exitcode`: changes pending.
    ChangesPending = 2,
    /// Some steps applied, some not.
    Partial = 3,
    /// Applied, but not verified yet or will be reverted.
    Unverified = 4,
    /// Sign-in, permission, role or licence missing; nothing changed.
    Denied = 5,
    /// Refused by a guard.
    Guarded = 6,
    /// Interrupted or past the deadline; `oust resume RUN` goes on.
    Interrupted = 7,
    /// Journal altered or broken.
    Journal = 8,
    /// Wrong usage or input.
    Usage = 64,
    /// Our own mistake.
    Internal = 70,
}

impl Exit {
    /// The number.
    pub fn status(self) -> u8 {
        self as u8
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $id:literal $exit:ident $title:literal;)+) => {
        /// What went wrong, in a form that callers can branch on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The one of that id.
            pub fn of(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.id() == id)
            }

            /// `E0101`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// The exit status that goes with it.
            pub fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)+ }
            }

            /// One line.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// The page that `oust explain` prints, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("pages/", $id, ".md")),)+ }
            }
        }
    };
}

codes! {
    InvalidArguments "E0100" Usage "the command line can't be read";
    InvalidTarget "E0101" Usage "the target is not a user principal name or an object id";
    InvalidTime "E0102" Usage "the time or duration can't be read";
    InvalidPlaybook "E0103" Usage "the playbook has a mistake";
    UnknownName "E0104" Usage "there is no playbook, action, schema, code or tenant of that name";
    InvalidPlan "E0105" Usage "the plan file is cut off, edited or of another version";
    InvalidConfig "E0106" Usage "the configuration or the environment has a mistake";
    InvalidTenantFile "E0107" Usage "the tenant file has a mistake";
    NoSuchRun "E0108" Usage "there is no such run";
    InvalidEndpoint "E0109" Usage "the endpoint can't be used";
    KeyReused "E0110" Usage "the idempotency key belongs to another request";
    NotResumable "E0111" Usage "the run has nothing to go on with";
    InvalidKey "E0112" Usage "the key that signs or checks journals can't be used";
    RecipientMissing "E0113" Usage "a secret has nobody to be sealed for";
    InvalidUserList "E0114" Usage "the list of users has a mistake";
    NoCredential "E0201" Denied "no way to sign in is configured";
    SignInRefused "E0202" Denied "the sign-in was refused";
    SecretRefused "E0203" Denied "the client secret is wrong or has expired";
    CertificateRefused "E0204" Denied "the certificate is not accepted, has expired or can't be read";
    AppNotInTenant "E0205" Denied "the application is not in this tenant";
    TenantNotFound "E0206" Denied "there is no such tenant";
    TokenExpired "E0207" Denied "the token has expired and can't be renewed";
    ExposedSecret "E0208" Denied "a file with a secret can be read by others";
    PermissionMissing "E0301" Denied "the application lacks a permission";
    RoleMissing "E0302" Denied "the application's service principal lacks a directory role";
    LicenceMissing "E0303" Denied "the tenant lacks a licence";
    ProtectedTarget "E0401" Guarded "the account is protected";
    OwnAccount "E0402" Guarded "the target is the account that runs this";
    TooManyUsers "E0403" Guarded "more users than allowed";
    NotConfirmed "E0404" Guarded "not confirmed";
    WorldMoved "E0405" Guarded "the tenant changed since the plan was made";
    WrongTenant "E0406" Guarded "the token is for another tenant";
    TargetUnknown "E0407" Guarded "no such user in the tenant";
    TargetAmbiguous "E0408" Guarded "more than one user fits";
    RunLocked "E0409" Guarded "another process works on this run or this user";
    HeldBack "E0410" Guarded "a stage waits for what is still open";
    Unreachable "E0501" Failed "the service can't be reached";
    Unreadable "E0502" Failed "the service's answer can't be read";
    ForeignLink "E0503" Failed "the service's answer points to another host";
    Refused "E0504" Failed "the service refused";
    Unavailable "E0505" Failed "the service is throttling or failing";
    Interrupted "E0601" Interrupted "stopped by a signal";
    DeadlinePassed "E0602" Interrupted "the deadline passed";
    JournalBroken "E0701" Journal "the journal was altered or is broken";
    JournalNewer "E0702" Journal "the journal is of a newer version";
    StateUnwritable "E0703" Failed "the state directory can't be written";
    OutputUnwritable "E0704" Failed "an output file can't be written";
    NotSigned "E0705" Journal "the end of the journal is not signed by this key";
    Unlockable "E0706" Failed "the file system of the state directory has no locks";
    Internal "E0901" Internal "a mistake in oust itself";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_ascending() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()));
    }

    #[test]
    fn every_code_has_a_page_that_tells_what_it_means_and_what_to_do() {
        for code in Code::ALL {
            let page = code.page();
            let id = code.id();
            assert!(page.starts_with(&format!("# {id}: {}\n", code.title())), "{id}");
            for section in ["What it means", "What to do"] {
                let (_, rest) = page.split_once(&format!("\n## {section}\n")).unwrap_or_default();
                let body = rest.split("\n## ").next().unwrap_or_default();
                assert!(body.trim().len() > 7, "{id}: {section}");
            }
            assert_eq!(page.matches("```").count() % 2, 0, "{id}: a code block stays open");
            assert!(page.lines().count() <= 36, "{id} is too long to read in a hurry");
        }
    }

    #[test]
    fn pages_point_only_to_codes_that_exist() {
        for code in Code::ALL {
            for (_, after) in
                code.page().match_indices("oust explain ").map(|(at, m)| code.page().split_at(at + m.len()))
            {
                let named = after.get(..5).unwrap_or_default();
                assert!(Code::ALL.iter().any(|known| known.id() == named), "{}: {named}", code.id());
            }
        }
    }
}
