//! What a person is told of the log, and what they have to look at.

use jiff::{SignedDuration, Timestamp};

use super::summary::{Address, After, DELAY, Rest, Summary};
use super::{Settings, State};
use crate::{Decision, Finding, Plan, Target};

/// Addresses that are told one by one.
const TOLD: usize = 12;
/// Addresses that are asked about one by one.
const ASKED: usize = 10;
/// How long the log is kept, with a P1 or P2 licence.
///
/// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-reports-data-retention>
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Characters of a date.
const DATE: usize = 10;

const LATE: &str = "they show up minutes to hours late, so silence proves nothing";
const NEXT: &str = "revoke the account's sessions again and see that it is still disabled, find out how this sign-in was \
                    possible and what was done by it, then name the id under `keep` of review_sign_ins";

/// Decides what is told, and what waits for a person.
pub(super) fn judge(who: &Target, now: &State, settings: &Settings) -> Plan {
    let log = |reasons: Vec<String>| Finding::of((&who.user.id, "the sign-in log"), Decision::Keep, reasons);
    let unseen = |why: &str| Plan { kept: vec![log(vec![why.to_owned()])], ..Plan::default() };
    let summary = match now {
        State::Seen(summary) => summary,
        State::NoLicence => {
            return unseen(
                "it could not be read: the service says that the tenant has no Entra ID P1 licence",
            );
        }
        State::Refused => {
            return unseen(
                "it could not be read although the permission is there: the tenant has no Entra ID P1 licence, or who \
                 is signed in has no role that may read it (Reports Reader, Security Reader)",
            );
        }
    };
    let mut plan = Plan { kept: vec![log(about_the_log(who, summary))], ..Plan::default() };
    let mut asked = 0;
    for address in &summary.addresses {
        let Some(after) = &address.after else { continue };
        let finding = got_in_after(summary, address, after);
        if settings.keep.iter().any(|id| id.eq_ignore_ascii_case(&after.id)) {
            let judged = Finding { decision: Decision::Keep, ..finding };
            plan.kept.push(Finding { reasons: with(judged.reasons, "the playbook keeps it"), ..judged });
        } else if asked < ASKED {
            asked += 1;
            plan.open.push(finding.next(NEXT));
        } else {
            asked += 1;
        }
    }
    plan.open.extend(more_after(summary, asked.saturating_sub(ASKED)));
    plan.kept.extend(addresses(who, summary));
    plan.kept.extend(failed(who, summary));
    plan
}

/// What was read and what can't be known from it.
fn about_the_log(who: &Target, summary: &Summary) -> Vec<String> {
    let read = match summary.rows {
        0 => format!("no sign-ins since {}", moment(who.since)),
        rows => format!("{} since {}", counted(rows, "sign-in"), moment(who.since)),
    };
    let mut reasons = vec![format!("{read}; {LATE}")];
    if summary.interactive_only {
        reasons.push(
            "non-interactive sign-ins were not seen, and a replayed token shows among those alone: look at them in \
             Entra (Users, the user, Sign-in logs, User sign-ins (non-interactive))"
                .into(),
        );
    }
    if who.now.duration_since(who.since) > KEPT_FOR {
        reasons
            .push("the window is longer than the 30 days that the log is kept: older ones are gone".into());
    }
    if summary.unreadable > 0 {
        let rows = counted(summary.unreadable, "row");
        reasons.push(format!("{rows} could not be read or not told to be the user's, and are not counted"));
    }
    reasons.push(match (who.user.account_enabled, summary.cut) {
        (Some(false), Some(cut)) => format!(
            "the account is disabled and was cut off at {}, which may take {} minutes",
            moment(cut),
            DELAY.as_mins()
        ),
        (Some(false), None) => {
            "the account is disabled, but no revocation of its sessions inside the window says since \
                                when: whether somebody got in after that isn't judged"
                .into()
        }
        (None, _) => "whether the account is disabled could not be read, so whether somebody got in after a cut isn't judged"
            .into(),
        (Some(true), _) => "the account is enabled: whether somebody got in after a cut isn't judged".into(),
    });
    reasons
}

fn got_in_after(summary: &Summary, address: &Address, after: &After) -> Finding {
    let cut = summary.cut.unwrap_or_default();
    let mut reasons = vec![format!(
        "{} succeeded after the account was disabled and cut off at {}: {}",
        counted(after.count, "sign-in"),
        moment(cut),
        span(after.first, after.last),
    )];
    let apps = after.apps.list().map(|apps| format!("into {apps}"));
    let place = (!address.place.is_empty()).then(|| address.place.clone());
    let parts = [apps, place, address.clients.list()].into_iter().flatten().collect::<Vec<_>>();
    if !parts.is_empty() {
        reasons.push(parts.join("; "));
    }
    reasons.push(format!("id {}", after.id));
    let label = format!("sign-in after the cut from {}", named(address));
    // An object of its own, which a recovery waits for.
    let id = if after.id.is_empty() { &address.ip } else { &after.id };
    Finding::of((id, &label), Decision::Ask, reasons)
}

/// Those after the cut that aren't asked about one by one.
fn more_after(summary: &Summary, addresses: usize) -> Option<Finding> {
    let others = summary.others.after;
    let told = match (addresses, others) {
        (0, 0) => return None,
        (addresses, 0) => format!("from {}", plural(addresses, "more address", "more addresses")),
        (0, others) => format!("{} from addresses that are not told one by one", counted(others, "sign-in")),
        (addresses, others) => format!(
            "from {}, and {} from addresses that are not told one by one",
            plural(addresses, "more address", "more addresses"),
            counted(others, "sign-in")
        ),
    };
    let reasons = vec![format!("succeeded after the account was disabled and cut off: {told}")];
    let object = ("more-sign-ins-after-the-cut", "more sign-ins after the cut");
    Some(Finding::of(object, Decision::Ask, reasons).next(NEXT))
}

