//! Decides which methods go.

use super::list;
use super::preferred;
use super::removal::removal;
use super::seen::{Seen, State};
use super::{Remove, Settings};
use crate::{Change, Decision, Finding, Plan, Target};

enum Verdict {
    Goes(String),
    Stays(String),
    Ask(String),
}

/// Decides on every method.
pub(super) fn judge(who: &Target, now: &State, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    let mut going: Vec<(&Seen, String)> = Vec::new();
    let mut left = 0;
    for method in &now.methods {
        let verdict = verdict(who, method, settings);
        if !matches!(verdict, Verdict::Goes(_)) && method.kind().is_none_or(|kind| kind.signs_in) {
            left += 1;
        }
        match verdict {
            Verdict::Goes(why) => going.push((method, why)),
            Verdict::Stays(why) => plan.kept.push(finding(method, Decision::Keep, why, None)),
            Verdict::Ask(why) => {
                let next = "ask the user whether it is theirs; if not, delete it (Entra, Users, the user, \
                            Authentication methods) or run again with `remove: all`";
                plan.open.push(finding(method, Decision::Ask, why, Some(next)));
            }
        }
    }
    plan.open.extend(list::unseen(who));
    let second_mobile = now.methods.iter().find(|m| m.is_phone("alternateMobile"));
    let second_mobile_goes = going.iter().any(|(m, _)| m.is_phone("alternateMobile"));
    for (method, why) in going {
        let Some(mut change) = removal(who, method) else { continue };
        change.reasons.push(why);
        if method.is_phone("mobile") {
            mobile(&mut change, second_mobile, second_mobile_goes);
        }
        plan.changes.push(change);
    }
    if let Some(default) = preferred::change(who, now, settings) {
        plan.changes.iter_mut().for_each(|change| change.call.turn.wave += 1);
        plan.changes.push(default);
    }
    plan.changes.sort_by_key(|change| change.call.turn.wave);
    if let Some(last) = plan.changes.last_mut().filter(|_| left == 0) {
        last.reasons.push(
            "no method but the password is left: whoever knows it registers the next ones, so enable the \
             account together with a Temporary Access Pass only"
                .into(),
        );
    }
    plan
}

/// The service doesn't let a second mobile be without a first one.
///
/// <https://learn.microsoft.com/graph/api/phoneauthenticationmethod-delete>
fn mobile(change: &mut Change, second: Option<&Seen>, second_goes: bool) {
    if second_goes {
        change.call.turn.wave = 1;
    } else if second.is_some() {
        change.reasons.push(
            "the second mobile stays, so the service refuses this: change the number by hand instead".into(),
        );
    }
}

/// Whether a method goes.
pub(super) fn goes(who: &Target, method: &Seen, settings: &Settings) -> bool {
    matches!(verdict(who, method, settings), Verdict::Goes(_))
}

fn verdict(who: &Target, method: &Seen, settings: &Settings) -> Verdict {
    if settings.keep.iter().any(|id| id.eq_ignore_ascii_case(&method.id)) {
        return Verdict::Stays("the playbook keeps it".into());
    }
    let Some(kind) = method.kind() else {
        return Verdict::Ask("this version doesn't know this kind of method, so nothing was changed".into());
    };
    if !kind.is_in(who.tenant.cloud) {
        return Verdict::Ask(
            "Graph of this cloud can't delete this kind of method, so nothing was changed".into(),
        );
    }
    if kind.id == "temporaryAccessPass" {
        if settings.keep_issued && who.issued.contains(&method.id) {
            return Verdict::Stays("issued by a run that is kept here: known by its id".into());
        }
        return Verdict::Goes(
            "a Temporary Access Pass signs in and registers new methods without any other".into(),
        );
    }
    match method.created_date_time {
        _ if settings.remove == Remove::All => Verdict::Goes("the playbook removes all methods".into()),
        Some(at) if at >= who.since => Verdict::Goes(format!("added inside the compromise window ({at:.0})")),
        Some(at) => Verdict::Stays(format!("added before the compromise window ({at:.0})")),
        None => Verdict::Ask("the service doesn't say when it was added, so nothing was changed".into()),
    }
}

fn finding(method: &Seen, decision: Decision, why: String, next: Option<&str>) -> Finding {
    Finding {
        object_id: method.id.clone(),
        label: method.label(),
        decision,
        risk: None,
        reasons: vec![why],
        next: next.map(str::to_owned),
    }
}
