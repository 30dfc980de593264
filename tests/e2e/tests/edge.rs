//! What crosses the edge: identity goes in verified or not at all, and no client can name a side, a user or a scope.

use anyhow::{Context, Result};
use cutover_e2e::{Stack, Token};
use serde_json::Value;

/// All values of a header in what an upstream saw.
fn values<'a>(seen: &'a Value, name: &str) -> Vec<&'a str> {
    let headers = seen["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    headers.iter().filter(|pair| pair[0] == name).filter_map(|pair| pair[1].as_str()).collect()
}

#[tokio::test]
async fn clients_cannot_name_user_scopes_or_side() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let id = format!("forged-{side}");
        let answer = stack
            .get("/v1/task")
            .token(Token::Reader)
            .header("x-request-id", &id)
            .header("x-user-id", "root")
            .header("x-user-scopes", "task:write")
            .header("x-cutover-side", if side == "node" { "rust" } else { "node" })
            .send()
            .await?;
        assert_eq!((answer.status, answer.side()), (200, Some(side)));
        let seen = stack.seen("task", &id).await?;
        assert_eq!(values(&seen, "x-user-id"), ["reader"], "{side}");
        assert_eq!(values(&seen, "x-user-scopes"), ["trade:read task:read"], "{side}");
        assert_eq!(values(&seen, "authorization"), [""; 0], "{side}: the token must not go upstream");
        assert_eq!(seen["side"], side);
    }
    Ok(())
}

#[tokio::test]
async fn a_request_keeps_a_good_id_and_gets_one_instead_of_a_bad_one() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let kept =
            stack.get("/v1/task").token(Token::Trader).header("x-request-id", "order-42.a_b").send().await?;
        assert_eq!(kept.header("x-request-id"), Some("order-42.a_b"), "{side}");

        for bad in ["with space", "", &"x".repeat(129), "a/b"] {
            let call = stack.get("/v1/task").token(Token::Trader).header("x-request-id", bad);
            let answer = call.send().await?;
            let id = answer.header("x-request-id").context("no id")?.to_owned();
            assert_eq!(id.len(), 36, "{side}: '{bad}' became '{id}', a UUID was due");
            assert_eq!(values(&stack.seen("task", &id).await?, "x-request-id"), [id.as_str()], "{side}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_trace_goes_on_and_is_started_where_there_is_none() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let (given, id) = (format!("00-{trace}-00f067aa0ba902b7-01"), format!("traced-{side}"));
        let call = stack.get("/v1/task").token(Token::Trader).header("x-request-id", &id);
        call.header("traceparent", &given).send().await?;
        let seen = stack.seen("task", &id).await?;
        let sent = values(&seen, "traceparent");
        assert_eq!(sent.len(), 1, "{side}: {sent:?}");
        assert!(sent[0].starts_with(&format!("00-{trace}-")) && sent[0].ends_with("-01"), "{side}: {sent:?}");
        assert_ne!(sent[0], given, "{side}: the gateway is a parent of its own");

        let id = format!("untraced-{side}");
        stack.get("/v1/task").token(Token::Trader).header("x-request-id", &id).send().await?;
        let seen = stack.seen("task", &id).await?;
        let sent = values(&seen, "traceparent");
        assert_eq!(sent.first().map(|one| one.len()), Some(55), "{side}: {sent:?}");
    }
    Ok(())
}

#[tokio::test]
async fn defaults_of_the_contract_reach_the_service() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let id = format!("defaults-{side}");
        stack.get("/v1/task?state=todo").token(Token::Trader).header("x-request-id", &id).send().await?;
        let seen = stack.seen("task", &id).await?;
        assert_eq!(seen["path"], "/v1/task?state=todo&limit=20&offset=0", "{side}");
    }
    Ok(())
}

#[tokio::test]
async fn answers_of_a_kilobyte_are_compressed_on_both_sides_and_small_ones_on_none() -> Result<()> {
    let stack = Stack::start().await?;
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let call = |path: &str| stack.get(path).token(Token::Trader).header("accept-encoding", "gzip");
        let large = call("/v1/task?limit=50").send().await?;
        assert_eq!(large.header("content-encoding"), Some("gzip"), "{side}");
        assert_eq!(&large.body()[..2], [0x1f, 0x8b], "{side}: not gzip");
        let small = call("/v1/task/1").send().await?;
        assert_eq!(small.header("content-encoding"), None, "{side}");
        let plain = stack.get("/v1/task?limit=50").token(Token::Trader).send().await?;
        assert_eq!(plain.header("content-encoding"), None, "{side}");
    }
    Ok(())
}
