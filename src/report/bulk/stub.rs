use super::*;
impl BulkUser {
    pub fn of(d: &crate::report::RunDocument) -> Self {
        let u = d.users.first();
        Self {
            tenant: None,
            tenant_id: d.tenant_id.clone(),
            user_id: u.map(|u| u.id.clone()),
            user: u.map(|u| u.user_principal_name.clone()).unwrap_or_default(),
            line: None,
            run_id: d.run_id.clone(),
            outcome: d.outcome,
            exit_code: d.exit_code,
            cut_at: u.and_then(|u| u.cut_at),
            cut_ms: u.and_then(|u| u.cut_ms),
            residual_access_until: u.and_then(|u| u.residual_access_until),
            changes: u.map_or(0, |u| u.steps.iter().map(|s| s.changes.len()).sum()),
            open: u.map_or(0, |u| u.open.len()),
            journal_head: d.journal.as_ref().map(|j| j.head.clone()),
            error: d.error.clone(),
        }
    }
}
impl BulkDocument {
    pub fn conclude(&mut self) {
        let c = &mut self.counts;
        *c = BulkCounts::default();
        c.users = self.users.len();
        for u in &self.users {
            if u.cut_at.is_some() {
                c.cut += 1
            }
            match u.outcome {
                crate::report::Outcome::Contained => c.contained += 1,
                crate::report::Outcome::RolledBack => c.rolled_back += 1,
                crate::report::Outcome::Interrupted => c.interrupted += 1,
                crate::report::Outcome::NothingToDo => c.nothing_to_do += 1,
                _ => c.failed += 1,
            }
        }
        let n = c.users;
        use crate::report::Outcome::*;
        (self.outcome, self.exit_code) = if self.error.is_some() {
            (if c.interrupted > 0 { Interrupted } else { Refused }, 6)
        } else if c.interrupted > 0 {
            (Interrupted, 7)
        } else if c.contained + c.nothing_to_do == n {
            (Contained, 0)
        } else if c.rolled_back + c.nothing_to_do == n {
            (RolledBack, 0)
        } else {
            (Partial, 3)
        }
    }
}
pub struct BulkProgress;
impl BulkProgress {
    pub fn new(
        _o: crate::report::progress::Out,
        _p: crate::report::style::Paint,
        _q: bool,
        _w: Option<usize>,
    ) -> Self {
        Self
    }
}
impl crate::engine::event::Watch for BulkProgress {
    fn saw(&self, _: &crate::engine::event::Event) {}
}
pub fn csv(_: &BulkDocument) -> String {
    String::new()
}
pub fn markdown(_: &BulkDocument) -> String {
    String::new()
}
