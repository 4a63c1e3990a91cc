//! Documents for tests: a contained user with everything that a report has to show.

use jiff::Timestamp;
use oust_actions::{Call, Decision, Method, Undo};
use serde_json::json;

use super::{
    ChangeDocument, FindingDocument, JournalDocument, OpenDocument, Outcome, Problem, RUN_SCHEMA,
    RollbackDocument, RollbackState, RunDocument, State, StepDocument, UserDocument,
};

pub(crate) const ADELE: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
pub(crate) const RUN: &str = "019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44";

#[allow(clippy::unnecessary_wraps)] // every member that holds one is optional
fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().expect("a timestamp"))
}

/// A change of Adele's account.
pub(crate) fn change(
    say: &str,
    from: &str,
    to: &str,
    call: Call,
    undo: Undo,
    state: State,
) -> ChangeDocument {
    ChangeDocument {
        intent: None,
        object_id: ADELE.into(),
        label: "AdeleV@contoso.com".into(),
        say: say.into(),
        from: from.into(),
        to: to.into(),
        call,
        undo,
        state,
        reason: None,
        http_status: None,
        graph_error: None,
        request_id: None,
        rollback: None,
    }
}

pub(crate) fn revoke(state: State) -> ChangeDocument {
    change(
        "revoke refresh tokens and browser sessions",
        "sessions since 2026-11-02T07:31:09Z are valid",
        "only sessions from now on are valid",
        Call::new(Method::Post, ["users", ADELE, "revokeSignInSessions"]),
        Undo::Never("a revoked session can't be restored; the user signs in again".into()),
        state,
    )
}

pub(crate) fn disable(state: State) -> ChangeDocument {
    let call = |enabled| Call::new(Method::Patch, ["users", ADELE]).body(json!({"accountEnabled": enabled}));
    change("disable the account", "enabled", "disabled", call(false), Undo::Call(call(true)), state)
}

pub(crate) fn reset(state: State) -> ChangeDocument {
    let body = json!({"passwordProfile": {
        "password": {"$secret": "new_password"},
        "forceChangePasswordNextSignIn": true,
        "forceChangePasswordNextSignInWithMfa": false,
    }});
    change(
        "set a new random password",
        "set 2026-03-14T09:26:53Z",
        "a new one, to be changed at the next sign-in",
        Call::new(Method::Patch, ["users", ADELE]).body(body),
        Undo::Never("the old password is not known".into()),
        state,
    )
}

pub(crate) fn consent(state: State) -> ChangeDocument {
    let undo = Call::new(Method::Post, ["oauth2PermissionGrants"]).body(json!({
        "clientId": "c1", "consentType": "Principal", "principalId": ADELE, "resourceId": "r1",
        "scope": "Mail.ReadWrite offline_access",
    }));
    ChangeDocument {
        object_id: "c1".into(),
        label: "Mail Backup \u{202e}orP".into(),
        ..change(
            "remove the consent to the app",
            "Mail.ReadWrite offline_access",
            "no consent",
            Call::new(Method::Delete, ["oauth2PermissionGrants", "Z3JhbnQ"]),
            Undo::Call(undo),
            state,
        )
    }
}

pub(crate) fn step(stage: &str, step: &str, action: &str, changes: Vec<ChangeDocument>) -> StepDocument {
    StepDocument {
        lacks: Vec::new(),
        stage: stage.into(),
        step: step.into(),
        action: action.into(),
        state: changes.iter().map(|change| change.state).max().unwrap_or(State::Already),
        changes,
        findings: vec![],
        after: None,
        error: None,
    }
}

fn finding(label: &str, decision: Decision, risk: Option<u8>, reasons: &[&str]) -> FindingDocument {
    FindingDocument {
        object_id: "sp1".into(),
        label: label.into(),
        decision,
        reasons: reasons.iter().map(|&reason| reason.to_owned()).collect(),
        risk,
    }
}

/// Adele, contained; one consent removed, two kept, two ways in left open.
pub(crate) fn contained() -> RunDocument {
    let mut consents =
        step("consents", "review_consents", "review_consents", vec![consent(State::Effective)]);
    consents.findings = vec![
        finding(
            "Mail Backup \u{202e}orP",
            Decision::Remove,
            Some(90),
            &["+35 reads and changes all mail (Mail.ReadWrite)", "+30 consented inside the window"],
        ),
        finding(
            "Contoso Expenses",
            Decision::Keep,
            Some(12),
            &["an app of this tenant", "only signs in and reads the profile (User.Read)"],
        ),
        finding("Microsoft Office", Decision::Keep, Some(0), &["a first-party app of Microsoft"]),
    ];
    RunDocument {
        schema: RUN_SCHEMA.into(),
        run_id: Some(RUN.into()),
        command: "contain".into(),
        dry_run: false,
        outcome: Outcome::Contained,
        exit_code: 0,
        tenant_id: Some("84841066-274d-4ec0-a5c1-276be684bdd3".into()),
        tenant_name: Some("Contoso".into()),
        playbook: Some("token-theft".into()),
        since: time("2026-11-23T18:00:00Z"),
        started_at: time("2026-11-24T02:14:06Z"),
        finished_at: time("2026-11-24T02:14:19Z"),
        users: vec![UserDocument {
            residual_access: vec![],
            id: ADELE.into(),
            user_principal_name: "AdeleV@contoso.com".into(),
            display_name: Some("Adele Vance".into()),
            traits: vec!["member".into()],
            outcome: Outcome::Contained,
            cut_at: time("2026-11-24T02:14:07Z"),
            cut_ms: Some(843),
            residual_access_until: time("2026-11-24T03:44:07Z"),
            steps: vec![
                step("cut", "revoke_sessions", "revoke_sessions", vec![revoke(State::Effective)]),
                step("cut", "disable_user", "disable_user", vec![disable(State::Effective)]),
                step("credentials", "reset_password", "reset_password", vec![reset(State::Effective)]),
                step("cut-again", "revoke_sessions_again", "revoke_sessions", vec![]),
                consents,
            ],
            open: vec![
                OpenDocument {
                    step: Some("review_consents".into()),
                    label: "Contoso Sync Helper".into(),
                    reasons: vec![
                        "consented for the whole tenant: removing it here would break it for everyone".into(),
                    ],
                    next: Some("have the owner confirm it, or disable its service principal".into()),
                },
                OpenDocument {
                    step: None,
                    label: "inbox rules and forwarding".into(),
                    reasons: vec!["not examined by this playbook".into()],
                    next: Some("Get-InboxRule -Mailbox AdeleV@contoso.com -IncludeHidden".into()),
                },
            ],
        }],
        journal: Some(JournalDocument {
            path: "/var/lib/oust/runs/019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44/journal.jsonl".into(),
            head: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }),
        sealed: vec![],
        error: None,
    }
}

