//! What is asked of every input that comes from outside: one function a kind, which takes bytes and panics where a
//! promise is broken. cargo-fuzz calls them with bytes of its own, `cargo test` with the corpus and changes of it.

mod graph_reply;
mod journal;

use std::str::from_utf8;

use jiff::Timestamp;
use oust::engine::{PLAN_SCHEMA, SavedPlan, VERSION};
use oust::failure::Code;
use oust::graph::Endpoint;
use oust::graph::retry::{LONGEST_WAIT, RetryAfter};
use oust::playbook::Playbook;
use oust::sim::file;
use oust::target_name::TargetName;
use oust::user_list::UserList;
use oust_actions::Get;
use serde_json::{Value, json};

pub use graph_reply::graph_reply;
pub use journal::journal;

/// Takes bytes; panics where a promise is broken.
pub type Entry = fn(&[u8]);

/// Every kind, by the name of its target and of the folder of its corpus.
pub const ENTRIES: &[(&str, Entry)] = &[
    ("graph_reply", graph_reply),
    ("journal", journal),
    ("plan_file", plan_file),
    ("playbook", playbook),
    ("retry_after", retry_after),
    ("target_name", target_name),
    ("tenant_file", tenant_file),
    ("user_list", user_list),
];

/// A playbook: a mistake is told as such, and what parses means the same when it is written out in JSON.
pub fn playbook(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    let playbook = match Playbook::parse(text) {
        Ok(playbook) => playbook,
        Err(failure) => return assert_eq!(failure.code, Code::InvalidPlaybook),
    };
    assert_eq!(playbook.text, text);
    let stages = playbook.stages.iter().map(|stage| {
        let steps = stage.steps.iter().map(|s| json!({"id": s.id, "action": s.action, "with": s.with}));
        json!({"id": stage.id, "title": stage.title, "steps": steps.collect::<Vec<_>>()})
    });
    let written = json!({
        "schema": oust::playbook::PLAYBOOK_SCHEMA, "id": playbook.id, "title": playbook.title, "why": playbook.why,
        "source": playbook.source, "stages": stages.collect::<Vec<_>>(), "not_covered": playbook.not_covered,
    });
    let again = Playbook::parse(&ascii(&written)).unwrap_or_else(|e| panic!("{e} in {}", ascii(&written)));
    assert_eq!(Playbook { text: text.to_owned(), ..again }, playbook);
}

/// A plan file: an edited one is refused; what a run could have saved is read back as it was.
pub fn plan_file(bytes: &[u8]) {
    if let Err(failure) = SavedPlan::parse(bytes) {
        assert_eq!(failure.code, Code::InvalidPlan);
    }
    // The checksum would keep all but the corpus out.
    let Ok(mut plan) = serde_json::from_slice::<SavedPlan>(bytes) else { return };
    PLAN_SCHEMA.clone_into(&mut plan.schema);
    VERSION.clone_into(&mut plan.version);
    plan.sha256 = plan.checksum();
    let text = serde_json::to_vec(&plan).unwrap();
    let again =
        SavedPlan::parse(&text).unwrap_or_else(|e| panic!("{e} in {}", String::from_utf8_lossy(&text)));
    assert_eq!(again, plan);
    if let Err(failure) = plan.order(uuid::Uuid::nil()) {
        assert_eq!(failure.code, Code::InvalidPlaybook);
    }
    plan.tenant_id.push('x');
    assert!(SavedPlan::parse(&serde_json::to_vec(&plan).unwrap()).is_err(), "an edit goes unseen");
}

/// A tenant file: a mistake is told as such, and the same text makes the same tenant.
pub fn tenant_file(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    match file::parse(text) {
        Ok(tenant) => {
            let again = file::parse(text).expect("it parsed before");
            assert_eq!(tenant.snapshot(), again.snapshot());
        }
        Err(failure) => assert_eq!(failure.code, Code::InvalidTenantFile),
    }
}

/// `Retry-After`: the first 8 bytes are the service's time in seconds, the rest is the header. A wait is never longer
/// than the cap.
pub fn retry_after(bytes: &[u8]) {
    let Some((time, header)) = bytes.split_first_chunk::<8>() else { return };
    let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let time =
        Timestamp::from_second(i64::from_le_bytes(*time).clamp(least, most)).expect("within its range");
    let Some(asked) = RetryAfter::parse(&String::from_utf8_lossy(header), time) else { return };
    assert!(asked.wait <= LONGEST_WAIT);
    assert!(!asked.capped || asked.wait == LONGEST_WAIT);
}

/// A target argument: what is taken stays as it is and is one segment of a path; what isn't is told in few words.
pub fn target_name(bytes: &[u8]) {
    let Ok(text) = from_utf8(bytes) else { return };
    let name = match TargetName::parse(text) {
        Ok(name) => name,
        Err(failure) => {
            assert_eq!(failure.code, Code::InvalidTarget);
            return assert!(failure.what.chars().count() < 600, "{}", failure.what);
        }
    };
    assert_eq!(TargetName::parse(name.as_str()).ok().as_ref(), Some(&name));
    is_one_segment(name.as_str());
}

/// A list of users: a mistake is told as such in few words, each user comes once in a tenant and from a line that is
/// there, and the same users one a line are read as they were.
pub fn user_list(bytes: &[u8]) {
    let now = Timestamp::from_second(1_764_000_000).expect("within its range");
    let list = match UserList::parse_at(bytes, "users", now) {
        Ok(list) => list,
        Err(failure) => {
            assert_eq!(failure.code, Code::InvalidUserList);
            return assert!(failure.what.chars().count() < 6000, "{}", failure.what);
        }
    };
    assert!(!list.entries.is_empty());
    let lines = bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() + 1;
    assert!(list.entries.iter().all(|user| (1..=lines).contains(&user.line)));
    let mut once = std::collections::HashSet::new();
    assert!(list.entries.iter().all(|u| once.insert((u.tenant.clone(), u.name.as_str().to_lowercase()))));
    let written: String = list
        .entries
        .iter()
        .map(|u| json!({"user": u.name.as_str(), "tenant": u.tenant}).to_string() + "\n")
        .collect();
    let again =
        UserList::parse_at(written.as_bytes(), "users", now).unwrap_or_else(|e| panic!("{e} in {written}"));
    let named =
        |list: &UserList| list.entries.iter().map(|u| (u.name.clone(), u.tenant.clone())).collect::<Vec<_>>();
    assert_eq!(named(&again), named(&list));
}

/// Whether it can lead to another place than below its parent.
fn is_one_segment(text: &str) {
    let path = Get::new(["users", text, "manager"]).url();
    let endpoint = Endpoint::parse("https://graph.microsoft.com", false).expect("an origin");
    let url = url::Url::parse(&endpoint.url(&path)).expect("an URL");
    let segments: Vec<&str> = url.path_segments().expect("a path").collect();
    assert_eq!(
        (segments.len(), segments[0], segments[1], segments[3]),
        (4, "v1.0", "users", "manager"),
        "{url}"
    );
    assert_eq!(
        (url.query(), url.fragment(), url.host_str()),
        (None, None, Some("graph.microsoft.com")),
        "{url}"
    );
}

/// JSON that is YAML too: nothing in it that YAML forbids.
fn ascii(value: &Value) -> String {
    let text = value.to_string();
    text.chars()
        .map(|c| if matches!(c, ' '..='~') { c.to_string() } else { format!("\\U{:08x}", u32::from(c)) })
        .collect()
}
