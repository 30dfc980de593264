//! `make bench-auth-soak`: what the auth filter costs once, and that it costs nothing more with time.
//!
//! First the start, of a configuration with three issuers: how long V8 compiles the module, and how long the plugin
//! takes to be configured then. Second a million requests, each with a token that was never seen before: Envoy's
//! memory must not grow with them. An answer other than 200 fails the measurement, and so does memory that grows.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use cutover_bench::gateway::{Gateway, ONE_ROUTE, Setup, auth, auth_configuration, request};
use cutover_bench::load::{Load, Requests};
use cutover_bench::startup::Startup;
use cutover_bench::tokens::{Algorithm, ISSUER, Keys};
use cutover_bench::upstream::Upstream;
use cutover_bench::{median, resident_mb, write_result};
use serde_json::{Value, json};

const STARTS: usize = 7;
const REQUESTS: u64 = 1_000_000;
const INTERVAL: u64 = 100_000;
const CONNECTIONS: usize = 8;

/// Memory may be this much larger after the last interval than after the first: what the allocator keeps in hand varies.
const FLAT_MB: f64 = 4.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let keys = Arc::new(Keys::generate()?);
    let start = starts(folder.path(), &keys).await?;
    let soak = soak(folder.path(), keys).await?;
    write_result("auth-soak", &json!({"start": start, "soak": soak}))
}

async fn starts(folder: &Path, keys: &Keys) -> Result<Value> {
    let set = keys.key_set(&Algorithm::ASYMMETRIC)?;
    let others = ["https://second.cutover.example", "https://third.cutover.example"];
    let issuers = [ISSUER, others[0], others[1]].map(|issuer| (issuer, &set));
    let filter = auth(&auth_configuration(&issuers))?;
    let probe = request("", &keys.token(Algorithm::Es256, "probe")?);
    let service = Upstream::start().await?;
    let setup = Setup { folder, upstream: service.address, routes: ONE_ROUTE, probe: &probe, trace: true };
    let mut all = Vec::new();
    for round in 0..STARTS {
        let gateway = Gateway::start(&format!("start-{round}"), &setup, Some(filter.clone())).await?;
        all.push(Startup::read(&gateway.process.output())?);
    }
    let compile_ms = median(all.iter().map(|one| one.compile_ms).collect());
    let configure_ms = median(all.iter().map(|one| one.configure_ms).collect());
    let module = cutover_e2e::paths::module()?;
    let module_kb = std::fs::metadata(&module)?.len() as f64 / 1e3;
    say(&format!("start with 3 issuers of 3 keys, medians of {STARTS}: a module of {module_kb:.0} KB,"));
    say(&format!("compiled in {compile_ms:.0} ms, configured in {configure_ms:.1} ms"));
    Ok(json!({"module_kb": module_kb, "compile_ms": compile_ms, "configure_ms": configure_ms}))
}

async fn soak(folder: &Path, keys: Arc<Keys>) -> Result<Value> {
    let set = keys.key_set(&[Algorithm::Hs256])?;
    let configuration = auth_configuration(&[(ISSUER, &set)]);
    let probe = request("", &keys.token(Algorithm::Hs256, "probe")?);
    let service = Upstream::start().await?;
    let setup = Setup { folder, upstream: service.address, routes: ONE_ROUTE, probe: &probe, trace: false };
    let filter = auth(&configuration)?;
    let gateway = Gateway::start("soak", &setup, Some(filter)).await?;
    let memory = memory_under_load(&gateway, &fresh_tokens(keys)).await;
    let memory = memory.map_err(|error| error.context(gateway.process.output()))?;
    let grown = memory.last().zip(memory.first()).map_or(f64::NAN, |(last, first)| last - first);
    say(&format!("grown by {grown:.1} MB between the first and the last of them"));
    ensure!(grown <= FLAT_MB, "memory grows with the requests: {memory:.1?} MB, more than {FLAT_MB} MB");
    Ok(json!({"requests": REQUESTS, "interval": INTERVAL, "resident_mb": memory, "grown_mb": grown}))
}

/// Resident memory after each interval.
async fn memory_under_load(gateway: &Gateway, requests: &Arc<impl Requests>) -> Result<Vec<f64>> {
    say(&format!("{REQUESTS} requests, each with a new HS256 token; resident memory of Envoy after"));
    let mut load = Load::open(gateway.address, CONNECTIONS).await?;
    let mut memory = Vec::new();
    for from in (0..REQUESTS).step_by(usize::try_from(INTERVAL)?) {
        load.run(from..from + INTERVAL, requests).await?;
        let resident = resident_mb(gateway.process.id())?;
        say(&format!("{:>10} {resident:>8.1} MB", from + INTERVAL));
        memory.push(resident);
    }
    Ok(memory)
}

/// A token that cannot be signed is sent empty, which is answered with 401 and so fails the run.
fn fresh_tokens(keys: Arc<Keys>) -> Arc<impl Requests> {
    Arc::new(move |number: u64, buffer: &mut Vec<u8>| {
        let token = keys.token(Algorithm::Hs256, &format!("user-{number}")).unwrap_or_default();
        buffer.extend_from_slice(&request("", &token));
    })
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn say(text: &str) {
    println!("{text}");
}
