use super::*;

const NOW: &str = "2026-11-24T12:00:00Z";

fn parse(text: impl AsRef<[u8]>) -> Result<UserList> {
    UserList::parse_at(text.as_ref(), "users", NOW.parse().unwrap())
}

/// Line, name, tenant and since of each user.
fn told(text: impl AsRef<[u8]>) -> Vec<(usize, String, String, String)> {
    let list = parse(text).unwrap();
    let since =
        |since: Option<Since>| since.map_or(String::new(), |s| start(s, NOW.parse().unwrap()).to_string());
    let user = |u: ListedUser| (u.line, u.name.to_string(), u.tenant.unwrap_or_default(), since(u.since));
    list.entries.into_iter().map(user).collect()
}

fn names(text: impl AsRef<[u8]>) -> Vec<String> {
    told(text).into_iter().map(|user| user.1).collect()
}

fn mistake(text: impl AsRef<[u8]>) -> String {
    let failure = parse(text).unwrap_err();
    assert_eq!(failure.code, Code::InvalidUserList);
    failure.what
}

fn user(line: usize, name: &str, tenant: &str, since: &str) -> (usize, String, String, String) {
    (line, name.to_owned(), tenant.to_owned(), since.to_owned())
}

#[test]
fn the_three_forms_say_the_same() {
    let wanted = [
        user(3, "AdeleV@contoso.com", "contoso", "2026-11-23T18:00:00Z"),
        user(5, "AlexW@contoso.com", "", "2026-11-23T12:00:00Z"),
    ];
    let csv = "#TYPE Microsoft.Graph.User\nsince,displayName,User Principal Name,tenant\n\
        2026-11-23T18:00:00Z,\"Vance, Adele\",AdeleV@contoso.com,contoso\n\n24h,Alex,AlexW@contoso.com,\n,,,\n";
    assert_eq!(told(csv), wanted);
    assert_eq!(told(csv.replacen("Vance, Adele", "Vance; Adele", 1).replace(',', ";")), wanted);
    let json = "# the incident\n\n{\"user\":\"AdeleV@contoso.com\",\"tenant\":\"contoso\",\"since\":\"2026-11-23T18:00:00Z\"}\n\n\
        {\"risk\":{\"level\":9},\"UPN\":\" AlexW@contoso.com \",\"tenant\":null,\"since\":\"24h\"}\n";
    assert_eq!(told(json.trim_start_matches("# the incident\n").replacen('\n', "\n\n", 1)), wanted);
    let plain = "# the incident\n\nAdeleV@contoso.com\n\n \"AlexW@contoso.com\"   # reported twice\n";
    assert_eq!(names(plain), ["AdeleV@contoso.com", "AlexW@contoso.com"]);
    assert_eq!(told(plain)[1].0, 5);
}

#[test]
fn bytes_of_any_editor_are_read() {
    let text = "AdeleV@contoso.com\r\njürgen@contoso.com \r\n";
    let units = |bytes: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
    };
    for bytes in [
        text.as_bytes().to_vec(),
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "").into_bytes(),
        units(u16::to_le_bytes, [0xff, 0xfe]),
        units(u16::to_be_bytes, [0xfe, 0xff]),
    ] {
        assert_eq!(names(bytes), ["AdeleV@contoso.com", "jürgen@contoso.com"]);
    }
    assert!(mistake(b"a@contoso.com\nb\xff@contoso.com\n").ends_with("line 2: no UTF-8 text"));
    assert!(mistake(b"\xff\xfea\0\n\0b\0\x00\xdc").ends_with("line 2: no UTF-16 text"));
}

#[test]
fn the_hash_is_of_the_bytes_as_they_were_given() {
    let wanted = "d7d2c9176ae883c293f82b1cc0781b3d4e5b26d5fd3eb70fa31d58acbd6f6c75";
    assert_eq!(parse("a@contoso.com\n").unwrap().sha256, wanted);
    assert_ne!(parse("a@contoso.com").unwrap().sha256, wanted);
}

#[test]
fn a_name_comes_once_in_a_tenant_with_the_widest_window() {
    let text = "tenant,user,since\n,AdeleV@contoso.com,\n,adelev@CONTOSO.com,2h\nfabrikam,adelev@contoso.com,\n\
        ,AdeleV@contoso.com,2026-11-20\n,ADELEV@contoso.com,3h\n";
    assert_eq!(
        told(text),
        [
            user(2, "AdeleV@contoso.com", "", "2026-11-20T00:00:00Z"),
            user(4, "adelev@contoso.com", "fabrikam", ""),
        ]
    );
}

