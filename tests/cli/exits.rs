//! Exit statuses, each reached by the real binary.

use oust::rehearsal::CONTOSO;

use crate::served::{ADELE, Place};

const SYNCED: &str = include_str!("../../examples/tenants/synced.yaml");
const NOBODY: &str = "00000000-0000-4000-8000-00000000dead";

#[test]
fn contained_is_0_and_so_is_nothing_to_do() {
    let place = Place::contoso();
    let document = place.contain(&[]).ended(0, "contained");
    assert!(document["users"][0]["cut_at"].is_string(), "{document:#}");
    assert_eq!(document["users"][0]["user_principal_name"], ADELE);
    // Long after, so that the revocation before counts as one of this window.
    let again = place.contain(&[]);
    assert_eq!(again.status, 0, "{again:?}");
}

#[test]
fn a_plan_is_0_or_2_with_detailed_exitcode_and_writes_nothing() {
    let place = Place::contoso();
    place.oust(&["plan", ADELE, "--output", "json"]).ended(0, "planned");
    place.oust(&["plan", ADELE, "--output", "json", "--detailed-exitcode"]).ended(2, "planned");
    place.oust(&["contain", ADELE, "--dry-run", "--output", "json"]).ended(0, "planned");
    assert_eq!(place.writes(), [""; 0]);
}

#[test]
fn a_step_without_its_permission_makes_it_partial_3() {
    let place = Place::without("DelegatedPermissionGrant.ReadWrite.All");
    let document = place.contain(&[]).ended(3, "partial");
    let steps = document["users"][0]["steps"].as_array().unwrap();
    let failed: Vec<_> = steps.iter().filter(|step| !step["error"].is_null()).collect();
    assert_eq!(failed.len(), 1, "{document:#}");
    assert_eq!(failed[0]["error"]["code"], "E0301");
    assert!(document["users"][0]["cut_at"].is_string(), "the cut does not wait for it");
}

#[test]
fn a_synced_account_is_applied_but_will_be_put_back_4() {
    let place = Place::new(SYNCED);
    let run = ["contain", "DiegoS@contoso.com", "--yes", "--output", "json", "--patience", "1s"];
    let document = place.oust(&run).ended(4, "unverified");
    let text = document.to_string();
    assert!(text.contains("will_revert"), "{document:#}");
    assert!(text.contains("corp.contoso.com"), "the domain controller to go to is named: {document:#}");
}

#[test]
fn no_permission_for_the_cut_is_5_and_nothing_changed() {
    let place = Place::without("User.Read.All");
    place.contain(&[]).refused(5, "E0301");
    assert_eq!(place.writes(), [""; 0]);
}

#[test]
fn a_holder_of_a_role_that_ours_does_not_reach_is_5() {
    let place = Place::contoso();
    let ran = place.oust(&["contain", "MeganB@contoso.com", "--yes", "--output", "json", "--patience", "1s"]);
    ran.refused(5, "E0302");
    assert_eq!(place.writes(), [""; 0]);
}

#[test]
fn no_credential_is_5_before_anything_is_sent() {
    let place = Place::contoso();
    let mut command = place.command(&["contain", ADELE, "--yes", "--auth", "secret", "--output", "json"]);
    command.env_remove("OUST_GRAPH_ENDPOINT").env_remove("OUST_TOKEN_FILE");
    crate::served::finish(&mut command).refused(5, "E0201");
}

#[test]
fn guards_are_6_and_nothing_is_written() {
    let adele = {
        let plan = Place::contoso().oust(&["plan", ADELE, "--output", "json"]).document();
        plan["users"][0]["id"].as_str().unwrap().to_owned()
    };
    let group = "9b1c0c4e-6f0a-4d0b-8f0e-2f3d4c5b6a79";
    let tenant = CONTOSO.replace("  - name: Retail\n", &format!("  - name: Retail\n    id: {group}\n"));
    assert_ne!(tenant, CONTOSO);
    let place = Place::new(&tenant);

    place.write("users.toml", &format!("[protected]\nusers = [\"{adele}\"]\n"));
    place.contain(&["--config", "users.toml"]).refused(6, "E0401");
    place.write("groups.toml", &format!("[protected]\ngroups = [\"{group}\"]\n"));
    place.contain(&["--config", "groups.toml"]).refused(6, "E0401");
    place.contain(&["AlexW@contoso.com"]).refused(6, "E0403");
    place.oust(&["contain", "nobody@contoso.com", "--yes", "--output", "json"]).refused(6, "E0407");
    place.oust(&["contain", NOBODY, "--yes", "--output", "json"]).refused(6, "E0407");
    place.oust(&["contain", ADELE, "--output", "json"]).refused(6, "E0404");
    place.contain(&["--tenant", "elsewhere"]).refused(64, "E0104");
    let mut other = place.command(&["contain", ADELE, "--yes", "--output", "json"]);
    crate::served::finish(other.env("AZURE_TENANT_ID", NOBODY)).refused(6, "E0406");
    assert_eq!(place.writes(), [""; 0]);

    place.write("limit.toml", "[limits]\nmax_users = 2\n");
    place.contain(&["AlexW@contoso.com", "--config", "limit.toml"]).ended(0, "contained");
}

#[test]
fn a_tenant_named_on_the_command_line_goes_before_the_environment() {
    let place = Place::contoso();
    let own = place.served.tenant.with(|tenant| tenant.tenant_id.clone());
    place.write(
        "oust.toml",
        &format!("[tenants.contoso]\ntenant_id = \"{own}\"\n[tenants.b]\ntenant_id = \"{NOBODY}\"\n"),
    );
    let run = |tenant: &str, environment: &str| {
        let args = ["plan", ADELE, "--output", "json", "--config", "oust.toml", "--tenant", tenant];
        crate::served::finish(place.command(&args).env("AZURE_TENANT_ID", environment))
    };
    run("contoso", NOBODY).ended(0, "planned");
    run("b", &own).refused(6, "E0406");
}

#[test]
fn a_changed_byte_in_the_journal_is_8() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let journal = place.journal();
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.contains("accountEnabled"));
    std::fs::write(&journal, text.replacen("accountEnabled", "accountenabled", 1)).unwrap();
    let before = place.writes();
    for command in ["verify", "report", "resume", "rollback"] {
        let yes = if command == "rollback" { "--yes" } else { "--no-input" };
        let document = place.oust(&[command, "last", yes, "--output", "json"]).refused(8, "E0701");
        assert!(document["error"]["detail"].as_str().unwrap().contains("line "), "{document:#}");
    }
    assert_eq!(place.oust(&["runs"]).status, 8);
    assert_eq!(place.writes(), before);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_1_and_nothing_is_sent() {
    let place = Place::contoso();
    place.write("file", "");
    place.contain(&["--state-dir", "file/below"]).refused(1, "E0703");
    assert_eq!(place.writes(), [""; 0]);
}

#[test]
fn exit_zero_turns_every_outcome_into_0_and_the_document_still_tells() {
    let place = Place::contoso();
    let ran = place.oust(&["contain", "nobody@contoso.com", "--yes", "--exit-zero", "--output", "json"]);
    assert_eq!((ran.status, &ran.document()["exit_code"]), (0, &6.into()));
}
