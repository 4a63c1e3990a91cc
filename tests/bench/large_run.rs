//! A mailbox with as many rules of an intruder as one likes, and the journal of a run that disabled them.

use jiff::Timestamp;
use oust::clock::Clock;
use oust::journal::{
    Began, FORMAT, Intent, Journal, Planned, Record, RunPath, Store, TargetFound, Told, ToldResult,
};
use oust::playbook::{DEFAULT_PLAYBOOK, Playbook};
use oust::report::{Outcome, State};
use oust_actions::{
    AnyAction, Get, OnPage, Operator, Plan, Read, ReadError, ReadErrorKind, Reading, Target, Tenant, User,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::AnyError;

/// The step of the default playbook that the rules fall to, and its action.
const STEP: &str = "review_inbox_rules";
/// Intents that share a sync.
const AT_ONCE: usize = 100;

/// That action.
pub fn action() -> Result<&'static dyn AnyAction, AnyError> {
    oust_actions::find(STEP).ok_or_else(|| "the action is gone".into())
}

/// Whose mailbox it is.
pub fn adele() -> Target {
    Target {
        user: User {
            id: "87d349ed-44d7-43e1-9a83-5f2406dee5bd".into(),
            user_principal_name: "AdeleV@contoso.com".into(),
            ..User::default()
        },
        tenant: Tenant { domains: vec!["contoso.com".into()], ..Tenant::default() },
        operator: Operator { permissions: vec!["MailboxSettings.ReadWrite".into()], ..Operator::default() },
        since: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        cut_after: Timestamp::UNIX_EPOCH,
        settings: Value::Null,
        issued: vec![],
        companions: 0,
    }
}

/// So many rules, every `stays`th of them her own.
struct Mailbox {
    rules: usize,
    stays: usize,
}

impl Read for Mailbox {
    /// The rules are all that is asked for.
    fn one<'a>(&'a self, _: &'a Get) -> Reading<'a, Value> {
        Box::pin(async {
            Err(ReadError {
                path: "/".into(),
                kind: ReadErrorKind::NotFound,
                status: Some(404),
                code: None,
                message: "not in this mailbox".into(),
                request_id: None,
            })
        })
    }

    fn pages<'a>(&'a self, _: &'a Get, each: OnPage<'a>) -> Reading<'a, ()> {
        let rule = |n: usize| {
            let domain = if n.is_multiple_of(self.stays) { "contoso.com" } else { "fabrikam.com" };
            let to = json!([{ "emailAddress": { "address": format!("drop{n}@{domain}") } }]);
            json!({ "id": format!("AQAAAJ5dZq{n:06}"), "displayName": format!("rule {n}"), "isEnabled": true,
                "conditions": { "subjectContains": ["invoice"] }, "actions": { "redirectTo": to } })
        };
        Box::pin(async move {
            each((1..=self.rules).map(rule).collect());
            Ok(())
        })
    }
}

/// What the action sees of so many rules, every `stays`th of them her own.
pub fn observed(who: &Target, rules: usize, stays: usize) -> Result<Value, AnyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(action()?.observe(who, &Mailbox { rules, stays }))?)
}

/// A journal that has been confirmed, the plan of its only step before it.
pub fn begun(store: &Store, rules: usize) -> Result<(RunPath, Journal, Plan), AnyError> {
    let (who, playbook) = (adele(), Playbook::find(DEFAULT_PLAYBOOK)?);
    let state = observed(&who, rules, usize::MAX)?;
    let plan = action()?.plan(&who, &state)?;
    let run = store.create_run(&Uuid::now_v7())?;
    let mut journal = Journal::create(&run, Clock::system())?;
    let user_id = who.user.id.clone();
    let records = [
        Record::Began(Box::new(Began {
            format: FORMAT,
            version: oust::engine::VERSION.into(),
            run_id: run.id().into(),
            command: "contain".into(),
            playbook: playbook.id.clone(),
            playbook_sha256: playbook.sha256(),
            playbook_text: playbook.text.clone(),
            tenant: who.tenant.clone(),
            operator: who.operator.clone(),
            users: vec![user_id.clone()],
            since: who.since,
            password_recipient: None,
            part_of: None,
        })),
        Record::Target(Box::new(TargetFound { target: who, traits: vec!["member".into()] })),
        Record::Planned(Box::new(Planned {
            user_id,
            stage: "footholds".into(),
            step: STEP.into(),
            action: STEP.into(),
            settings: Value::Null,
            state,
            plan: plan.clone(),
            error: None,
            lacks: vec![],
        })),
        Record::Confirmed { how: "--yes".into() },
    ];
    for record in records {
        journal.append(record)?;
    }
    Ok((run, journal, plan))
}

/// The intent of the plan's change of that number.
pub fn intent(plan: &Plan, number: usize) -> Result<Record, AnyError> {
    Ok(Record::Intent(Box::new(Intent {
        intent: u32::try_from(number)?,
        user_id: adele().user.id,
        step: STEP.into(),
        attempt: 1,
        service_time: Timestamp::UNIX_EPOCH,
        change: plan.changes[number].clone(),
    })))
}

/// That the call of an intent was accepted.
pub fn accepted(intent: u32) -> Record {
    let answer = Told {
        result: ToldResult::Accepted,
        status: Some(200),
        error: None,
        request_id: Some("5d3c2b1a-7a4c-4c1e-9a54-0d3c2b1a0001".into()),
        issued: None,
    };
    Record::Outcome { intent, answer }
}

/// That an intent was read back.
pub fn effective(intent: u32) -> Record {
    Record::Verified {
        user_id: adele().user.id,
        step: STEP.into(),
        intent,
        state: State::Effective,
        reason: None,
        code: None,
    }
}

/// Records of a whole run but for three for each rule: its four first, a stop and a resume, its end.
pub const AROUND: usize = 7;

/// The whole run, stopped once and resumed: an intent, an outcome and a reading for each rule.
pub fn whole(store: &Store, rules: usize) -> Result<RunPath, AnyError> {
    let (run, mut journal, plan) = begun(store, rules)?;
    let numbers: Vec<usize> = (0..plan.changes.len()).collect();
    for batch in numbers.chunks(AT_ONCE) {
        let intents = batch.iter().map(|number| intent(&plan, *number)).collect::<Result<Vec<_>, _>>()?;
        journal.intend(intents)?;
        for number in batch {
            journal.append(accepted(u32::try_from(*number)?))?;
        }
    }
    journal.append(Record::Stopped { why: "interrupted".into() })?;
    let (version, operator) = (oust::engine::VERSION.into(), adele().operator);
    journal.append(Record::Resumed { version, operator })?;
    for number in numbers {
        journal.append(effective(u32::try_from(number)?))?;
    }
    journal.append(Record::Finished { outcome: Outcome::Contained, exit_code: 0, error: None })?;
    Ok(run)
}
