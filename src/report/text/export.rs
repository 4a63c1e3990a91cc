//! What went into a bundle, in words.

use anstyle::Style;

use super::closing::quoted;
use super::sheet::Sheet;
use super::{MAX_WIDTH, MIN_WIDTH};
use crate::bundle::Bundle;
use crate::report::style::{FAINT, GOOD, HEAD, Paint};

/// Columns of the names at the left.
const NAMES: usize = 9;

/// The result of `oust export`. `width` is the terminal's, in columns.
pub fn export(path: &str, sha256: &str, bundle: &Bundle, paint: &Paint, width: usize) -> String {
    let mut sheet = Sheet::new(*paint, width.clamp(MIN_WIDTH, MAX_WIDTH));
    sheet.tagged(
        0,
        GOOD.bold(),
        "EXPORTED",
        10,
        Style::new(),
        "the run and all it takes to check it, in one file",
    );
    sheet.exact(0, "file", NAMES, Style::new(), path);
    sheet.exact(0, "sha256", NAMES, Style::new(), &format!("{sha256} (for the ticket)"));
    sheet.exact(0, "run", NAMES, Style::new(), &bundle.run_id);
    let mut fact = |name: &str, text: &str| sheet.tagged(0, FAINT, name, NAMES, Style::new(), text);
    fact("records", &bundle.records.to_string());
    if bundle.unfinished_line {
        fact(
            "tail",
            "a last line that was not whole is left out: it was being written, or a crash cut it off",
        );
    }
    fact(
        "signed",
        &match bundle.signed_records {
            Some(records) if records == bundle.records => "yes, all records".to_owned(),
            Some(records) => {
                format!("the first {records} records; those after them were written without the key")
            }
            None => "no: the checksums and the hash in the ticket are all there is to check by".to_owned(),
        },
    );
    sheet.exact(0, "head", NAMES, Style::new(), &bundle.head);
    let command = format!("tar -xf {} && cat oust-{}/README.txt", quoted(path), bundle.run_id);
    sheet.exact(0, "check", NAMES, HEAD, &command);
    sheet.finish()
}
