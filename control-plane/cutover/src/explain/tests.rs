//! The same contract, the same answers as the filter.

use cutover_plan::Plan;

use super::*;

fn judge() -> Judge {
    let plan = include_bytes!("../../../../openapi/plan/tests/data/trade-task.plan.json");
    Judge { plan: Plan::from_json(plan).unwrap(), max_body_bytes: 100 }
}

fn request(method: &str, target: &str, headers: &[&str], body: &str) -> Request {
    Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.iter().map(|text| header(text).unwrap()).collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// Operation, and status and places of what is wrong.
fn said(method: &str, target: &str, headers: &[&str], body: &str) -> String {
    let judge = judge();
    let judgement = judge.judge(&request(method, target, headers, body));
    let operation = judgement.route.map_or("-", |route| route.id.as_str());
    match &judgement.outcome {
        Ok(Pass { defaults, .. }) => format!("{operation} +{}", defaults.as_deref().unwrap_or_default()),
        Err(refusal) => {
            let lines = judgement.errors();
            let places: Vec<_> =
                lines.iter().map(|line| format!("{} {}", line.path, line.keyword())).collect();
            format!("{operation} {} {}", refusal.status, places.join(", "))
        }
    }
}

const JSON: &[&str] = &["Content-Type: application/json"];

#[test]
fn a_request_is_judged_by_its_head_and_its_body() {
    assert_eq!(said("GET", "/v1/task", &[], ""), "listTasks +limit=20&offset=0");
    assert_eq!(said("GET", "/v1/task?limit=0", &[], ""), "listTasks 400 /query/limit minimum");
    assert_eq!(said("POST", "/v1/task", JSON, "{}"), "createTask 400 /body/title required");
    assert_eq!(said("POST", "/v1/task", JSON, r#"{"title":"x","priority":"low"}"#), "createTask +");
    assert_eq!(said("POST", "/v1/task", &[], "{}"), "createTask 415 /v1/task ");
}

#[test]
fn what_is_no_operation_is_told_as_the_gateway_tells_it() {
    assert_eq!(said("GET", "/nope", &[], ""), "- 404 /nope ");
    assert_eq!(said("PUT", "/v1/task", &[], ""), "- 405 /v1/task ");
    assert_eq!(said("GET", "/v1/task/%ff", &[], ""), "- 400 /v1/task/%ff ");
}

#[test]
fn a_body_over_the_limit_is_refused_whether_or_not_its_length_is_declared() {
    let long = "x".repeat(101);
    assert_eq!(said("POST", "/v1/task", JSON, &long), "createTask 413 /v1/task ");
    let chunked = ["content-type: application/json", "transfer-encoding: chunked"];
    assert_eq!(said("POST", "/v1/task", &chunked, &long), "createTask 413 /v1/task ");
    // As in the filter, a declared length is looked at before the media type.
    assert_eq!(said("POST", "/v1/task", &[], &long), "createTask 413 /v1/task ");
}

#[test]
fn lines_are_answered_one_by_one_and_counted() {
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(2 << 20));
    let input = [
        r#"{"method":"GET","path":"/v1/task?limit=5"}"#,
        "",
        "no request",
        long.as_str(),
        r#"{"method":"POST","path":"/v1/task","headers":{"content-type":["application/json"]},"body":{"title":1,"priority":"low"}}"#,
        r#"{"method":"GET","path":"/nope"}"#,
    ];
    let mut output = Vec::new();
    let summary = judge_lines(&judge(), input.join("\n").as_bytes(), &mut output).unwrap();
    let expected = [
        r#"{"operation":"listTasks","valid":true,"errors":[]}"#,
        r#"{"line":3,"operation":null,"valid":false,"errors":[{"path":"","message":"line 3 is no request: not JSON: expected ident at column 2"}]}"#,
        r#"{"line":4,"operation":null,"valid":false,"errors":[{"path":"","message":"line 4 is no request: longer than 1049176 bytes"}]}"#,
        r#"{"operation":"createTask","valid":false,"errors":[{"path":"/body/title","message":"must be string","errorCode":"type.openapi.validation","status":400}]}"#,
        r#"{"operation":null,"valid":false,"errors":[{"path":"/nope","message":"not found","status":404}]}"#,
    ];
    assert_eq!(String::from_utf8(output).unwrap().lines().collect::<Vec<_>>(), expected);
    assert_eq!((summary.all, summary.unreadable), (Tally { valid: 1, invalid: 2 }, 2));
    assert_eq!(summary.operations[&None], Tally { valid: 0, invalid: 1 });
    assert!(!summary.is_clean());
}
