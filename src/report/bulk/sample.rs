//! Summaries for tests: a bulk run with users of every kind.

use jiff::Timestamp;

use super::{BULK_SCHEMA, BulkCounts, BulkDocument, BulkUser};
use crate::failure::{Code, Failure};
use crate::report::{Outcome, sample};

pub(in crate::report) const BULK: &str = "019ab7c4-4f00-7a51-8e21-6d0c3b7f9e10";

fn time(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

/// A run of nobody.
pub(in crate::report) fn empty() -> BulkDocument {
    BulkDocument {
        schema: BULK_SCHEMA.into(),
        run_id: Some(BULK.into()),
        command: "contain".into(),
        dry_run: false,
        outcome: Outcome::NothingToDo,
        exit_code: 0,
        playbook: Some("token-theft".into()),
        started_at: Some(time("2026-11-24T02:14:06Z")),
        finished_at: Some(time("2026-11-24T02:31:40Z")),
        list_sha256: Some("6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090".into()),
        counts: BulkCounts::default(),
        tenants: vec![],
        users: vec![],
        error: None,
    }
}

/// A user that was contained.
pub(in crate::report) fn user(name: &str) -> BulkUser {
    BulkUser {
        tenant: Some("contoso".into()),
        user: name.into(),
        open: 0,
        ..BulkUser::of(&sample::contained())
    }
}

/// A user of a run that ended otherwise.
pub(in crate::report) fn ended(name: &str, outcome: Outcome, exit_code: u8) -> BulkUser {
    BulkUser { outcome, exit_code, cut_at: None, cut_ms: None, residual_access_until: None, ..user(name) }
}

fn refused(name: &str) -> BulkUser {
    let failure = Failure::new(Code::ProtectedTarget, "it is in the list of protected users");
    let error = Some(failure.problem(None));
    BulkUser { run_id: None, journal_head: None, changes: 0, error, ..ended(name, Outcome::Refused, 6) }
}

fn not_begun(name: &str) -> BulkUser {
    BulkUser {
        run_id: None,
        user_id: None,
        journal_head: None,
        changes: 0,
        ..ended(name, Outcome::Interrupted, 7)
    }
}

/// Users of every kind in two tenants.
pub(in crate::report) fn mixed() -> BulkDocument {
    let mut document = empty();
    document.users = (1..=40).map(|n| user(&format!("user{n}@contoso.com"))).collect();
    let unreachable = Failure::new(Code::Unavailable, "reading the user: the service is failing (HTTP 503)");
    let failed = BulkUser {
        error: Some(unreachable.problem(None)),
        changes: 0,
        ..ended("AlexW@contoso.com", Outcome::Failed, 1)
    };
    let mut partial = BulkUser { tenant: Some("contoso".into()), ..BulkUser::of(&sample::partial()) };
    partial.error = None;
    partial.reason = Some(
        "reset_password refused: HTTP 403, Authorization_RequestDenied: Insufficient privileges to complete the \
         operation.\u{1b}[2J"
            .into(),
    );
    let unverified = BulkUser {
        outcome: Outcome::Unverified,
        exit_code: 4,
        tenant: Some("fabrikam".into()),
        tenant_id: Some("f8cdef31-a31e-4b4a-93e4-5f571e91255a".into()),
        reason: Some("disable_user will revert: the next directory sync enables it again".into()),
        ..user("MeganB@fabrikam.com")
    };
    let open = BulkUser { open: 2, ..user("DiegoS@contoso.com") };
    let elsewhere =
        BulkUser { tenant: unverified.tenant.clone(), tenant_id: unverified.tenant_id.clone(), ..user("x") };
    document.users.extend([
        failed,
        refused("admin@contoso.com"),
        partial,
        unverified,
        open,
        ended("user41@contoso.com", Outcome::NothingToDo, 0),
    ]);
    document
        .users
        .extend((1..=4).map(|n| BulkUser { user: format!("user{n}@fabrikam.com"), ..elsewhere.clone() }));
    document.users.extend((42..=44).map(|n| not_begun(&format!("user{n}@contoso.com"))));
    for (at, user) in document.users.iter_mut().enumerate() {
        user.line = Some(at + 2);
        let cut = user.cut_at.is_some();
        user.cut_ms = user.cut_ms.filter(|_| cut).map(|ms| ms + 700 * at as u64);
    }
    document.conclude();
    for tenant in &mut document.tenants {
        tenant.throttled = if tenant.name.as_deref() == Some("contoso") { 17 } else { 0 };
    }
    document
}

/// All contained.
pub(in crate::report) fn contained() -> BulkDocument {
    let mut document = mixed();
    document.users.truncate(40);
    document.tenants.truncate(1);
    document.conclude();
    document
}

/// More who need a person than are listed.
pub(in crate::report) fn crowded() -> BulkDocument {
    let mut document = mixed();
    document.users.extend((1..=30).map(|n| refused(&format!("protected{n}@contoso.com"))));
    document.conclude();
    document
}

/// Before a person is asked: nothing was done yet.
pub(in crate::report) fn asked() -> BulkDocument {
    let mut document = mixed();
    (document.run_id, document.finished_at) = (None, None);
    for user in &mut document.users {
        *user = BulkUser {
            outcome: Outcome::Planned,
            error: None,
            reason: None,
            tenant: user.tenant.clone(),
            tenant_id: user.tenant_id.clone(),
            ..not_begun(&user.user)
        };
    }
    document.conclude();
    document
}

/// A plan of most of them.
pub(in crate::report) fn planned() -> BulkDocument {
    let mut document = asked();
    document.dry_run = true;
    document.command = "plan".into();
    for user in &mut document.users {
        user.changes = 4;
    }
    document.users.truncate(45);
    document.users.push(refused("admin@contoso.com"));
    document.conclude();
    document
}

/// [`mixed`], with every free text turned hostile.
pub(in crate::report) fn hostile() -> BulkDocument {
    const EVIL: &str = "\u{1b}[2J\u{202e}\r\n| <script> [x](http://evil.example) ` @all #1 \u{e0041}";
    let mut document = mixed();
    for user in &mut document.users {
        user.user = format!("={}{EVIL}", user.user);
        user.tenant.iter_mut().for_each(|text| text.push_str(EVIL));
        user.reason.iter_mut().for_each(|text| text.push_str(EVIL));
        user.run_id.iter_mut().for_each(|text| text.push_str(EVIL));
        if let Some(error) = &mut user.error {
            error.detail.push_str(EVIL);
            error.code.push_str(EVIL);
        }
    }
    document.playbook.iter_mut().for_each(|text| text.push_str(EVIL));
    document.run_id.iter_mut().for_each(|text| text.push_str(EVIL));
    document.tenants.clear();
    document.conclude();
    document
}
