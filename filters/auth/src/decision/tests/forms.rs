//! The answers' bodies, and what access logs get.

use super::*;

/// The whole answer: status, headers, body.
fn answer(asked: Asked, config: &Value) -> (u16, Vec<(String, String)>, Value) {
    asked.header("x-request-id", "r-1").decided_by(&gate(config), |decision| {
        let refused = match decision {
            Decision::Refuse(refused) | Decision::Await { issuer: _, otherwise: refused } => refused,
            Decision::Forward { .. } => unreachable!("the request is refused"),
        };
        (refused.status, refused.headers, serde_json::from_slice(&refused.body).unwrap())
    })
}

fn problems() -> Value {
    let mut config = testing::config();
    config["errors"] = json!("problem");
    config
}

#[test]
fn a_refusal_has_the_legacy_body_unless_another_is_asked_for() {
    let (status, headers, body) = answer(list_tasks(), &testing::config());
    assert_eq!(status, 401);
    assert_eq!(headers[0], ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
    let message = "Authorization header required";
    let errors = json!([{"path": "/v1/task", "message": message}]);
    assert_eq!(body, json!({"message": message, "errors": errors, "requestId": "r-1"}));
}

#[test]
fn a_problem_has_the_members_of_rfc_9457_and_the_same_headers() {
    let (status, headers, body) = answer(ask("GET", "/v1/task?access_token=x"), &problems());
    assert_eq!(status, 401);
    assert_eq!(headers[0], ("content-type".to_owned(), "application/problem+json".to_owned()));
    assert_eq!(headers[1], ("www-authenticate".to_owned(), "Bearer realm=\"gateway\"".to_owned()));
    assert_eq!(
        body,
        json!({"type": "about:blank", "title": "Unauthorized", "status": 401, "instance": "/v1/task",
            "detail": "Authorization header required", "requestId": "r-1"})
    );
}

#[test]
fn every_status_has_its_title_in_a_problem() {
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"scope": ""}));
    for (asked, status, title, detail) in [
        (ask("GET", "/v1/task/%zz"), 400, "Bad Request", "malformed uri"),
        (list_tasks().token("a").token("b"), 400, "Bad Request", "multiple tokens"),
        (list_tasks().token("bad"), 401, "Unauthorized", "unauthorized"),
        (list_tasks().token(&token), 403, "Forbidden", "forbidden"),
        (ask("GET", "/v2"), 404, "Not Found", "not found"),
        (ask("PUT", "/v1/task"), 405, "Method Not Allowed", "PUT method not allowed"),
    ] {
        let (found, _, body) = answer(asked, &problems());
        assert_eq!(
            (found, &body["status"], &body["title"], &body["detail"]),
            (status, &json!(status), &json!(title), &json!(detail))
        );
    }
}

#[test]
fn without_keys_the_answer_is_to_come_again_and_no_challenge() {
    let mut config = testing::full_config();
    config.as_object_mut().unwrap().remove("schemes");
    let token = testing::signer(Algorithm::EdDsa).token(&json!({"iss": "https://remote.example"}));
    let (status, headers, body) = answer(list_tasks().token(&token), &config);
    assert_eq!(
        (status, &body["title"], &body["detail"]),
        (503, &json!("Service Unavailable"), &json!("service unavailable"))
    );
    assert_eq!(headers.len(), 2);
    assert_eq!(headers[1], ("retry-after".to_owned(), "1".to_owned()));
}

/// What filter state a request leaves, twice: for a token that is verified, and for one that is remembered.
fn state(claims: &Value, filter_state: Option<Value>) -> Vec<(String, String)> {
    let mut config = testing::config();
    if let Some(filter_state) = filter_state {
        config["filter_state"] = filter_state;
    }
    let gate = gate(&config);
    let token = testing::signer(Algorithm::EdDsa).token(claims);
    let left = || {
        list_tasks().token(&token).decided_by(&gate, |decision| match decision {
            Decision::Forward { state, .. } => {
                state.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect::<Vec<_>>()
            }
            other => unreachable!("{other:?}"),
        })
    };
    let first = left();
    assert_eq!(left(), first);
    assert_eq!(gate.take_cache_counts(), Counts { hits: 1, misses: 1 });
    let parts = token.split('.').skip(1);
    assert!(parts.into_iter().all(|part| first.iter().all(|(_, value)| !value.contains(part))));
    first
}

#[test]
fn access_logs_get_the_subject_and_the_payload_but_never_the_token() {
    let left = state(&json!({}), None);
    assert_eq!(left[0], ("cutover.auth.sub".to_owned(), "ada".to_owned()));
    assert_eq!(left[1].0, "cutover.auth.payload");
    let payload: Value = serde_json::from_str(&left[1].1).unwrap();
    assert_eq!((&payload["sub"], &payload["exp"]), (&json!("ada"), &json!(NOW + 3600)));
    assert_eq!(state(&json!({}), Some(json!({}))), []);
}

#[test]
fn a_claim_is_logged_as_it_is_or_as_json_and_cannot_forge_a_line() {
    let asked =
        json!({"a": "tenant", "b": "/realm/roles", "c": "absent", "d": "/n", "e": "evil", "f": "umlaut"});
    let claims = json!({"tenant": "acme inc", "realm": {"roles": ["x", {"y": 1}]}, "n": 1.5,
        "evil": "ada\n127.0.0.1 GET /admin 200", "umlaut": "j\u{fc}rgen"});
    let left = state(&claims, Some(asked));
    let expected = [
        ("a", "acme inc"),
        ("b", "[\"x\",{\"y\":1}]"),
        ("d", "1.5"),
        ("e", "\"ada\\n127.0.0.1 GET /admin 200\""),
        ("f", "j\u{fc}rgen"),
    ];
    assert_eq!(left, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn who_has_no_token_leaves_nothing_in_access_logs() {
    let empty = |asked: Asked| {
        asked.decided_by(
            &gate(&testing::config()),
            |decision| matches!(decision, Decision::Forward { state, .. } if state.is_empty()),
        )
    };
    assert!(empty(ask("GET", "/maybe")));
    let token = testing::signer(Algorithm::EdDsa).token(&json!({}));
    assert!(empty(ask("GET", "/healthz").token(&token)), "a token that nobody verified says nothing");
}
