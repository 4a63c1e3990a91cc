//! Decides which credentials go: those from inside the compromise window.

use super::Settings;
use super::changes::{remove_federated, remove_secret, replace_keys};
use super::observe::{Credential, Owned, State};
use crate::{Decision, Finding, Plan, Target};

const NEXT: &str = "ask the app's owners whether the credential is theirs; to remove it, name its id under \
                    `remove` and run again";

/// Decides on everything that was seen.
pub(super) fn judge(who: &Target, state: &State, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    for app in &state.apps {
        Judging { who, settings, app, plan: &mut plan }.run();
    }
    plan
}

struct Judging<'a> {
    who: &'a Target,
    settings: &'a Settings,
    app: &'a Owned,
    plan: &'a mut Plan,
}

impl<'a> Judging<'a> {
    fn run(mut self) {
        let app = self.app;
        let object = (app.id.as_str(), app.name.as_str());
        if let Some(kind) = app.unread {
            self.plan.open.push(
                Finding::of(object, Decision::Ask, vec![format!("an owned app can't be read: {kind:?}")])
                    .next("look at its certificates and secrets in the Entra admin center"),
            );
            return;
        }
        let operator = &self.who.operator;
        let is_operator = !app.app_id.is_empty() && app.app_id.eq_ignore_ascii_case(&operator.app_id)
            || app.id == operator.object_id;
        if is_operator {
            self.keep(object, "the application that runs this: never touched".into());
            return;
        }
        self.keep(
            object,
            "the user owns it, and stays its owner: an owner who can sign in can add credentials".into(),
        );
        for secret in &app.secrets {
            if let Some(reason) = self.goes(secret) {
                self.plan.changes.push(remove_secret(app, secret, reason));
            }
        }
        let going: Vec<(&Credential, String)> =
            app.keys.iter().filter_map(|key| Some((key, self.goes(key)?))).collect();
        if !going.is_empty() {
            match replace_keys(app, &going) {
                Some(change) => self.plan.changes.push(change),
                None => going.iter().for_each(|(key, reason)| self.ask(key, hidden(reason))),
            }
        }
        for credential in &app.federated {
            if let Some(reason) = self.goes(credential) {
                self.plan.changes.push(remove_federated(app, credential, reason));
            }
        }
    }

    /// Why a credential goes; `None`, with a finding, when it doesn't.
    fn goes(&mut self, credential: &'a Credential) -> Option<String> {
        let since = self.who.since;
        let in_list = |ids: &[String]| {
            !credential.id.is_empty() && ids.iter().any(|id| id.eq_ignore_ascii_case(&credential.id))
        };
        if credential.id.is_empty() {
            self.ask(credential, "Graph gave it without an id: nothing was changed".into());
            return None;
        }
        if in_list(&self.settings.keep) {
            self.keep_credential(credential, "the playbook keeps it".into());
            return None;
        }
        if in_list(&self.settings.remove) {
            return Some("the playbook removes it".into());
        }
        match (credential.start, self.app.created) {
            (Some(start), _) if start >= since => Some(format!("added {start:.0}, inside the window")),
            (_, Some(created)) if created >= since => {
                Some(format!("the app itself was made {created:.0}, inside the window"))
            }
            (Some(start), _) => {
                self.keep_credential(
                    credential,
                    format!("valid since {start:.0}, before the window; whoever added it chose that date"),
                );
                None
            }
            (None, _) => {
                self.ask(
                    credential,
                    "Graph doesn't say when it was added, so it may be the intruder's".into(),
                );
                None
            }
        }
    }

    fn keep(&mut self, object: (&str, &str), reason: String) {
        self.plan.kept.push(Finding::of(object, Decision::Keep, vec![reason]));
    }

    fn keep_credential(&mut self, credential: &Credential, reason: String) {
        self.keep((&credential.id, &self.label(credential)), reason);
    }

    fn ask(&mut self, credential: &Credential, reason: String) {
        let label = self.label(credential);
        self.plan.open.push(Finding::of((&credential.id, &label), Decision::Ask, vec![reason]).next(NEXT));
    }

    fn label(&self, credential: &Credential) -> String {
        format!("{}: {}", self.app.name, credential.name)
    }
}

fn hidden(reason: &str) -> String {
    format!("{reason}; a certificate beside it hides its public half, so the list could not be replaced")
}
