//! The replay against a gateway that is made of a closure: what it must find, and what it must not.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint exempts test functions but not their helpers"
)]

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use cutover_contract::{Allowed, Har, Report, Target, Tokens, cases, record, replay};
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Answer = Response<Full<Bytes>>;

/// Serves `answer` on a free port, and the upstreams' control requests beside it.
async fn gateway(answer: impl Fn(&Request<Incoming>) -> Answer + Send + Sync + 'static) -> Target {
    let answer = Arc::new(answer);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request: Request<Incoming>| {
                let response = match request.uri().path() {
                    "/__seen" => respond(404, &[], "{}"),
                    path if path.starts_with("/__") => respond(200, &[], "{}"),
                    _ => answer(&request),
                };
                async move { Ok::<_, Infallible>(response) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    target(address)
}

fn target(address: SocketAddr) -> Target {
    let tokens = ["trader", "reader"].map(|name| (name.to_owned(), format!("token-of-{name}")));
    Target { gateway: address.to_string(), upstreams: vec![address.to_string()], tokens: Tokens::new(tokens) }
}

fn respond(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::from(body.to_owned())).unwrap()
}

/// A recording of one exchange.
fn recording(request: &Value, status: u16, headers: &[(&str, &str)], body: &str) -> Har {
    let mut all = vec![json!({ "name": "content-type", "value": "application/json" })];
    all.extend(headers.iter().map(|(name, value)| json!({ "name": name, "value": value })));
    let mut whole = json!({
        "method": "GET", "url": "http://gateway.cutover.example/v1/task?limit=1", "httpVersion": "HTTP/1.1",
        "headers": [{ "name": "authorization", "value": "Bearer {{reader}}" }],
    });
    whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
    serde_json::from_value(json!({ "log": {
        "version": "1.2",
        "creator": { "name": "test", "version": "1" },
        "entries": [{
            "_name": "a page", "_operation": "listTasks", "startedDateTime": "2024-06-01T00:00:00Z", "time": -1,
            "request": whole,
            "response": { "status": status, "httpVersion": "HTTP/1.1", "headers": all,
                "content": { "size": body.len(), "mimeType": "application/json", "text": body } },
        }],
    }}))
    .unwrap()
}

async fn replayed(har: &Har, target: &Target, allowed: &str) -> Report {
    replay(har, target, &Allowed::parse(allowed).unwrap()).await.unwrap()
}

const NOTHING: &str = r#"{"answers":[],"upstream":[]}"#;
const ID: &str = "0b9cbb2f-7a0a-4c29-8b0e-6a6a1c5f6d55";

#[tokio::test]
async fn a_gateway_that_answers_as_recorded_does_not_drift() {
    let target = gateway(|request| {
        assert_eq!(request.uri(), "/v1/task?limit=1");
        assert_eq!(request.headers()["authorization"], "Bearer token-of-reader");
        let headers = [
            ("x-request-id", ID),
            ("date", "today"),
            ("x-cutover-side", "rust"),
            ("vary", "Accept-Encoding"),
        ];
        respond(404, &headers, &format!(r#"{{"requestId":"{ID}","message":"no"}}"#))
    })
    .await;
    let headers = [("x-request-id", "{{generated}}"), ("vary", "accept-encoding")];
    let har = recording(&json!({}), 404, &headers, r#"{"message":"no","requestId":"{{generated}}"}"#);
    let report = replayed(&har, &target, NOTHING).await;
    assert_eq!(report.drifted(), 0, "{report}");
    assert_eq!(report.sides().into_iter().collect::<Vec<_>>(), ["rust"]);
}

#[tokio::test]
async fn every_difference_a_client_can_see_is_drift() {
    let target = gateway(|_| respond(503, &[("server", "envoy")], r#"{"total":2}"#)).await;
    let har = recording(&json!({}), 200, &[("retry-after", "10")], r#"{"total":1}"#);
    let shown = replayed(&har, &target, NOTHING).await.to_string();
    for part in [
        "DRIFT    200 503  -     listTasks  a page",
        "status: expected 200, got 503",
        "header retry-after: expected 10, got nothing",
        "header server: expected nothing, got envoy",
        "body /total: expected 1, got 2",
        "1 exchanges, 1 drifted",
    ] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
}

#[tokio::test]
async fn an_allowed_difference_is_no_drift_and_a_rule_without_use_is_named() {
    let target = gateway(|_| respond(200, &[], r#"{"total":2}"#)).await;
    let har = recording(&json!({}), 200, &[], r#"{"total":1}"#);
    let rules = r#"{"answers":[
        {"operation":"listTasks","at":"body /total","kind":"value","reason":"counted later"},
        {"operation":"getTask","at":"status","kind":"value","reason":"never needed"}],"upstream":[]}"#;
    let report = replayed(&har, &target, rules).await;
    assert_eq!(report.drifted(), 0, "{report}");
    let shown = report.to_string();
    assert!(shown.contains("body /total may differ: counted later"), "{shown}");
    assert!(shown.contains("unused rule: status of getTask (never needed)"), "{shown}");
}

#[tokio::test]
async fn an_answer_is_compared_without_its_content_coding_but_the_coding_counts() {
    let target = gateway(|_| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(br#"{"total":1}"#).unwrap();
        let mut response = respond(200, &[("content-encoding", "gzip")], "");
        *response.body_mut() = Full::from(gzip.finish().unwrap());
        response
    })
    .await;
    let plain = recording(&json!({}), 200, &[], r#"{"total":1}"#);
    let report = replayed(&plain, &target, NOTHING).await;
    let found: Vec<_> = report.outcomes[0].answer.unexplained.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["header content-encoding: expected nothing, got gzip"]);
}

#[tokio::test]
async fn a_refusal_is_read_while_the_body_is_held_back() {
    let target = gateway(|request| {
        assert_eq!(request.headers()["content-length"], "9000000");
        respond(413, &[], "{}")
    })
    .await;
    let request = json!({
        "method": "POST",
        "headers": [{ "name": "content-length", "value": "9000000" }],
        "postData": { "mimeType": "application/json", "text": "{" },
        "_withhold": true,
    });
    let report = replayed(&recording(&request, 413, &[], "{}"), &target, NOTHING).await;
    assert_eq!(report.drifted(), 0, "{report}");
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_is_an_outcome() {
    let mut target = gateway(|_| respond(200, &[], "{}")).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    target.gateway = gone.local_addr().unwrap().to_string();
    drop(gone);
    let report = replayed(&recording(&json!({}), 200, &[], "{}"), &target, NOTHING).await;
    assert_eq!(report.drifted(), 1);
    assert!(report.to_string().contains("cannot connect to 127.0.0.1:"), "{report}");
}

#[tokio::test]
async fn upstreams_that_do_not_answer_end_the_replay() {
    let mut target = gateway(|_| respond(200, &[], "{}")).await;
    target.upstreams = vec!["127.0.0.1:1".to_owned()];
    let har = recording(&json!({}), 200, &[], "{}");
    let error = replay(&har, &target, &Allowed::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "upstream 127.0.0.1:1 does not answer");
}

#[tokio::test]
async fn a_recorder_does_not_write_down_a_status_that_the_list_contradicts() {
    let target = gateway(|_| respond(418, &[], "{}")).await;
    let some: Vec<_> = cases().into_iter().filter(|case| case.faults.is_empty()).take(3).collect();
    let message = record(&some, &target).await.unwrap_err().to_string();
    for case in &some {
        assert!(message.contains(&format!("{}: expected status 200, got 418: {{}}", case.name)), "{message}");
    }
}
