//! `make bench-start`: from exec to the first good answer, and the memory held then.
//!
//! Envoy has the bundle, one worker and `listTasks` wholly on the rust side, and counts as ready with the first 200 that
//! passed auth and validation there. The Node gateway counts as ready with the same answer of its own. Both are
//! started anew in each round, in turn, on the same machine and against the same services.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cutover_bench::{median, resident_mb, write_result};
use cutover_e2e::parts::{EnvoyOptions, NodeGateway, NodeOptions, launch, render_bootstrap};
use cutover_e2e::process::Process;
use cutover_e2e::{Stack, Token};
use reqwest::Client;
use serde_json::json;

const ROUNDS: usize = 7;
const LIMIT: Duration = Duration::from_secs(30);

struct Start {
    ready_s: f64,
    rss_mb: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let gateway = free_address()?;
    let mut stack = Stack::builder().listen(&gateway).workers(1).start().await?;
    stack.everything_on("rust").await?;
    stack.stop_envoy();
    stack.stop_node();

    let (mut envoy, mut node) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        envoy.push(start_envoy(&stack, &gateway).await?);
        node.push(start_node(&stack).await?);
    }
    report(&envoy, &node)
}

async fn start_envoy(stack: &Stack, gateway: &str) -> Result<Start> {
    let folder = stack.home().join(".run");
    let options = EnvoyOptions {
        config: stack.config(),
        xds: &stack.addresses().xds,
        admin: "127.0.0.1:0",
        id: "bench",
        workers: 1,
    };
    let bootstrap = render_bootstrap(&folder, &options)?;
    let address_file: PathBuf = folder.join("bench.admin");
    let began = now();
    let mut process = launch(&stack.logs(), &folder, &bootstrap, &address_file, &options)?;
    first_answer(stack, gateway, Some("rust"), began, &mut process).await
}

async fn start_node(stack: &Stack) -> Result<Start> {
    let at = stack.addresses();
    let address = free_address()?;
    let jwks = stack.home().join(".run/keys/jwks.json");
    let options = NodeOptions { listen: &address, jwks: &jwks, trade: &at.trade, task: &at.task };
    let began = now();
    let mut node = NodeGateway::start(&stack.logs(), &options)?;
    first_answer(stack, &address, None, began, &mut node.process).await
}

/// Asks until the answer is a 200 of the side in question; then reads the clock and the memory.
async fn first_answer(
    stack: &Stack,
    address: &str,
    side: Option<&str>,
    began: Instant,
    process: &mut Process,
) -> Result<Start> {
    let client = Client::builder().timeout(Duration::from_secs(5)).build()?;
    let url = format!("http://{address}/v1/task?limit=5");
    loop {
        let asked = client.get(&url).bearer_auth(stack.token(Token::Trader)).send().await;
        if let Ok(answer) = asked
            && answer.status() == 200
            && answer.headers().get("x-cutover-side").and_then(|value| value.to_str().ok()) == side
        {
            let ready_s = now().duration_since(began).as_secs_f64();
            return Ok(Start { ready_s, rss_mb: resident_mb(process.id())? });
        }
        if now().duration_since(began) > LIMIT || process.ended()?.is_some() {
            bail!("no good answer from {address}\n{}", process.output());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn report(envoy: &[Start], node: &[Start]) -> Result<()> {
    let ready = |all: &[Start]| median(all.iter().map(|one| one.ready_s).collect());
    let memory = |all: &[Start]| median(all.iter().map(|one| one.rss_mb).collect());
    println!("cold start, medians of {ROUNDS} rounds, one worker");
    println!("{:<28}{:>10}{:>14}", "", "ready", "resident");
    for (name, all) in [("Envoy with the bundle", envoy), ("Node gateway", node)] {
        println!("{name:<28}{:>8.2} s{:>11.0} MB", ready(all), memory(all));
    }
    let one = |all: &[Start]| json!({"ready_s": round(ready(all), 1e3), "rss_mb": round(memory(all), 10.0)});
    write_result("start", &json!({"cutover": one(envoy), "node": one(node)}))
}

fn round(value: f64, unit: f64) -> f64 {
    (value * unit).round() / unit
}

/// A port that was free a moment ago; what takes it in between shows as a failed start.
fn free_address() -> Result<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