/// Where somebody got in: the riskiest first, then what isn't the usual country, then the last used.
fn addresses(who: &Target, summary: &Summary) -> Vec<Finding> {
    let usual = usual_country(summary);
    let mut order: Vec<&Address> = summary.addresses.iter().collect();
    order.sort_by_key(|a| {
        let foreign = !a.country.is_empty() && Some(a.country.as_str()) != usual;
        (std::cmp::Reverse(a.risk), !foreign, std::cmp::Reverse(a.last))
    });
    let finding = |a: &&Address| Finding::of((&a.last_id, named(a)), Decision::Keep, reasons(a));
    let mut findings: Vec<Finding> = order.iter().take(TOLD).map(finding).collect();
    let mut rest = summary.others.clone();
    let untold = order.get(TOLD..).unwrap_or_default();
    for address in untold {
        rest.take(address);
    }
    let count = rest.addresses + untold.len();
    if count > 0 {
        let least = at_least(rest.addresses);
        let label = format!("{least}{}", plural(count, "more address", "more addresses"));
        let sums = sums(rest.succeeded, rest.failed);
        findings.push(Finding::of(
            (&who.user.id, &label),
            Decision::Keep,
            vec![format!("{sums}{}", rest.told_span())],
        ));
    }
    findings
}

/// Where nobody got in: one finding.
fn failed(who: &Target, summary: &Summary) -> Option<Finding> {
    let failed = &summary.failed;
    if failed.failed == 0 {
        return None;
    }
    let label = format!(
        "{}{} without success",
        at_least(failed.addresses),
        plural(failed.addresses, "address", "addresses")
    );
    let mut reason = format!("{} failed{}", failed.failed, failed.told_span());
    if !summary.failed_from.is_empty() {
        let more = if failed.addresses > summary.failed_from.len() { ", …" } else { "" };
        reason += &format!("; {}{more}", summary.failed_from.join(", "));
    }
    Some(Finding::of((&who.user.id, &label), Decision::Keep, vec![reason]))
}

impl Rest {
    fn take(&mut self, address: &Address) {
        self.succeeded += address.succeeded;
        self.failed += address.failed;
        self.first = Some(self.first.map_or(address.first, |first| first.min(address.first)));
        self.last = Some(self.last.map_or(address.last, |last| last.max(address.last)));
    }

    fn told_span(&self) -> String {
        match (self.first, self.last) {
            (Some(first), Some(last)) => format!(", {}", span(first, last)),
            _ => String::new(),
        }
    }
}

/// The country of most sign-ins that succeeded.
fn usual_country(summary: &Summary) -> Option<&str> {
    let mut by_country = std::collections::BTreeMap::<&str, u64>::new();
    for address in summary.addresses.iter().filter(|a| !a.country.is_empty()) {
        *by_country.entry(&address.country).or_default() += address.succeeded;
    }
    by_country.into_iter().max_by_key(|(_, count)| *count).map(|(country, _)| country)
}

/// How often, when, where from and how risky; then what was used.
fn reasons(a: &Address) -> Vec<String> {
    let mut parts = vec![format!("{}, {}", sums(a.succeeded, a.failed), span(a.first, a.last))];
    parts.extend((!a.place.is_empty()).then(|| a.place.clone()));
    parts.extend(a.risk.name().map(|risk| format!("risk {risk}")));
    let device = match a.managed {
        0 => "unmanaged device",
        managed if managed == a.succeeded => "managed device",
        _ => "in part from a managed device",
    };
    parts.push(device.into());
    if a.interactive < a.succeeded {
        parts.push(format!("{} non-interactive", a.succeeded - a.interactive));
    }
    if a.settling > 0 {
        parts.push(format!("{} in the {} minutes that the cut may take", a.settling, DELAY.as_mins()));
    }
    if let Some(after) = &a.after {
        parts.push(format!("{} after the cut", after.count));
    }
    let used: Vec<String> = [a.apps.list(), a.clients.list()].into_iter().flatten().collect();
    let mut reasons = vec![parts.join("; ")];
    reasons.extend((!used.is_empty()).then(|| used.join("; ")));
    reasons
}

fn named(address: &Address) -> &str {
    if address.ip.is_empty() { "no address" } else { &address.ip }
}

fn with(mut reasons: Vec<String>, last: &str) -> Vec<String> {
    reasons.push(last.to_owned());
    reasons
}

fn sums(succeeded: u64, failed: u64) -> String {
    match (succeeded, failed) {
        (0, failed) => format!("{failed} failed"),
        (succeeded, 0) => format!("{succeeded} succeeded"),
        (succeeded, failed) => format!("{succeeded} succeeded, {failed} failed"),
    }
}

/// `2026-05-01 08:00:00 to 09:30:00 UTC`
fn span(first: Timestamp, last: Timestamp) -> String {
    let (from, to) = (moment(first), last.strftime("%Y-%m-%d %H:%M:%S").to_string());
    if first.as_second() == last.as_second() {
        return from;
    }
    let from = from.trim_end_matches(" UTC");
    let same_day = from.get(..DATE) == to.get(..DATE);
    format!("{from} to {} UTC", to.get(if same_day { DATE.. } else { 0.. }).unwrap_or(&to).trim_start())
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn at_least(count: usize) -> &'static str {
    if Summary::is_at_least(count) { "at least " } else { "" }
}
