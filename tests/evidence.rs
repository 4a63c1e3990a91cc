//! Whatever is done to any line of a journal is found, and told for what it is.

use std::sync::OnceLock;

use oust::journal::{Audit, FaultKind, audit};
use oust::report::{JournalCheck, Outcome};
use proptest::prelude::*;

use crate::support::{World, on_a_still_clock};

/// The journal of a run that was contained, looked at again and taken back.
fn journal() -> &'static [u8] {
    static JOURNAL: OnceLock<Vec<u8>> = OnceLock::new();
    JOURNAL.get_or_init(|| {
        on_a_still_clock(async {
            let world = World::contoso();
            assert_eq!(world.contain().await.outcome, Outcome::Contained);
            world.verify().await;
            assert_eq!(world.rollback().await.outcome, Outcome::RolledBack);
            std::fs::read(world.journal()).unwrap()
        })
    })
}

fn lines() -> Vec<Vec<u8>> {
    journal().split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

fn head() -> String {
    audit(journal()).chain.head
}

/// The first fault, as line number and kind.
fn found(lines: &[Vec<u8>]) -> Option<(u64, FaultKind)> {
    audit(&lines.concat()).fault.map(|fault| (fault.line, fault.kind))
}

/// Whether the file is found out, at the latest by the hash in the ticket.
fn is_found_out(audit: &Audit, head: &str) -> bool {
    let check = JournalCheck::new("journal.jsonl".as_ref(), audit, Some(head), None);
    assert_eq!(check.exit_code, if check.sound { 0 } else { 8 });
    assert_eq!(check.sound, check.error.is_none());
    !check.sound
}

/// A line that is a record still, with other words in it.
fn reworded(line: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8(line.to_vec()).unwrap();
    let at = text.find("\"at\":\"2026").unwrap() + 8;
    text.replace_range(at..=at, "1");
    text.into_bytes()
}

#[test]
fn a_sound_journal_is_sound_and_its_head_is_that_of_the_ticket() {
    let audit = audit(journal());
    assert_eq!((audit.fault.as_ref(), audit.is_unfinished), (None, false));
    assert_eq!(audit.chain.lines.len(), lines().len());
    assert!(!is_found_out(&audit, &audit.chain.head));
    let earlier = audit.chain.hashes[10].clone();
    let check = JournalCheck::new("journal.jsonl".as_ref(), &audit, Some(&earlier), None);
    let given = check.given_head.unwrap();
    assert_eq!((check.sound, given.line, given.later), (true, Some(11), lines().len() as u64 - 11));
}

#[test]
fn a_changed_line_is_found_in_the_line_itself() {
    for (at, line) in lines().iter().enumerate() {
        let number = at as u64 + 1;
        let mut changed = lines();
        changed[at] = reworded(line);
        if number == changed.len() as u64 {
            assert_eq!(found(&changed), None, "nothing follows from the last line");
            assert!(is_found_out(&audit(&changed.concat()), &head()));
        } else {
            assert_eq!(found(&changed), Some((number, FaultKind::Changed)), "line {number}");
        }
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    for (at, line) in lines().iter().enumerate() {
        for byte in (0..line.len()).step_by(line.len() / 5 + 1).chain([line.len() - 1]) {
            let mut changed = lines();
            changed[at][byte] ^= 1;
            let audit = audit(&changed.concat());
            let name = format!("byte {byte} of line {}", at + 1);
            assert!(is_found_out(&audit, &head()), "{name}");
            if at + 1 < lines().len() {
                let fault = audit.fault.expect("found without the ticket");
                let near = [at as u64, at as u64 + 1, at as u64 + 2].contains(&fault.line);
                assert!(near && fault.kind != FaultKind::Illegal, "{name}: {fault:?}");
            }
        }
    }
}

#[test]
fn a_removed_line_is_missed() {
    for at in 0..lines().len() {
        let mut less = lines();
        less.remove(at);
        let wanted = (at < less.len()).then_some((at as u64 + 1, FaultKind::Removed));
        assert_eq!(found(&less), wanted, "line {}", at + 1);
        assert!(is_found_out(&audit(&less.concat()), &head()), "line {}", at + 1);
    }
}

#[test]
fn a_line_that_stands_twice_is_found_the_second_time() {
    let all = lines();
    for (from, line) in all.iter().enumerate() {
        for to in [from + 1, all.len()] {
            let mut more = all.clone();
            more.insert(to, line.clone());
            assert_eq!(found(&more), Some((to as u64 + 1, FaultKind::Inserted)), "{from} at {to}");
        }
    }
}

#[test]
fn lines_in_another_order_are_told_from_changed_ones() {
    let all = lines();
    for at in 0..all.len() - 1 {
        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        assert_eq!(found(&swapped), Some((at as u64 + 1, FaultKind::Reordered)), "line {}", at + 1);
        let mut moved = all.clone();
        let line = moved.remove(at);
        moved.push(line);
        let at_the_end = at + 2 == all.len();
        assert_eq!(found(&moved), Some((at as u64 + 1, FaultKind::Reordered)), "{at} {at_the_end}");
    }
}

#[test]
fn a_forged_line_is_found_even_if_it_fits_to_the_line_before() {
    let all = lines();
    for at in 0..all.len() {
        for forged in [b"{}\n".to_vec(), b"\n".to_vec(), b"nonsense\n".to_vec(), reworded(&all[at])] {
            let mut more = all.clone();
            more.insert(at, forged.clone());
            let start = String::from_utf8_lossy(&forged[..forged.len().min(20)]).into_owned();
            let name = format!("{start:?} before line {}", at + 1);
            assert_eq!(found(&more), Some((at as u64 + 1, FaultKind::Inserted)), "{name}");
        }
        if at > 0 {
            let mut more = all.clone();
            more.insert(at + 1, b"{\"seq\":0}\n".to_vec());
            assert!(is_found_out(&audit(&more.concat()), &head()));
        }
    }
}

/// All of the file written anew, so that every hash fits.
fn rechained(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut prev = oust::journal::GENESIS.to_owned();
    let mut bytes = Vec::new();
    for (seq, line) in lines.iter().enumerate() {
        let mut value: serde_json::Value = serde_json::from_slice(line).unwrap();
        value["seq"] = seq.into();
        value["prev"] = prev.into();
        let text = value.to_string();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        prev = oust::playbook::hex(digest.as_ref());
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

#[test]
fn a_file_written_anew_is_found_by_what_no_run_writes_or_by_the_ticket() {
    let mut illegal = 0;
    for at in 0..lines().len() {
        let mut less = lines();
        less.remove(at);
        let audit = audit(&rechained(&less));
        assert!(is_found_out(&audit, &head()), "line {}", at + 1);
        illegal += usize::from(audit.fault.is_some_and(|fault| fault.kind == FaultKind::Illegal));
    }
    assert!(illegal >= 10, "{illegal}");
}

#[test]
fn a_torn_last_line_is_no_fault_and_is_told() {
    let whole = journal();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for end in (last + 1..whole.len()).step_by(7) {
        let audit = audit(&whole[..end]);
        assert_eq!((audit.fault, audit.is_unfinished), (None, true), "cut at {end}");
        assert_eq!(audit.chain.lines.len(), lines().len() - 1);
    }
    for end in [0, 5] {
        let audit = audit(&whole[..end]);
        assert_eq!((audit.fault, audit.chain.lines.len()), (None, 0));
    }
}

/// Something that somebody does to a file.
#[derive(Debug, Clone)]
enum Edit {
    Flip(usize, u8),
    Remove(usize),
    Copy(usize, usize),
    Swap(usize, usize),
    Insert(usize, Vec<u8>),
    Cut(usize),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<usize>(), 1..=255u8).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        any::<usize>().prop_map(Edit::Remove),
        any::<(usize, usize)>().prop_map(|(from, to)| Edit::Copy(from, to)),
        any::<(usize, usize)>().prop_map(|(a, b)| Edit::Swap(a, b)),
        (any::<usize>(), proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(at, b)| Edit::Insert(at, b)),
        any::<usize>().prop_map(Edit::Cut),
    ]
}

fn edited(edits: &[Edit]) -> Vec<u8> {
    let mut lines = lines();
    for edit in edits {
        let n = lines.len();
        if n == 0 {
            break;
        }
        match edit {
            Edit::Flip(at, bits) => {
                let line = &mut lines[at % n];
                let byte = at / n % line.len();
                line[byte] ^= bits;
            }
            Edit::Remove(at) => drop(lines.remove(at % n)),
            Edit::Copy(from, to) => lines.insert(to % (n + 1), lines[from % n].clone()),
            Edit::Swap(a, b) => lines.swap(a % n, b % n),
            Edit::Insert(at, bytes) => {
                lines.insert(at % (n + 1), [bytes.as_slice(), b"\n"].concat());
            }
            Edit::Cut(at) => lines.truncate(at % n),
        }
        lines.retain(|line| !line.is_empty());
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_of_a_journal_goes_unseen(edits in proptest::collection::vec(any_edit(), 1..4)) {
        let file = edited(&edits);
        let audit = audit(&file);
        // Equal again, or a whole journal with a torn line behind it: nothing that was written is missing.
        prop_assert_eq!(!is_found_out(&audit, &head()), file.starts_with(journal()) && audit.fault.is_none());
        if let Some(fault) = audit.fault {
            // The last line before the fault has none behind it that could vouch for it.
            let vouched = audit.chain.lines.len().saturating_sub(1);
            let before: Vec<&[u8]> = file.split_inclusive(|b| *b == b'\n').take(vouched).collect();
            prop_assert!(journal().starts_with(&before.concat()) , "a changed line counts as sound: {:?}", fault);
        }
    }
}
