//! Folds the log into what it comes to: of any number of sign-ins a few kilobytes.
//!
//! The log comes newest first, so the addresses that are kept are those that were used last. An address from which
//! nobody got in never takes the place of one from which somebody did: whoever tries passwords has thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sign_in::{Risk, SignIn};
use super::tally::{Tally, cut};
use crate::Target;

/// Addresses that are kept with all that is known of them, of those from which a sign-in succeeded.
pub(super) const ADDRESSES: usize = 30;
/// Addresses with failures alone that are held while the log is read: an older row may show a success.
const FAILED: usize = 200;
/// Addresses with failures alone that are named.
const NAMED: usize = 5;
/// Different addresses that are counted one by one; beyond, "at least".
const COUNTED: usize = 10_000;
/// Apps and clients of an address that are named.
const ROOM: usize = 4;

/// How long a revocation may take: "a few minutes".
///
/// <https://learn.microsoft.com/graph/api/user-revokesigninsessions>
pub(super) const DELAY: SignedDuration = SignedDuration::from_mins(5);

/// What the log comes to. Times are the service's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The non-interactive ones were not read.
    pub(super) interactive_only: bool,
    /// When the account was cut off, if it is disabled and that was inside the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cut: Option<Timestamp>,
    /// Rows that were read, of this user and inside the window.
    pub(super) rows: u64,
    /// Rows that are of somebody else, or don't say when they were or how they ended.
    pub(super) unreadable: u64,
    /// Where somebody got in, the last used first.
    pub(super) addresses: Vec<Address>,
    /// All other addresses where somebody got in.
    pub(super) others: Rest,
    /// Addresses with failures alone.
    pub(super) failed: Rest,
    /// Some of these, the last used first.
    pub(super) failed_from: Vec<String>,
}

/// An address from which somebody got in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    /// As the service gives it, cut.
    pub(super) ip: String,
    pub(super) place: String,
    pub(super) country: String,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    /// Of those that succeeded.
    pub(super) interactive: u64,
    /// The same, from a device that is compliant or managed.
    pub(super) managed: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) last_id: String,
    pub(super) apps: Tally,
    pub(super) clients: Tally,
    pub(super) risk: Risk,
    /// Succeeded between the cut and the end of the time that it may take.
    pub(super) settling: u64,
    /// Succeeded later still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<After>,
}

/// Sign-ins that succeeded after the account was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct After {
    pub(super) count: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Of the last one.
    pub(super) id: String,
    pub(super) apps: Tally,
}

/// Sign-ins of addresses that are not kept one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Different addresses; no more than are counted.
    pub(super) addresses: usize,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// Succeeded after the cut and the time that it may take.
    pub(super) after: u64,
}

/// Takes rows and keeps no more of them than a summary and a few hundred addresses.
pub(super) struct Fold {
    user: String,
    since: Timestamp,
    summary: Summary,
    addresses: BTreeMap<String, Address>,
    succeeded: usize,
    others: BTreeSet<u64>,
    failed: BTreeSet<u64>,
}

impl Fold {
    pub(super) fn new(who: &Target, interactive_only: bool) -> Self {
        Self {
            user: who.user.id.clone(),
            since: who.since,
            summary: Summary { interactive_only, cut: cut_off(who), ..Summary::default() },
            addresses: BTreeMap::new(),
            succeeded: 0,
            others: BTreeSet::new(),
            failed: BTreeSet::new(),
        }
    }

    /// Takes one row.
    pub(super) fn add(&mut self, row: &Value) {
        let Some(sign_in) = SignIn::of(row, &self.user) else {
            self.summary.unreadable += 1;
            return;
        };
        // The filter is of whole seconds.
        if sign_in.at.as_second() < self.since.as_second() {
            return;
        }
        self.summary.rows += 1;
        let key = cut(sign_in.address);
        let known = self.addresses.get(&key).map(|address| address.succeeded > 0);
        let rises = sign_in.succeeded && known != Some(true);
        if rises && self.succeeded >= ADDRESSES {
            // Its failures so far go with it.
            if let Some(address) = self.addresses.remove(&key) {
                self.summary.others.failed += address.failed;
                self.summary.others.span(address.first, address.last);
            }
            return self.other(&key, &sign_in);
        }
        let failed = self.addresses.len() - self.succeeded;
        if known.is_none() && !sign_in.succeeded && (failed >= FAILED || self.others.contains(&hash(&key))) {
            return self.other(&key, &sign_in);
        }
        self.succeeded += usize::from(rises);
        let fresh = || Address::new(key.clone(), &sign_in);
        self.addresses.entry(key.clone()).or_insert_with(fresh).add(&sign_in, self.summary.cut);
    }