/// The same, only planned.
pub(crate) fn planned() -> RunDocument {
    let mut document = contained();
    document.command = "plan".into();
    document.dry_run = true;
    document.outcome = Outcome::Planned;
    document.run_id = None;
    document.journal = None;
    let user = &mut document.users[0];
    user.outcome = Outcome::Planned;
    (user.cut_at, user.cut_ms, user.residual_access_until) = (None, None, None);
    user.traits = vec!["member".into(), "synced".into()];
    for step in &mut user.steps {
        for change in &mut step.changes {
            change.state = State::Planned;
        }
        if !step.changes.is_empty() {
            step.state = State::Planned;
        }
    }
    user.steps[1].changes[0].state = State::WillRevert;
    user.steps[1].changes[0].reason =
        Some("the next directory sync enables it again: disable CONTOSO\\adelev in AD".into());
    user.steps[1].state = State::WillRevert;
    document
}

/// A run that the service refused a part of and that lost an answer.
pub(crate) fn partial() -> RunDocument {
    let mut document = contained();
    document.outcome = Outcome::Partial;
    document.exit_code = 3;
    let user = &mut document.users[0];
    user.outcome = Outcome::Partial;
    let refused = &mut user.steps[2].changes[0];
    refused.state = State::Refused;
    refused.http_status = Some(403);
    refused.graph_error = Some(
        "Authorization_RequestDenied: Insufficient privileges to complete the operation.\u{1b}[2J".into(),
    );
    refused.request_id = Some("5f0a2c62-9a1c-4f7c-8a53-2a7c8f9a9d10".into());
    user.steps[2].state = State::Refused;
    user.steps[2].error = Some(problem());
    let lost = &mut user.steps[1].changes[0];
    lost.state = State::InDoubt;
    lost.reason = Some("no answer: the connection was reset".into());
    user.steps[1].state = State::InDoubt;
    document.error = Some(problem());
    document
}

/// A rollback of [`contained`].
pub(crate) fn rolled_back() -> RunDocument {
    let mut document = contained();
    document.command = "rollback".into();
    document.outcome = Outcome::RolledBack;
    let user = &mut document.users[0];
    user.outcome = Outcome::RolledBack;
    user.open.clear();
    let became = |state, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        Some(RollbackDocument { state, reason, http_status: None, request_id: None })
    };
    user.steps[0].changes[0].rollback =
        became(RollbackState::Never, Some("a revoked session can't be restored; the user signs in again"));
    user.steps[1].changes[0].rollback = became(RollbackState::Restored, None);
    user.steps[2].changes[0].rollback = became(RollbackState::Never, Some("the old password is not known"));
    user.steps[4].changes[0].rollback =
        became(RollbackState::Moved, Some("the user has consented anew since: left alone"));
    document
}

/// A missing permission.
pub(crate) fn problem() -> Problem {
    Problem {
        kind: "urn:oust:error:E0301".into(),
        title: "the application lacks a permission".into(),
        status: Some(403),
        detail: "setting the password needs User-PasswordProfile.ReadWrite.All".into(),
        instance: None,
        code: "E0301".into(),
        changed: "nothing was changed".into(),
        next: Some("oust doctor".into()),
        graph_request_id: Some("5f0a2c62-9a1c-4f7c-8a53-2a7c8f9a9d10".into()),
        step: Some("reset_password".into()),
    }
}

/// [`partial`], with every free text turned hostile.
pub(crate) fn hostile() -> RunDocument {
    const EVIL: &str = "\u{1b}[2J\u{202e}\r\n| <script> [x](http://evil.example) ` @all #1 \u{e0041}";
    const FREE: &[&str] = &[
        "tenant_name",
        "display_name",
        "user_principal_name",
        "label",
        "say",
        "from",
        "to",
        "reason",
        "reasons",
        "graph_error",
        "request_id",
        "traits",
        "detail",
        "changed",
        "next",
        "never",
        "stage",
        "action",
        "playbook",
    ];
    fn spoil(value: &mut serde_json::Value, free: bool) {
        match value {
            serde_json::Value::String(text) if free => text.push_str(EVIL),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, free)),
            serde_json::Value::Object(members) => {
                for (name, value) in members.iter_mut() {
                    spoil(value, FREE.contains(&name.as_str()));
                }
            }
            _ => {}
        }
    }
    let mut value = serde_json::to_value(partial()).expect("a document");
    spoil(&mut value, false);
    serde_json::from_value(value).expect("still a document")
}
