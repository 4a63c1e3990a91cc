//! How risky an app is for the user: 0–100, by rules that each give their points and a line.
//!
//! | rule | points |
//! |---|---|
//! | the strongest thing that its scopes allow; a role in the app counts 10 | 0–45 |
//! | another dangerous thing besides; `offline_access` besides | +5 each |
//! | consented inside the window (nothing but the profile in it: +10) | +30 |
//! | age of the consent unknown; only known to be no older than the app | +15; +5 |
//! | consented before the window | −15 |
//! | the app itself came into the tenant inside the window | +10 |
//! | registered here; elsewhere by a verified publisher | −10 |
//! | registered elsewhere by an unverified publisher; it names no page of its own | +15; +5 |
//! | only this user uses it; ten or more others do | +5; −10 |
//! | its reply URLs | +5 to +20 each |
//! | its name | +15 or +20 |
//! | hidden from the user's app list | +5 |
//! | Microsoft disabled it | 100 |
//!
//! Adding a scope never lowers the score.

use jiff::Timestamp;

use super::objects::App;
use super::scopes::{DANGEROUS, OFFLINE, Power, power_of};
use super::{names, reply_urls};
use crate::Target;

/// A scope in use, and whether it is on a Microsoft service (or on one that can't be told).
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub scope: &'a str,
    pub on_microsoft: bool,
}

/// What is known about when the user consented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consented {
    /// Then, for the first time.
    At(Timestamp),
    /// Not before the app came into the tenant.
    NotBefore(Timestamp),
    /// Nothing.
    Unknown,
}

/// What the score rests on.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// The app; `None` when it can't be read.
    pub app: Option<&'a App>,
    /// All scopes of all consents in question.
    pub scopes: Vec<Held<'a>>,
    /// Whether the user holds a role in the app beyond plain access.
    pub role: bool,
    /// When.
    pub consented: Consented,
    /// How many others consented too, where that is known.
    pub others: Option<u32>,
}

/// From this many other users on, an app is in common use.
const MANY: u32 = 10;

/// The same, where others are contained together with the user: an app that all of them have may be the intruder's.
pub(super) fn many(who: &Target) -> u32 {
    MANY.saturating_add(who.companions)
}

fn common(who: &Target) -> String {
    match who.companions {
        0 => "ten or more other users have consented to it".to_owned(),
        n => format!("ten or more users besides the {n} others contained now have consented to it"),
    }
}

/// A score and how it came about, a rule a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Score {
    points: i16,
    pub reasons: Vec<String>,
}

impl Score {
    /// 0–100.
    pub(super) fn risk(&self) -> u8 {
        u8::try_from(self.points.clamp(0, 100)).unwrap_or(100)
    }

    fn add(&mut self, points: i16, reason: impl std::fmt::Display) {
        self.points = self.points.saturating_add(points);
        self.reasons.push(if points == 0 { reason.to_string() } else { format!("{points:+} {reason}") });
    }
}

/// Applies the rules.
pub(super) fn score(who: &Target, facts: &Facts<'_>) -> Score {
    let mut score = Score::default();
    let power = scopes(&mut score, facts);
    age(&mut score, who, facts, power);
    match facts.app {
        Some(app) => {
            origin(&mut score, who, app);
            appearance(&mut score, app);
        }
        None => score.add(15, "the app can't be read: who published it is unknown"),
    }
    match facts.others {
        Some(0) => score.add(5, "only this user has consented to it"),
        Some(others) if others >= many(who) => score.add(-10, common(who)),
        Some(_) | None => {}
    }
    if let Some(status) = facts.app.and_then(|app| app.disabled_by_microsoft.as_ref()) {
        score.add(0, format_args!("100: Microsoft disabled the app ({status})"));
        score.points = 100;
    }
    score
}

/// Weighs the scopes; gives the points of the strongest.
fn scopes(score: &mut Score, facts: &Facts<'_>) -> u8 {
    let mut powers: Vec<(Power, Vec<&str>)> = Vec::new();
    for held in &facts.scopes {
        let power = power_of(held.scope, held.on_microsoft);
        match powers.iter_mut().find(|(known, _)| *known == power) {
            Some((_, names)) if names.contains(&held.scope) => {}
            Some((_, names)) => names.push(held.scope),
            None => powers.push((power, vec![held.scope])),
        }
    }
    if facts.role {
        powers
            .push((Power { points: 30, allows: "lets the user act in a role of its own" }, vec!["app role"]));
    }
    powers.sort_by(|(a, _), (b, _)| b.points.cmp(&a.points).then(a.allows.cmp(b.allows)));
    let line = |(power, names): &(Power, Vec<&str>)| format!("{} ({})", power.allows, listed(names));
    let Some((strongest, others)) = powers.split_first() else {
        return 0;
    };
    score.add(strongest.0.points.into(), line(strongest));
    let dangerous: Vec<String> = others.iter().filter(|(p, _)| p.points >= DANGEROUS).map(line).collect();
    if !dangerous.is_empty() {
        score.add(5, format_args!("besides: {}", dangerous.join("; ")));
    }
    let offline = facts.scopes.iter().any(|held| held.scope.eq_ignore_ascii_case(OFFLINE));
    if offline && strongest.0.points > 0 {
        score.add(5, format_args!("keeps access while the user is away ({OFFLINE})"));
    }
    strongest.0.points
}

