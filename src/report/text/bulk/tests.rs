use super::*;
use crate::report::bulk::sample;
use crate::report::width;

type Rendering = fn(&BulkDocument, &Paint, usize) -> String;

const QUESTION: Rendering =
    |document, paint, width| bulk_question(document, &Playbook::find("token-theft").unwrap(), paint, width);

#[test]
fn each_rendering_at_two_widths() {
    let renderings: [(&str, Rendering, BulkDocument); 6] = [
        ("mixed", bulk, sample::mixed()),
        ("contained", bulk, sample::contained()),
        ("crowded", bulk, sample::crowded()),
        ("planned", bulk, sample::planned()),
        ("question", QUESTION, sample::asked()),
        ("verbose", bulk_in_full, {
            let mut few = sample::mixed();
            few.users.drain(2..39);
            few.conclude();
            few
        }),
    ];
    for (name, render, document) in renderings {
        let pages = [60, 100].map(|width| {
            let page = render(&document, &Paint::PLAIN, width);
            format!("{}\n{page}", "-".repeat(width))
        });
        insta::assert_snapshot!(format!("bulk_{name}"), pages.join("\n"));
    }
}

#[test]
fn lines_fit_the_terminal_but_for_what_must_be_exact() {
    for columns in [40, 60, 80, 100] {
        for document in
            [sample::mixed(), sample::crowded(), sample::planned(), sample::asked(), sample::hostile()]
        {
            for text in [bulk, bulk_in_full, QUESTION]
                .map(|render: Rendering| render(&document, &Paint::PLAIN, columns))
            {
                for line in text.lines() {
                    let exact = ["run ", "list ", "next ", "oust "]
                        .iter()
                        .any(|name| line.trim_start().starts_with(name));
                    assert!(exact || width::columns(line) <= columns, "{columns}: {line}");
                }
            }
        }
    }
}

#[test]
fn hostile_text_moves_nothing_and_colour_adds_nothing_but_colour() {
    for render in [bulk, bulk_in_full, QUESTION] as [Rendering; 3] {
        let text = render(&sample::hostile(), &Paint::PLAIN, 80);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\u{e0041}']), "{text}");
        assert!(!text.contains("oust resume") && !text.contains("oust report"), "{text}");
        let plain = render(&sample::mixed(), &Paint::PLAIN, 80);
        let coloured = render(&sample::mixed(), &Paint { colour: true }, 80);
        assert_ne!(plain, coloured);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }
}

#[test]
fn the_list_ends_with_how_many_are_not_shown() {
    let document = sample::crowded();
    let text = bulk(&document, &Paint::PLAIN, 80);
    assert!(
        text.contains("x refused      31 users: ") && text.contains("\n                   and 26 more\n"),
        "{text}"
    );
    assert!(text.contains("MeganB@fabrikam.com"), "a reason that many share hides no other one: {text}");
    let mut each = document;
    for (at, user) in each.users.iter_mut().enumerate() {
        user.open = at;
    }
    let text = bulk(&each, &Paint::PLAIN, 80);
    let all: usize = each.needing().iter().map(Vec::len).sum();
    let shown = each.users.iter().filter(|user| text.contains(&format!(" {} [", user.user))).count();
    assert_eq!(shown, words::NAMED);
    assert!(text.contains(&format!("\n  and {} more\n", all - shown)), "{text}");
}
