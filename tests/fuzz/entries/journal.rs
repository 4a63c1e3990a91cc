//! A journal, as it lies there and with its chain mended.

use oust::failure::Code;
use oust::journal::{Audit, GENESIS, audit, read};
use oust::report::{fold, markdown, style, text};
use serde_json::Value;

/// A journal: a look at it never fails; what is whole loads, can be reported, and stays whole when its end is cut off.
pub fn journal(bytes: &[u8]) {
    check(bytes);
    // The hashes would keep all but the corpus out.
    if let Some(mended) = mended(bytes) {
        check(&mended);
    }
}

fn check(bytes: &[u8]) {
    let found = audit(bytes);
    let loaded = read(bytes, "journal.jsonl");
    let Some(fault) = &found.fault else {
        let loaded = loaded.expect("it is whole");
        assert_eq!(loaded.chain.head, found.chain.head);
        return check_whole(bytes, &found);
    };
    let code = loaded.expect_err("it is not whole").code;
    assert!(matches!(code, Code::JournalBroken | Code::JournalNewer), "{code:?}");
    let lines = bytes.split(|b| *b == b'\n').count() as u64;
    assert!((1..=lines).contains(&fault.line), "{fault:?} of {lines}");
    assert!((found.chain.lines.len() as u64) < lines, "{fault:?}");
}

fn check_whole(bytes: &[u8], found: &Audit) {
    let whole = usize::try_from(found.chain.whole).expect("it is in memory");
    assert_eq!(found.is_unfinished, whole < bytes.len());
    assert_eq!(found.chain.lines.len(), found.chain.hashes.len());
    let document = fold::document(&found.ledger, &fold::Meta::default(), None);
    let shown = [text::run(&document, &style::Paint { colour: false }, 60), markdown::run(&document)];
    for shown in shown {
        let bad = shown.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{shown:?}");
    }
    serde_json::to_vec(&document).expect("a document is JSON");
    if whole > 0 {
        let cut = audit(&bytes[..whole - 1]);
        assert_eq!((cut.fault, cut.is_unfinished), (None, cut.chain.whole < whole as u64 - 1));
        assert_eq!(cut.chain.lines.len() + 1, found.chain.lines.len());
    }
}

/// The same records with numbers and hashes that fit.
fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut mended, mut head) = (Vec::new(), GENESIS.to_owned());
    for (seq, line) in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let mut record: Value = serde_json::from_slice(line).ok()?;
        let members = record.as_object_mut()?;
        members.insert("seq".into(), seq.into());
        members.insert("prev".into(), head.into());
        let text = serde_json::to_vec(&record).ok()?;
        head = oust::bundle::sha256(&text);
        mended.extend_from_slice(&text);
        mended.push(b'\n');
    }
    Some(mended)
}
