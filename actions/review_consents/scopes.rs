//! What a delegated scope lets an attacker do, and how much that weighs.
//!
//! The order follows the families that consent phishing asks for.
//!
//! <https://learn.microsoft.com/security/operations/incident-response-playbook-app-consent>

/// What a scope allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Power {
    /// 0–45.
    pub points: u8,
    /// In words that complete "the app …".
    pub allows: &'static str,
}

/// From here on a scope is worth an attacker's while.
pub(super) const DANGEROUS: u8 = 20;

/// Keeps access while the user is away. Harmless alone, so it is weighed beside the others.
pub(super) const OFFLINE: &str = "offline_access";

const fn power(points: u8, allows: &'static str) -> Power {
    Power { points, allows }
}

const NOTHING: Power = power(0, "signs the user in and reads their profile");
const DIRECTORY: Power = power(45, "controls the directory as the user");
const IMPERSONATES: Power = power(45, "acts as the user in a Microsoft service");
const CHANGES_MAIL: Power = power(35, "reads and changes mail");
const SENDS_MAIL: Power = power(35, "sends mail as the user");
const READS_MAIL: Power = power(30, "reads mail");
const MAIL_RULES: Power = power(30, "sets mailbox rules and forwarding");
const FILES: Power = power(30, "reaches every file and site that the user can reach");
const OWN_FILES: Power = power(25, "reaches the user's files");
const MESSAGES: Power = power(25, "reaches chats and channel messages");
const NOTES: Power = power(25, "reaches notebooks");
const CONTACTS: Power = power(20, "reads contacts and who matters to the user");
const CALENDAR: Power = power(20, "reaches calendars");
const READS_DIRECTORY: Power = power(20, "reads the directory");
const CHANGES: Power = power(20, "changes other data");
const READS: Power = power(10, "reads other data");
const FOREIGN_API: Power = power(10, "acts as the user in another application");

/// Whole names, in lower case.
const NAMES: &[(&str, Power)] = &[
    ("openid", NOTHING),
    ("email", NOTHING),
    ("profile", NOTHING),
    (OFFLINE, NOTHING),
    ("user.read", NOTHING),
    ("user.readbasic.all", NOTHING),
    ("directory.accessasuser.all", DIRECTORY),
    ("directory.readwrite.all", DIRECTORY),
    ("application.readwrite.all", DIRECTORY),
    ("approleassignment.readwrite.all", DIRECTORY),
    ("delegatedpermissiongrant.readwrite.all", DIRECTORY),
    ("domain.readwrite.all", DIRECTORY),
    ("eduroster.readwrite.all", DIRECTORY),
    ("group.readwrite.all", DIRECTORY),
    ("groupmember.readwrite.all", DIRECTORY),
    ("user.readwrite.all", DIRECTORY),
    ("user.managecreds.all", DIRECTORY),
    ("user.enabledisableaccount.all", DIRECTORY),
    ("user_impersonation", IMPERSONATES),
    ("ews.accessasuser.all", CHANGES_MAIL),
    ("full_access_as_user", CHANGES_MAIL),
    ("imap.accessasuser.all", CHANGES_MAIL),
    ("pop.accessasuser.all", READS_MAIL),
    ("smtp.send", SENDS_MAIL),
    ("mail.read", READS_MAIL),
    ("mail.read.shared", READS_MAIL),
    ("mailboxsettings.read", CONTACTS),
    ("files.read", OWN_FILES),
    ("files.readwrite", OWN_FILES),
    ("files.readwrite.appfolder", READS),
    ("member.read.hidden", READS_DIRECTORY),
];

/// Beginnings of names, in lower case; the first that fits counts.
const BEGINNINGS: &[(&str, Power)] = &[
    ("mail.readbasic", READS),
    ("mail.send", SENDS_MAIL),
    ("mail.", CHANGES_MAIL),
    ("mailboxsettings.", MAIL_RULES),
    ("files.", FILES),
    ("sites.", FILES),
    ("allsites.", FILES),
    ("myfiles.", OWN_FILES),
    ("notes.", NOTES),
    ("chat.", MESSAGES),
    ("chatmessage.", MESSAGES),
    ("channelmessage.", MESSAGES),
    ("contacts.", CONTACTS),
    ("people.", CONTACTS),
    ("calendars.", CALENDAR),
    ("rolemanagement.readwrite.", DIRECTORY),
    ("roleassignmentschedule.readwrite.", DIRECTORY),
    ("roleeligibilityschedule.readwrite.", DIRECTORY),
    ("policy.readwrite.", DIRECTORY),
    ("user-passwordprofile.", DIRECTORY),
    ("userauthenticationmethod.readwrite", DIRECTORY),
    ("userauthmethod-", DIRECTORY),
    ("directory.", READS_DIRECTORY),
    ("auditlog.", READS_DIRECTORY),
];

