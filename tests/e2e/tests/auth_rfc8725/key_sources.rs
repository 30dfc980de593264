//! RFC 8725, sections 3.5, 3.9 and 3.10: keys come from the configuration, are strong enough, and nothing in a token
//! makes the gateway fetch or trust another.

use std::io::ErrorKind;
use std::net::TcpListener;

use anyhow::{Result, ensure};
use cutover_e2e::{AuthEnvoy, eventually};
use serde_json::{Value, json};

use crate::Gate;
use crate::signers::{Signer, configuration, encode, key_set, signer, stranger};

#[tokio::test]
async fn a_key_in_the_token_is_not_trusted() -> Result<()> {
    let gate = Gate::open()?;
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA", "HS256"] {
        let attacker = stranger(algorithm);
        for kid in [json!(algorithm), json!("attacker"), json!(null)] {
            let jwk = attacker.jwk();
            for header in [
                json!({"jwk": jwk, "kid": kid}),
                json!({"jwk": {"keys": [jwk]}, "kid": kid}),
                json!({"jwks": {"keys": [jwk]}, "kid": kid}),
                json!({"key": jwk, "kid": kid}),
                json!({"x5c": [encode("a certificate")], "x5t": "AAAA", "x5t#S256": "AAAA", "kid": kid}),
            ] {
                let token = attacker.token_with(&header, &json!({}));
                gate.refuses(&header.to_string(), token).await?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_address_in_the_token_is_never_called() -> Result<()> {
    let gate = Gate::open()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    for scheme in ["http", "https", "ldap", "file"] {
        let url = format!("{scheme}://{address}/jwks.json");
        let header = json!({"jku": url, "x5u": url, "kid": url, "iss": url});
        gate.refuses(&url, stranger("RS256").token_with(&header, &json!({}))).await?;
        gate.refuses(&url, stranger("RS256").token_with(&header, &json!({"iss": url}))).await?;
        // A good token does not become a reason to call either.
        let header = json!({"jku": url, "x5u": url});
        gate.accepts(&url, &signer("RS256").token_with(&header, &json!({}))).await?;
    }
    // Whoever had connected by now would wait in the listener's queue.
    let called = listener.accept();
    ensure!(matches!(&called, Err(error) if error.kind() == ErrorKind::WouldBlock), "{called:?}");
    Ok(())
}

#[tokio::test]
async fn the_name_of_a_key_is_only_ever_compared() -> Result<()> {
    let gate = Gate::open()?;
    let long = "x".repeat(4000);
    for kid in [
        "../../../../dev/null",
        "/dev/null",
        "file:///etc/passwd",
        "RS256' OR '1'='1",
        "x' UNION SELECT 'AA';--",
        "RS256\0",
        "\0",
        "RS256\r\nx-user-id: root",
        "$(id)",
        "${jndi:ldap://127.0.0.1/a}",
        "{{7*7}}",
        "RS256 ",
        "rs256",
        "*",
        "",
        "\u{202e}652SR",
        "R\u{17f}256",
        long.as_str(),
    ] {
        for algorithm in ["RS256", "HS256"] {
            gate.refuses(kid, signer(algorithm).with_kid(kid).good()).await?;
            gate.refuses(kid, Signer::hmac("HS256", b"").with_kid(kid).good()).await?;
        }
    }
    for kid in [json!(7), json!(["RS256"]), json!({"RS256": 1}), json!(true)] {
        gate.refuses(&kid.to_string(), signer("RS256").token_with(&json!({"kid": kid}), &json!({}))).await?;
    }
    gate.accepts("no name, one key", &signer("RS256").token_with(&json!({"kid": null}), &json!({}))).await
}

/// A key set in which `change` is one more key.
fn and(key: Value) -> Value {
    let mut set = key_set();
    if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
        keys.push(key);
    }
    set
}

#[tokio::test]
async fn a_weak_key_is_left_out_with_a_warning_and_its_tokens_are_refused() -> Result<()> {
    let weak = Signer::weak_rsa();
    let short = Signer::hmac("HS256", &[7; 31]).with_kid("short");
    let mut set = and(weak.jwk());
    set["keys"].as_array_mut().into_iter().for_each(|keys| keys.push(short.jwk()));
    let envoy = AuthEnvoy::builder().configuration(&configuration(&json!({"jwks": set}))).start().await?;
    assert_eq!(envoy.get_with("/v1/task", &signer("RS256").good()).await?.status, 200, "{}", envoy.log());
    assert_eq!(envoy.get_with("/v1/task", &weak.good()).await?.status, 401);
    assert_eq!(envoy.get_with("/v1/task", &short.good()).await?.status, 401);
    eventually("both warnings", || async {
        let log = envoy.log();
        ensure!(log.contains("the rsa modulus has 1024 bits; 2048 to 4096 are accepted"), "{log}");
        ensure!(log.contains("the secret has 31 bytes; at least 32 are needed"), "{log}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_issuer_with_weak_keys_only_is_no_configuration() -> Result<()> {
    let set = json!({"keys": [Signer::weak_rsa().jwk()]});
    let refused = AuthEnvoy::builder().configuration(&configuration(&json!({"jwks": set}))).start().await;
    let error = format!("{:#}", refused.err().map_or_else(String::new, |error| format!("{error:#}")));
    assert!(error.contains("issuers[0].jwks"), "{error}");
    assert!(error.contains("the rsa modulus has 1024 bits"), "{error}");
    Ok(())
}
