//! Refusals in each form.

use anyhow::{Context, Result};
use cutover_e2e::AuthEnvoy;
use serde_json::{Value, json};

use crate::signers::{signer, stranger};
use crate::with;

const CHALLENGES: [(u16, &str); 4] = [
    (401, r#"Bearer realm="gateway""#),
    (400, r#"Bearer realm="gateway", error="invalid_request""#),
    (401, r#"Bearer realm="gateway", error="invalid_token""#),
    (403, r#"Bearer realm="gateway", error="insufficient_scope", scope="task:read""#),
];

const MESSAGES: [&str; 4] = ["Authorization header required", "multiple tokens", "unauthorized", "forbidden"];

/// The `authorization` values that lead to [`CHALLENGES`].
fn credentials() -> [Vec<u8>; 4] {
    let bearer = |token: String| format!("Bearer {token}").into_bytes();
    [
        Vec::new(),
        b"Bearer a,Bearer b".to_vec(),
        bearer(stranger("HS256").good()),
        bearer(signer("HS256").token(&json!({"scope": "x"}))),
    ]
}

async fn ask(
    envoy: &AuthEnvoy,
    credentials: &[u8],
    others: &[(&str, &[u8])],
) -> Result<cutover_e2e::RawAnswer> {
    let own = [("authorization", credentials)];
    let own = if credentials.is_empty() { &own[..0] } else { &own };
    envoy.get("/v1/task?limit=1", &[own, others].concat()).await
}

#[tokio::test]
async fn refusals_are_problems_where_that_is_configured() -> Result<()> {
    let envoy = with(&json!({"errors": "problem"})).await?;
    let titles = ["Unauthorized", "Bad Request", "Unauthorized", "Forbidden"];
    for (number, credentials) in credentials().iter().enumerate() {
        let answer = ask(&envoy, credentials, &[]).await?;
        let (status, challenge) = CHALLENGES[number];
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("www-authenticate").as_deref(), Some(challenge));
        assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
        let mut body: Value = serde_json::from_slice(&answer.body)?;
        body.as_object_mut().context("an object")?.remove("requestId").context("a request id")?;
        let expected = json!({"type": "about:blank", "title": titles[number], "status": status,
            "detail": MESSAGES[number], "instance": "/v1/task"});
        assert_eq!(body, expected);
    }
    let answer = envoy.get("/nowhere", &[]).await?;
    assert_eq!(
        (answer.status, answer.header("content-type").as_deref()),
        (404, Some("application/problem+json"))
    );
    let answer = envoy.send(&cutover_e2e::raw::request("DELETE", b"/v1/task", &[])).await?;
    assert_eq!((answer.status, answer.header("allow").as_deref()), (405, Some("GET, POST")), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_grpc_client_gets_a_grpc_status_whatever_form_is_configured() -> Result<()> {
    for form in ["legacy", "problem"] {
        let envoy = with(&json!({"errors": form})).await?;
        for kind in ["application/grpc", "application/grpc+proto"] {
            // UNAUTHENTICATED, INTERNAL (what HTTP's 400 is to gRPC), UNAUTHENTICATED, PERMISSION_DENIED.
            let statuses = ["16", "13", "16", "7"];
            for (number, credentials) in credentials().iter().enumerate() {
                let answer = ask(&envoy, credentials, &[("content-type", kind.as_bytes())]).await?;
                assert_eq!(answer.status, 200, "{answer:?}");
                assert_eq!(answer.header("grpc-status").as_deref(), Some(statuses[number]), "{answer:?}");
                assert_eq!(answer.header("grpc-message").as_deref(), Some(MESSAGES[number]), "{answer:?}");
                assert_eq!(answer.header("www-authenticate").as_deref(), Some(CHALLENGES[number].1));
                assert!(answer.body.is_empty(), "{answer:?}");
            }
        }
        assert_eq!(envoy.upstream().requests(), 0, "{}", envoy.log());
    }
    Ok(())
}

#[tokio::test]
async fn every_decision_is_counted_by_its_reason() -> Result<()> {
    let envoy = with(&json!({})).await?;
    for credentials in credentials() {
        ask(&envoy, &credentials, &[]).await?;
    }
    let good = format!("Bearer {}", signer("HS256").good()).into_bytes();
    ask(&envoy, &good, &[]).await?;
    ask(&envoy, &good, &[]).await?;
    envoy.get("/healthz", &[]).await?;
    envoy.get("/maybe", &[]).await?;
    envoy.get("/nowhere", &[]).await?;
    for (name, expected) in [
        ("passed.token", 2),
        ("passed.public", 1),
        ("passed.anonymous", 1),
        ("refused.no_token", 1),
        ("refused.several_tokens", 1),
        ("refused.bad_signature", 1),
        ("refused.insufficient_scope", 1),
        ("refused.unmatched", 1),
        ("refused.expired", 0),
        ("cache.hits", 1),
        ("cache.misses", 3),
    ] {
        assert_eq!(envoy.stat(&format!("wasmcustom.cutover_auth.{name}")).await?, expected, "{name}");
    }
    Ok(())
}
