//! RFC 6750: where the token stands, and what the answers say. Header values that are repeated or no text never pass.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::signers::{signer, stranger};
use crate::{Gate, Outcome};

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}

#[tokio::test]
async fn without_a_token_the_challenge_is_bare() -> Result<()> {
    let gate = Gate::open()?;
    let message = "Authorization header required";
    let none: [&[(&str, &[u8])]; 6] = [
        &[],
        &[("authorization", b"")],
        &[("authorization", b"Bearer")],
        &[("authorization", b"Basic YTpi")],
        &[("authorization", b"Digest a=b, c=d")],
        &[("authorization", b"\xff\xfe")],
    ];
    for headers in none {
        let outcome = gate.send(headers).await?;
        gate.is_refusal(&outcome, 401, message, r#"Bearer realm="gateway""#)?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_scopes_are_named_and_nothing_else() -> Result<()> {
    let gate = Gate::open()?;
    let challenge = r#"Bearer realm="gateway", error="insufficient_scope", scope="task:read""#;
    for scope in [
        json!(null),
        json!(""),
        json!("task:write"),
        json!("task:reader"),
        json!("Task:read"),
        json!("task:read,x"),
    ] {
        let token = signer("ES256").token(&json!({"scope": scope}));
        gate.is_refusal(&gate.with_token(token.as_bytes()).await?, 403, "forbidden", challenge)?;
        // Whoever cannot sign learns nothing about scopes.
        gate.refuses("stranger", stranger("ES256").token(&json!({"scope": scope}))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn repeated_authorization_headers_never_pass() -> Result<()> {
    let gate = Gate::open()?;
    let (good, bad) = (bearer(&signer("HS256").good()), bearer(&stranger("HS256").good()));
    let basic = b"Basic YTpi".to_vec();
    for pair in [[&good, &good], [&good, &bad], [&bad, &good], [&basic, &good], [&good, &basic]] {
        let headers = pair.map(|value| ("authorization", value.as_slice()));
        gate.refuses_as_several("two headers", &headers).await?;
        let spelled = [("Authorization", pair[0].as_slice()), ("AUTHORIZATION", pair[1])];
        gate.refuses_as_several("two spellings", &spelled).await?;
        // A comma alone is what Envoy itself joins headers with.
        let commas = [b",".as_slice(), b", ", b" , "];
        let commas = if pair[0] == &basic { &commas[..1] } else { &commas };
        for comma in commas {
            let joined = [pair[0].as_slice(), *comma, pair[1]].concat();
            gate.refuses_as_several("joined", &[("authorization", &joined)]).await?;
        }
    }
    let thousand = vec![("authorization", good.as_slice()); 50];
    gate.refuses_as_several("fifty headers", &thousand).await
}

#[tokio::test]
async fn bytes_that_are_no_text_never_pass_and_never_harm() -> Result<()> {
    let gate = Gate::open()?;
    let token = signer("HS256").good();
    for byte in [0x80_u8, 0xa0, 0xc0, 0xc3, 0xed, 0xf5, 0xfe, 0xff] {
        for at in [0, 5, token.find('.').unwrap_or_default(), token.len() / 2, token.len()] {
            let mut bytes = token.clone().into_bytes();
            bytes.insert(at, byte);
            gate.refuses(&format!("{byte:#x} at {at}"), bytes).await?;
        }
        gate.refuses("nothing else", vec![byte; 40]).await?;
        // In other headers they are not ours to judge.
        let authorization = bearer(&token);
        let headers: [(&str, &[u8]); 4] = [
            ("authorization", &authorization),
            ("x-other", &[byte]),
            ("cookie", &[byte]),
            ("user-agent", &[byte, byte]),
        ];
        let Outcome { answer, reached_upstream } = gate.send(&headers).await?;
        ensure!(answer.status == 200 && reached_upstream, "{byte:#x}: {answer:?}\n{}", gate.0.log());
    }
    gate.accepts("still alive", &token).await
}

#[tokio::test]
async fn control_characters_never_pass_and_never_harm() -> Result<()> {
    let gate = Gate::open()?;
    let token = signer("HS256").good();
    // Within the token: around it, a fold is white space to HTTP and no part of the value. (A carriage return in a
    // value is removed by Envoy before any filter sees it.)
    let (front, rest) = token.as_bytes().split_at(token.len() / 2);
    for control in [b"\0".as_slice(), b"\n ", b"\x01", b"\x0b", b"\x7f"] {
        let value = [b"Bearer ", front, control, rest].concat();
        let answer = gate.0.get("/v1/task?control", &[("authorization", &value)]).await?;
        ensure!(matches!(answer.status, 400 | 401), "{control:?}: {answer:?}");
    }
    ensure!(!gate.0.upstream().saw("/v1/task?control"), "{}", gate.0.log());
    gate.accepts("still alive", &token).await
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() -> Result<()> {
    let gate = Gate::open()?;
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER", "Bearer  "] {
        let value = format!("{scheme} {}", signer("HS256").good());
        let outcome = gate.send(&[("authorization", value.as_bytes())]).await?;
        ensure!(outcome.answer.status == 200, "{scheme}: {:?}", outcome.answer);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_cannot_say_who_it_is() -> Result<()> {
    let gate = Gate::open()?;
    let authorization = bearer(&signer("HS256").token(&json!({"scope": "task:read"})));
    let headers: [(&str, &[u8]); 5] = [
        ("authorization", &authorization),
        ("x-user-id", b"root"),
        ("X-User-Id", b"root2"),
        ("x-user-scopes", b"admin"),
        ("x-user-scopes", b"\xff"),
    ];
    let text = gate.send(&headers).await?.answer.text();
    ensure!(text.contains("x-user-id: ada\r\n") && text.contains("x-user-scopes: task:read\r\n"), "{text}");
    ensure!(!text.contains("root") && !text.contains("admin") && !text.contains("authorization"), "{text}");
    for path in ["/healthz", "/maybe"] {
        let text = gate.0.get(path, &headers[1..]).await?.text();
        ensure!(text.contains(path) && !text.contains("x-user-"), "{text}");
    }
    // On a public operation a token is not looked at, and does not go on.
    let text = gate.0.get("/healthz", &headers).await?.text();
    ensure!(!text.contains("x-user-") && !text.contains("authorization"), "{text}");
    Ok(())
}
