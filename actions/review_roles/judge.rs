//! Decides which roles go.

use jiff::Timestamp;

use super::changes::{end_assignment, end_eligibility, end_schedule};
use super::observe::{GLOBAL_ADMIN, Held, Schedule, State};
use super::{Remove, Settings};
use crate::{Decision, Finding, Plan, Target};

const NEXT: &str = "look in Entra, Roles and administrators, Audit logs, who gave it and when; to take it, run \
                    again with `remove: all`, and name under `keep` what stays";

/// Decides on everything that was seen.
pub(super) fn judge(who: &Target, state: &State, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    for held in &state.active {
        let schedule = state.schedules.iter().flatten().find(|schedule| {
            schedule.direct && schedule.held.role == held.role && schedule.held.scope == held.scope
        });
        let made = schedule.and_then(|schedule| schedule.made);
        let Some(reason) = goes(who, settings, held, made, &mut plan) else { continue };
        if held.role == GLOBAL_ADMIN && !state.other_global_admin {
            plan.open.push(
                Finding::of(
                    (&held.id, &held.name),
                    Decision::Ask,
                    vec!["the account is the last Global Administrator: the role stays".into()],
                )
                .next("make another account Global Administrator, then run again"),
            );
            continue;
        }
        plan.changes.push(match schedule {
            Some(schedule) if schedule.activated || schedule.ends() => end_schedule(who, schedule, reason),
            _ => end_assignment(who, held, reason),
        });
    }
    for schedule in state.eligible.iter().flatten().filter(|schedule| schedule.direct) {
        if let Some(reason) = goes(who, settings, &schedule.held, schedule.made, &mut plan) {
            plan.changes.push(end_eligibility(who, schedule, reason));
        }
    }
    for through in &state.through {
        let reason = format!("it has the role {} through the group {}", through.role, through.group_name);
        plan.open.push(
            Finding::of((&through.group, &through.group_name), Decision::Ask, vec![reason])
                .next("if the account shouldn't have it, take it out of the group, as review_groups can"),
        );
    }
    let indirect = |schedules: &Option<Vec<Schedule>>| {
        schedules.iter().flatten().filter(|schedule| !schedule.direct).cloned().collect::<Vec<_>>()
    };
    for schedule in indirect(&state.eligible) {
        let held = &schedule.held;
        let reason = format!("it may activate the role {} through a group", held.name);
        plan.open.push(Finding::of((&held.id, &held.name), Decision::Ask, vec![reason]).next(NEXT));
    }
    if state.eligible.is_none() {
        plan.open.push(Finding::open(
            &who.user,
            "which roles it is eligible for can't be read: the tenant has no licence for Privileged Identity \
             Management, or the service refuses",
            "with a licence, look at the account's eligible assignments in Entra, Privileged Identity Management",
        ));
    }
    plan
}

/// Why a role goes; `None`, with a finding, when it doesn't.
fn goes(
    who: &Target,
    settings: &Settings,
    held: &Held,
    made: Option<Timestamp>,
    plan: &mut Plan,
) -> Option<String> {
    let object = (held.id.as_str(), held.name.as_str());
    let mut keep = |reason: String| {
        plan.kept.push(Finding::of(object, Decision::Keep, vec![reason]));
        None
    };
    if settings.keep.iter().any(|role| role.eq_ignore_ascii_case(&held.role)) {
        return keep("the playbook keeps it".into());
    }
    if held.id.is_empty() || held.role.is_empty() {
        let reason = "Graph gave it without an id or a role: nothing was changed".to_owned();
        plan.open.push(Finding::of(object, Decision::Ask, vec![reason]).next(NEXT));
        return None;
    }
    match (settings.remove, made) {
        (Remove::None, _) => keep("the playbook takes no roles".into()),
        (Remove::All, _) => Some("the playbook takes all roles".into()),
        (Remove::Since, Some(made)) if made >= who.since => {
            Some(format!("given {made:.0}, inside the window"))
        }
        (Remove::Since, Some(made)) => keep(format!("given {made:.0}, before the window")),
        (Remove::Since, None) => {
            let reason = "the assignment has no date, so it may be the intruder's".to_owned();
            plan.open.push(Finding::of(object, Decision::Ask, vec![reason]).next(NEXT));
            None
        }
    }
}
