//! Services that fail: the same calm answer on both sides.

use anyhow::Result;
use cutover_e2e::{Stack, Token};
use serde_json::{Value, json};

async fn fault(stack: &Stack, fault: Value) -> Result<()> {
    stack.reset_upstreams().await?;
    let mut all = json!({"operation": "createTask", "side": "*"});
    if let (Some(all), Value::Object(fault)) = (all.as_object_mut(), fault) {
        all.extend(fault);
    }
    stack.fault("task", &all).await
}

#[tokio::test]
async fn upstream_failures_are_mapped_alike() -> Result<()> {
    let stack = Stack::start().await?;
    let table = [
        (json!({"error_rate": 1.0, "status": 500}), 502, "upstream error"),
        (json!({"error_rate": 1.0, "status": 501}), 502, "upstream error"),
        (json!({"error_rate": 1.0, "status": 507}), 502, "upstream error"),
        (json!({"reset": true}), 502, "upstream unavailable"),
        (json!({"hang": true}), 504, "upstream timeout"),
    ];
    let body = json!({"title": "x", "priority": "low"});
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        for (knob, status, message) in &table {
            fault(&stack, knob.clone()).await?;
            let answer = stack.post("/v1/task").token(Token::Trader).json(&body).send().await?;
            assert_eq!((answer.status, answer.message().as_str()), (*status, *message), "{knob} on {side}");
            assert_eq!(answer.side(), Some(side), "{knob}");
            assert_eq!(answer.json()["errors"], json!([]), "{knob} on {side}");
            assert_eq!(
                answer.header("content-type"),
                Some("application/json; charset=utf-8"),
                "{knob} on {side}"
            );
            assert_eq!(
                answer.json()["requestId"].as_str(),
                answer.header("x-request-id"),
                "{knob} on {side}"
            );
            calm(&stack).await?;
        }
        fault(&stack, json!({"error_rate": 1.0, "status": 503})).await?;
        let answer = stack.post("/v1/task").token(Token::Trader).json(&body).send().await?;
        assert_eq!(answer.status, 503, "503 stays on {side}");
        assert_eq!(answer.message(), "injected fault", "{side}: {answer:?}");
        calm(&stack).await?;
    }
    Ok(())
}

/// Good answers in between, so that no breaker opens over a table of failures.
async fn calm(stack: &Stack) -> Result<()> {
    for _ in 0..10 {
        let answer = stack.get("/v1/task/1").token(Token::Trader).send().await?;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_breaker_opens_and_says_when_to_come_back() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        fault(&stack, json!({"error_rate": 1.0, "status": 500})).await?;
        let body = json!({"title": "x", "priority": "low"});
        let mut opened = None;
        for _ in 0..100 {
            let answer = stack.post("/v1/task").token(Token::Trader).json(&body).send().await?;
            if answer.status == 503 {
                opened = Some(answer);
                break;
            }
        }
        let answer = opened.ok_or_else(|| anyhow::anyhow!("the breaker never opened on {side}"))?;
        assert_eq!(answer.message(), "upstream circuit open", "{side}");
        assert_eq!(answer.header("retry-after"), Some("10"), "{side}");
        let ready = stack.get("/readyz").send().await?;
        assert_eq!((ready.status, ready.message().as_str()), (503, "not ready"), "{side}: {ready:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_node_gateway_may_die_without_harm_to_the_rust_side() -> Result<()> {
    let mut stack = Stack::start().await?;
    stack.set_weights(&["listTasks=100"]).await?;
    stack.stop_node();
    let rust = stack.get("/v1/task").token(Token::Trader).send().await?;
    assert_eq!((rust.status, rust.side()), (200, Some("rust")));
    let node = stack.get("/v1/trade").token(Token::Trader).send().await?;
    assert_eq!((node.status, node.message().as_str()), (502, "upstream unavailable"));
    assert_eq!(node.json()["requestId"].as_str(), node.header("x-request-id"));
    Ok(())
}

#[tokio::test]
async fn one_side_can_be_made_worse_than_the_other() -> Result<()> {
    let stack = Stack::start().await?;
    let fault = json!({"operation": "getTask", "side": "rust", "error_rate": 1.0, "status": 500});
    stack.fault("task", &fault).await?;
    for (side, status) in [("node", 200), ("rust", 502)] {
        stack.everything_on(side).await?;
        let answer = stack.get("/v1/task/1").token(Token::Trader).send().await?;
        assert_eq!(answer.status, status, "{side}");
    }
    Ok(())
}
