//! Decides on forwarding by where it leads, and on delegates by the playbook.

use super::observe::{Access, Blind, Forwarding, State};
use super::{Delegates, Settings, changes};
use crate::{Decision, Finding, Plan, Target};

const NO_DATE: &str = "Exchange keeps no date of it, so whether the intruder gave it can't be told";

/// Decides.
pub(super) fn judge(who: &Target, now: &State, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    if let Some(blind) = &now.blind {
        without_sight(&mut plan, who, blind);
        return plan;
    }
    forwarding(&mut plan, who, &now.forwarding, settings);
    for (accesses, what) in
        [(&now.full_access, "may open the mailbox"), (&now.send_as, "may send as the mailbox")]
    {
        for access in accesses {
            match delegate(&access.who, what, settings) {
                Fate::Goes => plan.changes.push(end(who, now, access)),
                Fate::Stays(finding) => add(&mut plan.kept, finding),
                Fate::Asked(finding) => add(&mut plan.open, asked(finding, who)),
            }
        }
    }
    let (mut kept, mut goes) = (vec![], false);
    for name in &now.on_behalf {
        match delegate(name, "may send on behalf of the mailbox", settings) {
            Fate::Goes => {
                goes = true;
                continue;
            }
            Fate::Stays(finding) => add(&mut plan.kept, finding),
            Fate::Asked(finding) => add(&mut plan.open, asked(finding, who)),
        }
        kept.push(name);
    }
    if goes {
        plan.changes.push(changes::end_on_behalf(who, &now.on_behalf, &kept));
    }
    plan
}

/// What one delegate holds is one finding.
fn add(findings: &mut Vec<Finding>, finding: Finding) {
    match findings.iter_mut().find(|other| other.object_id == finding.object_id) {
        Some(other) => other.reasons.splice(..0, finding.reasons.into_iter().take(1)).for_each(drop),
        None => findings.push(finding),
    }
}

fn end(who: &Target, now: &State, access: &Access) -> crate::Change {
    if now.send_as.iter().any(|held| std::ptr::eq(held, access)) {
        changes::end_send_as(who, access)
    } else {
        changes::end_full_access(who, access)
    }
}

fn forwarding(plan: &mut Plan, who: &Target, now: &Forwarding, settings: &Settings) {
    let Some(to) = shown(now) else { return };
    let reached: Vec<&str> =
        now.smtp_address.iter().chain(&now.reaches).map(|address| bare(address)).collect();
    let unclear = now.address.is_some() && now.reaches.is_empty();
    let outside: Vec<&str> = reached.into_iter().filter(|address| !is_ours(who, address)).collect();
    let all = settings.forwarding == super::Forwarding::All;
    if all || !outside.is_empty() {
        let reason = if outside.is_empty() {
            "the playbook ends all forwarding".to_owned()
        } else {
            format!("leads out of the tenant, to {}", outside.join(", "))
        };
        plan.changes.push(changes::stop_forwarding(who, now, &to).because(reason));
        return;
    }
    let reason = if unclear {
        "the mailbox forwards to a recipient whose address can't be read"
    } else {
        "the mailbox forwards to somebody inside the tenant"
    };
    let finding = Finding::of((&who.user.id, &to), Decision::Ask, vec![reason.into(), NO_DATE.into()]);
    plan.open.push(finding.next(format!(
        "ask the user; set `forwarding: all` for the step, or Exchange Online PowerShell: Set-Mailbox {} \
         -ForwardingSmtpAddress $null -ForwardingAddress $null",
        who.user.user_principal_name
    )));
}

/// Where it leads, for people. `None`: nowhere.
fn shown(now: &Forwarding) -> Option<String> {
    let names = [now.smtp_address.as_deref().map(bare), now.address.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

/// `smtp:a@b` is `a@b`.
fn bare(address: &str) -> &str {
    match address.split_once(':') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("smtp") => rest,
        _ => address,
    }
}

fn is_ours(who: &Target, address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    who.tenant.domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain))
}

enum Fate {
    Goes,
    Stays(Finding),
    Asked(Finding),
}

fn delegate(name: &str, what: &str, settings: &Settings) -> Fate {
    let finding = |decision, why: &str| {
        Finding::of((name, &format!("delegate {name}")), decision, vec![what.into(), why.into()])
    };
    if settings.keep.iter().any(|kept| kept.eq_ignore_ascii_case(name)) {
        Fate::Stays(finding(Decision::Keep, "the playbook keeps it"))
    } else if settings.delegates == Delegates::Remove {
        Fate::Goes
    } else {
        Fate::Asked(finding(Decision::Ask, NO_DATE))
    }
}

fn asked(finding: Finding, who: &Target) -> Finding {
    finding.next(format!(
        "ask {}; set `delegates: remove` for the step, with `keep` for those who stay",
        who.user.user_principal_name
    ))
}

fn without_sight(plan: &mut Plan, who: &Target, blind: &Blind) {
    let open = |why: String, next: String| Finding::open(&who.user, why, next);
    let upn = &who.user.user_principal_name;
    let by_hand = format!(
        "Exchange Online PowerShell: Get-Mailbox {upn} | Format-List Forwarding*, DeliverToMailboxAndForward, \
         GrantSendOnBehalfTo; Get-MailboxPermission {upn}; Get-RecipientPermission {upn}"
    );
    match blind {
        Blind::Closed(why) => plan.open.push(open(
            format!("forwarding and delegates of the mailbox were not looked at: {why}"),
            format!("opt in, and `oust doctor` says what it takes; until then {by_hand}"),
        )),
        Blind::KeptOut(why) => plan.open.push(open(
            format!("forwarding and delegates of the mailbox can't be seen: {why}"),
            format!("give the service principal a role in Exchange; until then {by_hand}"),
        )),
        Blind::NoMailbox => {
            let why =
                "there is no mailbox in Exchange Online: it has no licence, is deleted, or is on-premises";
            if who.user.is_synced() {
                plan.open.push(open(
                    why.into(),
                    "look at the on-premises mailbox: Get-Mailbox, Get-MailboxPermission".into(),
                ));
            } else {
                let seen = (who.user.id.as_str(), upn.as_str());
                plan.kept.push(Finding::of(seen, Decision::Keep, vec![why.into()]));
            }
        }
    }
}
