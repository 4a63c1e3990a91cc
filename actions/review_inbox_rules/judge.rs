//! Turns scores into decisions.

use std::cmp::Reverse;

use serde_json::json;

use super::observe::{Blind, State};
use super::rule::Rule;
use super::score::{Score, score};
use super::{Settings, hidden};
use crate::{Call, Change, Decision, Finding, Get, Lasts, Look, Method, Plan, Seen, Target, Undo};

/// Decides on every rule.
pub(super) fn judge(who: &Target, now: &State, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    match now.blind {
        Some(Blind::NoMailbox) => {
            let finding = no_mailbox(who);
            let list = if finding.next.is_some() { &mut plan.open } else { &mut plan.kept };
            list.push(finding);
            return plan;
        }
        Some(Blind::KeptOut) => {
            plan.open.push(Finding::open(
                &who.user,
                "the token lists the permission, and still the service keeps this application out of the mailbox",
                "look for an application access policy (Get-ApplicationAccessPolicy) or a scope of RBAC for \
                 Applications that leaves it out; until then see Exchange Online PowerShell, Get-InboxRule",
            ));
            return plan;
        }
        Some(Blind::NotInCloud) => {
            let upn = &who.user.user_principal_name;
            let next = format!(
                "Exchange Online PowerShell: Get-InboxRule -Mailbox {upn} -IncludeHidden, then \
                 Disable-InboxRule for what forwards, deletes or hides mail"
            );
            plan.open.push(Finding::not_in_cloud(who, "inbox rules", next));
            return plan;
        }
        None => {}
    }
    let mut scored: Vec<(&Rule, Score)> =
        now.rules.iter().map(|rule| (rule, score(who, now, rule))).collect();
    scored.sort_by_key(|(_, score)| Reverse(score.risk()));
    for (rule, score) in scored {
        match stays(rule, score.risk(), settings) {
            None => plan.changes.push(disable(who, rule, score)),
            Some(Stays { decision: Decision::Keep, why }) => {
                plan.kept.push(finding(rule, Decision::Keep, score, why, None));
            }
            Some(Stays { decision, why }) => {
                let next =
                    Some("remove it in Outlook, or see it with Exchange Online PowerShell, Get-InboxRule");
                plan.open.push(finding(rule, decision, score, why, next));
            }
        }
    }
    hidden::judge(&mut plan, who, &now.hidden, settings);
    plan
}

struct Stays {
    decision: Decision,
    why: String,
}

/// Why a rule is left alone, if it is.
fn stays(rule: &Rule, risk: u8, settings: &Settings) -> Option<Stays> {
    let keep = |why: String| Some(Stays { decision: Decision::Keep, why });
    if rule.enabled == Some(false) {
        keep("it is disabled already".into())
    } else if settings.keep.contains(&rule.id) {
        keep("the playbook keeps it".into())
    } else if risk < settings.min_risk {
        keep(format!("risk {risk} is below {}", settings.min_risk))
    } else if rule.read_only {
        Some(Stays { decision: Decision::Ask, why: "the service lets no application change it".into() })
    } else if rule.enabled.is_none() {
        Some(Stays { decision: Decision::Ask, why: "whether it is enabled can't be read".into() })
    } else {
        None
    }
}

fn disable(who: &Target, rule: &Rule, score: Score) -> Change {
    let path = ["users", &who.user.id, "mailFolders", "inbox", "messageRules", &rule.id];
    let enabled = |to: bool| Call::new(Method::Patch, path).body(json!({ "isEnabled": to }));
    let risk = score.risk();
    let mut reasons = score.reasons;
    if rule.has_error {
        reasons.push("Exchange reports an error in it, so it may not run at all".into());
    }
    Change {
        object_id: rule.id.clone(),
        label: rule.label(),
        say: format!("disable the inbox rule {}", rule.label()),
        from: "enabled".into(),
        to: "disabled".into(),
        call: enabled(false)
            .by_hand("disable it in Outlook, or with Exchange Online PowerShell: Disable-InboxRule"),
        undo: Undo::Call(enabled(true)),
        look: Some(Look {
            get: Get::new(path),
            pick: None,
            before: Seen::With(json!({ "isEnabled": true })),
            after: Seen::With(json!({ "isEnabled": false })),
        }),
        lasts: Lasts::Stays,
        risk: Some(risk),
        reasons,
    }
}

fn finding(rule: &Rule, decision: Decision, score: Score, why: String, next: Option<&str>) -> Finding {
    Finding {
        object_id: rule.id.clone(),
        label: rule.label(),
        decision,
        risk: Some(score.risk()),
        reasons: std::iter::once(why).chain(score.reasons).collect(),
        next: next.map(str::to_owned),
    }
}

fn no_mailbox(who: &Target) -> Finding {
    let on_premises = who.user.is_synced();
    Finding {
        object_id: who.user.id.clone(),
        label: who.user.user_principal_name.clone(),
        decision: if on_premises { Decision::Ask } else { Decision::Keep },
        risk: None,
        reasons: vec![
            "there is no mailbox in Exchange Online: it has no licence, is deleted, or is on-premises".into(),
        ],
        next: on_premises.then(|| "look at the rules of the on-premises mailbox: Get-InboxRule".into()),
    }
}
