//! Links in the state directory, and run ids that are paths: nothing outside is read as a run, and nothing written.

use std::os::unix::fs::symlink;
use std::path::Path;

use oust::failure::Code;
use oust::journal::Store;
use uuid::Uuid;

use crate::served::Place;
use crate::support::World;

/// Moves a file or folder of the state directory out of it and leaves a link.
fn move_out(inside: &Path, outside: &Path) {
    std::fs::rename(inside, outside).unwrap();
    symlink(outside, inside).unwrap();
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match std::fs::read(&path) {
            Ok(bytes) => found.push((path.display().to_string(), bytes)),
            Err(_) => found.extend(files(&path)),
        }
    }
    found.sort();
    found
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_reached_by_a_link_is_none() {
    for what in ["runs", "folder", "journal"] {
        let world = World::contoso();
        world.contain().await;
        let run = world.last();
        let outside = tempfile::tempdir().unwrap();
        let inside = match what {
            "runs" => world.state_dir().join("runs"),
            "folder" => run.folder().to_owned(),
            _ => run.journal().to_owned(),
        };
        move_out(&inside, &outside.path().join("there"));
        let before = files(outside.path());
        assert_eq!(world.store().runs().len(), 0, "{what}");
        for name in ["last", run.id()] {
            assert_eq!(world.store().find(name).unwrap_err().code, Code::NoSuchRun, "{what}");
        }
        let id = Uuid::try_parse(run.id()).unwrap();
        if what != "journal" {
            assert_eq!(world.store().create_run(&id).unwrap_err().code, Code::StateUnwritable, "{what}");
        }
        assert_eq!(files(outside.path()), before, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_folder_for_runs_or_locks_is_a_link_sends_nothing() {
    for what in ["runs", "locks"] {
        let world = World::contoso();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), world.state_dir().join(what)).unwrap();
        let document = world.contain().await;
        let code = document.error.map(|error| error.code);
        assert_eq!(code.as_deref(), Some(Code::StateUnwritable.id()), "{what}");
        assert_eq!((world.writes(), files(outside.path()).len()), (0, 0), "{what}");
    }
}

#[test]
fn a_lock_or_a_key_that_is_a_link_is_not_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::new(folder.path().to_owned());
    drop(store.lock_user("t", "u").unwrap());
    store.claim_key("key", "request", &Uuid::nil()).unwrap();
    for (n, name) in ["locks", "keys"].into_iter().enumerate() {
        let entry = std::fs::read_dir(folder.path().join(name)).unwrap().next().unwrap().unwrap().path();
        move_out(&entry, &outside.path().join(n.to_string()));
    }
    let before = files(outside.path());
    assert_eq!(store.lock_user("t", "u").unwrap_err().code, Code::StateUnwritable);
    let again = store.claim_key("key", "request", &Uuid::nil());
    assert_eq!(again.unwrap_err().code, Code::StateUnwritable);
    // A link to nothing would make the file that it names.
    std::fs::remove_file(outside.path().join("0")).unwrap();
    assert_eq!(store.lock_user("t", "u").unwrap_err().code, Code::StateUnwritable);
    assert_eq!(files(outside.path()), before[1..]);
}

#[test]
fn a_state_directory_that_is_a_link_itself_is_its_owners_choice() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    symlink(folder.path().join("real"), folder.path().join("state")).unwrap();
    let store = Store::new(folder.path().join("state"));
    store.lock_user("t", "u").unwrap();
    store.create_run(&Uuid::nil()).unwrap();
}

#[test]
fn a_run_id_is_no_path_and_a_bundle_takes_nothing_from_elsewhere() {
    let place = Place::contoso();
    place.contain(&[]).ended(0, "contained");
    let id = place.journal().parent().unwrap().file_name().unwrap().display().to_string();
    for name in
        ["..", "../runs", &format!("../runs/{id}"), &format!("{id}/"), &format!("./{id}"), "/", "%2e%2e", ""]
    {
        for command in ["report", "verify", "export", "rollback"] {
            let ran = place.oust(&[command, name, "--output", "json"]);
            assert!([1, 64].contains(&ran.status), "{command} {name}: {ran:?}");
        }
    }
    let secret = place.write("secret", "hush");
    symlink(&secret, place.journal().with_file_name("head.txt")).unwrap();
    std::fs::write(place.journal().with_file_name("journal.sig"), "x").unwrap();
    let ran = place.oust(&["export", &id, "--out", "{home}/run.tar"]);
    assert_ne!(ran.status, 0, "{ran:?}");
    assert!(!place.path("run.tar").exists() && !ran.stderr.contains("hush"), "{ran:?}");
}
