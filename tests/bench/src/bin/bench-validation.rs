//! `make bench-validation`: what validation costs, in an Envoy worker and in the Node gateway.
//!
//! One Envoy with one worker for each variant, all with the same listener, routes and service, in front of the same load;
//! and the Node gateway with its validator and without. What is counted is the CPU time that the kernel books to the
//! process over a fixed number of requests. A variant that lets an invalid request pass fails the measurement.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use cutover_bench::documents::{SIZES, Size, post, trades};
use cutover_bench::gateway::{Gateway, Route, Setup, wasm};
use cutover_bench::load::{Load, ask_once};
use cutover_bench::samples::{Samples, cpu_per_request, quietest};
use cutover_bench::upstream::Upstream;
use cutover_bench::{median, write_result};
use cutover_e2e::parts::{NodeGateway, NodeOptions};
use cutover_e2e::paths;
use serde_json::{Value, json};

/// Many short rounds rather than few long ones: what else the machine does comes in bursts.
const ROUNDS: usize = 15;
const CONNECTIONS: usize = 4;

const CONTRACT: &str = include_str!("../../data/trades.yaml");
const PATH: &str = "/v1/trades";
/// By path alone, so both operations have one: the filter finds the operation by method and path.
const ROUTES: &[Route<'static>] = &[Route { name: "trades", path: PATH }];

const GET: &str = "get_4_params";
const GETS: u64 = 3_000;

const PASSTHROUGH: &str = "passthrough";
const NOOP: &str = "noop";
const VALIDATION: &str = "validation";
const NODE_WITHOUT: &str = "node_without";
const NODE_WITH: &str = "node_with";
const VARIANTS: [&str; 5] = [PASSTHROUGH, NOOP, VALIDATION, NODE_WITHOUT, NODE_WITH];

const NODE_COSTS: u64 = 8;

/// A process that answers requests.
struct Target {
    name: &'static str,
    process: cutover_e2e::process::Process,
    address: SocketAddr,
    /// How many times more than Envoy it takes, roughly: so many times fewer requests give as good a number.
    costs: u64,
}

/// One kind of request, always the same bytes.
struct Kind {
    name: &'static str,
    request: Vec<u8>,
    count: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let service = Upstream::start().await?;
    let targets = start_all(folder.path(), service.address).await?;
    let kinds = kinds();
    let mut samples = Samples::default();
    for round in 0..=ROUNDS {
        for kind in &kinds {
            let request = kind.request.clone();
            let requests = Arc::new(move |_: u64, buffer: &mut Vec<u8>| buffer.extend_from_slice(&request));
            for step in 0..targets.len() {
                // Each round starts with another variant, so that none always runs behind the same other one.
                let Some(target) = targets.get((step + round) % targets.len()) else { continue };
                let mut load = Load::open(target.address, CONNECTIONS).await?;
                let count = kind.count.div_ceil(target.costs);
                let cost =
                    cpu_per_request(target.process.id(), &mut load, count, &requests).await.with_context(
                        || format!("{}, {}\n{}", target.name, kind.name, target.process.output()),
                    )?;
                // In round 0 both V8s still optimise.
                if round > 0 {
                    samples.add(kind.name, target.name, cost);
                }
            }
        }
    }
    report(&samples)?;
    write_result("validation", &samples.medians())
}

fn kinds() -> Vec<Kind> {
    let get = Kind { name: GET, request: get("limit=50&offset=100&side=buy&symbol=ACME"), count: GETS };
    let posted =
        |size: Size| Kind { name: size.name, request: post(PATH, &trades(size.bytes)), count: size.requests };
    [get].into_iter().chain(SIZES.map(posted)).collect()
}

fn get(query: &str) -> Vec<u8> {
    format!(
        "GET {PATH}?{query} HTTP/1.1\r\nhost: gateway.example\r\naccept: application/json\r\n\
         user-agent: cutover-bench\r\n\r\n"
    )
    .into_bytes()
}

async fn start_all(folder: &Path, service: SocketAddr) -> Result<Vec<Target>> {
    let plan =
        cutover_compiler::compile("trades.yaml", CONTRACT).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    let plan: Value = serde_json::from_slice(&plan.to_json())?;
    let noop = paths::root().join("target/json-readers/noop.wasm");
    ensure!(
        noop.is_file(),
        "{} is missing; build it first: tests/bench/json-readers/build noop",
        noop.display()
    );
    let probe = get("limit=1");
    let setup = Setup { folder, upstream: service, routes: ROUTES, probe: &probe, trace: false };
    let filters = [
        (PASSTHROUGH, None),
        (NOOP, Some(wasm(&noop, NOOP, &json!({}))?)),
        (VALIDATION, Some(wasm(&paths::module()?, VALIDATION, &json!({"plan": plan}))?)),
    ];
    let mut targets = Vec::new();
    for (name, filter) in filters {
        let Gateway { process, address } = Gateway::start(name, &setup, filter).await?;
        targets.push(Target { name, process, address, costs: 1 });
    }
    for (name, validation) in [(NODE_WITHOUT, "off"), (NODE_WITH, "on")] {
        targets.push(node(folder, service, name, validation)?);
    }
    for target in &targets {
        verify(target).await.with_context(|| format!("{} does not do its work", target.name))?;
    }
    Ok(targets)
}

fn node(folder: &Path, service: SocketAddr, name: &'static str, validation: &str) -> Result<Target> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let (contract, jwks) = (folder.join("contract.yaml"), folder.join("jwks.json"));
    fs::write(&contract, CONTRACT)?;
    // No operation asks for a token, but the gateway wants to know whom it would trust.
    let secret = json!({"kty": "oct", "kid": "unused", "alg": "HS256", "k": "A".repeat(43)});
    fs::write(&jwks, json!({"keys": [secret]}).to_string())?;
    let service = service.to_string();
    let options = NodeOptions { listen: "127.0.0.1:0", jwks: &jwks, trade: &service, task: &service };
    let contract = contract.to_str().context("the folder's path is not UTF-8")?;
    let more = [("CONTRACT", contract), ("VALIDATION", validation), ("LOG_LEVEL", "warn")];
    let NodeGateway { process, address, .. } = NodeGateway::start_with(&folder, &options, &more)?;
    Ok(Target { name, process, address: address.parse()?, costs: NODE_COSTS })
}

/// What is fast because it does nothing must not be in the table.
async fn verify(target: &Target) -> Result<()> {
    let good = trades(10_000);
    let invalid = [
        get("limit=0&offset=1&side=buy&symbol=ACME"),
        get("limit=1&offset=1&side=buy&symbol=acme"),
        get("limit=1&offset=1&side=bye&symbol=ACME"),
        post(PATH, &good.replacen("\"quantity\":", "\"quantity\":-", 1)),
        post(PATH, &good.replacen("trd_", "trd_0000000000000000000000000000000", 1)),
        post(PATH, &good.replacen("]}]}", "]}]", 1)),
    ];
    let validates = [VALIDATION, NODE_WITH].contains(&target.name);
    for request in invalid {
        let answer = ask_once(target.address, &request).await?;
        ensure!(answer.starts_with("HTTP/1.1 400 ") == validates, "an invalid request got\n{answer}");
    }
    Ok(())
}

fn report(samples: &Samples) -> Result<()> {
    let rows = [GET, SIZES[0].name, SIZES[1].name, SIZES[2].name];
    say(&format!(
        "CPU time of the process per request in µs; {CONNECTIONS} connections, Envoy with one worker;"
    ));
    say(&format!("medians of {ROUNDS} interleaved rounds:"));
    say(&samples.table(&rows, &VARIANTS, median));
    say(&format!("half of a cell's rounds lie within {:.0} % or less", samples.widest_spread() * 100.0));
    say("the quietest round of each:");
    say(&samples.table(&rows, &VARIANTS, quietest));

    let ours = rows.map(|row| samples.difference(row, VALIDATION, NOOP));
    let theirs = rows.map(|row| samples.difference(row, NODE_WITH, NODE_WITHOUT));
    let line = |name: &str, cells: [f64; 4]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>14.1}")).collect();
        say(&format!("{name:<22}{cells}"));
    };
    say("added, medians of each round's difference:");
    line("validation - noop", ours);
    line("Node's validator", theirs);
    line("times less", std::array::from_fn(|at| ratio(theirs, ours, at)));
    let [get, small, _, large] = ours;
    let [.., length] = SIZES.map(|size| trades(size.bytes).len());
    #[allow(clippy::cast_precision_loss, reason = "a megabyte")]
    let speed = length as f64 / large;
    let least = (0..rows.len()).map(|at| ratio(theirs, ours, at)).fold(f64::INFINITY, f64::min);
    for (what, found, goal, met) in [
        ("GET over a do-nothing plugin, µs", get, "<= 15", get <= 15.0),
        ("POST of 150 B over a do-nothing plugin, µs", small, "<= 25", small <= 25.0),
        ("1 MB, MB/s", speed, ">= 100", speed >= 100.0),
        ("times less than Node's validator, the least", least, ">= 5", least >= 5.0),
    ] {
        say(&format!("{} {what}: {found:.1} (goal {goal})", if met { "met   " } else { "missed" }));
    }
    Ok(())
}

fn ratio(one: [f64; 4], other: [f64; 4], at: usize) -> f64 {
    one.get(at).zip(other.get(at)).map_or(f64::NAN, |(one, other)| one / other)
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn say(text: &str) {
    println!("{text}");
}
