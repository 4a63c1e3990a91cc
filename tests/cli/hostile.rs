//! Answers and names that mean harm.

use std::net::TcpListener;

use oust::rehearsal::CONTOSO;

use crate::served::{ADELE, Place};

const NAME: &str = r#""Mail\e[2J\e]0;x\a\nBackup\r\u202E<script>alert(1)</script>[click](https://fabrikam.com)|x|`y`\u2028\U000E0041""#;
const BAD: [char; 9] =
    ['\u{1b}', '\u{7}', '\r', '\u{202e}', '\u{2028}', '\u{e0041}', '\u{200b}', '\u{0}', '\u{9b}'];

fn hostile() -> Place {
    let mut tenant = CONTOSO.to_owned();
    for (was, now) in [
        ("  - name: Mail Backup\n", format!("  - name: {NAME}\n")),
        ("app: Mail Backup\n", format!("app: {NAME}\n")),
        ("app: Mail Backup,", format!("app: {NAME},")),
        ("  name: Contoso\n", format!("  name: {NAME}\n")),
        ("  - name: Adele Vance ", format!("  - name: {NAME} ")),
        ("publisher: Fabrikam\n", format!("publisher: {NAME}\n")),
        ("SM-G991B", NAME.to_owned()),
        ("DESKTOP-7K2M9QX", NAME.to_owned()),
        ("export 2", NAME.to_owned()),
        // Ids follow from names: what is kept needs another one than what is removed.
        ("nightly export", NAME.replacen("Mail", "Kept", 1)),
        ("name: Newsletters\n", format!("name: {}\n", NAME.replacen("Mail", "Kept", 1))),
        ("\"..\"", NAME.to_owned()),
        ("words: [invoice, payment]", format!("words: [invoice, {NAME}]")),
        ("  - name: Retail\n", format!("  - name: {NAME}\n")),
        ("group: Retail\n", format!("group: {NAME}\n")),
    ] {
        assert!(tenant.contains(was), "{was}");
        tenant = tenant.replace(was, &now);
    }
    Place::new(&tenant)
}

#[test]
fn hostile_names_reach_no_terminal() {
    let place = hostile();
    place.oust(&["plan", ADELE, "--output", "json"]).ended(0, "planned");
    for args in [
        &["doctor"][..],
        &["plan", ADELE],
        &["plan", ADELE, "-v"],
        &["contain", ADELE, "--yes", "-v"],
        &["verify", "last"],
        &["report", "last"],
        &["report", "last", "--format", "markdown"],
        &["runs"],
        &["rollback", "last", "--dry-run"],
        &["rollback", "last", "--yes"],
        &["report", "last"],
    ] {
        let ran = place.oust(args);
        assert_eq!(ran.status, 0, "{args:?} {ran:?}");
        for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            let bad = text.chars().find(|c| BAD.contains(c) || c.is_control() && *c != '\n');
            assert_eq!(bad, None, "{args:?} {stream}: {text:?}");
        }
    }
}

#[test]
fn hostile_names_are_no_markup_in_a_ticket() {
    let place = hostile();
    place.contain(&[]).ended(0, "contained");
    let markdown = place.oust(&["report", "last", "--format", "markdown"]).stdout;
    assert!(markdown.contains("click"), "the name is there: {markdown}");
    // Inside a code span nothing is live.
    let spans = ["``", "`"].map(|fence| markdown.matches(fence).count());
    assert!(spans.iter().all(|n| n % 2 == 0), "{markdown}");
    let live: String = markdown.split("``").step_by(2).collect();
    for bad in ["<script", "](https://fabrikam.com)", "alert(1)"] {
        assert!(!live.contains(bad), "{bad} in {markdown}");
    }
}

#[test]
fn hostile_names_in_a_rehearsal_too() {
    let place = hostile();
    let mut tenant = CONTOSO.replace("  - name: Mail Backup\n", &format!("  - name: {NAME}\n"));
    tenant = tenant.replace("app: Mail Backup\n", &format!("app: {NAME}\n"));
    tenant = tenant.replace("app: Mail Backup,", &format!("app: {NAME},"));
    place.write("tenant.yaml", &tenant);
    let ran = place.oust(&["rehearse", "tenant.yaml"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let bad = ran.stdout.chars().find(|c| BAD.contains(c) || c.is_control() && *c != '\n');
    assert_eq!(bad, None, "{}", ran.stdout);
}

#[test]
fn an_answer_that_is_none_changes_nothing_and_is_told() {
    for what in [
        "html",
        "cut_body",
        "empty",
        "huge",
        "{status: {code: 200, body: '[1,2'}}",
        "{status: {code: 200, body: 'null'}}",
    ] {
        let place = Place::with_fault("GET /users/*", what);
        let ran = place.contain(&["--deadline", "3s"]);
        let document = ran.document();
        let code = document["error"]["code"].as_str().unwrap_or_default();
        assert!(["E0502", "E0505", "E0602"].contains(&code), "{what}: {document:#}");
        assert!([1, 7].contains(&ran.status), "{what}: {}", ran.status);
        assert_eq!(place.writes(), [""; 0], "{what}");
    }
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    foreign.set_nonblocking(true).unwrap();
    let link = format!("http://{}/v1.0/next", foreign.local_addr().unwrap());
    let body = format!(r#"{{"value":[],"@odata.nextLink":"{link}"}}"#);
    let place = Place::with_fault(
        "GET oauth2PermissionGrants",
        &format!("{{status: {{code: 200, body: '{body}'}}}}"),
    );
    let ran = place.contain(&[]);
    let document = ran.ended(3, "partial");
    assert!(document.to_string().contains("E0503"), "{document:#}");
    assert!(foreign.accept().is_err(), "nobody may come");
}
