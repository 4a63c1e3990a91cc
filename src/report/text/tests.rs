use super::*;
use crate::report::{Outcome, call, sample};

const WIDTHS: [usize; 4] = [40, 60, 80, 100];

fn every() -> Vec<RunDocument> {
    vec![sample::contained(), sample::partial(), sample::planned(), sample::rolled_back(), sample::hostile()]
}

#[test]
fn the_first_line_tells_the_outcome() {
    let first = |document: &RunDocument| run(document, &Paint::PLAIN, 80).lines().next().unwrap().to_owned();
    assert_eq!(first(&sample::contained()), "CONTAINED  every change is in force and was read back");
    assert_eq!(first(&sample::partial()), "PARTLY CONTAINED  some changes are in force, some are not");
    assert_eq!(first(&sample::planned()), "PLAN  nothing has been changed");
    assert_eq!(first(&sample::rolled_back()), "ROLLED BACK  what could be taken back was");
}

#[test]
fn hostile_text_moves_nothing_and_hides_nothing() {
    for width in WIDTHS {
        for text in [run_with_calls, plan].map(|render| render(&sample::hostile(), &Paint::PLAIN, width)) {
            for bad in ['\u{1b}', '\u{202e}', '\r', '\u{e0041}'] {
                assert!(!text.contains(bad), "{bad:?} in {text}");
            }
            assert!(text.contains("\\u{202e}"));
        }
    }
}

