//! Both sides of every operation: the same answer, and the header that says who gave it.

use anyhow::Result;
use cutover_e2e::{Answer, Call, Stack, Token};
use reqwest::Method;
use serde_json::{Value, json};

/// One good call of each operation, and the status it earns.
fn every_operation(stack: &Stack) -> Vec<(&'static str, Call, u16)> {
    let order =
        json!({"type": "limit", "symbol": "ACME", "side": "sell", "quantity": 5, "limitPrice": 101.25});
    let task = json!({"title": "Check settlement", "priority": "high", "labels": ["acme"], "assignee": null});
    let patch = json!({"priority": "low", "dueAt": null}).to_string().into_bytes();
    let key = "5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11";
    let (get, post) =
        (|path| stack.get(path).token(Token::Trader), |path| stack.post(path).token(Token::Trader));
    vec![
        ("listTrades", get("/v1/trade?status=open&status=filled&limit=3"), 200),
        ("createTrade", post("/v1/trade").header("idempotency-key", key).json(&order), 201),
        ("getTrade", get("/v1/trade/trd_000000000001"), 200),
        ("cancelTrade", stack.call(Method::DELETE, "/v1/trade/trd_000000000002").token(Token::Trader), 200),
        ("listTasks", get("/v1/task?limit=5"), 200),
        ("createTask", post("/v1/task").json(&task), 201),
        ("getTask", get("/v1/task/1"), 200),
        (
            "updateTask",
            stack
                .call(Method::PATCH, "/v1/task/2")
                .token(Token::Trader)
                .header("content-type", "application/merge-patch+json")
                .body(patch),
            200,
        ),
        ("completeTask", post("/v1/task/3/complete"), 200),
        ("health", stack.get("/healthz"), 200),
        ("ready", stack.get("/readyz"), 200),
    ]
}

async fn answers(stack: &Stack, side: &str) -> Result<Vec<(&'static str, Answer)>> {
    stack.everything_on(side).await?;
    stack.reset_upstreams().await?;
    let mut answers = Vec::new();
    for (operation, call, status) in every_operation(stack) {
        let answer = call.send().await?;
        assert_eq!(answer.side(), Some(side), "{operation}: {answer:?}");
        assert_eq!(answer.status, status, "{operation} on {side}: {answer:?}");
        assert!(answer.header("x-request-id").is_some(), "{operation} on {side} has no request id");
        answers.push((operation, answer));
    }
    Ok(answers)
}

#[tokio::test]
async fn every_operation_answers_alike_on_both_sides() -> Result<()> {
    let stack = Stack::start().await?;
    let node = answers(&stack, "node").await?;
    let rust = answers(&stack, "rust").await?;
    for ((operation, node), (_, rust)) in node.iter().zip(&rust) {
        assert_ne!(node.json(), Value::Null, "{operation} gave no JSON");
        assert_eq!(node.json(), rust.json(), "{operation} differs between the sides");
        for header in ["content-type", "location", "content-encoding"] {
            assert_eq!(node.header(header), rust.header(header), "{operation}: {header} differs");
        }
    }
    Ok(())
}

#[tokio::test]
async fn everything_starts_on_the_node_side() -> Result<()> {
    let stack = Stack::start().await?;
    for _ in 0..20 {
        assert_eq!(stack.get("/v1/task").token(Token::Trader).send().await?.side(), Some("node"));
    }
    Ok(())
}

#[tokio::test]
async fn the_side_header_can_be_switched_off() -> Result<()> {
    let stack = Stack::builder().edit("side_header: true", "side_header: false").start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
        assert_eq!((answer.status, answer.side()), (200, None));
    }
    Ok(())
}
