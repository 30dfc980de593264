//! `explain`: the gateway's answer to a request that nobody sends; and `compile --check`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Home, Said};

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/explain").join(name)
}

/// A folder with the contract `orders.yaml`.
fn home() -> Home {
    let home = Home::new();
    for name in ["orders.yaml", "recorded.ndjson"] {
        fs::copy(testdata(name), home.path(name)).expect(name);
    }
    home
}

/// Holds what a command says against a file; `UPDATE_GOLDEN=1` writes the file anew.
fn golden(name: &str, said: &Said) {
    let path = testdata(name);
    let now = format!("exit {}\n--- stdout\n{}--- stderr\n{}", said.code.unwrap_or(-1), said.out, said.err);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &now).expect(name);
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(now, known, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

#[test]
fn one_screen_says_what_becomes_of_a_request() {
    let home = home();
    let json = "content-type: application/json";
    let long = format!("/v1/order?limit=0&{}", "x".repeat(40));
    for (name, arguments) in [
        ("valid.txt", &["GET", "/v1/order"][..]),
        ("optional.txt", &["get", "/v1/order/o%2F1"]),
        ("public.txt", &["GET", "/v1/healthz", "--json"]),
        ("query.txt", &["GET", long.as_str()]),
        ("body.txt", &["POST", "/v1/order", "-H", json, "-d", r#"{"symbol":"acme","quantity":0,"note":""}"#]),
        ("body-json.txt", &["POST", "/v1/order", "-H", json, "-d", "[]", "--json"]),
        ("untyped.txt", &["POST", "/v1/order", "-d", "{}", "-H", "x-request-id: r-1"]),
        ("control.txt", &["GET", "/v1/order/%1B%5B2J"]),
        ("method.txt", &["DELETE", "/v1/order"]),
        ("unmatched.txt", &["GET", "/v2/order", "--json"]),
    ] {
        golden(name, &home.run(&[&["explain", "--contract", "orders.yaml"], arguments].concat()));
    }
}

#[test]
fn a_file_of_requests_is_answered_line_by_line() {
    let home = home();
    let arguments = ["explain", "--contract", "orders.yaml", "--requests"];
    golden("recorded.txt", &home.run(&[&arguments[..], &["recorded.ndjson"]].concat()));
    let clean = "{\"method\":\"GET\",\"path\":\"/v1/healthz\"}\n".repeat(3);
    let mut child = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["explain", "--requests", "-", "--contract"])
        .arg(testdata("orders.yaml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    child.stdin.take().expect("a pipe").write_all(clean.as_bytes()).expect("read");
    let done = child.wait_with_output().expect("ended");
    assert!(done.status.success(), "{done:?}");
    let line = "{\"operation\":\"health\",\"valid\":true,\"errors\":[]}\n";
    assert_eq!(String::from_utf8_lossy(&done.stdout), line.repeat(3));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "3 requests: 3 valid, 0 invalid\n");
}

#[test]
fn a_body_may_be_a_file_and_a_contract_its_plan() {
    let home = home();
    fs::write(home.path("order.json"), r#"{"symbol":"ACME"}"#).expect("written");
    home.run(&["compile", "orders.yaml", "-o", "plan.json"]).ok();
    let post = ["explain", "POST", "/v1/order", "-H", "content-type: application/json", "-d", "@order.json"];
    let said = home.run(&[&post[..], &["--contract", "plan.json"]].concat()).ok();
    assert!(said.out.contains("  validation  valid\n"), "{}", said.out);
    let missing =
        home.run(&["explain", "POST", "/v1/order", "-d", "@gone", "--contract", "plan.json"]).exit(1);
    assert_eq!(missing.err, "the body gone cannot be read: no such file or directory\n");
    let missing = home.run(&["explain", "--requests", "gone", "--contract", "plan.json"]).exit(1);
    assert_eq!(missing.err, "the requests gone cannot be read: no such file or directory\n");
}

#[test]
fn the_side_is_what_the_control_plane_says() {
    let home = Home::new();
    let explain = ["explain", "GET", "/v1/task", "--config", "gateway.yaml"];
    let nobody = home.run(&[&explain[..], &["--server", "http://127.0.0.1:9"]].concat()).ok();
    let unknown = "  side        unknown: no control plane reached at http://127.0.0.1:9\n";
    assert!(nobody.out.contains(unknown), "{}", nobody.out);

    let running = home.serve();
    let side = |expected: &str| {
        let said = running.run(&explain).ok();
        assert!(said.out.contains(&format!("  side        {expected}\n")), "{}", said.out);
    };
    side("node (rust side: task, 0%); what follows holds for the rust side");
    running.run(&["weights", "set", "listTasks=12.5"]).ok();
    side("rust (task) for 12.5% of the requests, node for the rest");
    running.run(&["weights", "set", "listTasks=100"]).ok();
    side("rust (task)");
    assert_eq!(running.json(&explain)["side"], serde_json::json!({"weight": 100, "rust": "task"}));
    let unmatched = running.run(&["explain", "GET", "/nope", "--config", "gateway.yaml"]).exit(1);
    assert!(unmatched.out.contains("  side        node (rust side: gateway, 0%)"), "{}", unmatched.out);

    home.edit("full.yaml", "gateway: edge", "gateway: inner");
    let other = running.run(&["explain", "GET", "/v1/task", "--config", "full.yaml"]);
    assert!(other.out.contains("is that of the gateway `edge`, not `inner`"), "{}{}", other.out, other.err);
}

#[test]
fn what_the_configuration_says_of_validation_counts() {
    let home = home();
    home.edit("gateway.yaml", "auth:", "validation: { requests: report, max_body: 10B }\nauth:");
    let post = ["explain", "POST", "/v1/order", "-H", "content-type: application/json"];
    let both = ["--contract", "orders.yaml", "--config", "gateway.yaml", "--server", "http://127.0.0.1:9"];
    let said = home.run(&[&post[..], &["-d", r#"{"symbol":"ACME"}"#], &both].concat()).exit(1);
    assert!(said.out.contains("invalid: 413 with 1 error\n"), "{}", said.out);
    assert!(said.out.contains("validation.requests is `report`: the request goes on"), "{}", said.out);
}

#[test]
fn what_is_no_request_is_a_matter_of_usage() {
    let home = home();
    for (arguments, said) in [
        (&["GET"][..], "<PATH>"),
        (&["GET", "v1/task"], "write the path and its query from the first slash on"),
        (&["G T", "/"], "write a method, such as GET"),
        (&["GET", "/", "-H", "accept"], "'content-type: application/json'"),
        (&["GET", "/", "--requests", "recorded.ndjson"], "cannot be used with"),
    ] {
        let wrong = home.run(&[&["explain", "--contract", "orders.yaml"], arguments].concat()).exit(2);
        assert!(wrong.err.contains(said), "{arguments:?}: {}", wrong.err);
    }
    let broken = home.run(&["explain", "GET", "/", "--contract", "no-id.yaml"]).exit(1);
    assert!(broken.err.starts_with("no-id.yaml:5:5: "), "{}", broken.err);
    let unset = home.run(&["explain", "GET", "/"]).exit(1);
    assert!(unset.err.starts_with("envoy/gateway.yaml:1:1: "), "{}", unset.err);
    assert!(unset.err.ends_with("(--contract FILE needs no configuration: it judges by a contract alone)\n"));
}

#[test]
fn a_committed_plan_is_held_against_its_contract() {
    let home = home();
    let made = home.run(&["compile", "orders.yaml", "-o", "plan.json"]).ok();
    assert_eq!(made.out, "compiled 4 operations of orders.yaml to plan.json\n");
    assert!(
        made.err.starts_with("plan: ") && made.err.contains("; operations: 4, schemas: "),
        "{}",
        made.err
    );
    let check = ["compile", "orders.yaml", "--check", "plan.json"];
    assert_eq!(home.run(&check).ok().out, "plan.json is the plan of orders.yaml\n");
    let printed = home.run(&["compile", "orders.yaml"]).ok();
    assert!(printed.err.starts_with("plan: "), "{}", printed.err);
    fs::write(home.path("plan.json"), &printed.out).expect("written");
    home.run(&check).ok();

    home.edit("orders.yaml", "maxLength: 8", "maxLength: 9");
    let stale = home.run(&check).exit(1);
    let said = "plan.json is not the plan of orders.yaml: it differs first at tables.schemas[";
    assert!(stale.err.contains(said), "{}", stale.err);
    assert!(
        stale.err.contains("write it anew with `cutover compile orders.yaml -o plan.json`"),
        "{}",
        stale.err
    );
    assert_eq!(fs::read_to_string(home.path("plan.json")).expect("kept"), printed.out);
    let gone = home.run(&["compile", "orders.yaml", "--check", "gone.json"]).exit(1);
    assert!(
        gone.err.contains("the plan gone.json cannot be read: no such file or directory"),
        "{}",
        gone.err
    );
}
