//! Which keys and algorithms an issuer has, and which issuers a scheme takes.

use anyhow::{Context, Result};
use cutover_e2e::{AuthEnvoy, eventually};
use serde_json::{Value, json};

use crate::signers::{AUDIENCE, Signer, configuration, merged, signer, stranger};
use crate::{refusal, with};

async fn status(envoy: &AuthEnvoy, target: &str, token: &str) -> Result<u16> {
    let answer = envoy.get_with(target, token).await?;
    if answer.status == 401 {
        let expected = r#"Bearer realm="gateway", error="invalid_token""#;
        assert_eq!(answer.header("www-authenticate").as_deref(), Some(expected), "{answer:?}");
    }
    Ok(answer.status)
}

/// An issuer with this one key.
fn by_pem(issuer: &str, signer: &Signer, kid: &Value) -> Value {
    let pem = json!({"key": signer.public_pem(), "algorithm": signer.algorithm});
    json!({"issuer": issuer, "audiences": [AUDIENCE], "pem": merged(pem, &json!({"kid": kid}))})
}

#[tokio::test]
async fn a_single_pem_key_is_enough_for_an_issuer() -> Result<()> {
    let algorithms = ["RS256", "PS384", "ES256", "ES384", "EdDSA"];
    let mut issuers: Vec<Value> = algorithms.map(|name| by_pem(name, signer(name), &json!(null))).to_vec();
    issuers.push(by_pem("named", signer("ES256"), &json!("one")));
    let envoy = with(&json!({"issuers": issuers})).await?;
    for algorithm in algorithms {
        let (key, by) = (signer(algorithm), json!({"iss": algorithm}));
        for kid in [json!(null), json!(algorithm), json!("anything")] {
            let token = key.token_with(&json!({"kid": kid}), &by);
            assert_eq!(status(&envoy, "/v1/task", &token).await?, 200, "{algorithm} {kid}\n{}", envoy.log());
        }
        assert_eq!(status(&envoy, "/v1/task", &stranger(algorithm).token(&by)).await?, 401, "{algorithm}");
        let forger = Signer::hmac("HS256", key.public_pem().as_bytes()).with_kid(algorithm);
        assert_eq!(status(&envoy, "/v1/task", &forger.token(&by)).await?, 401, "{algorithm}");
    }
    // Where the key has a name, a token gives it or none.
    for (kid, expected) in [(json!("one"), 200), (json!(null), 200), (json!("two"), 401), (json!(""), 401)] {
        let token = signer("ES256").token_with(&json!({"kid": kid}), &json!({"iss": "named"}));
        assert_eq!(status(&envoy, "/v1/task", &token).await?, expected, "{kid}");
    }
    Ok(())
}

#[tokio::test]
async fn a_pem_that_is_no_public_key_is_refused_with_what_to_do() {
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let change = json!({"jwks": null, "pem": {"key": block, "algorithm": "RS256"}});
    let said = refusal(&configuration(&change).to_string()).await;
    assert!(said.contains("issuers[0].pem") && said.contains("openssl"), "{said}");
}

#[tokio::test]
async fn a_token_must_have_one_of_its_issuers_algorithms() -> Result<()> {
    let change = json!({"algorithms": ["RS256", "EdDSA"]});
    let envoy = AuthEnvoy::builder().configuration(&configuration(&change)).start().await?;
    for (algorithm, expected) in
        [("RS256", 200), ("EdDSA", 200), ("RS384", 401), ("PS256", 401), ("ES256", 401), ("HS256", 401)]
    {
        let token = signer(algorithm).good();
        assert_eq!(status(&envoy, "/v1/task", &token).await?, expected, "{algorithm}\n{}", envoy.log());
    }
    eventually("a warning about keys that are of no use", || async {
        envoy.log().contains("auth: key left out: issuers[0].jwks").then_some(()).context("no warning")
    })
    .await
}