/// Weighs when the user consented, and when the app came.
fn age(score: &mut Score, who: &Target, facts: &Facts<'_>, power: u8) {
    let by_power = |points: i16, without: i16| if power > 0 { points } else { without };
    match facts.consented {
        Consented::At(at) | Consented::NotBefore(at) if at >= who.since => {
            score.add(by_power(30, 10), format_args!("consented inside the compromise window ({at:.0})"));
        }
        Consented::At(at) => score.add(-15, format_args!("first consented before the window ({at:.0})")),
        Consented::NotBefore(at) => score.add(
            by_power(5, 0),
            format_args!("the consent has no date; the app has been in the tenant since {at:.0}"),
        ),
        Consented::Unknown => score.add(by_power(15, 5), "the age of the consent is unknown"),
    }
    if let Some(at) = facts.app.and_then(|app| app.created).filter(|at| *at >= who.since) {
        score.add(10, format_args!("the app came into the tenant inside the window ({at:.0})"));
    }
}

/// Weighs who made it.
fn origin(score: &mut Score, who: &Target, app: &App) {
    let ours = !who.tenant.id.is_empty()
        && app.home_tenant.as_deref().is_some_and(|home| home.eq_ignore_ascii_case(&who.tenant.id));
    if ours {
        score.add(-10, "registered in this tenant");
        return;
    }
    let from = app.home_tenant.as_deref().unwrap_or("an unknown tenant");
    if let Some(publisher) = &app.verified_publisher {
        score.add(-10, format_args!("verified publisher ({publisher}), registered in {from}"));
    } else {
        score.add(15, format_args!("unverified publisher, registered in {from}"));
        if !app.has_pages {
            score.add(5, "names no home page, terms of service or privacy statement");
        }
    }
    if let Some(oddity) = names::oddity(&app.name) {
        let (points, why) = oddity.weight();
        score.add(points, why);
    }
}

/// Weighs what it shows of itself.
fn appearance(score: &mut Score, app: &App) {
    for (oddity, url) in reply_urls::oddities(&app.reply_urls) {
        let (points, why) = oddity.weight();
        score.add(points, format_args!("{why} ({url})"));
    }
    if app.hidden {
        score.add(5, "hidden from the user's app list");
    }
    if app.enabled == Some(false) {
        score.add(0, "disabled in this tenant: it gets no tokens while that lasts");
    }
}

