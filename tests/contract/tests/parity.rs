//! Requests made from the contract: both sides give the same status and the same errors.

use std::path::Path;

use anyhow::{Result, ensure};
use cutover_contract::parity::{Exceptions, Generated, Seen, ask, generate, judge};
use cutover_contract::{Target, Tokens};
use cutover_e2e::{Stack, Token, paths};

/// Other requests of the same kinds: `PARITY_SEED=n`.
const SEED: u64 = 20_260_301;

async fn answers(stack: &Stack, side: &str, requests: &[Generated]) -> Result<Vec<Seen>> {
    stack.everything_on(side).await?;
    let addresses = stack.addresses();
    let target = Target {
        gateway: addresses.gateway.clone(),
        upstreams: vec![addresses.trade.clone(), addresses.task.clone()],
        tokens: Tokens::new(Token::ALL.map(|token| (token.name().to_owned(), stack.token(token).to_owned()))),
    };
    let seen = ask(&target, requests).await?;
    let strays = seen.iter().filter(|one| one.side.as_deref().is_some_and(|own| own != side)).count();
    ensure!(strays == 0, "{strays} requests were not answered by the {side} side");
    Ok(seen)
}

#[tokio::test]
async fn both_sides_answer_generated_requests_alike() -> Result<()> {
    let contract = std::fs::read_to_string(paths::root().join("openapi/trade-task.yaml"))?;
    let seed = std::env::var("PARITY_SEED").ok().map_or(Ok(SEED), |seed| seed.parse())?;
    let requests = generate(&contract, seed)?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity-exceptions.json");
    let exceptions = Exceptions::parse(&std::fs::read_to_string(file)?)?;

    let stack = Stack::start().await?;
    let node = answers(&stack, "node", &requests).await?;
    let rust = answers(&stack, "rust", &requests).await?;
    let parity = judge(&requests, &node, &rust, &exceptions)?;
    println!("{parity}");
    ensure!(parity.differing.is_empty(), "the sides differ\n{parity}\n{}", stack.output());
    ensure!(
        parity.unused.is_empty() || seed != SEED,
        "parity-exceptions.json has what is needed no more: {:?}",
        parity.unused
    );
    let refused: usize = parity.statuses.range(400..500).map(|(_, count)| count).sum();
    let passed: usize = parity.statuses.range(200..300).map(|(_, count)| count).sum();
    ensure!(refused >= 300 && passed >= 100, "too few of a kind: {parity}");
    Ok(())
}
