//! What a gateway must refuse, refused alike by both sides: status, text, the headers a client relies on.

use anyhow::Result;
use cutover_e2e::{Answer, Call, Stack, Token};
use reqwest::Method;
use serde_json::{Value, json};

struct Refused {
    what: &'static str,
    call: Call,
    status: u16,
    message: &'static str,
}

fn refused(what: &'static str, call: Call, status: u16, message: &'static str) -> Refused {
    Refused { what, call, status, message }
}

fn refusals(stack: &Stack) -> Vec<Refused> {
    let task = json!({"title": "Check settlement", "priority": "high"});
    let order = json!({"type": "market", "symbol": "ACME", "side": "buy", "quantity": 10});
    let post = || stack.post("/v1/task").token(Token::Trader);
    let huge = json!({"title": "x", "priority": "low", "description": "y".repeat(1_100_000)});
    vec![
        refused("no token", stack.get("/v1/task"), 401, "Authorization header required"),
        refused("an expired token", stack.get("/v1/task").token(Token::Expired), 401, "unauthorized"),
        refused(
            "a token that is none",
            stack.get("/v1/task").header("authorization", "Bearer nonsense"),
            401,
            "unauthorized",
        ),
        refused(
            "bytes that are no text",
            stack.get("/v1/task").header_bytes("authorization", b"Bearer \xff\xfe\xfd"),
            401,
            "unauthorized",
        ),
        refused(
            "two tokens",
            stack.get("/v1/task").token(Token::Trader).token(Token::Trader),
            400,
            "multiple tokens",
        ),
        refused("no scope", stack.get("/v1/task").token(Token::Nobody), 403, "forbidden"),
        refused(
            "a reader who writes",
            stack.post("/v1/task").token(Token::Reader).json(&task),
            403,
            "forbidden",
        ),
        refused(
            "a number over its bound",
            stack.get("/v1/task?limit=1000").token(Token::Trader),
            400,
            "request/query/limit must be <= 100",
        ),
        refused(
            "a query parameter nobody knows",
            stack.get("/v1/task?colour=red").token(Token::Trader),
            400,
            "Unknown query parameter 'colour'",
        ),
        refused(
            "a path parameter that is no number",
            stack.get("/v1/task/abc").token(Token::Trader),
            400,
            "request/params/taskId must be integer",
        ),
        refused(
            "a missing header",
            stack.post("/v1/trade").token(Token::Trader).json(&order),
            400,
            "request/headers must have required property 'idempotency-key'",
        ),
        refused(
            "a body with a field too many",
            post().json(&json!({"title": "x", "priority": "low", "colour": "red"})),
            400,
            "request/body must NOT have additional properties",
        ),
        refused(
            "a body that is no JSON",
            post().header("content-type", "application/json").body(b"{".to_vec()),
            400,
            "malformed JSON body",
        ),
        refused(
            "a body of another type",
            post().header("content-type", "text/plain").body(b"hi".to_vec()),
            415,
            "unsupported media type text/plain",
        ),
        refused("a body over the limit", post().json(&huge), 413, "request entity too large"),
        refused("a path nobody serves", stack.get("/v1/nothing").token(Token::Trader), 404, "not found"),
        refused(
            "a trade nobody placed",
            stack.get("/v1/trade/trd_ffffffffffff").token(Token::Trader),
            404,
            "no such trade",
        ),
        refused(
            "a method the path does not take",
            stack.call(Method::PUT, "/v1/task").token(Token::Trader),
            405,
            "PUT method not allowed",
        ),
    ]
}

/// The error body without what differs by nature, and the headers that clients act on.
///
/// A refusal must not cost a client its connection, except where it comes before the body was read: there Envoy closes
/// the connection rather than read what nobody wants, and Node reads it.
fn essence(answer: &Answer, had_body: bool) -> (Value, Vec<Option<String>>) {
    let mut body = answer.json();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("requestId");
    }
    let headers = ["content-type", "www-authenticate", "allow", "retry-after", "connection"];
    let headers = if had_body { &headers[..4] } else { &headers[..] };
    (body, headers.iter().map(|name| answer.header(name).map(str::to_owned)).collect())
}

#[tokio::test]
async fn both_sides_refuse_alike() -> Result<()> {
    let stack = Stack::start().await?;
    let mut essences = Vec::new();
    for side in ["node", "rust"] {
        stack.everything_on(side).await?;
        for Refused { what, call, status, message } in refusals(&stack) {
            let had_body = call.has_body();
            let answer = call.send().await?;
            assert_eq!(answer.side(), Some(side), "{what}: {answer:?}");
            assert_eq!((answer.status, answer.message().as_str()), (status, message), "{what} on {side}");
            assert_eq!(
                answer.json()["requestId"].as_str(),
                answer.header("x-request-id"),
                "{what} on {side}"
            );
            essences.push((what, essence(&answer, had_body)));
        }
    }
    let (node, rust) = essences.split_at(essences.len() / 2);
    for ((what, node), (_, rust)) in node.iter().zip(rust) {
        assert_eq!(node, rust, "{what} is refused differently");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_service() -> Result<()> {
    let stack = Stack::start().await?;
    stack.everything_on("rust").await?;
    let calls = [
        stack.get("/v1/task"),
        stack.get("/v1/task?limit=0").token(Token::Trader),
        stack.post("/v1/task").token(Token::Trader).json(&json!({"title": ""})),
    ];
    for (number, call) in calls.into_iter().enumerate() {
        let id = format!("refused-{number}");
        let answer = call.header("x-request-id", &id).send().await?;
        assert!(answer.status >= 400, "{answer:?}");
        assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
        assert!(stack.seen("task", &id).await.is_err(), "{id} reached the service");
    }
    Ok(())
}
