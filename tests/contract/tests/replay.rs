//! The recording against the whole product: through Envoy, once with every operation on each side.

use std::path::Path;

use anyhow::{Result, ensure};
use cutover_contract::{Allowed, Har, Report, Target, Tokens, replay};
use cutover_e2e::{Stack, Token};

async fn replayed(stack: &Stack, side: &str) -> Result<Report> {
    stack.everything_on(side).await?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let har = Har::read(&folder.join("exchanges.har"))?;
    let allowed = Allowed::read(&folder.join("allowed-differences.json"))?;
    let addresses = stack.addresses();
    let target = Target {
        gateway: addresses.gateway.clone(),
        upstreams: vec![addresses.trade.clone(), addresses.task.clone()],
        tokens: Tokens::new(Token::ALL.map(|token| (token.name().to_owned(), stack.token(token).to_owned()))),
    };
    let report = replay(&har, &target, &allowed).await?;
    ensure!(report.drifted() == 0, "the {side} side drifts\n{report}\n{}", stack.output());
    let strays = report.outcomes.iter().filter(|outcome| outcome.side.as_deref() != Some(side));
    let strays: Vec<_> = strays.map(|outcome| &outcome.name).collect();
    ensure!(strays.is_empty(), "not answered by the {side} side: {strays:?}");
    Ok(report)
}

#[tokio::test]
async fn both_sides_answer_as_the_node_gateway_was_recorded() -> Result<()> {
    let stack = Stack::start().await?;
    let node = replayed(&stack, "node").await?;
    let rust = replayed(&stack, "rust").await?;
    let unused: Vec<_> = node.unused.intersection(&rust.unused).collect();
    ensure!(unused.is_empty(), "no side needs these rules of allowed-differences.json any more: {unused:?}");
    Ok(())
}
