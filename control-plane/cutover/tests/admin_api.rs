//! The admin API on the wire: what it refuses, and how it says so.

mod support;

use serde_json::{Value, json};
use support::{Home, Running};

const JSON: &str = "content-type: application/json";

/// Expects a refusal; gives its `detail`.
fn refused(
    server: &Running,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
    status: u16,
    code: &str,
) -> String {
    let (found, head, body) = server.http(method, path, headers, body);
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    assert_eq!(
        (found, &problem["status"], &problem["code"]),
        (status, &json!(status), &json!(code)),
        "{problem}"
    );
    problem["detail"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_the_api_does_not_take_is_refused_with_a_code_and_a_sentence() {
    let home = Home::new();
    let server = home.serve();
    let weights = |headers: &[&str], body: &str, status, code| {
        refused(&server, "PATCH", "/api/v1/weights", headers, body, status, code)
    };
    let set = json!({"weights": {"listTasks": "5%"}});
    let detail = weights(&[JSON], r#"{"weights":{"listTasks":5},"colour":"red"}"#, 400, "invalid_request");
    assert!(
        detail.contains("unknown field `colour`, expected one of `weights`, `reason`, `actor`, `wait_ms`"),
        "{detail}"
    );
    let detail = weights(&[JSON], r#"{"weights":{"listTasks":5,"listTasks":6}}"#, 400, "invalid_request");
    assert!(detail.contains("operation `listTasks` is given twice"), "{detail}");
    let detail = weights(&[JSON], r#"{"weights":{"listTasks":100.5}}"#, 400, "invalid_request");
    assert!(detail.contains("weight `100.5` is out of range"), "{detail}");
    let detail = weights(&[JSON], r#"{"weights":{}}"#, 400, "invalid_request");
    assert_eq!(detail, "no operation is named; name at least one");
    let detail = weights(&[JSON], r#"{"weights":{"nothing":1}}"#, 422, "unknown_operation");
    assert!(detail.starts_with("there is no operation `nothing`; known are getTask, "), "{detail}");
    weights(&[JSON], r#"{"weights":{"listTasks":1},"reason":"two\nlines"}"#, 400, "invalid_request");
    let detail =
        weights(&[JSON], r#"{"weights":{"listTasks":1},"wait_ms":99999999}"#, 400, "invalid_request");
    assert_eq!(detail, "a wait of 300 s (`wait_ms`) is the longest");
    weights(&[JSON], "{", 400, "invalid_request");
    weights(&["content-type: text/plain"], &set.to_string(), 415, "unsupported_media_type");
    weights(&[JSON], &" ".repeat(300 << 10), 413, "too_large");
    let detail = refused(
        &server,
        "POST",
        "/api/v1/rollback",
        &[JSON],
        r#"{"operations":"everything"}"#,
        400,
        "invalid_request",
    );
    assert!(detail.contains(r#"a list of operations, or "all""#), "{detail}");
    refused(&server, "GET", "/api/v1/history?limit=0", &[], "", 400, "invalid_request");
    refused(&server, "GET", "/api/v1/history?colour=red", &[], "", 400, "invalid_request");
    refused(&server, "GET", "/api/v2/status", &[], "", 404, "not_found");
    refused(&server, "DELETE", "/api/v1/weights", &[], "", 405, "method_not_allowed");
    refused(&server, "GET", "/api/v1/status", &["host: evil.example"], "", 403, "foreign_host");
    assert_eq!(server.json(&["history"])["entries"], json!([]), "nothing of this changed anything");
}

#[test]
fn a_change_by_api_needs_no_more_than_the_weights() {
    let home = Home::new();
    let server = home.serve();
    let (status, _, body) =
        server.http("PATCH", "/api/v1/weights", &[JSON], r#"{"weights":{"listTasks":"12.5%"}}"#);
    let changed: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        changed,
        json!({"action": "set", "revision": 1, "changes": [{"operation": "listTasks", "before": 0, "after": 12.5}],
               "unchanged": [], "connected": 0, "confirmation": null})
    );
    assert_eq!(server.json(&["history"])["entries"][0]["actor"], "api");
    let (status, _, body) =
        server.http("POST", "/api/v1/rollback", &[JSON], r#"{"operations":"all","actor":"kim"}"#);
    assert_eq!((status, body.contains("\"after\":0")), (200, true), "{body}");
}

#[test]
fn figures_and_health_are_there_for_machines() {
    let home = Home::new();
    let server = home.serve();
    server.run(&["weights", "set", "listTasks=12.5"]).ok();
    server.run(&["weights", "set", "nothing=1"]).exit(1);
    let (status, head, text) = server.http("GET", "/metrics", &[], "");
    assert!(status == 200 && head.contains("content-type: application/openmetrics-text"), "{head}");
    for line in [
        "cutover_operation_weight_ratio{operation=\"listTasks\"} 0.125",
        "cutover_operation_weight_ratio{operation=\"unmatched\"} 0.0",
        "cutover_revision 1",
        "cutover_envoys{state=\"in_sync\"} 0",
        "cutover_xds_publishes_total 2",
        "cutover_xds_nacks_total 0",
        "cutover_change_duration_seconds_count{action=\"set\"} 1",
        "cutover_changes_refused_total{code=\"unknown_operation\"} 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing:\n{text}");
    }
    let (status, _, body) = server.http("GET", "/healthz", &[], "");
    assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#));
}

#[test]
fn the_console_is_complete_in_itself() {
    let home = Home::new();
    let server = home.serve();
    for (path, media) in
        [("/", "text/html"), ("/console.css", "text/css"), ("/console.js", "text/javascript")]
    {
        let (status, head, body) = server.http("GET", path, &[], "");
        assert!(status == 200 && head.contains(&format!("content-type: {media}")), "{path}: {head}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{path}: {head}");
        assert!(!body.contains("http://") && !body.contains("https://"), "{path} reaches out");
    }
}
