//! The services over real sockets: what a gateway sees, faults included.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; the lint exempts test functions but not their helpers"
)]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cutover_upstreams::{Addresses, Upstreams, start};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);

struct Services {
    upstreams: Upstreams,
    client: Client,
}

impl Services {
    async fn running() -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let upstreams = start(Addresses { trade: free, task: free }).await.unwrap();
        Self { upstreams, client: Client::new() }
    }

    async fn trade(&self, method: Method, target: &str) -> Response {
        self.send(self.upstreams.addresses.trade, method, target, &[], "").await
    }

    async fn task(&self, method: Method, target: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.send(self.upstreams.addresses.task, method, target, headers, body).await
    }

    async fn fault(&self, fault: &Value) {
        let response = self.task(Method::PUT, "/__faults", &[], &fault.to_string()).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", response.text().await.unwrap());
    }

    async fn send(
        &self,
        address: SocketAddr,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = self.client.request(method, format!("http://{address}{target}")).timeout(PATIENCE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_owned()).send().await.unwrap()
    }
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_created_trade_says_where_it_is_and_can_be_read_there() {
    let services = Services::running().await;
    let order = r#"{"type":"market","symbol":"ACME","side":"buy","quantity":10}"#;
    let key = [("idempotency-key", "5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11")];
    let address = services.upstreams.addresses.trade;
    let created = services.send(address, Method::POST, "/v1/trade", &key, order).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    assert_eq!(created.headers()["content-type"], "application/json; charset=utf-8");
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let read = services.trade(Method::GET, &location).await;
    assert_eq!(json_of(read).await, json_of(created).await);
}

#[tokio::test]
async fn a_refusal_carries_the_request_id_it_came_with() {
    let services = Services::running().await;
    let response = services.task(Method::GET, "/v1/task/4000", &[("x-request-id", "abc")], "").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        json_of(response).await,
        json!({ "message": "no such task", "errors": [], "requestId": "abc" })
    );
}