#[test]
fn the_column_that_is_meant_for_it_names_the_user() {
    for header in ["user,id,upn", "userPrincipalName,id,mail", "UPN;id;x", "\"Id\"\tname\tuser-name"] {
        let delimiter = header.chars().find(|c| matches!(c, ',' | ';' | '\t')).unwrap();
        let row = ["a@contoso.com", "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "x@contoso.com"];
        let wanted = if header.contains("\"Id\"") { row[1] } else { row[0] };
        let row = if header.contains("\"Id\"") { [row[1], row[0], row[2]] } else { row };
        let text = format!("{header}\n{}", row.join(&delimiter.to_string()));
        assert_eq!(names(&text), [wanted], "{text}");
    }
    assert_eq!(names("user\na@contoso.com\n"), ["a@contoso.com"]);
    assert!(mistake("name,mail\nAdele,a@contoso.com\n").contains("line 1: no header of CSV"));
    assert!(mistake("user,User\na@contoso.com,b@contoso.com\n").contains("two columns are named user"));
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let csv = "user,since\nAdele,\n,2h\na@contoso.com,yesterday\nAlex,\nb@contoso.com,2027-01-01\nc@contoso.com,1h,x\n";
    let json = "{\"user\":\"a@contoso.com\"}\n{\"user\":7}\n{\"mail\":\"x\"}\nAdele\n{\"user\":\"a\",\"User\":\"b\"}\n";
    let told = [csv, json].map(|text| mistake(text).replace("; ", ";\n"));
    insta::assert_snapshot!(told.join("\n"), @r#"
    the list of users users has 6 mistakes: line 2 "Adele", line 5 "Alex": is neither a user principal name (name@domain) nor an object id;
    line 3: the user is empty;
    line 4 since "yesterday": is no time;
    line 6 since "2027-01-01": is in the future;
    line 7: 3 fields under 2 columns
    the list of users users has 4 mistakes: line 2: user is no text: "7";
    line 3: no user: name one in the member user;
    line 4: no JSON object, at column 1: expected value;
    line 5: two members are named user
    "#);
    let many = mistake("x\n".repeat(5000));
    assert!(many.contains("has 5000 mistakes: line 1 \"x\", line 2 \"x\", "), "{many}");
    assert!(many.contains(", line 20 \"x\": is neither "), "{many}");
    assert!(many.ends_with("nor an object id; 4980 more are not shown"), "{many}");
}

#[test]
fn a_stray_quote_loses_no_user_unseen() {
    let text = "user,name\na@contoso.com,\"Adele\nb@contoso.com,Bob\nc@contoso.com,\"Diego\n";
    let what = mistake(text);
    assert!(what.contains("text follows a closing quote; what follows was not read"), "{what}");
}

#[test]
fn nothing_is_nobody() {
    for text in ["", "\n\n", "# a@contoso.com\n", "user,tenant\n", "user\n\n,,\n", "\u{feff}"] {
        assert_eq!(mistake(text), "the list of users users names nobody", "{text:?}");
    }
    assert!(mistake("[{\"user\":\"a@contoso.com\"}]").contains("without brackets"));
}

#[test]
fn what_is_too_much_is_refused_in_few_words() {
    let most: String = (0..=MAX_ENTRIES).map(|n| format!("u{n}@contoso.com\n")).collect();
    assert!(mistake(&most).ends_with("has a mistake: line 100001: more than 100000 users"));
    assert_eq!(parse(&most[..most.len() - 20]).unwrap().entries.len(), MAX_ENTRIES);
    assert!(
        mistake(vec![b'\n'; usize::try_from(MAX_BYTES).unwrap() + 1])
            .ends_with("is larger than 16777216 bytes")
    );
    let long = "x".repeat(100_000);
    for text in
        [long.clone(), format!("{{\"user\":\"{long}\"}}"), format!("user,b\na@contoso.com,\"{long}\"\n")]
    {
        assert!(mistake(&text).len() < 300);
    }
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let failure = UserList::read(Path::new("/nowhere/users.csv")).unwrap_err();
    assert!(
        failure.what.starts_with("the list of users /nowhere/users.csv can't be read: "),
        "{}",
        failure.what
    );
    assert_eq!(failure.exit(), crate::failure::Exit::Usage);
}
