//! The tenant behind HTTP, spoken to over a plain socket.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Sends one request to a tenant that is served, and reads until the connection closes.
async fn exchange(tenant: Tenant, text: impl FnOnce(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Simulated::new(tenant, Clock::starting_at(at(0)));
    let request = text(&service.token("oust"));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = http::serve(listener, service, async {
        let _ = stopped.await;
    });
    let asked = async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        stop.send(()).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let (served, answer) = futures::join!(served, asked);
    served.unwrap();
    answer
}

fn get(target: &str, token: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: sim.test\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn a_request_is_answered_with_graphs_headers_and_its_own_host() {
    let mut tenant = contoso();
    tenant.page_size = 1;
    let answer = exchange(tenant, |token| get("/v1.0/users?$select=id", token)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-ms-ags-diagnostic:"), "{answer}");
    assert!(
        answer.contains("\"@odata.nextLink\":\"http://sim.test/v1.0/users?$select=id&$skiptoken="),
        "{answer}"
    );
}

#[tokio::test]
async fn the_headers_that_matter_arrive() {
    let answer = exchange(contoso(), |token| {
        get("/v1.0/users?$count=true", token)
            .replace("\r\n\r\n", "\r\nConsistencyLevel: eventual\r\nclient-request-id: mine\r\n\r\n")
    })
    .await;
    assert!(answer.contains("\"@odata.count\":5"), "{answer}");
    assert!(answer.contains("client-request-id: mine"), "{answer}");
}

#[tokio::test]
async fn no_token_is_401() {
    let answer = exchange(contoso(), |_| get("/v1.0/organization", "")).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("InvalidAuthenticationToken"), "{answer}");
}

#[tokio::test]
async fn a_cut_answer_is_shorter_than_it_says() {
    let mut tenant = contoso();
    tenant.faults.plant(Planted::new("/organization", Fault::CutBody));
    let answer = exchange(tenant, |token| get("/v1.0/organization", token)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert!(body.len() < length.parse().unwrap(), "{answer}");
}

#[tokio::test]
async fn a_reset_connection_sends_nothing() {
    let mut tenant = contoso();
    tenant.faults.plant(Planted::new("/organization", Fault::Reset { after_effect: false }));
    assert_eq!(exchange(tenant, |token| get("/v1.0/organization", token)).await, "");
}

#[tokio::test]
async fn a_token_can_be_had() {
    let form = format!(
        "client_id={}&client_secret=only-for-rehearsals&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
        contoso().app_id("oust").unwrap()
    );
    let answer = exchange(contoso(), |_| {
        format!(
            "POST /contoso.com/oauth2/v2.0/token HTTP/1.1\r\nHost: sim.test\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        )
    })
    .await;
    assert!(answer.contains("\"access_token\":"), "{answer}");
}