#[test]
fn lines_fit_the_terminal_but_for_what_must_be_exact() {
    for width in WIDTHS {
        for document in every() {
            for line in run(&document, &Paint::PLAIN, width).lines() {
                let exact = ["run ", "journal ", "head ", "next ", "         oust "];
                let exact = exact.iter().any(|name| line.starts_with(name));
                assert!(exact || crate::report::width::columns(line) <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn a_plan_shows_every_call_exactly_and_marks_what_is_final() {
    let document = sample::planned();
    let text = plan(&document, &Paint::PLAIN, 60);
    for change in document.users.iter().flat_map(|user| &user.steps).flat_map(|step| &step.changes) {
        assert!(text.lines().any(|line| line.trim() == call::one_line(&change.call)), "{}", change.call);
    }
    assert_eq!(text.matches("no undo:").count(), 2);
    assert!(!text.contains("$secret"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    for document in every() {
        let plain = run(&document, &Paint::PLAIN, 80);
        let coloured = run(&document, &Paint { colour: true }, 80);
        assert_ne!(plain, coloured);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }
}

#[test]
fn an_error_is_told_once_where_it_belongs() {
    let text = run(&sample::partial(), &Paint::PLAIN, 100);
    assert_eq!(text.matches("error[E0301]").count(), 1);
    let mut alone = sample::partial();
    alone.users.clear();
    alone.outcome = Outcome::Refused;
    insta::assert_snapshot!(problem(alone.error.as_ref().unwrap(), &Paint::PLAIN, 80), @r"
    error[E0301]: reset_password: setting the password needs
                  User-PasswordProfile.ReadWrite.All
      changed:  nothing was changed
      next:     oust doctor
      request:  5f0a2c62-9a1c-4f7c-8a53-2a7c8f9a9d10
      explain:  oust explain E0301
    ");
    assert!(run(&alone, &Paint::PLAIN, 100).starts_with("REFUSED  nothing was changed\n"));
}

#[test]
fn a_name_that_a_shell_would_read_is_typed_by_id() {
    let mut document = sample::planned();
    assert_eq!(next(&document)[0].0, "oust contain AdeleV@contoso.com");
    document.users[0].user_principal_name = "a$(reboot)@contoso.com".into();
    assert_eq!(next(&document)[0].0, format!("oust contain {}", sample::ADELE));
    document.users[0].id = "also bad".into();
    assert!(next(&document).is_empty());
}

#[test]
fn a_rollback_tells_what_became_of_each_change() {
    let text = run(&sample::rolled_back(), &Paint::PLAIN, 80);
    for line in
        ["/ permanent    revoke refresh tokens", "+ restored     disable the account", "disabled → enabled"]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("still works"));
}

#[test]
fn a_contained_account_at_eighty_columns() {
    insta::assert_snapshot!(run(&sample::contained(), &Paint::PLAIN, 80), @r#"
    CONTAINED  every change is in force and was read back
      tenant       Contoso (84841066-274d-4ec0-a5c1-276be684bdd3)
      playbook     token-theft
      window       since 2026-11-23 18:00:00 UTC
      cut off      2026-11-24 02:14:07 UTC, 0.84 s after the start
      still works  access tokens that are already out, until 2026-11-24 03:44:07 UTC
                   at the latest
      changes      4 done; 2 can't be undone
      remains      2 ways in for a person to look at, listed below

    AdeleV@contoso.com
      Adele Vance · member · 87d349ed-44d7-43e1-9a83-5f2406dee5bd

      cut
      + done         revoke refresh tokens and browser sessions (can't be undone)
      + done         disable the account

      credentials
      + done         set a new random password (can't be undone)

      cut-again
      = already      revoke refresh tokens and browser sessions

      consents
      + done         remove the consent to the app: Mail Backup \u{202e}orP

      judged and kept
                risk  name              why
        keep    12    Contoso Expenses  an app of this tenant
                                        only signs in and reads the profile
                                        (User.Read)
        keep    0     Microsoft Office  a first-party app of Microsoft

      still open: a person must look at these
        1.  Contoso Sync Helper
            consented for the whole tenant: removing it here would break it for
            everyone
            do: have the owner confirm it, or disable its service principal
        2.  inbox rules and forwarding
            not examined by this playbook
            do: Get-InboxRule -Mailbox AdeleV@contoso.com -IncludeHidden

    run      019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44
    journal  /var/lib/oust/runs/019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44/journal.jsonl
    head     9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 (for the ticket)
    next     oust verify 019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44
               is it still in force?
             oust rollback 019ab7c4-5d1e-7c3a-9f00-2b7d5e8c1a44
               once the account is clean
    "#);
}

#[test]
fn a_plan_at_sixty_columns() {
    insta::assert_snapshot!(plan(&sample::planned(), &Paint::PLAIN, 60), @r#"
    PLAN  nothing has been changed
      tenant       Contoso
                   (84841066-274d-4ec0-a5c1-276be684bdd3)
      playbook     token-theft
      window       since 2026-11-23 18:00:00 UTC
      would do     3 planned, 1 will revert; 2 can't be undone
      remains      2 ways in for a person to look at, listed
                   below

    AdeleV@contoso.com
      Adele Vance · member · synced ·
      87d349ed-44d7-43e1-9a83-5f2406dee5bd
      permissions and roles: none is known to be missing

      cut
      > planned      revoke refresh tokens and browser sessions
                     sessions since 2026-11-02T07:31:09Z are
                     valid → only sessions from now on are valid
                     POST /v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd/revokeSignInSessions
                     no undo: a revoked session can't be
                              restored; the user signs in again
      ~ will revert  disable the account
                     enabled → disabled
                     PATCH /v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd {"accountEnabled":false}
                     the next directory sync enables it again:
                     disable CONTOSO\adelev in AD

      credentials
      > planned      set a new random password
                     set 2026-03-14T09:26:53Z → a new one, to be
                     changed at the next sign-in
                     PATCH /v1.0/users/87d349ed-44d7-43e1-9a83-5f2406dee5bd {"passwordProfile":{"password":«new password, never written»,"forceChangePasswordNextSignIn":true,"forceChangePasswordNextSignInWithMfa":false}}
                     no undo: the old password is not known

      cut-again
      = already      revoke refresh tokens and browser sessions

      consents
      > planned      remove the consent to the app: Mail Backup
                     \u{202e}orP
                     Mail.ReadWrite offline_access → no consent
                     DELETE /v1.0/oauth2PermissionGrants/Z3JhbnQ
                     risk 90; +35 reads and changes all mail
                     (Mail.ReadWrite); +30 consented inside the
                     window

      judged and kept
        keep    risk 12: Contoso Expenses
                an app of this tenant
                only signs in and reads the profile (User.Read)
        keep    risk 0: Microsoft Office
                a first-party app of Microsoft

      still open: a person must look at these
        1.  Contoso Sync Helper
            consented for the whole tenant: removing it here
            would break it for everyone
            do: have the owner confirm it, or disable its
                service principal
        2.  inbox rules and forwarding
            not examined by this playbook
            do: Get-InboxRule -Mailbox AdeleV@contoso.com
                -IncludeHidden

    next     oust contain AdeleV@contoso.com  do it
    "#);
}

#[test]
fn with_several_users_each_has_its_outcome_and_its_cut() {
    let mut document = sample::partial();
    let mut alex = sample::contained().users.remove(0);
    alex.user_principal_name = "AlexW@contoso.com".into();
    alex.open.clear();
    document.users.push(alex);
    let text = run(&document, &Paint::PLAIN, 100);
    for line in [
        "  cut off      AlexW@contoso.com: 2026-11-24 02:14:07 UTC, 0.84 s after the start\n",
        "\nPARTLY CONTAINED  AdeleV@contoso.com\n",
        "\nCONTAINED  AlexW@contoso.com\n",
        "  changes      6 done, 1 in doubt, 1 refused; 3 can't be undone\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_a_person_must_look_at_is_told_once() {
    let mut document = sample::contained();
    let open = document.users[0].open[0].clone();
    document.users[0].steps[4].findings.push(crate::report::FindingDocument {
        object_id: "sp2".into(),
        label: open.label.clone(),
        decision: oust_actions::Decision::Ask,
        reasons: open.reasons,
        risk: Some(70),
    });
    assert_eq!(run(&document, &Paint::PLAIN, 80).matches(&open.label).count(), 1);
}

#[test]
fn a_saved_plan_ends_with_the_command_that_applies_it() {
    let next = |file| {
        let text = saved_plan(&sample::planned(), &Paint::PLAIN, 100, file);
        text.lines().find(|line| line.starts_with("next")).unwrap().to_owned()
    };
    assert_eq!(next("plan.json"), "next     oust apply plan.json  do it");
    assert_eq!(next("plans/my plan.json"), "next     oust apply 'plans/my plan.json'  do it");
    assert_eq!(next("-x"), "next     oust apply ./-x  do it");
}

#[test]
fn what_is_done_takes_a_line_and_what_is_not_all_it_needs() {
    let report = run(&sample::partial(), &Paint::PLAIN, 100);
    assert!(report.contains("HTTP 403"), "{report}");
    for document in every() {
        let lines = |text: &str| text.lines().count();
        let report = run(&document, &Paint::PLAIN, 100);
        let full = run_with_calls(&document, &Paint::PLAIN, 100);
        assert!(lines(&report) <= lines(&full));
    }
}

#[test]
fn the_reasons_of_one_app_are_told_once() {
    let mut document = sample::planned();
    let (user, reasons) = (&mut document.users[0], ["signs the user in", "verified publisher"]);
    let finding = |id: &str, kind: &str| crate::report::FindingDocument {
        object_id: id.into(),
        label: "Travel Planner".into(),
        decision: oust_actions::Decision::Keep,
        reasons: reasons.into_iter().chain([kind]).map(str::to_owned).collect(),
        risk: Some(0),
    };
    user.steps[0].findings.extend([
        finding("a", "consent"),
        finding("b", "assignment"),
        finding("c", "consent"),
    ]);
    let text = plan(&document, &Paint::PLAIN, 100);
    // The third is another object, of the same name and kind.
    assert_eq!(text.matches("Travel Planner").count(), 2, "{text}");
    assert_eq!(
        (text.matches("assignment\n").count(), text.matches("   consent\n").count()),
        (1, 2),
        "{text}"
    );
}

#[test]
fn a_rehearsed_rollback_names_the_command_that_does_it() {
    let mut document = sample::rolled_back();
    document.dry_run = true;
    document.users[0].steps[1].changes[0].rollback.as_mut().unwrap().state =
        crate::report::RollbackState::Planned;
    assert_eq!(next(&document)[0].0, format!("oust rollback {}", sample::RUN));
}

#[test]
fn a_plan_names_what_each_step_lacks() {
    use crate::report::{Lack, LackKind};
    let mut document = sample::planned();
    let lack = |kind, name: &str| Lack { kind, name: name.into() };
    document.users[0].steps[1].lacks = vec![
        lack(LackKind::Permission, "User.EnableDisableAccount.All"),
        lack(LackKind::Role, "User Administrator"),
    ];
    let text = plan(&document, &Paint::PLAIN, 100);
    let row =
        "disable_user  permission User.EnableDisableAccount.All, role User Administrator\n    `oust doctor`";
    assert!(text.contains(row), "{text}");
    assert!(!text.contains("none is known to be missing"), "{text}");
    let report = run(&document, &Paint::PLAIN, 100);
    assert!(!report.contains("the service will refuse"), "a report tells what did happen: {report}");
}