/// The first few of what can be a hundred names.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contract::fake::{adele, at};

    const IN_WINDOW: &str = "2026-05-01T09:00:00Z";
    const A_YEAR_AGO: &str = "2025-05-01T09:00:00Z";

    /// A foreign app that nobody vouches for, with a page, long in the tenant.
    fn stranger() -> App {
        App {
            name: "Mail Helper".into(),
            home_tenant: Some("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d".into()),
            has_pages: true,
            created: Some(at("2023-01-01T00:00:00Z")),
            ..App::default()
        }
    }

    fn verified() -> App {
        App { verified_publisher: Some("Fabrikam".into()), ..stranger() }
    }

    fn ours() -> App {
        App { home_tenant: Some(adele().tenant.id.to_uppercase()), ..stranger() }
    }

    fn of(app: &App, scopes: &str, consented: Option<&str>) -> Score {
        let scopes = scopes.split_whitespace().map(|scope| Held { scope, on_microsoft: true }).collect();
        let consented = consented.map_or(Consented::Unknown, |moment| Consented::At(at(moment)));
        score(&adele(), &Facts { app: Some(app), scopes, role: false, consented, others: Some(3) })
    }

    fn risk(app: &App, scopes: &str, consented: Option<&str>) -> u8 {
        of(app, scopes, consented).risk()
    }

    #[test]
    fn a_strangers_mail_access_of_the_window_scores_high_and_says_why() {
        let score = of(&stranger(), "Mail.ReadWrite offline_access", Some(IN_WINDOW));
        assert_eq!(
            score.reasons,
            [
                "+35 reads and changes mail (Mail.ReadWrite)",
                "+5 keeps access while the user is away (offline_access)",
                "+30 consented inside the compromise window (2026-05-01T09:00:00Z)",
                "+15 unverified publisher, registered in 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
            ]
        );
        assert_eq!(score.risk(), 85);
    }

    #[test]
    fn what_was_fine_for_a_year_stays_low() {
        assert!(risk(&verified(), "User.Read", Some(A_YEAR_AGO)) <= 15);
        assert!(risk(&verified(), "User.Read", None) <= 15);
        assert!(risk(&verified(), "Mail.Read offline_access", Some(A_YEAR_AGO)) < 50);
        assert!(risk(&verified(), "Mail.Read offline_access", None) < 50);
        assert!(risk(&stranger(), "Mail.ReadWrite offline_access", Some(A_YEAR_AGO)) < 50);
    }

    #[test]
    fn our_own_app_is_suspect_only_inside_the_window() {
        for consented in [Some(A_YEAR_AGO), None] {
            assert!(risk(&ours(), "Files.Read.All offline_access", consented) < 50);
        }
        assert!(risk(&ours(), "Files.Read.All", Some(IN_WINDOW)) >= 50);
    }

    #[test]
    fn the_profile_alone_is_never_reason_enough() {
        for app in [stranger(), verified(), ours()] {
            for consented in [Some(IN_WINDOW), Some(A_YEAR_AGO), None] {
                assert!(risk(&app, "openid profile email offline_access User.Read", consented) < 50);
            }
        }
    }

    #[test]
    fn a_consent_without_date_is_no_alibi() {
        let ages = [Some(A_YEAR_AGO), None, Some(IN_WINDOW)];
        let risks = ages.map(|consented| risk(&stranger(), "Mail.Read", consented));
        assert!(risks.is_sorted_by(|a, b| a < b), "{risks:?}");
        let facts = |consented| Facts {
            app: None,
            scopes: vec![Held { scope: "Mail.Read", on_microsoft: true }],
            role: false,
            consented,
            others: None,
        };
        let new = score(&adele(), &facts(Consented::NotBefore(at(IN_WINDOW))));
        let old = score(&adele(), &facts(Consented::NotBefore(at(A_YEAR_AGO))));
        assert!(new.reasons.iter().any(|line| line.starts_with("+30 consented inside")));
        assert!(old.reasons.iter().any(|line| line.starts_with("+5 the consent has no date")));
    }

    #[test]
    fn microsofts_verdict_ends_the_matter() {
        let status = json!({ "disabledByMicrosoftStatus": "DisabledDueToViolationOfServicesAgreement" });
        let app = App { disabled_by_microsoft: App::parse(&status).disabled_by_microsoft, ..ours() };
        assert_eq!(risk(&app, "openid", Some(A_YEAR_AGO)), 100);
        assert_eq!(App::parse(&json!({ "disabledByMicrosoftStatus": "NotDisabled" })), App::default());
    }

    #[test]
    fn every_bad_sign_raises_the_score_and_every_good_one_lowers_it() {
        let base = risk(&stranger(), "Mail.Read", Some(A_YEAR_AGO));
        let with = |change: fn(&mut App)| {
            let mut app = stranger();
            change(&mut app);
            risk(&app, "Mail.Read", Some(A_YEAR_AGO))
        };
        assert!(with(|app| app.name = "Micros0ft".into()) > base);
        assert!(with(|app| app.reply_urls = vec!["http://203.0.113.7/".into()]) > base);
        assert!(with(|app| app.has_pages = false) > base);
        assert!(with(|app| app.hidden = true) > base);
        assert!(with(|app| app.created = Some(at(IN_WINDOW))) > base);
        assert!(with(|app| app.verified_publisher = Some("Fabrikam".into())) < base);
        let among = |companions, others| {
            let app = stranger();
            let scopes = vec![Held { scope: "Mail.Read", on_microsoft: true }];
            let consented = Consented::At(at(A_YEAR_AGO));
            let who = Target { companions, ..adele() };
            score(&who, &Facts { app: Some(&app), scopes, role: false, consented, others }).risk()
        };
        let by_use = |others| among(0, others);
        assert_eq!(among(400, Some(400)), by_use(Some(1)), "an app of everybody who was phished");
        assert_eq!(among(400, Some(410)), by_use(Some(MANY)));
        assert!(by_use(Some(0)) > by_use(Some(1)) && by_use(Some(1)) > by_use(Some(MANY)));
        assert_eq!(by_use(None), by_use(Some(1)));
    }

    #[test]
    fn one_more_scope_never_lowers_the_score() {
        let scopes = "openid offline_access Mail.ReadBasic Mail.Read Mail.Send Files.Read Contacts.Read Directory.Read.All \
             user_impersonation";
        let scopes: Vec<&str> = scopes.split_whitespace().collect();
        let joined = |set: u32| {
            let chosen = scopes.iter().enumerate().filter(|(i, _)| set & (1 << i) != 0);
            chosen.map(|(_, scope)| *scope).collect::<Vec<_>>().join(" ")
        };
        for (app, consented) in
            [(stranger(), Some(IN_WINDOW)), (verified(), Some(A_YEAR_AGO)), (ours(), None)]
        {
            let risks: Vec<u8> =
                (0..1 << scopes.len()).map(|set| risk(&app, &joined(set), consented)).collect();
            for (set, base) in (0u32..).zip(&risks) {
                for more in (0..scopes.len()).map(|i| set | 1 << i) {
                    assert!(risks[more as usize] >= *base, "{} / {}", joined(set), joined(more));
                }
            }
        }
    }

    #[test]
    fn a_hundred_scopes_make_one_line() {
        let many: Vec<String> = (0..100).map(|i| format!("Thing{i}.Read")).collect();
        let score = of(&stranger(), &many.join(" "), None);
        assert!(score.reasons[0].ends_with("and 94 more)"), "{}", score.reasons[0]);
    }
}