#[tokio::test]
async fn a_request_can_be_looked_at_as_it_arrived() {
    let services = Services::running().await;
    let headers = [("x-request-id", "look"), ("x-cutover-side", "rust"), ("x-user-id", "trader")];
    services.task(Method::PATCH, "/v1/task/2?a=%20b", &headers, r#"{"priority":"low"}"#).await;
    let seen = json_of(services.trade(Method::GET, "/__seen?request_id=look").await).await;
    assert_eq!(seen["method"], "PATCH");
    assert_eq!(seen["path"], "/v1/task/2?a=%20b");
    assert_eq!(seen["side"], "rust");
    assert_eq!(seen["operation"], "updateTask");
    assert_eq!(STANDARD.decode(seen["body"].as_str().unwrap()).unwrap(), br#"{"priority":"low"}"#);
    assert!(seen["headers"].as_array().unwrap().contains(&json!(["x-user-id", "trader"])));
    let missing = services.trade(Method::GET, "/__seen?request_id=other").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_error_fault_strikes_the_side_it_names_until_it_is_taken_away() {
    let services = Services::running().await;
    services
        .fault(&json!({ "operation": "listTasks", "side": "rust", "error_rate": 1, "status": 503 }))
        .await;
    let rust = [("x-cutover-side", "rust")];
    assert_eq!(services.task(Method::GET, "/v1/task", &rust, "").await.status(), 503);
    assert_eq!(services.task(Method::GET, "/v1/task", &[], "").await.status(), 200);
    assert_eq!(services.task(Method::GET, "/v1/task/1", &rust, "").await.status(), 200);
    services.task(Method::DELETE, "/__faults", &[], "").await;
    assert_eq!(services.task(Method::GET, "/v1/task", &rust, "").await.status(), 200);
}

#[tokio::test]
async fn a_wrong_body_keeps_the_status_and_breaks_the_contract() {
    let services = Services::running().await;
    services.fault(&json!({ "operation": "task/*", "wrong_body": true })).await;
    let response = services.task(Method::GET, "/v1/task/1", &[], "").await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = json_of(response).await;
    assert_eq!((&body["wrongBody"], body.get("state")), (&json!(true), None));
    assert_eq!(
        json_of(services.trade(Method::GET, "/v1/trade/trd_000000000001").await).await["status"],
        "open"
    );
}

#[tokio::test]
async fn a_reset_fault_resets_the_tcp_connection_without_a_byte() {
    let services = Services::running().await;
    services.fault(&json!({ "reset": true })).await;
    let mut stream = TcpStream::connect(services.upstreams.addresses.trade).await.unwrap();
    stream.write_all(b"GET /v1/trade HTTP/1.1\r\nhost: trade\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let error = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), answer.len()), (ErrorKind::ConnectionReset, 0));
}

#[tokio::test]
async fn a_hang_fault_keeps_the_connection_and_answers_nothing() {
    let services = Services::running().await;
    services.fault(&json!({ "operation": "getTrade", "hang": true })).await;
    let address = services.upstreams.addresses.trade;
    let hanging = services
        .client
        .get(format!("http://{address}/v1/trade/trd_000000000001"))
        .header("x-request-id", "hanging")
        .timeout(Duration::from_millis(300))
        .send()
        .await;
    assert!(hanging.unwrap_err().is_timeout());
    let seen = json_of(services.trade(Method::GET, "/__seen?request_id=hanging").await).await;
    assert_eq!(seen["arrivals"], 1);
    assert_eq!(services.trade(Method::GET, "/v1/trade").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_delay_fault_makes_the_answer_late() {
    let services = Services::running().await;
    services.fault(&json!({ "operation": "listTasks", "delay": { "fixed_ms": 120 } })).await;
    let started = tokio::time::Instant::now();
    assert_eq!(services.task(Method::GET, "/v1/task", &[], "").await.status(), StatusCode::OK);
    assert!(started.elapsed() >= Duration::from_millis(120), "answered after {:?}", started.elapsed());
}

#[tokio::test]
async fn a_reset_request_restores_data_faults_and_records() {
    let services = Services::running().await;
    services.trade(Method::DELETE, "/v1/trade/trd_000000000001").await;
    services.task(Method::GET, "/v1/task", &[("x-request-id", "early")], "").await;
    services.fault(&json!({ "error_rate": 1 })).await;
    assert_eq!(services.task(Method::POST, "/__reset", &[], "").await.status(), StatusCode::OK);
    let trade = json_of(services.trade(Method::GET, "/v1/trade/trd_000000000001").await).await;
    assert_eq!(trade["status"], "open");
    let faults = json_of(services.trade(Method::GET, "/__faults").await).await;
    assert_eq!(faults, json!({ "faults": [] }));
    assert_eq!(services.task(Method::GET, "/__seen?request_id=early", &[], "").await.status(), 404);
}

#[tokio::test]
async fn a_fault_that_cannot_be_meant_is_refused_with_the_field() {
    let services = Services::running().await;
    for (fault, word) in [
        (r#"{"operation":"listTask"}"#, "`listTask` is unknown"),
        (r#"{"rate":1}"#, "unknown field `rate`"),
        (r#"{"error_rate":7}"#, "error_rate: must be between 0 and 1"),
        ("{", "fault: EOF"),
    ] {
        let response = services.task(Method::PUT, "/__faults", &[], fault).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let message = json_of(response).await["message"].as_str().unwrap().to_owned();
        assert!(message.contains(word), "{fault}: {message}");
    }
}

#[tokio::test]
async fn the_process_says_its_addresses_and_refuses_a_taken_port_with_one_line() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_cutover-upstreams"))
        .args(["--trade", "127.0.0.1:0", "--task", &taken])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains(&format!("cannot listen on {taken} for the task service")), "{errors}");
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn the_process_is_ready_when_it_says_so_and_ends_on_sigterm() {
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_cutover-upstreams"))
        .args(["--trade", "127.0.0.1:0", "--task", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(PATIENCE, tokio::io::AsyncBufReadExt::read_line(&mut out, &mut line))
        .await
        .unwrap()
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["ready"], true);
    let task = ready["task"].as_str().unwrap();
    assert_eq!(reqwest::get(format!("http://{task}/v1/task/1")).await.unwrap().status(), StatusCode::OK);
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
