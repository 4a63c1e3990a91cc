//! The sign-in log.

use super::*;

const LOG: &str = "
users:
  - {name: Adele Vance, upn: AdeleV@contoso.com, id: 11111111-0000-4000-8000-000000000001}
  - {name: Alex Wilber, upn: AlexW@contoso.com}
apps:
  - {name: oust, permissions: [AuditLog.Read.All]}
sign_ins:
  - {user: AdeleV@contoso.com, at: -1000m, count: 1500, every: 1m, ip: 192.0.2.1}
  - {user: AdeleV@contoso.com, at: -1000m, count: 3, every: 2m, ip: 203.0.113.7, interactive: false, error: 50126}
  - {user: AlexW@contoso.com, at: -10m, ip: 192.0.2.2}
  - {user: AlexW@contoso.com, at: -31d, ip: 192.0.2.2}
";

/// Times and addresses of a whole collection, and how many rows each page had.
fn all(tenant: &mut Tenant, target: &str) -> (Vec<(String, String)>, Vec<usize>) {
    let mut next = Some(format!("https://graph.microsoft.com{target}"));
    let (mut rows, mut pages) = (Vec::new(), Vec::new());
    while let Some(url) = next {
        let request = Request { url, ..request(tenant.token("oust", at(0)), "GET", "", None) };
        let Delivery::Reply(reply) = tenant.answer(&request, at(0)) else { panic!() };
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let page = body["value"].as_array().unwrap_or_else(|| panic!("{body}"));
        pages.push(page.len());
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.extend(page.iter().map(|row| (text(row, "createdDateTime"), text(row, "ipAddress"))));
        next = body["@odata.nextLink"].as_str().map(str::to_owned);
    }
    (rows, pages)
}

const ADELES: &str = "userId%20eq%20'11111111-0000-4000-8000-000000000001'";
const BOTH: &str =
    "signInEventTypes/any(t:%20t%20eq%20'interactiveUser'%20or%20t%20eq%20'nonInteractiveUser')";

#[test]
fn the_log_comes_newest_first_page_by_page_without_what_lies_ahead_or_is_too_old() {
    let mut tenant = begun(LOG);
    let (rows, pages) = all(&mut tenant, &format!("/v1.0/auditLogs/signIns?$filter={ADELES}"));
    assert_eq!(pages, [1000, 1], "of 1500 the last 499 lie ahead");
    assert!(rows.windows(2).all(|two| two[0].0 > two[1].0));
    assert_eq!(rows[0].0, at(0).to_string());
    let (both, _) =
        all(&mut tenant, &format!("/beta/auditLogs/signIns?$filter={ADELES}%20and%20{BOTH}&$top=7"));
    assert_eq!((both.len(), both.iter().filter(|(_, ip)| ip == "203.0.113.7").count()), (1004, 3));
    assert!(both.windows(2).all(|two| two[0].0 >= two[1].0));
    let everybody = all(&mut tenant, "/v1.0/auditLogs/signIns").0;
    assert_eq!(everybody.len(), 1002, "Alex's of 31 days ago is gone");
    let since = at(-600).to_string();
    let some = all(
        &mut tenant,
        &format!("/v1.0/auditLogs/signIns?$filter={ADELES}%20and%20createdDateTime%20ge%20{since}"),
    );
    assert_eq!(some.0.len(), 11);
    let failed = format!("/beta/auditLogs/signIns?$filter=status/errorCode%20eq%2050126%20and%20{BOTH}");
    assert_eq!(all(&mut tenant, &failed).0.len(), 3);
}

#[test]
fn what_the_service_refuses_is_refused() {
    let mut tenant = begun(LOG);
    assert_eq!(tenant.get(&format!("/auditLogs/signIns?$filter={BOTH}")).0, 400, "beta alone has kinds");
    for query in
        ["$select=id", "$top=1001", "$orderby=createdDateTime", "$skiptoken=x", "$filter=appId%20ne%20'x'"]
    {
        assert_eq!(tenant.get(&format!("/auditLogs/signIns?{query}")).0, 400, "{query}");
    }
    let mut free = begun(&format!("tenant: {{licence: free}}{LOG}"));
    let (status, body) = free.get("/auditLogs/signIns");
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    assert_eq!((status, body["error"]["code"].as_str()), (403, Some(code)));
    assert!(tenant.revoke_permission("oust", "AuditLog.Read.All"));
    assert_eq!(tenant.get("/auditLogs/signIns").0, 403);
    for wrong in ["count: 0", "count: 2, every: 0s", "count: 99999999999"] {
        assert!(file::parse(&LOG.replace("count: 3, every: 2m", wrong)).is_err(), "{wrong}");
    }
}