/// What a scope allows on a Microsoft service, or on an application of someone else (`on_microsoft` false),
/// whose scopes can have any name.
pub(super) fn power_of(scope: &str, on_microsoft: bool) -> Power {
    let scope = scope.to_lowercase();
    let known = NAMES.iter().find(|(name, _)| *name == scope).map(|(_, power)| *power);
    if known == Some(NOTHING) {
        return NOTHING;
    }
    if !on_microsoft {
        return FOREIGN_API;
    }
    known
        .or_else(|| BEGINNINGS.iter().find(|(start, _)| scope.starts_with(start)).map(|(_, power)| *power))
        .unwrap_or_else(|| by_verb(&scope))
}

fn by_verb(scope: &str) -> Power {
    const WRITES: &[&str] = &["write", "manage", "fullcontrol", "create", "send", "delete", "accessasuser"];
    if WRITES.iter().any(|verb| scope.contains(verb)) {
        CHANGES
    } else if scope.ends_with("read.all") {
        READS_DIRECTORY
    } else {
        READS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(scope: &str) -> u8 {
        power_of(scope, true).points
    }

    #[test]
    fn the_families_of_consent_phishing_are_all_dangerous() {
        for scope in [
            "Mail.Read",
            "Mail.ReadWrite",
            "Mail.Send",
            "Mail.Send.Shared",
            "Contacts.Read",
            "People.Read",
            "MailboxSettings.Read",
            "MailboxSettings.ReadWrite",
            "Files.Read",
            "Files.ReadWrite.All",
            "Notes.Read",
            "Directory.AccessAsUser.All",
            "user_impersonation",
            "EWS.AccessAsUser.All",
            "IMAP.AccessAsUser.All",
            "Sites.Read.All",
            "Chat.Read",
            "RoleManagement.ReadWrite.Directory",
        ] {
            assert!(points(scope) >= DANGEROUS, "{scope}: {}", points(scope));
        }
    }

    #[test]
    fn the_lowest_scopes_weigh_nothing_also_elsewhere_and_in_any_case() {
        for scope in ["User.Read", "USER.READBASIC.ALL", "openid", "email", "profile", "offline_access"] {
            assert_eq!((power_of(scope, true).points, power_of(scope, false).points), (0, 0), "{scope}");
        }
    }

    #[test]
    fn headers_of_mail_are_not_mail() {
        assert!(points("Mail.ReadBasic") < DANGEROUS);
        assert!(points("Mail.ReadBasic.Shared") < DANGEROUS);
    }

    #[test]
    fn a_wider_scope_never_weighs_less() {
        for (narrow, wide) in [
            ("User.Read", "User.Read.All"),
            ("User.Read.All", "User.ReadWrite.All"),
            ("Mail.ReadBasic", "Mail.Read"),
            ("Mail.Read", "Mail.ReadWrite"),
            ("Files.Read", "Files.Read.All"),
            ("MailboxSettings.Read", "MailboxSettings.ReadWrite"),
            ("Directory.Read.All", "Directory.ReadWrite.All"),
            ("Device.Read", "Device.ReadWrite.All"),
        ] {
            assert!(points(narrow) <= points(wide), "{narrow} {wide}");
        }
    }

    #[test]
    fn a_name_means_little_on_an_application_of_someone_else() {
        assert_eq!(power_of("Mail.ReadWrite", false), FOREIGN_API);
        assert_eq!(power_of("user_impersonation", false), FOREIGN_API);
    }

    #[test]
    fn an_unknown_scope_is_weighed_by_its_verb() {
        assert_eq!(power_of("Widget.ReadWrite.All", true), CHANGES);
        assert_eq!(power_of("Widget.Read", true), READS);
    }
}
