//! RFC 8725, sections 3.8, 3.9 and 3.12, and RFC 7519, section 4.1: who issued the token, for whom, for which time.

use anyhow::{Result, ensure};
use cutover_e2e::eventually;
use serde_json::{Value, json};

use crate::Gate;
use crate::signers::{ISSUER, now, signer};

/// The issuer's leeway in seconds.
const LEEWAY: i64 = 5;

/// A token with this claim at so many seconds from now, and what became of it within one second of the clock.
async fn at(gate: &Gate, claim: &str, offset: i64) -> Result<u16> {
    loop {
        let start = now();
        let token = signer("HS256").token(&json!({claim: start.cast_signed() + offset}));
        let outcome = gate.with_token(token.as_bytes()).await?;
        if now() == start {
            return Ok(outcome.answer.status);
        }
    }
}

fn with(claims: &Value) -> String {
    signer("HS256").token(claims)
}

#[tokio::test]
async fn a_token_without_an_end_is_refused() -> Result<()> {
    let gate = Gate::open()?;
    gate.accepts("control", &with(&json!({}))).await?;
    gate.refuses("no exp", with(&json!({"exp": null}))).await
}

#[tokio::test]
async fn expiry_has_a_leeway_to_the_second() -> Result<()> {
    let gate = Gate::open()?;
    assert_eq!(at(&gate, "exp", 0).await?, 200);
    assert_eq!(at(&gate, "exp", 1 - LEEWAY).await?, 200);
    assert_eq!(at(&gate, "exp", -LEEWAY).await?, 401);
    gate.refuses("long over", with(&json!({"exp": now() - 3600}))).await?;
    gate.refuses("1970", with(&json!({"exp": 0}))).await?;
    gate.refuses("before 1970", with(&json!({"exp": -1}))).await?;
    gate.refuses("far before 1970", with(&json!({"exp": -1e300}))).await
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_once_it_has_expired() -> Result<()> {
    let gate = Gate::open()?;
    // A machine may stall for as long as the token is good; then there was nothing to see, and another one is made.
    let token = loop {
        let end = now() + 2;
        let token = with(&json!({"exp": end.cast_signed() - LEEWAY}));
        let status = gate.with_token(token.as_bytes()).await?.answer.status;
        if now() < end {
            assert_eq!(status, 200);
            break token;
        }
    };
    eventually("the end of the token", || gate.refuses("expired", &token)).await
}

#[tokio::test]
async fn a_token_of_the_future_is_refused_beyond_the_leeway() -> Result<()> {
    let gate = Gate::open()?;
    for claim in ["nbf", "iat"] {
        assert_eq!(at(&gate, claim, 0).await?, 200, "{claim}");
        assert_eq!(at(&gate, claim, LEEWAY).await?, 200, "{claim}");
        assert_eq!(at(&gate, claim, LEEWAY + 1).await?, 401, "{claim}");
        gate.refuses(claim, with(&json!({claim: now() + 3600}))).await?;
        gate.refuses(claim, with(&json!({claim: 1e300}))).await?;
    }
    let fraction = json!({"iat": now().cast_signed() as f64 - 0.5, "nbf": now().cast_signed() as f64 - 1.25});
    gate.accepts("fractions of a second", &with(&fraction)).await
}

#[tokio::test]
async fn the_issuer_is_compared_exactly() -> Result<()> {
    let gate = Gate::open()?;
    for issuer in [
        json!(null),
        json!(""),
        json!("https://issuer.example/"),
        json!("https://issuer.example "),
        json!("HTTPS://ISSUER.EXAMPLE"),
        json!("http://issuer.example"),
        json!("https://issuer.example:443"),
        json!("https://issuer.example.attacker.example"),
        json!("https://issuer.example\0"),
        json!("https://issuer.ex\u{430}mple"),
        json!([ISSUER]),
        json!({"": ISSUER}),
        json!(1),
    ] {
        gate.refuses(&issuer.to_string(), with(&json!({"iss": issuer}))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_audience_is_a_text_or_a_list_that_names_us() -> Result<()> {
    let gate = Gate::open()?;
    for audience in [json!("gateway"), json!(["gateway"]), json!(["other", "gateway"])] {
        gate.accepts(&audience.to_string(), &with(&json!({"aud": audience}))).await?;
    }
    for audience in [
        json!(null),
        json!(""),
        json!("other"),
        json!("Gateway"),
        json!("gateway2"),
        json!("gate"),
        json!("gateway other"),
        json!("gateway,other"),
        json!([]),
        json!(["other"]),
        json!([["gateway"]]),
        json!(["gateway", 1]),
        json!({"gateway": true}),
        json!(true),
        json!(0),
    ] {
        gate.refuses(&audience.to_string(), with(&json!({"aud": audience}))).await?;
    }
    gate.refuses("null", with_texts("null", &(now() + 60).to_string())).await
}

/// A token with these texts as `aud` and `exp`, which need not be JSON.
fn with_texts(audience: &str, expires: &str) -> String {
    let claims =
        format!(r#"{{"iss":"{ISSUER}","aud":{audience},"sub":"ada","scope":"task:read","exp":{expires}}}"#);
    signer("HS256").sign_texts(signer("HS256").header(&json!({})), claims)
}

#[tokio::test]
async fn claims_of_the_wrong_type_are_refused_not_converted() -> Result<()> {
    let gate = Gate::open()?;
    let later = now() + 3600;
    for claims in [
        json!({"exp": later.to_string()}),
        json!({"exp": [later]}),
        json!({"exp": {"": later}}),
        json!({"exp": true}),
        json!({"nbf": "0"}),
        json!({"nbf": false}),
        json!({"iat": "0"}),
        json!({"iat": []}),
        json!({"sub": 7}),
        json!({"sub": ["ada"]}),
        json!({"sub": {"": "ada"}}),
        json!({"scope": 1}),
        json!({"scope": {"task:read": true}}),
    ] {
        gate.refuses(&claims.to_string(), with(&claims)).await?;
    }
    gate.accepts("control", &with_texts(r#""gateway""#, &later.to_string())).await?;
    for exp in [
        "null",
        "1e999",
        "NaN",
        "Infinity",
        "0x7fffffff",
        "+4102444800",
        "04102444800",
        "4102444800.",
        "4_102_444_800",
    ] {
        gate.refuses(exp, with_texts(r#""gateway""#, exp)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_claim_that_no_header_can_carry_is_refused_not_cut() -> Result<()> {
    let gate = Gate::open()?;
    for subject in
        ["ada\r\nx-user-scopes: admin", "ada\n", "ada\0", "\u{7f}", "ad\u{e5}", "\u{0430}da", "\u{1f600}"]
    {
        gate.refuses(subject, with(&json!({"sub": subject}))).await?;
        gate.refuses(subject, with(&json!({"scope": format!("task:read {subject}")}))).await?;
    }
    let outcome = gate.with_token(with(&json!({"sub": "a, b; c=\"d\""})).as_bytes()).await?;
    ensure!(outcome.answer.text().contains("x-user-id: a, b; c=\"d\"\r\n"), "{:?}", outcome.answer);
    Ok(())
}
