//! Turns scores into decisions: what goes, what stays, what a person has to decide.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::changes::{Subject, end_assignment, end_consent};
use super::first_party::{is_family, is_first_party};
use super::objects::{App, Assignment, DEFAULT_ACCESS, Grant};
use super::observe::{Seen, State};
use super::score::{Consented, Facts, Held, score};
use super::settings::Settings;
use crate::{Decision, Finding, Plan, Target};

/// The judgement on an app, for all that the user gave it.
#[derive(Debug, Clone)]
struct Verdict {
    decision: Decision,
    risk: u8,
    reasons: Vec<String>,
}

/// Decides on everything that was seen.
pub(super) fn judge(who: &Target, state: &State, settings: &Settings) -> Plan {
    let review = Review { who, state, settings };
    let mut plan = Plan::default();
    let mut clients: Vec<(&str, Verdict)> =
        review.clients().into_iter().map(|client| (client, review.verdict(client))).collect();
    clients.sort_by_key(|(client, verdict)| (Reverse(verdict.risk), *client));
    for (client, verdict) in &clients {
        review.carry_out(client, verdict, &mut plan);
    }
    for held in state.assignments.iter().filter(|held| !held.is_own(&who.user.id)) {
        plan.kept.push(of_a_group(held, review.name(&held.resource)));
    }
    for grant in state.grants.iter().filter(|grant| !review.is_own(grant)) {
        plan.kept.push(finding(
            &grant.id,
            review.name(&grant.client),
            Decision::Keep,
            None,
            vec!["not the user's own consent".into()],
        ));
    }
    let going: BTreeSet<&str> = clients
        .iter()
        .filter(|(_, verdict)| verdict.decision == Decision::Remove)
        .map(|(client, _)| *client)
        .collect();
    for grant in &state.tenant_wide {
        review.tenant_wide(grant, going.contains(grant.client.as_str()), &mut plan);
    }
    plan
}

struct Review<'a> {
    who: &'a Target,
    state: &'a State,
    settings: &'a Settings,
}

