//! What claims are demanded, what of them the service gets, what an access log.

use anyhow::{Result, ensure};
use cutover_e2e::{AuthEnvoy, eventually};
use serde_json::{Value, json};

use crate::signers::{configuration, merged, signer, stranger};
use crate::with;

#[tokio::test]
async fn nested_claims_and_lists_go_on_in_headers_that_no_client_can_set() -> Result<()> {
    let forward = json!({
        "x-user-id": "sub",
        "x-tenant": "/tenant/name",
        "x-roles": {"claim": "/realm_access/roles", "join": ","},
        "x-slash": "/a~1b",
    });
    let envoy = with(&json!({"forward": forward})).await?;
    let claims = json!({"tenant": {"name": "acme"}, "realm_access": {"roles": ["admin", "dev"]}, "a/b": "c"});
    let token = format!("Bearer {}", signer("ES256").token(&claims));
    let spoofed: [(&str, &[u8]); 6] = [
        ("authorization", token.as_bytes()),
        ("x-user-id", b"root"),
        ("x-tenant", b"other"),
        ("x-roles", b"root"),
        ("X-Roles", b"superuser"),
        ("x-slash", b"\xff"),
    ];
    let text = envoy.get("/v1/task", &spoofed).await?.text();
    for line in ["x-user-id: ada", "x-tenant: acme", "x-roles: admin,dev", "x-slash: c"] {
        ensure!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    ensure!(!text.contains("root") && !text.contains("superuser") && !text.contains("other"), "{text}");
    // What a token does not say is not sent at all, whatever the client says.
    let plain = format!("Bearer {}", signer("ES256").good());
    let text = envoy
        .get("/v1/task", &[&[("authorization", plain.as_bytes())], &spoofed[1..]].concat())
        .await?
        .text();
    ensure!(text.contains("x-user-id: ada\r\n") && !text.contains("x-tenant"), "{text}");
    ensure!(!text.contains("x-roles") && !text.contains("x-slash"), "{text}");
    for claims in [
        json!({"realm_access": {"roles": ["a,b"]}}),
        json!({"realm_access": {"roles": ["a", 1]}}),
        json!({"realm_access": {"roles": ["a\r\nx-user-id: root"]}}),
        json!({"tenant": {"name": {"x": 1}}}),
    ] {
        assert_eq!(
            envoy.get_with("/v1/task", &signer("ES256").token(&claims)).await?.status,
            401,
            "{claims}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn scopes_may_be_a_text_or_a_list_in_the_claims_that_are_named() -> Result<()> {
    let issuer = json!({"scope_claims": ["scope", "scp", "permissions"]});
    let envoy = AuthEnvoy::builder().configuration(&configuration(&issuer)).start().await?;
    for (claims, expected) in [
        (json!({"scope": "other task:read"}), 200),
        (json!({"scope": null, "scp": ["other", "task:read"]}), 200),
        (json!({"scope": null, "scp": "task:read"}), 200),
        (json!({"scope": null, "permissions": ["task:read"]}), 200),
        (json!({"scope": "other", "permissions": ["task:read"]}), 200),
        (json!({"scope": null}), 403),
        (json!({"scope": null, "scp": ["task:read other"]}), 403),
        (json!({"scope": null, "roles": ["task:read"]}), 403),
        (json!({"scope": null, "scp": [["task:read"]]}), 401),
        (json!({"scope": null, "permissions": {"task:read": true}}), 401),
    ] {
        let answer = envoy.get_with("/v1/task", &signer("HS256").token(&claims)).await?;
        assert_eq!(answer.status, expected, "{claims} {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn required_claims_are_required() -> Result<()> {
    let require = json!([
        {"claim": "tier", "equals": 1},
        {"claim": "/org/groups", "contains": "gateway-users"},
        {"claim": "azp", "one_of": ["web", "mobile"]},
    ]);
    let issuer = json!({"require": require});
    let envoy = AuthEnvoy::builder().configuration(&configuration(&issuer)).start().await?;
    let good = json!({"tier": 1, "org": {"groups": ["x", "gateway-users"]}, "azp": "web"});
    for (change, expected) in [
        (json!({}), 200),
        (json!({"azp": "mobile"}), 200),
        (json!({"tier": null}), 401),
        (json!({"tier": "1"}), 401),
        (json!({"tier": true}), 401),
        (json!({"org": {"groups": "gateway-users"}}), 401),
        (json!({"org": {"groups": []}}), 401),
        (json!({"org": null}), 401),
        (json!({"azp": "other"}), 401),
        (json!({"azp": ["web"]}), 401),
        (json!({"azp": null}), 401),
    ] {
        let token = signer("HS256").token(&merged(good.clone(), &change));
        let answer = envoy.get_with("/v1/task", &token).await?;
        assert_eq!(answer.status, expected, "{change} {answer:?}");
    }
    Ok(())
}

/// An Envoy that logs filter state; the format has nothing of the request that could have a token in it.
async fn logging(filter_state: Value) -> Result<AuthEnvoy> {
    let change = json!({
        "filter_state": filter_state,
        "token": {"authorization": true, "cookie": "session", "query": "access_token"},
    });
    let format = "%RESPONSE_CODE% sub=%FILTER_STATE(wasm.cutover.auth.sub:PLAIN)% \
                  payload=%FILTER_STATE(wasm.cutover.auth.payload:PLAIN)% \
                  roles=%FILTER_STATE(wasm.roles:PLAIN)% details=%RESPONSE_CODE_DETAILS%";
    let configuration = merged(configuration(&json!({})), &change);
    AuthEnvoy::builder()
        .configuration(&configuration)
        .access_log_format(format)
        .wasm_log_level("debug")
        .start()
        .await
}

async fn log_of(envoy: &AuthEnvoy, lines: usize) -> Result<Vec<String>> {
    eventually("the access log", || async {
        let log = envoy.access_log()?;
        ensure!(log.lines().count() == lines, "{log}");
        Ok(log.lines().map(str::to_owned).collect())
    })
    .await
}

#[tokio::test]
async fn the_access_log_has_who_called_and_never_the_token() -> Result<()> {
    let envoy = logging(json!(null)).await?;
    let token = signer("ES256").token(&json!({"roles": ["a", "b"]}));
    let cookie = format!("session={token}");
    let (bad, query) = (stranger("ES256").good(), format!("/v1/task?access_token={token}"));
    assert_eq!(envoy.get_with("/v1/task", &token).await?.status, 200, "{}", envoy.log());
    assert_eq!(envoy.get_with("/v1/task", &token).await?.status, 200, "out of the cache");
    assert_eq!(envoy.get("/v1/task", &[("cookie", cookie.as_bytes())]).await?.status, 200);
    assert_eq!(envoy.get(&query, &[]).await?.status, 200);
    assert_eq!(envoy.get_with("/v1/task", &bad).await?.status, 401);
    assert_eq!(envoy.get("/healthz", &[]).await?.status, 200);
    let log = log_of(&envoy, 6).await?;
    for line in &log[..4] {
        ensure!(line.starts_with("200 sub=ada payload={"), "{line}");
        ensure!(line.contains(r#""roles":["a","b"]"#) && line.contains("roles=- "), "{line}");
    }
    ensure!(
        log[4].starts_with("401 sub=- payload=- ") && log[4].ends_with("cutover_auth_bad_signature"),
        "{log:?}"
    );
    ensure!(log[5].starts_with("200 sub=- payload=- "), "{log:?}");
    let everything = format!("{}{}", log.join("\n"), envoy.log());
    for token in [&token, &bad] {
        let (input, signature) = token.rsplit_once('.').unwrap_or_default();
        ensure!(
            !everything.contains(input) && !everything.contains(signature),
            "a token is in a log: {everything}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn filter_state_is_what_the_configuration_says() -> Result<()> {
    let claims = json!({"roles": ["a", {"b": 1}], "sub": "a\nforged line"});
    let plain = json!({"roles": ["a", {"b": 1}]});
    let envoy = logging(json!({"roles": "roles", "cutover.auth.sub": "sub"})).await?;
    assert_eq!(envoy.get_with("/v1/task", &signer("HS256").token(&plain)).await?.status, 200);
    assert_eq!(envoy.get_with("/v1/task", &signer("HS256").token(&claims)).await?.status, 401);
    let log = log_of(&envoy, 2).await?;
    ensure!(log[0].starts_with(r#"200 sub=ada payload=- roles=["a",{"b":1}] "#), "{log:?}");
    ensure!(log[1].starts_with("401 sub=- payload=- roles=- "), "{log:?}");

    let envoy = logging(json!({})).await?;
    assert_eq!(envoy.get_with("/v1/task", &signer("HS256").good()).await?.status, 200);
    let log = log_of(&envoy, 1).await?;
    ensure!(log[0].starts_with("200 sub=- payload=- roles=- "), "{log:?}");
    Ok(())
}
