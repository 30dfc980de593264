//! The legacy gateway's answers, recorded from the real express-openapi-validator, are this crate's answers.
//!
//! `data/*.cases.json` hold requests with the answer of the Node gateway's own middlewares (route, body, validator);
//! `data/*.plan.json` the plans compiled from the same contracts. A case that is
//! answered otherwise on purpose `differs`, and says why.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

use cutover_plan::legacy::Refusal;
use cutover_plan::{Head, Headers, Next, Pass, Plan, RouteMatch};
use serde_json::{Value, json};

const MAX_BODY: usize = 1024 * 1024;

#[test]
fn trade_and_task_requests_get_the_legacy_answers() {
    replay("trade-task");
}

#[test]
fn requests_to_a_contract_of_all_keywords_get_the_legacy_answers() {
    replay("keywords");
}

/// Recorded from express-openapi-validator behind the middlewares that its documentation asks for
/// (`tests/node-gateway/record/answers.js`).
#[test]
fn parameters_and_bodies_of_all_styles_get_the_validators_answers() {
    replay("styles");
}

fn replay(name: &str) {
    let read = |kind: &str| {
        let path = format!("{}/tests/data/{name}.{kind}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let plan = Plan::from_json(&read("plan")).unwrap();
    let mut cases: Vec<Value> = serde_json::from_slice(&read("cases")).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        write_differences(name, &plan, &mut cases);
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let answer = answer(&plan, case);
        let expected = if case.get("differs").is_some() { &case["ours"] } else { &case["answer"] };
        if answer != *expected || case.get("ours") == Some(&case["answer"]) {
            let mut request = case.clone();
            request.as_object_mut().unwrap().remove("answer");
            wrong.push(format!("{request}\n  legacy: {}\n  ours:   {answer}", case["answer"]));
        }
    }
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} answers differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// `UPDATE_GOLDEN=1` writes this crate's answers to those cases that say why they differ.
fn write_differences(name: &str, plan: &Plan, cases: &mut [Value]) {
    let differing = |case: &&mut Value| case.get("differs").is_some();
    if !cases.iter().any(|case| case.get("differs").is_some()) {
        return;
    }
    for case in cases.iter_mut().filter(differing) {
        case["ours"] = answer(plan, case);
    }
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    let path = format!("{}/tests/data/{name}.cases.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

fn answer(plan: &Plan, case: &Value) -> Value {
    let method = case["method"].as_str().unwrap();
    let target = case["path"].as_str().unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let found = plan.routes().find(method, path);
    if let Some(refusal) = Refusal::unmatched(&found, method, path) {
        return refused(&refusal);
    }
    let RouteMatch::Operation { route, params } = found else { panic!("neither matched nor refused") };
    let body = case.get("body").map(|body| body_of(body, case.get("base64").is_some()));
    let headers = headers_of(case, body.as_deref());
    let headers = Headers::new(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())));
    let head = Head { path, query, params: &params, headers: &headers };
    let result = match plan.check_head(&route.id, head, MAX_BODY) {
        Next::Done(result) => result,
        Next::Body(pending) => plan.check_body(pending, &body.unwrap_or_default()),
    };
    match result {
        Ok(Pass { defaults, headers }) => {
            let mut answer = json!({"status": 200, "forwarded": forwarded(path, query, defaults.as_deref())});
            if !headers.is_empty() {
                answer["headers"] = json!(headers);
            }
            answer
        }
        Err(refusal) => refused(&refusal),
    }
}

fn forwarded(path: &str, query: Option<&str>, defaults: Option<&str>) -> String {
    match (query, defaults) {
        (None, None) => path.to_owned(),
        (Some(query), None) => format!("{path}?{query}"),
        (None | Some(""), Some(defaults)) => format!("{path}?{defaults}"),
        (Some(query), Some(defaults)) => format!("{path}?{query}&{defaults}"),
    }
}

fn refused(refusal: &Refusal) -> Value {
    let mut answer: Value = serde_json::from_slice(&refusal.body("")).unwrap();
    let fields = answer.as_object_mut().unwrap();
    fields.remove("requestId");
    fields.insert("status".to_owned(), json!(refusal.status));
    for (name, value) in &refusal.headers {
        fields.insert(name.clone(), json!(value));
    }
    answer
}

fn headers_of(case: &Value, body: Option<&[u8]>) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for header in case.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let latin1 = |text: &Value| {
            text.as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<_>>()
        };
        headers.push((header[0].as_str().unwrap().to_owned(), latin1(&header[1])));
    }
    if let Some(body) = body {
        headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    headers
}

fn body_of(body: &Value, base64: bool) -> Vec<u8> {
    let text = body.as_str().unwrap();
    if !base64 {
        return text.as_bytes().to_vec();
    }
    let digits: Vec<u8> =
        text.bytes().filter_map(|b| ALPHABET.iter().position(|d| *d == b)).map(|d| d as u8).collect();
    let bits: String = digits.iter().map(|digit| format!("{digit:06b}")).collect();
    bits.as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
