//! Mistakes in the configuration: `testdata/config/mistakes/*.yaml`, each with the exact texts beside it.

use std::fs;
use std::time::Duration;

use cutover_xds::model::{AccessLog, Breaker, KeyHost, Outlier, Retry, RetryOn, Target, Upstream};

use super::*;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/config")
}

/// What `cutover check` says about a file, with paths as seen from `testdata/config`.
fn said(path: &Path) -> String {
    let folder = testdata().display().to_string();
    let relative = |text: String| text.replace(&format!("{folder}/"), "").replace(&folder, ".");
    match load(path) {
        Ok(_) => "no mistakes\n".to_owned(),
        Err(found) => found.iter().map(|mistake| relative(format!("{mistake}\n"))).collect(),
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_would_be_right() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut cases = 0;
    for entry in fs::read_dir(testdata().join("mistakes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        cases += 1;
        let (found, golden) = (said(&path), path.with_extension("txt"));
        if update {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(found, expected, "{}; refresh with `make golden` when this is meant", path.display());
    }
    assert!(cases >= 10, "only {cases} cases were found");
}

#[test]
fn a_good_file_becomes_a_gateway_with_sensible_defaults() {
    let config = load(&testdata().join("good.yaml")).unwrap();
    let gateway = &config.gateway;
    assert_eq!((gateway.name.as_str(), gateway.listen.to_string().as_str()), ("edge", "127.0.0.1:8080"));
    assert!(gateway.side_header, "the side header is on unless switched off");
    assert_eq!(gateway.max_body_bytes, 1 << 20);
    assert_eq!(config.store.to_string(), "sqlite:.run/state.db");
    let task = &gateway.upstreams["task"];
    assert_eq!((task.connect_timeout, task.timeout), (Duration::from_secs(1), Duration::from_secs(15)));
    let retry = task.retry.as_ref().unwrap();
    assert_eq!(retry.on, [RetryOn::Reset, RetryOn::Status(503)], "a status needs no quotes");
    assert_eq!((retry.attempts, retry.budget_percent), (1, None));
    let ids: Vec<_> = gateway.operations.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids, ["listTasks", "getTask", "health"]);
    let health = &gateway.operations[2];
    assert_eq!(health.target, Target::Answer { status: 200, body_json: r#"{"status":"ok"}"#.to_owned() });
    assert!(config.operations().contains(&OperationId::unmatched()));
}

#[test]
fn every_field_of_a_full_file_arrives() {
    let config = load(&testdata().join("full.yaml")).unwrap();
    let gateway = &config.gateway;
    assert!(!gateway.side_header);
    assert_eq!(gateway.max_body_bytes, 64 << 10);
    assert_eq!(gateway.access_log, AccessLog::File("/var/log/access.json".into()));
    assert_eq!(config.store.to_string(), "sqlite:state.db");
    let expected = Upstream {
        endpoints: vec!["task-1.internal:4002".parse().unwrap(), "task-2.internal:4002".parse().unwrap()],
        connect_timeout: Duration::from_millis(500),
        timeout: Duration::from_secs(2),
        idle_timeout: Upstream::DEFAULT_IDLE_TIMEOUT,
        connections: 256,
        breaker: Breaker { requests: 512, pending: 128, retries: 3 },
        outlier: Some(Outlier { consecutive_5xx: 5, base_ejection: Duration::from_secs(10) }),
        retry: Some(Retry {
            on: vec![RetryOn::ConnectFailure, RetryOn::RefusedStream, RetryOn::Reset, RetryOn::Status(503)],
            attempts: 2,
            backoff: Duration::from_millis(25),
            budget_percent: Some(20.0),
        }),
    };
    assert_eq!(gateway.upstreams["task"], expected);
    let gone = Target::Answer { status: 410, body_json: r#"{"message":"gone"}"#.to_owned() };
    let targets: Vec<_> = gateway.operations.iter().map(|operation| operation.target.clone()).collect();
    let ready = Target::Ready { upstreams: vec!["task".to_owned()] };
    assert_eq!(targets, [Target::Upstream("task".to_owned()), gone, ready], "an operation's own route wins");
    let filters = gateway.filters.as_ref().unwrap();
    assert_eq!(filters.auth["realm"], "tasks");
    let roles = json!({"claim": "/realm_access/roles", "join": ","});
    assert_eq!(filters.auth["forward"], json!({"x-user-id": "sub", "x-roles": roles}));
    let issuer = &filters.auth["issuers"][0];
    assert_eq!(issuer["scope_claims"], json!(["scope", "/realm_access/roles"]));
    assert_eq!(issuer["require"], json!([{"claim": "tenant", "one_of": ["acme", 7]}]));
    assert_eq!(filters.auth["token"], json!({"cookie": "session", "query": "access_token"}));
    assert_eq!(filters.auth["cache"], json!({"entries": 100, "bytes": 65_536}));
    assert_eq!(filters.auth["errors"], "problem");
    let state = json!({"cutover.auth.sub": "sub", "tenant": "/app/tenant", "all": ""});
    assert_eq!(filters.auth["filter_state"], state);
    let schemes = json!({"bearerAuth": {"issuers": ["https://issuer.example", "https://fetched.example"]}});
    assert_eq!(filters.auth["schemes"], schemes);
    assert!(!gateway.log_query, "tokens may be in the query");
    assert_eq!(gateway.claim_headers, ["x-roles", "x-user-id"], "nobody else can send what is forwarded");
    assert_eq!(filters.auth["issuers"][0]["leeway_seconds"], 0);
    assert_eq!(filters.auth["issuers"][0]["audiences"], json!(["gateway", "other"]));
    assert_eq!(
        (&filters.validation["requests"], &filters.validation["errors"]),
        (&json!("report"), &json!("legacy"))
    );
}

#[test]
fn keys_come_from_files_or_from_hosts_that_are_clusters_of_their_own() {
    let config = load(&testdata().join("full.yaml")).unwrap();
    let issuers = &config.gateway.filters.as_ref().unwrap().auth["issuers"];
    let fetched = json!({
        "issuer": "https://fetched.example", "audiences": ["gateway"], "algorithms": ["RS256", "ES256"],
        "leeway_seconds": 5,
        "remote_jwks": {
            "cluster": "jwks:fetched.example:443", "url": "https://fetched.example/.well-known/jwks.json",
            "timeout_seconds": 3, "refresh_seconds": 600, "unknown_kid_seconds": 10, "hold_seconds": 2,
            "hold_requests": 50,
        },
    });
    assert_eq!(issuers[1], fetched);
    let defaults = json!({
        "cluster": "jwks:10.0.0.7:8443", "url": "https://10.0.0.7:8443/jwks", "timeout_seconds": 5,
        "refresh_seconds": 300, "unknown_kid_seconds": 5, "hold_seconds": 5, "hold_requests": 1000,
    });
    assert_eq!(issuers[2]["remote_jwks"], defaults);
    assert_eq!(issuers[3]["remote_jwks"]["cluster"], "jwks:fetched.example:443");
    let pem = &issuers[5]["pem"];
    assert_eq!((&pem["algorithm"], &pem["kid"]), (&json!("ES256"), &json!("one")));
    assert!(pem["key"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    let hosts: Vec<_> = config.gateway.key_hosts.iter().map(KeyHost::cluster).collect();
    assert_eq!(hosts, ["jwks:fetched.example:443", "jwks:10.0.0.7:8443", "jwks:127.0.0.1:9999"]);
    let trusted: Vec<_> =
        config.gateway.key_hosts.iter().map(|host| host.tls.as_ref().map(|tls| tls.ca.clone())).collect();
    let system = PathBuf::from("/etc/ssl/certs/ca-certificates.crt");
    assert_eq!(trusted, [Some(system), Some(testdata().join("ca.pem")), None]);
}

#[test]
fn what_is_left_out_is_left_to_the_filter() {
    let config = load(&testdata().join("good.yaml")).unwrap();
    assert!(config.gateway.key_hosts.is_empty() && config.gateway.log_query);
    let auth = config.gateway.filters.unwrap().auth;
    let mut fields: Vec<_> = auth.as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["forward", "issuers", "realm", "routes"]);
}

#[test]
fn the_filters_get_the_plan_the_routes_and_only_public_keys() {
    let config = load(&testdata().join("good.yaml")).unwrap();
    let filters = config.gateway.filters.unwrap();
    assert!(filters.module.is_absolute(), "Envoy may run in another folder");
    assert_eq!(filters.request_id, json!({}));
    assert_eq!(filters.auth["realm"], "gateway");
    assert_eq!(filters.auth["routes"][0]["id"], "listTasks");
    let issuer = &filters.auth["issuers"][0];
    assert_eq!((&issuer["issuer"], &issuer["leeway_seconds"]), (&json!("https://issuer.example"), &json!(5)));
    assert_eq!(issuer["jwks"]["keys"][0]["kid"], "one");
    assert_eq!(filters.auth["forward"], json!({}));
    let validation = &filters.validation;
    assert_eq!(validation["plan"]["format"], "cutover-plan/2");
    assert_eq!(validation["requests"], "enforce");
    assert_eq!(validation["max_body_bytes"], 1 << 20);
}

#[test]
fn answers_keep_the_order_of_their_members() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(testdata()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let good = fs::read_to_string(testdata().join("good.yaml")).unwrap();
    let text = good.replace(
        "json: { status: ok }",
        r#"status: 203, json: { z: [1, "a\"b", null], a: { y: 1.5, b: true } }"#,
    );
    assert_ne!(text, good);
    fs::write(folder.path().join("gateway.yaml"), text).unwrap();
    let config = load(&folder.path().join("gateway.yaml")).unwrap();
    let body_json = r#"{"z":[1,"a\"b",null],"a":{"y":1.5,"b":true}}"#.to_owned();
    assert_eq!(config.gateway.operations[2].target, Target::Answer { status: 203, body_json });
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("nowhere/gateway.yaml")).unwrap_err();
    assert_eq!(
        error[0].to_string(),
        "nowhere/gateway.yaml:1:1: the configuration cannot be read: no such file or directory \
         (name another file with --config)"
    );
}

#[test]
fn the_shipped_configuration_has_no_mistakes_but_what_has_to_be_built() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy/gateway.yaml");
    let mistakes = load(&shipped).err().unwrap_or_default();
    let expected = |mistake: &Mistake| {
        mistake.message.contains("the filters' module") || mistake.message.contains("the JWKS file")
    };
    let unexpected: Vec<_> = mistakes.iter().filter(|mistake| !expected(mistake)).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

#[test]
fn paths_are_shown_without_detours() {
    let at = |folder: &str, path: &str| locate(Path::new(folder), path).display().to_string();
    assert_eq!(at("envoy", "../openapi/api.yaml"), "openapi/api.yaml");
    assert_eq!(at("", "api.yaml"), "api.yaml");
    assert_eq!(at("..", "../api.yaml"), "../../api.yaml");
    assert_eq!(at("/a/b", "../../../x"), "/x");
    assert_eq!(at("envoy", "/etc/api.yaml"), "/etc/api.yaml");
}