    /// A row of an address that isn't kept.
    fn other(&mut self, key: &str, sign_in: &SignIn<'_>) {
        let hash = hash(key);
        let got_in = sign_in.succeeded || self.others.contains(&hash);
        let (rest, counted) = if got_in {
            (&mut self.summary.others, &mut self.others)
        } else {
            (&mut self.summary.failed, &mut self.failed)
        };
        if counted.len() < COUNTED {
            counted.insert(hash);
        }
        rest.add(sign_in, self.summary.cut);
    }

    /// What it comes to.
    pub(super) fn finish(mut self) -> Summary {
        let (kept, failed): (Vec<_>, Vec<_>) =
            self.addresses.into_values().partition(|address| address.succeeded > 0);
        self.summary.addresses = kept;
        self.summary.addresses.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.ip.cmp(&b.ip)));
        self.summary.others.addresses = self.others.len();
        let mut failed: Vec<Address> = failed;
        failed.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.ip.cmp(&b.ip)));
        self.summary.failed.addresses = self.failed.len() + failed.len();
        for address in &failed {
            self.summary.failed.failed += address.failed;
            self.summary.failed.span(address.first, address.last);
        }
        self.summary.failed_from = failed.into_iter().take(NAMED).map(|address| address.ip).collect();
        self.summary
    }
}

impl Summary {
    /// Whether more different addresses came than are counted.
    pub(super) fn is_at_least(count: usize) -> bool {
        count >= COUNTED
    }
}

impl Address {
    fn new(ip: String, sign_in: &SignIn<'_>) -> Self {
        Self {
            ip,
            place: cut(&sign_in.place),
            country: cut(sign_in.country),
            succeeded: 0,
            failed: 0,
            interactive: 0,
            managed: 0,
            first: sign_in.at,
            last: sign_in.at,
            last_id: cut(sign_in.id),
            apps: Tally::default(),
            clients: Tally::default(),
            risk: Risk::None,
            settling: 0,
            after: None,
        }
    }

    fn add(&mut self, sign_in: &SignIn<'_>, cut_at: Option<Timestamp>) {
        self.first = self.first.min(sign_in.at);
        self.last = self.last.max(sign_in.at);
        self.risk = self.risk.max(sign_in.risk);
        if !sign_in.succeeded {
            self.failed += 1;
            return;
        }
        self.succeeded += 1;
        self.interactive += u64::from(sign_in.interactive);
        self.managed += u64::from(sign_in.managed);
        self.apps.add(sign_in.app, ROOM);
        self.clients.add(&sign_in.client, ROOM);
        match cut_at {
            Some(cut_at) if sign_in.at > later(cut_at) => After::add(&mut self.after, sign_in),
            Some(cut_at) if sign_in.at > cut_at => self.settling += 1,
            _ => {}
        }
    }
}

impl After {
    fn add(after: &mut Option<Self>, sign_in: &SignIn<'_>) {
        let after = after.get_or_insert_with(|| Self {
            count: 0,
            first: sign_in.at,
            last: sign_in.at,
            id: cut(sign_in.id),
            apps: Tally::default(),
        });
        if sign_in.at > after.last {
            (after.last, after.id) = (sign_in.at, cut(sign_in.id));
        }
        after.count += 1;
        after.first = after.first.min(sign_in.at);
        after.apps.add(sign_in.app, ROOM);
    }
}

impl Rest {
    fn add(&mut self, sign_in: &SignIn<'_>, cut_at: Option<Timestamp>) {
        self.span(sign_in.at, sign_in.at);
        self.succeeded += u64::from(sign_in.succeeded);
        self.failed += u64::from(!sign_in.succeeded);
        let is_after = cut_at.is_some_and(|cut_at| sign_in.at > later(cut_at));
        self.after += u64::from(sign_in.succeeded && is_after);
    }

    fn span(&mut self, first: Timestamp, last: Timestamp) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }
}

/// When a cut has taken effect for certain.
fn later(cut_at: Timestamp) -> Timestamp {
    cut_at.saturating_add(DELAY).unwrap_or(cut_at)
}

/// When the account was cut off: it is disabled, and its sessions were revoked inside the window. A revocation can be
/// repeated, which moves its moment, so a password that was set before it inside the window counts as the earlier one.
/// Where the intruder set it, more is asked and not less.
fn cut_off(who: &Target) -> Option<Timestamp> {
    let inside = |moment: &Timestamp| *moment >= who.since;
    let revoked = who.user.sign_in_sessions_valid_from_date_time.filter(inside)?;
    let password = who.user.last_password_change_date_time.filter(inside);
    (who.user.account_enabled == Some(false)).then(|| password.map_or(revoked, |at| at.min(revoked)))
}

/// The same in every process: the keys are fixed.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
