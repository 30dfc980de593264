//! Where a token may be: it is found there, it is the only one, and it does not go on.

use anyhow::{Result, ensure};
use cutover_e2e::{AuthEnvoy, RawAnswer};
use serde_json::json;

use crate::signers::{signer, stranger};
use crate::with;

async fn everywhere() -> Result<AuthEnvoy> {
    with(&json!({"token": {"authorization": true, "cookie": "session", "query": "access_token"}})).await
}

/// The request line and the cookies that the service saw.
fn seen(answer: &RawAnswer) -> (String, Option<String>) {
    let text = answer.text();
    let cookie = text.lines().find_map(|line| line.strip_prefix("cookie: ")).map(str::to_owned);
    (text.lines().next().unwrap_or_default().to_owned(), cookie)
}

#[tokio::test]
async fn a_token_in_a_cookie_is_accepted_and_does_not_go_on() -> Result<()> {
    let (envoy, token) = (everywhere().await?, signer("ES256").good());
    for (sent, left) in [
        (format!("session={token}"), None),
        (format!("a=b; session={token}; c=\"d\""), Some("a=b; c=\"d\"")),
        (format!("session={token}; sessions=x"), Some("sessions=x")),
    ] {
        let answer = envoy.get("/v1/task?limit=1", &[("cookie", sent.as_bytes())]).await?;
        assert_eq!(answer.status, 200, "{answer:?}\n{}", envoy.log());
        assert_eq!(seen(&answer).1.as_deref(), left, "{answer:?}");
        ensure!(answer.text().contains("x-user-id: ada") && !answer.text().contains(&token), "{answer:?}");
    }
    let cookie = format!("session={token}");
    let two_headers = [("cookie", b"a=b".as_slice()), ("cookie", cookie.as_bytes())];
    let answer = envoy.get("/v1/task", &two_headers).await?;
    ensure!(answer.status == 200 && !answer.text().contains(&token), "{answer:?}");
    let bad = format!("session={}", stranger("ES256").good());
    assert_eq!(envoy.get("/v1/task", &[("cookie", bad.as_bytes())]).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_token_in_the_query_is_accepted_and_does_not_go_on() -> Result<()> {
    let (envoy, token) = (everywhere().await?, signer("ES256").good());
    for (sent, left) in [
        (format!("/v1/task?access_token={token}"), "/v1/task"),
        (format!("/v1/task?limit=1&access_token={token}&q=%20a&&x"), "/v1/task?limit=1&q=%20a&&x"),
        (format!("/v1/task?access%5Ftoken={token}&limit=1"), "/v1/task?limit=1"),
    ] {
        let answer = envoy.get(&sent, &[]).await?;
        assert_eq!(answer.status, 200, "{answer:?}\n{}", envoy.log());
        assert_eq!(seen(&answer).0, format!("GET {left} HTTP/1.1"), "{answer:?}");
        ensure!(answer.text().contains("x-user-id: ada") && !answer.text().contains(&token), "{answer:?}");
    }
    let bad = format!("/v1/task?access_token={}", stranger("ES256").good());
    assert_eq!(envoy.get(&bad, &[]).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_token_does_not_go_on_to_a_public_operation_either() -> Result<()> {
    let (envoy, token) = (everywhere().await?, signer("ES256").good());
    let cookie = format!("session={token}; a=b");
    let answer =
        envoy.get(&format!("/healthz?access_token={token}&a=b"), &[("cookie", cookie.as_bytes())]).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(seen(&answer), ("GET /healthz?a=b HTTP/1.1".to_owned(), Some("a=b".to_owned())));
    Ok(())
}

#[tokio::test]
async fn tokens_in_two_places_are_one_too_many_even_if_they_are_the_same() -> Result<()> {
    let (envoy, token) = (everywhere().await?, signer("ES256").good());
    let (bearer, cookie) = (format!("Bearer {token}"), format!("session={token}"));
    let (plain, query) = ("/v1/task", format!("/v1/task?access_token={token}"));
    let twice_in_query = format!("{query}&access_token={token}");
    let twice_in_cookie = format!("{cookie}; {cookie}");
    let (bearer, cookie) = (("authorization", bearer.as_bytes()), ("cookie", cookie.as_bytes()));
    let requests = [
        (plain, vec![bearer, cookie]),
        (&query, vec![bearer]),
        (&query, vec![cookie]),
        (&query, vec![bearer, cookie]),
        (&twice_in_query, vec![]),
        (plain, vec![("cookie", twice_in_cookie.as_bytes())]),
    ];
    for (target, headers) in requests {
        let answer = envoy.get(target, &headers).await?;
        assert_eq!(answer.status, 400, "{target} {answer:?}");
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.as_deref(), Some(r#"Bearer realm="gateway", error="invalid_request""#));
    }
    assert_eq!(envoy.upstream().requests(), 0, "{}", envoy.log());
    Ok(())
}

#[tokio::test]
async fn a_place_that_is_not_configured_is_none() -> Result<()> {
    let token = signer("ES256").good();
    let (bearer, cookie) = (format!("Bearer {token}"), format!("session={token}"));
    let envoy = with(&json!({"token": {"authorization": false, "cookie": "session"}})).await?;
    let answer =
        envoy.get(&format!("/v1/task?access_token={token}"), &[("authorization", bearer.as_bytes())]).await?;
    assert_eq!(answer.status, 401, "{answer:?}");
    let both = [("authorization", b"Basic YTpi".as_slice()), ("cookie", cookie.as_bytes())];
    assert_eq!(envoy.get("/v1/task", &both).await?.status, 200);
    Ok(())
}
