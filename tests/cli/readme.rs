//! Every command that the README shows is run.

use oust::rehearsal::CONTOSO;

use crate::served::Place;

const README: &str = include_str!("../../README.md");

/// The commands of the blocks that are fenced as `console`, without prompt and comment.
fn commands() -> Vec<String> {
    let blocks = README.split("```console\n").skip(1).filter_map(|block| block.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ "));
    lines.map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn the_readme_shows_commands_that_work() {
    let place = Place::new(&CONTOSO.replace("AdeleV@contoso.com", "adele@contoso.com"));
    let id =
        place.oust(&["plan", "adele@contoso.com", "--output", "json"]).document()["users"][0]["id"].clone();
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    place.write("list.csv", "user,since\nadele@contoso.com,6h\n");
    let mut ran = 0;
    for shown in commands() {
        let command = shown
            .replace("cargo run --release -- ", "oust ")
            .replace("\"$USER_ID\"", id.as_str().unwrap())
            .replace("\"$INCIDENT\"", "INC-7")
            .replace("age1…", &recipient);
        let words: Vec<&str> = command.split_whitespace().collect();
        let ("oust", args) = (words[0], &words[1..]) else {
            assert!(
                ["cargo", "age", "age-keygen"].contains(&words[0]),
                "a command that this test doesn't know: {shown}"
            );
            continue;
        };
        // A person is asked for the name; a test has to say yes.
        let writes = ["contain", "rollback"].contains(&args[0]) && !args.contains(&"--dry-run");
        let asks = writes && !args.contains(&"--yes");
        let more: &[&str] = if asks { &["--yes"] } else { &[] };
        let result = place.oust(&[args, more].concat());
        assert_eq!(result.status, 0, "{shown}: {result:?}");
        assert!(!result.stdout.is_empty(), "{shown}");
        ran += 1;
    }
    assert!(ran >= 5, "the README has lost its commands");
}

#[test]
fn the_page_of_playbooks_names_only_what_there_is_and_every_playbook() {
    let page = include_str!("../../examples/playbooks/README.md");
    let named = page.split('`').skip(1).step_by(2).filter(|name| name.contains('_'));
    let known = |name: &str| name == "not_covered" || oust_actions::find(name).is_some();
    let unknown: Vec<&str> = named.filter(|name| !known(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
    for (id, _) in oust::playbook::BUILT_IN {
        assert!(page.contains(&format!("[{id}]({id}.yaml)")), "{id}");
    }
}
