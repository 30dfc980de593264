//! The form of refusals, and which issuer meets which scheme of the contract.

use anyhow::Result;
use cutover_e2e::{Stack, Token};

use crate::{keys, token};

#[tokio::test]
async fn refusals_are_problems_where_the_operator_wants_them() -> Result<()> {
    let stack = Stack::builder().edit("  forward: {", "  errors: problem\n  forward: {").start().await?;
    stack.everything_on("rust").await?;
    let answer = stack.get("/v1/task").send().await?;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!((problem["status"].as_u64(), problem["title"].as_str()), (Some(401), Some("Unauthorized")));
    assert_eq!(problem["instance"], "/v1/task");
    Ok(())
}

#[tokio::test]
async fn a_scheme_is_met_by_its_own_issuers_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    keys(folder.path(), "keys")?;
    let set = folder.path().join("keys/jwks.json");
    let other = format!(
        "  issuers:\n    - {{ issuer: \"https://other.example\", audiences: [gateway], jwks: {{ file: {} }} }}\n",
        set.display()
    );
    let schemes =
        "  schemes: { bearerAuth: { issuers: [\"https://issuer.cutover.example\"] } }\n  forward: {";
    let stack = Stack::builder().edit("  issuers:\n", &other).edit("  forward: {", schemes).start().await?;
    stack.everything_on("rust").await?;
    assert_eq!(stack.get("/v1/task").token(Token::Trader).send().await?.status, 200);
    let token = token(folder.path(), "keys", &["--issuer", "https://other.example"])?;
    let answer = stack.get("/v1/task").header("authorization", &format!("Bearer {token}")).send().await?;
    assert_eq!((answer.status, answer.message().as_str()), (401, "unauthorized"));
    Ok(())
}
