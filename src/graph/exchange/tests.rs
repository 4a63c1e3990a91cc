//! What is sent to Exchange Online and what never is.

use std::sync::Arc;

use oust_actions::{Api, Read};

use super::*;
use crate::graph::fake::{Service, Setup, Tokens, answer, scripted, set_up};
use crate::graph::token::{Again, Token};
use crate::graph::{Endpoint, Reply, SendError, Sent, TokenSource};

/// Tokens of the tenant `t-1`.
struct OfTenant;

#[async_trait::async_trait]
impl TokenSource for OfTenant {
    async fn token(&self, _: Again) -> crate::failure::Result<Token> {
        // {"tid":"t-1"}
        Ok(Token { secret: "e.eyJ0aWQiOiJ0LTEifQ.s".into(), expires_on: None })
    }
}

fn open(setup: Setup) -> Setup {
    let endpoint = Endpoint::parse("https://outlook.office365.com", false).unwrap();
    Setup { graph: setup.graph.with_exchange(endpoint, Arc::new(OfTenant)), ..setup }
}

fn mailbox() -> Get {
    Get::cmdlet("Get-InboxRule", &[("Mailbox", "u"), ("IncludeHidden", "true")])
}

fn cmdlet_error(status: u16, exception: &str, text: &str) -> Result<Reply, SendError> {
    let details =
        json!([{ "code": "Context", "target": "", "message": format!("Ex1|X.Y.{exception}|{text}") }]);
    let error = json!({ "code": "BadRequest", "message": "Error executing cmdlet", "details": details });
    answer(status, json!({ "error": error }).to_string())
}

#[tokio::test(start_paused = true)]
async fn a_cmdlet_goes_in_its_envelope_to_its_own_host_with_its_own_token() {
    let next = "https://outlook.office365.com/adminapi/beta/t-1/InvokeCommand?$skiptoken=2";
    let setup = open(scripted([
        answer(200, json!({ "value": [1], "@odata.nextLink": next }).to_string()),
        answer(200, r#"{"value":[2]}"#),
    ]));
    assert_eq!(setup.graph.all(&mailbox()).await.unwrap(), [json!(1), json!(2)]);
    let seen = setup.service.seen();
    assert_eq!(seen[0].method, "POST");
    assert_eq!(seen[0].url, "https://outlook.office365.com/adminapi/beta/t-1/InvokeCommand");
    assert_eq!(seen[1].url, next);
    let parameters = json!({ "Mailbox": "u", "IncludeHidden": true });
    let envelope = json!({ "CmdletInput": { "CmdletName": "Get-InboxRule", "Parameters": parameters } });
    for sent in &seen {
        assert_eq!(sent.bearer.as_deref(), Some("e.eyJ0aWQiOiJ0LTEifQ.s"));
        assert_eq!(sent.header("x-anchormailbox").unwrap().split_once('@').unwrap().1, "t-1");
        assert_eq!(serde_json::from_str::<Value>(sent.body.as_ref().unwrap()).unwrap(), envelope);
    }
}

#[tokio::test(start_paused = true)]
async fn neither_service_gets_the_others_token() {
    for link in ["https://graph.microsoft.com/x", "https://outlook.office365.com.contoso.com/x"] {
        let setup =
            open(scripted([answer(200, json!({ "value": [], "@odata.nextLink": link }).to_string())]));
        assert_eq!(setup.graph.all(&mailbox()).await.unwrap_err().code.as_deref(), Some("E0503"), "{link}");
        assert_eq!(setup.service.seen().len(), 1);
    }
    let setup = open(scripted([answer(200, "{}")]));
    setup.graph.one(&Get::new(["users", "x"])).await.unwrap();
    assert_eq!(setup.service.seen()[0].bearer.as_deref(), Some("t1"));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_no_get_cmdlet_is_never_sent() {
    for name in
        ["Set-Mailbox", "Remove-MailboxPermission", "get-Mailbox", "Get-", "Get", "Get-Mail;Set-X", ""]
    {
        let setup = open(scripted([]));
        let get = Get::cmdlet(name, &[("Identity", "u")]);
        assert_eq!(setup.graph.one(&get).await.unwrap_err().kind, Kind::Refused, "{name}");
        assert_eq!(setup.service.seen().len(), 0, "{name}");
    }
    let two = Get { api: Api::Exchange, ..Get::new(["Get-Mailbox", "Set-Mailbox"]) };
    assert!(open(scripted([])).graph.all(&two).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn where_the_way_is_closed_nothing_is_sent() {
    let setup = scripted([]);
    let error = setup.graph.one(&mailbox()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Closed);
    assert!(error.message.contains("exchange = true"), "{}", error.message);
    assert!(setup.graph.exchange_claims().await.is_none());
    let call = Call::cmdlet("Set-Mailbox", json!({ "Identity": "u" }));
    assert!(matches!(setup.graph.fill_and_deliver(&call, None, None).await, Sent::NotSent(_)));
    assert_eq!(setup.service.seen().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_sorted_by_what_the_cmdlet_says() {
    let rbac = "Exchange Administrator";
    for (trouble, kind, says) in [
        (cmdlet_error(400, "ManagementObjectNotFoundException", "no u"), Kind::NotFound, "no u"),
        (cmdlet_error(404, "ManagementObjectNotFoundException", "no u"), Kind::NotFound, "no u"),
        (cmdlet_error(400, "CmdletAccessDeniedException", "no"), Kind::Forbidden, rbac),
        (answer(404, r#"{"error":{"code":"NotFound"}}"#), Kind::Refused, "404"),
        (answer(403, ""), Kind::Forbidden, rbac),
        (answer(401, ""), Kind::Forbidden, "Exchange.ManageAsApp"),
        (cmdlet_error(400, "TaskArgumentException", "bad"), Kind::Refused, "bad"),
        (answer(200, r#"{"value":[]}"#), Kind::NotFound, "nothing"),
    ] {
        let setup = open(set_up(Service::new([trouble.clone()]).repeating(), Tokens::default(), None));
        let error = setup.graph.one(&mailbox()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{trouble:?}");
        assert!(error.message.contains(says), "{}", error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_keeps_its_parameters_and_an_unclear_answer_is_in_doubt() {
    let call = Call::cmdlet("Set-Mailbox", json!({ "Identity": "u", "ForwardingAddress": null }));
    let setup = open(scripted([answer(200, "{}"), answer(500, ""), answer(403, "")]));
    assert!(matches!(setup.graph.fill_and_deliver(&call, None, None).await, Sent::Accepted(_)));
    assert!(matches!(setup.graph.fill_and_deliver(&call, None, None).await, Sent::InDoubt(_)));
    let Sent::Refused(answer) = setup.graph.fill_and_deliver(&call, None, None).await else {
        panic!("not refused")
    };
    assert!(answer.message.unwrap().contains("Exchange Administrator"));
    let body: Value = serde_json::from_str(setup.service.seen()[0].body.as_ref().unwrap()).unwrap();
    assert_eq!(body["CmdletInput"]["Parameters"], json!({ "Identity": "u", "ForwardingAddress": null }));
}
