//! What `oust doctor` finds missing, and the commands that it prints for it.

use serde_json::Value;

use crate::served::Place;

const CHINA: &str = include_str!("../../examples/tenants/china.yaml");
const ACT: &str = "SecurityIdentitiesActions.ReadWrite.All";

#[test]
fn what_is_optional_is_told_apart_from_what_is_missing_and_is_no_reason_to_fail() {
    let ran = Place::contoso().oust(&["doctor"]);
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    assert!(ran.stdout.contains(&format!("lacks {ACT} (optional")), "{}", ran.stdout);
    let (needed, optional) = ran.stdout.split_once("\nOptional").unwrap();
    assert!(!needed.contains("az rest"), "{}", ran.stdout);
    assert_eq!(optional.matches("az rest").count(), 2, "{}", ran.stdout);
    let ran = Place::without("Device.ReadWrite.All").oust(&["doctor", "--output", "json"]);
    assert_eq!(ran.status, 5, "{}", ran.stdout);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let commands = |name: &str| found[name].as_array().unwrap().len();
    assert!(commands("grant") > 0 && commands("grant_optional") > 0, "{found:#}");
    let step = |id: &str| found["actions"].as_array().unwrap().iter().find(|a| a["action"] == id).unwrap();
    assert_eq!(step("disable_on_premises")["missing_permissions"], Value::Array(vec![]));
    assert_eq!(step("disable_on_premises")["missing_optional"][1], ACT);
}

#[test]
fn nothing_is_to_be_granted_that_nothing_in_the_cloud_takes() {
    let china = CHINA.replace("      - MailboxSettings.ReadWrite\n", "");
    let ran = Place::new(&china).oust(&["doctor", "--cloud", "china"]);
    assert_eq!(ran.status, 0, "{}", ran.stdout);
    assert!(ran.stdout.contains("unused MailboxSettings.ReadWrite (this cloud"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("az rest"), "{}", ran.stdout);
    let ran = Place::new(&china).oust(&["doctor"]);
    assert_eq!(ran.status, 5, "{}", ran.stdout);
}
