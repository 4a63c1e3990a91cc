//! What the steps of a plan need and the operator lacks.

use anstyle::Style;

use super::sheet::Sheet;
use crate::report::style::{FAINT, WARN};
use crate::report::{Lack, LackKind, StepDocument, UserDocument, escape, width};

/// One row a step that lacks something, else one line. Nothing for a user with nothing to change.
pub(super) fn write(sheet: &mut Sheet, user: &UserDocument) {
    let lacking: Vec<&StepDocument> = user.steps.iter().filter(|step| !step.lacks.is_empty()).collect();
    if lacking.is_empty() {
        let changes = user.steps.iter().any(|step| !step.changes.is_empty());
        if changes && user.steps.iter().all(|step| step.error.is_none()) {
            sheet.text(2, FAINT, "permissions and roles: none is known to be missing");
        }
        return;
    }
    sheet.gap();
    sheet.head(2, WARN, "missing: the service will refuse these steps");
    let names: Vec<String> = lacking.iter().map(|step| escape::terminal_within(&step.step, 30)).collect();
    let columns = names.iter().map(|name| width::columns(name)).max().unwrap_or(0) + 2;
    for (step, name) in lacking.iter().zip(&names) {
        let needs: Vec<String> = step.lacks.iter().map(told).collect();
        sheet.tagged(4, Style::new(), name, columns, Style::new(), &needs.join(", "));
    }
    sheet.text(4, FAINT, "`oust doctor` prints the commands that grant them");
}

/// `permission User.Read.All`
fn told(lack: &Lack) -> String {
    let kind = match lack.kind {
        LackKind::Permission => "permission",
        LackKind::Role => "role",
    };
    format!("{kind} {}", lack.name)
}
