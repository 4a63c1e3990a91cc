use crate::bulk::*;
use crate::support::World;
#[tokio::test(start_paused = true)]
async fn scale() {
    let n: usize = std::env::var("N").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let mut y = crate::support::CONTOSO.to_owned();
    let mut add = |after: &str, text: String| {
        y = y.replacen(after, &format!("{after}{text}"), 1);
    };
    let each = |f: &dyn Fn(usize) -> String| (0..n).map(f).collect::<String>();
    add("\nusers:\n", each(&|i| format!("  - name: User {i}\n    upn: user{i}@contoso.com\n")));
    add(
        "\nconsents:\n",
        each(&|i| {
            format!(
                "  - app: Mail Backup\n    user: user{i}@contoso.com\n    scopes: Mail.ReadWrite offline_access\n"
            )
        }),
    );
    add(
        "\nmethods:\n",
        each(&|i| {
            format!(
                "  - user: user{i}@contoso.com\n    kind: microsoftAuthenticator\n    name: SM {i}\n    created: -95m\n"
            )
        }),
    );
    add(
        "\ndevices:\n",
        each(&|i| format!("  - name: DESKTOP-{i}\n    owner: user{i}@contoso.com\n    registered: -85m\n")),
    );
    add(
        "\nrules:\n",
        each(&|i| {
            format!(
                "  - user: user{i}@contoso.com\n    name: \"..\"\n    words: [invoice, payment]\n    move_to: RSS Feeds\n    mark_read: true\n    stop: true\n"
            )
        }),
    );
    if std::env::var("LAG").is_ok() {
        y = y.replace("  # lag:", "  lag:");
    }
    if std::env::var("THROTTLE").is_ok() {
        y = y.replace("  # throttle: true", "  throttle: true");
    }
    let t0 = std::time::Instant::now();
    let world = World::of(&y);
    eprintln!("built {:?}", t0.elapsed());
    let names: Vec<String> = (0..n).map(|i| format!("user{i}@contoso.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let t0 = std::time::Instant::now();
    let v0 = tokio::time::Instant::now();
    let document = contain(&world, &names).await;
    let seen = world.sim.with(|t| t.log().to_vec());
    let throttled = seen.iter().filter(|s| s.status == Some(429)).count();
    let reports = seen.iter().filter(|s| s.path.contains("/authentication")).count();
    let last_cut = document.users.iter().filter_map(|u| u.cut_ms).max();
    eprintln!(
        "{n}: real {:?} virtual {:?} cuts {last_cut:?} requests {} 429: {throttled} reports {reports} outcome {:?} {:?}",
        t0.elapsed(),
        v0.elapsed(),
        seen.len(),
        document.outcome,
        document.counts
    );
    if let Some(u) = document.users.iter().find(|u| u.exit_code != 0) {
        eprintln!("{u:#?}");
        let (d, _) =
            oust::report::fold::of_run(&world.store().find(u.run_id.as_ref().unwrap()).unwrap()).unwrap();
        for s in &d.users[0].steps {
            for c in &s.changes {
                eprintln!("{} {:?} {:?} {:?}", c.say, c.state, c.graph_error, c.reason);
            }
        }
    }
}
