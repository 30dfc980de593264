//! Keys at a URL: fetched through a cluster that comes with the configuration, and again when they change.

use std::fs;

use anyhow::{Context, Result, ensure};
use cutover_e2e::{Stack, Token, eventually};

use crate::issuer::{self, Issuer};
use crate::{KEYS, instead, keys, token};

#[tokio::test]
async fn an_issuers_keys_are_fetched_and_followed_when_they_change() -> Result<()> {
    let issuer = Issuer::start().await?;
    let url = format!("http://{}/jwks.json", issuer.address);
    let fetched = instead(&format!("jwks: {{ url: \"{url}\", refresh: 10s, unknown_kid: 1s, hold: 5s }}"));
    let stack = Stack::builder().edit(KEYS, &fetched).start().await?;
    stack.everything_on("rust").await?;

    // Nobody can tell a good token from a bad one yet. That is no fault of who calls, and public operations do not care.
    let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (503, "service unavailable"),
        "{}",
        stack.output()
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(stack.get("/healthz").send().await?.status, 200);

    issuer.publish(&fs::read_to_string(stack.home().join(".run/keys/jwks.json"))?);
    eventually("the trader is known", || async {
        let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    })
    .await
    .with_context(|| stack.output())?;
    let settled = issuer.fetches();
    for _ in 0..20 {
        assert_eq!(stack.get("/v1/task").token(Token::Trader).send().await?.status, 200);
    }
    assert!(issuer.fetches() <= settled + 1, "keys that are known are not fetched before their time");

    // The old keys are withdrawn for new ones: the first token of the new ones waits for them, none is refused.
    issuer.publish(&keys(stack.home(), "next")?);
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let next = token(stack.home(), "next", &["--alg", algorithm])?;
        let answer = stack.get("/v1/task").header("authorization", &format!("Bearer {next}")).send().await?;
        assert_eq!(answer.status, 200, "{algorithm}: {answer:?}\n{}", stack.output());
    }
    let answer = stack.get("/v1/task").token(Token::Trader).send().await?;
    assert_eq!((answer.status, answer.message().as_str()), (401, "unauthorized"));
    Ok(())
}

#[tokio::test]
async fn only_the_host_that_was_named_is_believed_about_keys() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let set = keys(folder.path(), "keys")?;
    let (_issuer, port) = issuer::with_tls(folder.path(), &set).await?;
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, include_str!("tls/ca.pem"))?;
    let ca = ca.display();
    // One server, whose certificate is for `localhost`: by its address it could be anybody.
    let named = |name: &str, host: &str| {
        let jwks = format!("{{ url: \"https://{host}:{port}/jwks.json\", hold: 1s, ca: {ca} }}");
        format!("    - {{ issuer: \"https://{name}.example\", audiences: [gateway], jwks: {jwks} }}\n")
    };
    let issuers = format!("  issuers:\n{}{}", named("proven", "localhost"), named("unproven", "127.0.0.1"));
    let stack = Stack::builder().edit("  issuers:\n", &issuers).start().await?;
    stack.everything_on("rust").await?;
    let ask = async |issuer: &str| {
        let issuer = format!("https://{issuer}.example");
        let token = token(folder.path(), "keys", &["--issuer", &issuer])?;
        stack.get("/v1/task").header("authorization", &format!("Bearer {token}")).send().await
    };
    eventually("the keys of the host with a certificate", || async {
        let answer = ask("proven").await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    })
    .await
    .with_context(|| stack.output())?;
    let answer = ask("unproven").await?;
    assert_eq!(
        (answer.status, answer.message().as_str()),
        (503, "service unavailable"),
        "{}",
        stack.output()
    );
    let failed = "/stats?filter=ssl.fail_verify_san";
    let stats = stack.fetch(&stack.addresses().envoy_admin, failed).await?;
    let stats = String::from_utf8_lossy(stats.body()).into_owned();
    let refused = |line: &str| line.contains("127.0.0.1") && !line.ends_with(" 0");
    assert!(stats.lines().any(refused), "it is the name that was refused: {stats}");
    Ok(())
}
