//! Whatever is sent or written: an answer or an error, never a panic.

use proptest::prelude::*;

use super::*;

const METHODS: [&str; 5] = ["GET", "POST", "PATCH", "PUT", "DELETE"];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("users".to_owned()),
        Just(ADELE.to_owned()),
        Just("appRoleAssignments".to_owned()),
        Just("appRoleAssignedTo".to_owned()),
        Just("oauth2PermissionGrants".to_owned()),
        Just("servicePrincipals".to_owned()),
        Just("transitiveMemberOf".to_owned()),
        Just("$batch".to_owned()),
        ".{0,12}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "\\?\\$(filter|top|select|skiptoken|expand|count)=.{0,20}",
        "\\?\\$filter=(clientId|id|x) (eq|ne) ('[a-z']{0,4}'|true|null)( and id eq 'x')?",
    ]
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        Just(r#"{"accountEnabled":null}"#.to_owned()),
        Just(r#"{"passwordProfile":[]}"#.to_owned()),
        Just(r#"{"requests":[{"id":"1","method":"GET","url":"/$batch"},{"id":1}]}"#.to_owned()),
        Just(r#"{"requests":[{"id":"1","method":"é","url":"/é('","headers":{"é":1},"body":0}]}"#.to_owned()),
        Just(r#"{"groupIds":[null,1,{}]}"#.to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_request_is_answered(
        method in prop::sample::select(METHODS.to_vec()),
        path in prop::collection::vec(word(), 0..5),
        query in query(),
        body in body(),
    ) {
        let mut tenant = contoso();
        let mut request = request(tenant.token("oust", at(0)), method, "", None);
        request.url = format!("https://graph.microsoft.com/v1.0/{}{query}", path.join("/"));
        request.body = Some(Zeroizing::new(body.into_bytes()));
        match tenant.answer(&request, at(0)) {
            Delivery::Reply(reply) => prop_assert!((200..500).contains(&reply.status)),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn any_file_is_a_tenant_or_a_mistake(text in "(?s).{0,200}", at in 0usize..6000, cut in 0usize..20) {
        let _ = file::parse(&text);
        let example = include_str!("consents.yaml");
        let mut bytes = example.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, text.bytes().take(5));
        let _ = file::parse(&String::from_utf8_lossy(&bytes));
    }
}
