//! The two writes: end a consent, end an assignment; each with its undo and a way to look.

use serde_json::json;

use super::objects::{App, Assignment, Grant};
use super::observe::{assignments_of, grants_of};
use crate::{Call, Change, Lasts, Look, Method, Repeat, Seen, Target, Undo};

/// The app that a change is about, for people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Its name; hostile.
    pub name: &'a str,
    /// How risky it is.
    pub risk: u8,
    /// Why it goes.
    pub reasons: &'a [String],
}

/// Ends the user's consent. What it gave keeps working until the access tokens expire.
///
/// <https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete>
pub(super) fn end_consent(who: &Target, grant: &Grant, on: &str, subject: Subject<'_>) -> Change {
    let principal = &who.user.id;
    let scopes: Vec<&str> = grant.scopes().collect();
    Change {
        object_id: grant.id.clone(),
        label: subject.name.to_owned(),
        say: format!("end the user's consent to {} on {on}", subject.name),
        from: scopes.join(" "),
        to: "no consent".into(),
        call: Call::new(Method::Delete, ["oauth2PermissionGrants", &grant.id]),
        undo: Undo::Call(
            Call::new(Method::Post, ["oauth2PermissionGrants"])
                .body(json!({
                    "clientId": grant.client,
                    "consentType": "Principal",
                    "principalId": principal,
                    "resourceId": grant.resource,
                    "scope": grant.scope,
                }))
                .repeat(Repeat::Conflicts),
        ),
        look: Some(Look {
            get: grants_of(principal),
            pick: Some(json!({
                "clientId": grant.client,
                "consentType": "Principal",
                "principalId": principal,
                "resourceId": grant.resource,
            })),
            before: Seen::With(json!({ "scope": grant.scope })),
            after: Seen::Absent,
        }),
        lasts: Lasts::Stays,
        risk: Some(subject.risk),
        reasons: subject.reasons.to_vec(),
    }
}

/// Ends the user's assignment to an app.
///
/// <https://learn.microsoft.com/graph/api/user-delete-approleassignments>
pub(super) fn end_assignment(
    who: &Target,
    held: &Assignment,
    app: Option<&App>,
    subject: Subject<'_>,
) -> Change {
    let principal = &who.user.id;
    let mut reasons = subject.reasons.to_vec();
    if app.is_some_and(|app| !app.assignment_required) {
        reasons.push(
            "the app needs no assignment: ending it alone doesn't keep the user from signing in".into(),
        );
    }
    let identity = json!({
        "principalId": principal,
        "resourceId": held.resource,
        "appRoleId": held.role,
    });
    Change {
        object_id: held.id.clone(),
        label: subject.name.to_owned(),
        say: format!("end the user's assignment to {}", subject.name),
        from: held.created.map_or_else(|| "assigned".into(), |at| format!("assigned since {at:.0}")),
        to: "not assigned".into(),
        call: Call::new(Method::Delete, ["users", principal, "appRoleAssignments", &held.id]),
        undo: Undo::Call(
            Call::new(Method::Post, ["users", principal, "appRoleAssignments"])
                .body(identity.clone())
                .repeat(Repeat::Conflicts),
        ),
        look: Some(Look {
            get: assignments_of(principal),
            pick: Some(identity.clone()),
            before: Seen::With(identity),
            after: Seen::Absent,
        }),
        lasts: Lasts::Stays,
        risk: Some(subject.risk),
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::fake::adele;

    const SUBJECT: Subject<'_> = Subject { name: "Helper", risk: 85, reasons: &[] };
    const USER: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";

    fn undo(change: &Change) -> String {
        let Undo::Call(call) = &change.undo else { panic!("it must be reversible") };
        assert_eq!(call.repeat, Repeat::Conflicts);
        call.to_string()
    }

    #[test]
    fn a_consent_is_ended_by_id_and_given_back_as_it_was() {
        let grant = Grant::parse(&json!({ "id": "E3NH/+#x", "clientId": "c", "consentType": "Principal",
            "principalId": USER, "resourceId": "r", "scope": "  Mail.Read openid" }));
        let change = end_consent(&adele(), &grant, "Microsoft Graph", SUBJECT);
        assert_eq!(change.call.to_string(), "DELETE /v1.0/oauth2PermissionGrants/E3NH%2F%2B%23x");
        assert_eq!(
            undo(&change),
            format!(
                r#"POST /v1.0/oauth2PermissionGrants {{"clientId":"c","consentType":"Principal","principalId":"{USER}","resourceId":"r","scope":"  Mail.Read openid"}}"#
            )
        );
        let look = change.look.unwrap();
        assert_eq!(look.get.url(), format!("/v1.0/users/{USER}/oauth2PermissionGrants"));
        assert_eq!(look.before, Seen::With(json!({ "scope": "  Mail.Read openid" })));
        assert_eq!(look.after, Seen::Absent);
        assert_eq!(change.from, "Mail.Read openid");
    }

    #[test]
    fn an_assignment_is_ended_through_the_user_and_given_back() {
        let held = Assignment::parse(&json!({ "id": "a", "appRoleId": "role", "resourceId": "app",
            "principalId": USER, "principalType": "User", "createdDateTime": "2026-05-01T09:00:00.123Z" }));
        let change = end_assignment(&adele(), &held, Some(&App::default()), SUBJECT);
        assert_eq!(change.call.to_string(), format!("DELETE /v1.0/users/{USER}/appRoleAssignments/a"));
        assert_eq!(
            undo(&change),
            format!(
                r#"POST /v1.0/users/{USER}/appRoleAssignments {{"principalId":"{USER}","resourceId":"app","appRoleId":"role"}}"#
            )
        );
        assert!(change.reasons[0].contains("needs no assignment"));
        assert_eq!(change.look.unwrap().after, Seen::Absent);
    }
}