/// Two issuers with keys of the same names, and operations that take one of them, the other, either, or both.
fn two_issuers() -> Value {
    let issuer = |name: &str, keys: Value| json!({"issuer": name, "audiences": [AUDIENCE], "jwks": keys});
    let staff = json!({"keys": [signer("ES256").jwk(), signer("HS256").jwk()]});
    let partners = json!({"keys": [stranger("ES256").jwk(), stranger("HS256").jwk()]});
    let needs = |schemes: &[&str]| -> Value {
        schemes.iter().map(|scheme| json!({"scheme": scheme, "scopes": ["task:read"]})).collect()
    };
    let route = |name: &str, security: Value| json!({"id": name, "method": "GET", "path": format!("/{name}"), "security": security});
    json!({
        "realm": "gateway",
        "routes": [
            route("staff", json!([needs(&["staff"])])),
            route("partners", json!([needs(&["partners"])])),
            route("either", json!([needs(&["staff"]), needs(&["partners"])])),
            route("everyone", json!([needs(&["everyone"])])),
            route("both", json!([needs(&["staff", "partners"])])),
        ],
        "issuers": [issuer("https://staff.example", staff), issuer("https://partners.example", partners)],
        "schemes": {
            "staff": {"issuers": ["https://staff.example"]},
            "partners": {"issuers": ["https://partners.example"]},
            "everyone": {"issuers": ["https://staff.example", "https://partners.example"]},
        },
        "forward": {"x-user-id": "sub"},
    })
}

#[tokio::test]
async fn a_scheme_takes_the_tokens_of_its_issuers_only() -> Result<()> {
    let envoy = AuthEnvoy::builder().configuration(&two_issuers()).start().await?;
    let (staff, partners) =
        (json!({"iss": "https://staff.example"}), json!({"iss": "https://partners.example"}));
    for algorithm in ["ES256", "HS256"] {
        let (ours, theirs) = (signer(algorithm).token(&staff), stranger(algorithm).token(&partners));
        for (path, by_staff, by_partner) in [
            ("/staff", 200, 401),
            ("/partners", 401, 200),
            ("/either", 200, 200),
            ("/everyone", 200, 200),
            ("/both", 401, 401),
        ] {
            assert_eq!(status(&envoy, path, &ours).await?, by_staff, "{path}: {}", envoy.log());
            assert_eq!(status(&envoy, path, &theirs).await?, by_partner, "{path}: {}", envoy.log());
            // Each issuer's keys are for its own tokens.
            assert_eq!(status(&envoy, path, &signer(algorithm).token(&partners)).await?, 401, "{path}");
            assert_eq!(status(&envoy, path, &stranger(algorithm).token(&staff)).await?, 401, "{path}");
        }
        let poor = signer(algorithm).token(&merged(staff.clone(), &json!({"scope": "other"})));
        assert_eq!(status(&envoy, "/staff", &poor).await?, 403);
        assert_eq!(status(&envoy, "/partners", &poor).await?, 401, "another issuer is no matter of scopes");
    }
    Ok(())
}

#[tokio::test]
async fn an_optional_operation_works_without_a_token_but_not_with_a_bad_one() -> Result<()> {
    let envoy = with(&json!({})).await?;
    let answer = envoy.get("/maybe", &[]).await?;
    assert!(answer.status == 200 && !answer.text().contains("x-user-id"), "{answer:?}");
    let answer = envoy.get_with("/maybe", &signer("HS256").good()).await?;
    assert!(answer.status == 200 && answer.text().contains("x-user-id: ada\r\n"), "{answer:?}");
    assert_eq!(status(&envoy, "/maybe", &stranger("HS256").good()).await?, 401);
    assert_eq!(status(&envoy, "/maybe", "x").await?, 401);
    Ok(())
}

#[tokio::test]
async fn signatures_are_verified_by_the_host_where_it_can() -> Result<()> {
    let envoy = with(&json!({"cache": "off"})).await?;
    for (algorithm, place) in [
        ("RS256", 2),
        ("RS384", 2),
        ("RS512", 2),
        ("ES256", 2),
        ("ES384", 2),
        ("ES512", 2),
        ("PS256", 1),
        ("PS384", 1),
        ("PS512", 1),
        ("EdDSA", 1),
        ("HS256", 1),
        ("HS384", 1),
        ("HS512", 1),
    ] {
        let name = format!("wasmcustom.cutover_auth.verifier.{algorithm}");
        assert_eq!(envoy.stat(&name).await?, place, "{algorithm}\n{}", envoy.log());
        assert_eq!(status(&envoy, "/v1/task", &signer(algorithm).good()).await?, 200, "{algorithm}");
    }
    Ok(())
}
