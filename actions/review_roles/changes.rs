//! The writes: end an assignment, or have Privileged Identity Management end one.

use serde_json::{Value, json};

use super::observe::{Held, Schedule, plain};
use crate::{Call, Change, Look, Method, Repeat, Seen, Target, Undo};

/// Ends an assignment.
///
/// <https://learn.microsoft.com/graph/api/unifiedroleassignment-delete>
pub(super) fn end_assignment(who: &Target, held: &Held, reason: String) -> Change {
    let collection = || ["roleManagement", "directory", "roleAssignments"];
    Change::new(
        (&held.id, &held.name),
        format!("take the role {} from the account{}", held.name, scope(held)),
        ("assigned", "not assigned"),
        Call::new(Method::Delete, collection().into_iter().chain([held.id.as_str()])),
        Undo::Call(Call::new(Method::Post, collection()).body(identity(who, held)).repeat(Repeat::Conflicts)),
    )
    .because(reason)
    .look(look(who, "roleAssignments", held))
}

/// Ends an assignment that has an end or was activated.
///
/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignmentschedulerequests>
pub(super) fn end_schedule(who: &Target, schedule: &Schedule, reason: String) -> Change {
    let say = format!("end the activated role {}{}", schedule.held.name, scope(&schedule.held));
    request(who, schedule, "roleAssignmentScheduleRequests", (say, "active"), reason).look(look(
        who,
        "roleAssignments",
        &schedule.held,
    ))
}

/// Ends an eligibility.
///
/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>
pub(super) fn end_eligibility(who: &Target, schedule: &Schedule, reason: String) -> Change {
    let say = format!("end the eligibility for the role {}{}", schedule.held.name, scope(&schedule.held));
    request(who, schedule, "roleEligibilityScheduleRequests", (say, "eligible"), reason).look(look(
        who,
        "roleEligibilitySchedules",
        &schedule.held,
    ))
}

fn request(
    who: &Target,
    schedule: &Schedule,
    collection: &str,
    (say, from): (String, &str),
    reason: String,
) -> Change {
    let body = |action: &str, why: &str, info: Option<&Value>| {
        let mut body = json!({ "action": action });
        for (name, value) in identity(who, &schedule.held).as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body["justification"] = why.into();
        if let Some(info) = info {
            body["scheduleInfo"] = info.clone();
        }
        body
    };
    let post = |body| Call::new(Method::Post, ["roleManagement", "directory", collection]).body(body);
    let held = &schedule.held;
    Change::new(
        (&held.id, &held.name),
        say,
        (from, "ended"),
        post(body("adminRemove", "the account is compromised", None)),
        Undo::Call(
            post(body("adminAssign", "the containment is taken back", Some(&schedule.info)))
                .repeat(Repeat::Conflicts),
        ),
    )
    .because(reason)
}

fn identity(who: &Target, held: &Held) -> Value {
    json!({ "principalId": who.user.id, "roleDefinitionId": held.role, "directoryScopeId": held.scope })
}

fn look(who: &Target, collection: &str, held: &Held) -> Look {
    let identity = identity(who, held);
    Look::pick(plain(collection, &who.user.id), identity.clone(), Seen::With(identity), Seen::Absent)
}

fn scope(held: &Held) -> String {
    if held.scope == "/" { String::new() } else { format!(" in {}", held.scope) }
}