impl<'a> Review<'a> {
    /// The apps that the user consented to or is assigned to.
    fn clients(&self) -> BTreeSet<&'a str> {
        let consented =
            self.state.grants.iter().filter(|grant| self.is_own(grant)).map(|g| g.client.as_str());
        consented.chain(self.own_assignments().map(|held| held.resource.as_str())).collect()
    }

    fn is_own(&self, grant: &Grant) -> bool {
        grant.consent_type == "Principal" && grant.principal.as_deref() == Some(&self.who.user.id)
    }

    fn own_assignments(&self) -> impl Iterator<Item = &'a Assignment> {
        let user = &self.who.user.id;
        self.state.assignments.iter().filter(move |held| held.is_own(user))
    }

    fn app(&self, id: &str) -> Option<&'a App> {
        match self.state.apps.get(id) {
            Some(Seen::App(app)) => Some(app),
            Some(Seen::Unread(_)) | None => None,
        }
    }

    fn name(&self, id: &str) -> String {
        let of_app = self.app(id).map(|app| app.name.clone()).filter(|name| !name.is_empty());
        let of_assignment = || {
            let named = self.state.assignments.iter().find(|held| held.resource == id)?;
            Some(named.resource_name.clone()).filter(|name| !name.is_empty())
        };
        of_app.or_else(of_assignment).unwrap_or_else(|| format!("app {id}"))
    }

    /// Judges an app by what the user gave it.
    fn verdict(&self, client: &str) -> Verdict {
        if let Some(verdict) = self.untouchable(client) {
            return verdict;
        }
        let own = self.state.grants.iter().filter(|grant| self.is_own(grant) && grant.client == client);
        let role = self.own_assignments().any(|held| held.resource == client && held.role != DEFAULT_ACCESS);
        let score = score(self.who, &self.facts(client, own, role));
        let verdict = |decision, first: Option<String>| Verdict {
            decision,
            risk: score.risk(),
            reasons: first.into_iter().chain(score.reasons.iter().cloned()).collect(),
        };
        if self.is_in(&self.settings.keep, client) {
            verdict(Decision::Keep, Some("the playbook keeps it".into()))
        } else if self.is_in(&self.settings.remove, client) {
            verdict(Decision::Remove, Some("the playbook removes it".into()))
        } else if score.risk() < self.settings.min_risk {
            let least = self.settings.min_risk;
            verdict(Decision::Keep, Some(format!("risk {} is below {least}", score.risk())))
        } else if self.app(client).is_none() {
            verdict(
                Decision::Ask,
                Some("the app can't be read, so it may be one of Microsoft's: nothing was changed".into()),
            )
        } else {
            verdict(Decision::Remove, None)
        }
    }

    /// The verdict on apps that no score and no playbook touches.
    fn untouchable(&self, client: &str) -> Option<Verdict> {
        let keep = |reasons| Some(Verdict { decision: Decision::Keep, risk: 0, reasons });
        let operator = &self.who.operator;
        let app = self.app(client);
        let is_operator = !client.is_empty() && client == operator.object_id
            || app.is_some_and(|app| {
                !app.application_id.is_empty() && app.application_id.eq_ignore_ascii_case(&operator.app_id)
            });
        if is_operator {
            return keep(vec!["the application that runs this: never touched".into()]);
        }
        let app = app.filter(|app| is_first_party(app))?;
        let mut reasons = vec!["an app of Microsoft's own: never touched".to_owned()];
        if is_family(app) {
            reasons.push(
                "its refresh token serves a whole family of Microsoft's apps: only revoking the sessions ends it"
                    .into(),
            );
        }
        keep(reasons)
    }

    fn facts<'g>(&self, client: &str, grants: impl Iterator<Item = &'g Grant>, role: bool) -> Facts<'g>
    where
        'a: 'g,
    {
        let app = self.app(client);
        let scopes = grants.flat_map(|grant| {
            let on_microsoft = self.app(&grant.resource).is_none_or(is_first_party);
            grant.scopes().map(move |scope| Held { scope, on_microsoft })
        });
        let assigned = self.own_assignments().filter(|held| held.resource == client);
        let consented = match assigned.filter_map(|held| held.created).min() {
            Some(at) => Consented::At(at),
            None => app.and_then(|app| app.created).map_or(Consented::Unknown, Consented::NotBefore),
        };
        Facts {
            app,
            scopes: scopes.collect(),
            role,
            consented,
            others: self.state.others.get(client).copied(),
        }
    }

    fn is_in(&self, ids: &[String], client: &str) -> bool {
        let app_id = self.app(client).map_or("", |app| app.application_id.as_str());
        ids.iter()
            .any(|id| !id.is_empty() && (id.eq_ignore_ascii_case(client) || id.eq_ignore_ascii_case(app_id)))
    }

    /// Applies a verdict to all that the user gave the app. Consents before assignments: an assignment is
    /// what dates a consent.
    fn carry_out(&self, client: &str, verdict: &Verdict, plan: &mut Plan) {
        let name = self.name(client);
        let subject = Subject { name: &name, risk: verdict.risk, reasons: &verdict.reasons };
        let mut judged = |id: &str, decision, note: String| {
            let mut reasons = verdict.reasons.clone();
            reasons.push(note);
            let mut finding = finding(id, name.clone(), decision, Some(verdict.risk), reasons);
            if decision == Decision::Keep {
                plan.kept.push(finding);
            } else {
                finding.next = Some(NEXT_FOR_UNREAD.into());
                plan.open.push(finding);
            }
        };
        for grant in self.state.grants.iter().filter(|grant| self.is_own(grant) && grant.client == client) {
            let on = self.name(&grant.resource);
            match verdict.decision {
                Decision::Remove if grant.is_whole() => {
                    plan.changes.push(end_consent(self.who, grant, &on, subject));
                }
                Decision::Remove => judged(&grant.id, Decision::Ask, CUT_OFF.into()),
                decision => judged(&grant.id, decision, format!("consent on {on}")),
            }
        }
        for held in self.own_assignments().filter(|held| held.resource == client) {
            match verdict.decision {
                Decision::Remove if held.is_whole() => {
                    plan.changes.push(end_assignment(self.who, held, self.app(client), subject));
                }
                Decision::Remove => judged(&held.id, Decision::Ask, CUT_OFF.into()),
                decision => judged(&held.id, decision, "assignment".into()),
            }
        }
    }

    /// Judges a consent for everyone: it is never deleted for one user's sake, but said when it is risky or
    /// when it lets an app in whose own consent goes.
    fn tenant_wide(&self, grant: &Grant, own_goes: bool, plan: &mut Plan) {
        let client = &grant.client;
        if self.untouchable(client).is_some() || self.is_in(&self.settings.keep, client) {
            return;
        }
        let score = score(self.who, &self.facts(client, std::iter::once(grant), false));
        let named = self.is_in(&self.settings.remove, client);
        if score.risk() < self.settings.min_risk && !own_goes && !named {
            return;
        }
        let mut reasons = vec!["consented for every user: never deleted for one user's sake".to_owned()];
        if own_goes {
            reasons.push("the user's own consent goes, but this one still lets the app in".into());
        }
        reasons.extend(score.reasons.iter().cloned());
        let mut open = finding(&grant.id, self.name(client), Decision::Ask, Some(score.risk()), reasons);
        open.next = Some(format!(
            "if the app is bad, disable its service principal {client} for everyone; deleting the app would \
             let the next consent bring it back"
        ));
        plan.open.push(open);
    }
}

const NEXT_FOR_UNREAD: &str = "look at the app in the Entra admin center; to end what the user gave it, name \
                               its service principal under `remove` and run again";

const CUT_OFF: &str = "Graph gave it without an id, app, resource or scope, so it could not be given back: \
                       nothing was changed";

fn of_a_group(held: &Assignment, label: String) -> Finding {
    let reason = if held.principal_type == "Group" {
        format!(
            "given by group {} ({}): ending it would cut off the whole group",
            held.principal_name, held.principal
        )
    } else {
        "not the user's own assignment".into()
    };
    finding(&held.id, label, Decision::Keep, None, vec![reason])
}

fn finding(id: &str, label: String, decision: Decision, risk: Option<u8>, reasons: Vec<String>) -> Finding {
    Finding { object_id: id.to_owned(), label, decision, risk, reasons, next: None }
}
