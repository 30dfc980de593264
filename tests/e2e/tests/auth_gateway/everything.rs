//! Every option at once, and a contract that says itself where its tokens are.

use anyhow::{Context, Result, ensure};
use cutover_e2e::{Stack, Token, eventually, paths};

use crate::issuer::Issuer;
use crate::{KEYS, keys, token};

#[tokio::test]
async fn every_option_that_can_be_written_is_one_that_the_filter_takes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let issuer = Issuer::start().await?;
    issuer.publish(&keys(folder.path(), "keys")?);
    let pem = paths::root().join("control-plane/cutover/testdata/config/issuer.pem");
    let rules = format!(
        "{KEYS}\n      algorithms: [RS256, EdDSA]\n      scope_claims: [scope, scp]\n      \
         require: [{{ claim: sub, one_of: [trader, somebody] }}]"
    );
    let issuers = format!(
        "  issuers:\n    \
         - {{ issuer: \"https://fetched.example\", audiences: [gateway], algorithms: [ES256], leeway: 0s,\n        \
         jwks: {{ url: \"http://{}/jwks.json\", timeout: 3s, refresh: 10s, unknown_kid: 1s, hold: 3s,\n          \
         hold_requests: 10 }} }}\n    \
         - {{ issuer: \"https://single.example\", audiences: [gateway],\n        \
         pem: {{ file: {}, algorithm: ES256, kid: one }} }}\n",
        issuer.address,
        pem.display()
    );
    let options = "  schemes:\n    \
         bearerAuth: { issuers: [\"https://issuer.cutover.example\", \"https://fetched.example\"] }\n  \
         token: { authorization: true, cookie: session, query: access_token }\n  \
         cache: { entries: 100, bytes: 64KiB }\n  errors: problem\n  \
         filter_state: { cutover.auth.sub: sub, scopes: scope, all: \"\" }\n  forward: {";
    let stack = Stack::builder()
        .edit(KEYS, &rules)
        .edit("  issuers:\n", &issuers)
        .edit("  forward: {", options)
        .start()
        .await?;
    stack.everything_on("rust").await?;
    let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", stack.output());

    let ask = async |algorithm: &str| {
        let token =
            token(folder.path(), "keys", &["--issuer", "https://fetched.example", "--alg", algorithm])?;
        stack.get("/v1/task").header("authorization", &format!("Bearer {token}")).send().await
    };
    eventually("the fetched keys are there", || async {
        let answer = ask("ES256").await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    })
    .await
    .with_context(|| stack.output())?;
    assert_eq!(
        ask("RS256").await?.status,
        401,
        "a key that the issuer has, but of an algorithm it must not use"
    );
    Ok(())
}

#[tokio::test]
async fn an_api_key_of_the_contract_can_be_a_token_in_the_query() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let contract = std::fs::read_to_string(paths::root().join("openapi/trade-task.yaml"))?;
    let bearer = "      type: http\n      scheme: bearer\n      bearerFormat: JWT\n";
    ensure!(contract.contains(bearer), "the contract's scheme is not what this test replaces");
    let path = folder.path().join("api.yaml");
    let by_query = "      type: apiKey\n      in: query\n      name: key\n";
    std::fs::write(&path, contract.replace(bearer, by_query))?;
    let named = format!("openapi: {} # and not ../openapi/trade-task.yaml", path.display());
    let stack = Stack::builder()
        .edit("openapi: ../openapi/trade-task.yaml", &named)
        .edit("  forward: {", "  token: { authorization: false, query: key }\n  forward: {")
        .start()
        .await?;
    stack.everything_on("rust").await?;
    let answer = stack.get(&format!("/v1/task?key={}&limit=1", stack.token(Token::Trader))).send().await?;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", stack.output());
    assert_eq!(stack.get("/v1/task").token(Token::Trader).send().await?.status, 401);
    Ok(())
}
