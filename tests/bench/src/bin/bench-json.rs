//! `make bench-json`: what it costs a filter to read JSON, by way of reading.
//!
//! One module for each way (tests/bench/json-readers), all of which check the same of the same bodies; one Envoy with one
//! worker for each. Counted are the module's size, how long V8 compiles it, and the CPU time of the Envoy process for
//! each request. A way that lets an invalid body pass fails the measurement.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cutover_bench::documents::{SIZES, post, trades};
use cutover_bench::gateway::{Gateway, ONE_ROUTE, Setup, wasm};
use cutover_bench::load::{Load, ask_once};
use cutover_bench::samples::{Samples, cpu_per_request, quietest};
use cutover_bench::startup::Startup;
use cutover_bench::upstream::Upstream;
use cutover_bench::{cpu_us, median, write_result};
use cutover_e2e::paths;
use serde_json::{Value, json};

const STARTS: usize = 5;
const ROUNDS: usize = 11;
const CONNECTIONS: usize = 4;

/// Does nothing.
const NOOP: &str = "noop";
/// Holds the request until its body is there.
const HOLD: &str = "hold";
/// Takes the body into the VM: what every way of reading builds on.
const COPY: &str = "copy";
const WAYS: [&str; 12] = [
    NOOP,
    HOLD,
    COPY,
    "serde-tree",
    "serde-visitor",
    "sonic-tree",
    "sonic-tree-simd",
    "simd-json-tree",
    "simd-json-tree-simd",
    "plan-tree",
    "walker",
    "walker-simd",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let service = Upstream::start().await?;
    let probe = post("/v1/task", &trades(150));
    let setup = Setup {
        folder: folder.path(),
        upstream: service.address,
        routes: ONE_ROUTE,
        probe: &probe,
        trace: false,
    };
    let modules = modules(&setup).await?;
    let samples = requests(&setup).await?;
    let rows = SIZES.map(|size| size.name);
    say(&format!("CPU time of the Envoy process per request in µs, medians of {ROUNDS} interleaved rounds:"));
    say(&samples.table(&rows, &WAYS, median));
    say(&format!("half of a cell's rounds lie within {:.0} % or less", samples.widest_spread() * 100.0));
    say("the quietest round of each:");
    say(&samples.table(&rows, &WAYS, quietest));
    say(
        "over taking the body into the VM, medians of each round's difference, and what that is in MB/s for 1 MB:",
    );
    for way in WAYS.iter().skip(3) {
        let over = rows.map(|row| samples.difference(row, way, COPY));
        let cells: String = over.iter().map(|us| format!("{us:>14.1}")).collect();
        say(&format!("{way:<22}{cells}{:>14.0}", over.last().map_or(f64::NAN, |us| 1e6 / us)));
    }
    write_result("json", &json!({"modules": modules, "cpu_us": samples.medians()}))
}

/// Size and start of each module.
async fn modules(setup: &Setup<'_>) -> Result<Value> {
    let setup = Setup { trace: true, ..*setup };
    let mut starts = vec![(Vec::new(), Vec::new()); WAYS.len()];
    for round in 0..STARTS {
        for (way, (compile, cpu)) in WAYS.iter().zip(&mut starts) {
            let gateway = Gateway::start(&format!("{way}-start-{round}"), &setup, Some(filter(way)?)).await?;
            cpu.push(cpu_us(gateway.process.id())? / 1e3);
            compile.push(Startup::read(&gateway.process.output())?.compile_ms);
        }
    }
    say(&format!(
        "medians (and the least) of {STARTS} starts: V8 compiles the module, and all CPU time until Envoy answers"
    ));
    say(&format!("{:<22}{:>14}{:>22}{:>22}", "", "module KB", "compiled ms", "CPU ms"));
    let mut result = json!({});
    for (way, (compile, cpu)) in WAYS.iter().zip(starts) {
        let kb = std::fs::metadata(module(way)?)?.len() / 1000;
        let both = |all: &Vec<f64>| format!("{:.0} ({:.0})", median(all.clone()), quietest(all.clone()));
        say(&format!("{way:<22}{kb:>14}{:>22}{:>22}", both(&compile), both(&cpu)));
        result[way] = json!({"module_kb": kb, "compile_ms": median(compile).round(), "start_cpu_ms": median(cpu).round()});
    }
    Ok(result)
}

async fn requests(setup: &Setup<'_>) -> Result<Samples> {
    let mut gateways = Vec::new();
    for way in WAYS {
        let gateway = Gateway::start(way, setup, Some(filter(way)?)).await?;
        verify(&gateway, way).await.with_context(|| format!("{way} does not do its work"))?;
        gateways.push((way, gateway));
    }
    let mut samples = Samples::default();
    for round in 0..=ROUNDS {
        for size in SIZES {
            let request = post("/v1/task", &trades(size.bytes));
            let requests = Arc::new(move |_: u64, buffer: &mut Vec<u8>| buffer.extend_from_slice(&request));
            for step in 0..gateways.len() {
                // Each round starts with another way, so that none always runs behind the same other one.
                let Some((way, gateway)) = gateways.get((step + round) % gateways.len()) else { continue };
                let mut load = Load::open(gateway.address, CONNECTIONS).await?;
                let cost = cpu_per_request(gateway.process.id(), &mut load, size.requests, &requests)
                    .await
                    .with_context(|| format!("{way}, {}\n{}", size.name, gateway.process.output()))?;
                // In round 0 V8 still optimises.
                if round > 0 {
                    samples.add(size.name, way, cost);
                }
            }
        }
    }
    Ok(samples)
}

/// What is fast because it does not look must not be in the table.
async fn verify(gateway: &Gateway, way: &str) -> Result<()> {
    let good = trades(10_000);
    let bad = [
        good.replacen("\"buy\"", "\"bye\"", 1),
        good.replacen("\"quantity\":", "\"quantities\":", 1),
        good.replacen("\"quantity\":", "\"quantity\":-", 1),
        good.replacen("trd_", "trd_0000000000000000000000000000000", 1),
        good.replacen("]}]}", "]}]", 1),
        good.replacen('ä', "\\x", 1),
    ];
    for body in bad {
        ensure!(body != good);
        let answer = ask_once(gateway.address, &post("/v1/task", &body)).await?;
        let refused = answer.starts_with("HTTP/1.1 400 ");
        ensure!(refused != [NOOP, HOLD, COPY].contains(&way), "an invalid body got\n{answer}");
    }
    Ok(())
}

fn module(way: &str) -> Result<std::path::PathBuf> {
    let path = paths::root().join(format!("target/json-readers/{way}.wasm"));
    ensure!(path.is_file(), "{} is missing; build it first: tests/bench/json-readers/build", path.display());
    Ok(path)
}

fn filter(way: &str) -> Result<Value> {
    let module: &Path = &module(way)?;
    wasm(module, way, &json!({}))
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn say(text: &str) {
    println!("{text}");
}
