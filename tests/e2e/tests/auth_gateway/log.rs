//! The access log: whose request it was, and never a token.

use anyhow::{Context, Result, ensure};
use cutover_e2e::{Stack, Token, eventually};
use serde_json::Value;

/// Where the log is, seen from the stack's folder; Envoy runs in `.run`.
const LOG: &str = ".run/access.json";

/// The log's lines about one operation, once there are so many.
async fn lines(stack: &Stack, wanted: usize) -> Result<Vec<Value>> {
    let path = stack.home().join(LOG);
    // Envoy writes them out once a second.
    eventually("the access log is written", || async {
        let text = std::fs::read_to_string(&path)?;
        let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let lines: Vec<Value> = lines.into_iter().filter(|line| line["operation"] == "listTasks").collect();
        ensure!(lines.len() >= wanted, "{} of {wanted} lines:\n{text}", lines.len());
        Ok(lines)
    })
    .await
    .with_context(|| stack.output())
}

async fn logging() -> Result<Stack> {
    Stack::builder()
        .edit("access_log: \"off\"", "access_log: file:access.json")
        .edit("  forward: {", "  token: { cookie: session, query: access_token }\n  forward: {")
        .start()
        .await
}

#[tokio::test]
async fn the_log_has_the_subject_of_a_verified_token_and_no_token_on_either_side() -> Result<()> {
    let stack = logging().await?;
    let trader = stack.token(Token::Trader).to_owned();
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        let in_query = format!("/v1/task?access_token={trader}&limit=1");
        let misspelled = format!("/v1/task?%61ccess_token={trader}");
        let calls = [
            stack.get("/v1/task").token(Token::Trader),
            stack.get("/v1/task").header("cookie", &format!("a=b; session={trader}")),
            stack.get(&in_query),
            stack.get(&misspelled),
            stack.get(&in_query).token(Token::Trader),
            stack.get("/v1/task").token(Token::Expired),
            stack.get("/v1/task"),
        ];
        for call in calls {
            call.send().await?;
        }
    }
    let lines = lines(&stack, 14).await?;
    let (node, rust) = lines.split_at(7);
    for (lines, side) in [(node, "node"), (rust, "task")] {
        for line in lines {
            assert_eq!(line["path"], "/v1/task", "{line}");
            assert!(line["cluster"] == side || line["cluster"].is_null(), "{line}");
        }
    }
    let subjects = |lines: &[Value]| lines.iter().map(|line| line["sub"].clone()).collect::<Vec<_>>();
    assert_eq!(subjects(node), vec![Value::Null; 7], "on the node side nobody verifies here");
    let mut expected = vec![Value::from("trader"); 4];
    expected.extend([Value::Null, Value::Null, Value::Null]);
    assert_eq!(subjects(rust), expected, "only a token that was accepted says who it was: {rust:#?}");
    let text = std::fs::read_to_string(stack.home().join(LOG))?;
    for secret in [stack.token(Token::Trader), stack.token(Token::Expired), "access_token", "session"] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
    Ok(())
}
