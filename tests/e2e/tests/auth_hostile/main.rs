//! Thousands of requests that must all end at the gateway: no acceptance, no 5xx, no trap, no growth.
//!
//! `HOSTILE_REQUESTS` says how many (`make hostile`: 100,000), `HOSTILE_SEED` which.

#[path = "../signers/mod.rs"]
#[allow(clippy::duplicate_mod, reason = "each test program has its own")]
mod signers;

mod random;
mod requests;
mod tokens;

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cutover_e2e::AuthEnvoy;
use random::Random;
use requests::{COOKIE, Hostile, QUERY};
use serde_json::json;
use tokens::Pool;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Enough for the usual suite: every kind of request some hundred times.
const REQUESTS: usize = 5_000;

const CONNECTIONS: usize = 8;

/// Envoy's memory may move by as much between the first quarter of the requests and the end, in KiB; buffers and the
/// V8 heap breathe, the token cache is bounded at 1 MiB.
const BREATH: u64 = 32 * 1024;

/// What came back.
#[derive(Default)]
struct Tally {
    /// How often each status came; 0 is for no answer at all, which only huge requests may get.
    statuses: BTreeMap<u16, usize>,
    /// Requests whose answers are no refusals, the first few of them.
    strange: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (status, number) in other.statuses {
            *self.statuses.entry(status).or_default() += number;
        }
        self.strange.extend(other.strange);
    }

    fn count(&mut self, status: u16, request: &[u8]) {
        *self.statuses.entry(status).or_default() += 1;
        if !matches!(status, 0 | 400 | 401 | 403 | 413 | 414 | 431) && self.strange.len() < 3 {
            self.strange.push(format!("{status} for {}", request.escape_ascii()));
        }
    }

    fn broken(&self) -> usize {
        self.statuses.iter().filter(|(status, _)| **status >= 500).map(|(_, number)| number).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_hostile_request_passes_or_harms() -> Result<()> {
    let (count, seed) = (setting("HOSTILE_REQUESTS", REQUESTS)?, setting("HOSTILE_SEED", 1)?);
    let mut configuration = signers::configuration(&json!({}));
    configuration["token"] = json!({"authorization": true, "cookie": COOKIE, "query": QUERY});
    let envoy = Arc::new(AuthEnvoy::builder().configuration(&configuration).workers(2).start().await?);
    let pool = Arc::new(Pool::new());
    accepts_the_good(&envoy, &pool).await?;
    let vms = envoy.stats("wasm.").await?;

    let start = Instant::now();
    let mut tally = run(&envoy, &pool, count / 4, seed).await?;
    let warm = envoy.resident_kib()?;
    tally.add(run(&envoy, &pool, count - count / 4, !seed).await?);
    let end = envoy.resident_kib()?;
    let seconds = start.elapsed().as_secs_f64();

    accepts_the_good(&envoy, &pool).await?;
    let accepted = envoy.upstream().requests() - 2 * pool.good.len();
    let (broken, statuses) = (tally.broken(), &tally.statuses);
    let traps = traps(&envoy, &vms).await?;
    println!(
        "hostile: requests={count} seed={seed} accepted={accepted} 5xx={broken} traps={traps} \
         memory={warm}->{end} KiB seconds={seconds:.1} statuses={statuses:?}"
    );
    ensure!(tally.strange.is_empty(), "{}\n{}", tally.strange.join("\n"), envoy.log());
    ensure!(accepted == 0, "the service got {accepted} requests\n{}", envoy.log());
    ensure!(traps == 0, "{}", envoy.log());
    ensure!(end < warm + BREATH, "Envoy's memory grew from {warm} to {end} KiB");
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().ok().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

/// Every good token still is: a gateway that refuses everything would pass the rest.
async fn accepts_the_good(envoy: &AuthEnvoy, pool: &Pool) -> Result<()> {
    for token in &pool.good {
        let answer = envoy.get_with("/v1/task", token).await?;
        ensure!(answer.status == 200, "{token}: {answer:?}\n{}", envoy.log());
    }
    Ok(())
}

async fn run(envoy: &Arc<AuthEnvoy>, pool: &Arc<Pool>, count: usize, seed: u64) -> Result<Tally> {
    let mut tasks = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (envoy, pool) = (Arc::clone(envoy), Arc::clone(pool));
        let count = count / CONNECTIONS + usize::from(number < count % CONNECTIONS);
        let random = Random::new(seed.wrapping_add(number as u64 * 0x1234_5678_9abc_def1));
        tasks.spawn(async move { on_one_connection(&envoy, &pool, count, random).await });
    }
    let mut tally = Tally::default();
    while let Some(done) = tasks.join_next().await {
        tally.add(done??);
    }
    Ok(tally)
}

async fn on_one_connection(
    envoy: &AuthEnvoy,
    pool: &Pool,
    count: usize,
    mut random: Random,
) -> Result<Tally> {
    let mut connection = envoy.connect();
    let mut tally = Tally::default();
    for _ in 0..count {
        let Hostile { bytes, is_huge } = requests::hostile(pool, &mut random);
        let status = match connection.send(&bytes).await {
            // A gRPC request's refusal is a gRPC status in an HTTP 200.
            Ok(answer) if answer.header("grpc-status").is_some_and(|status| status != "0") => 401,
            Ok(answer) => answer.status,
            Err(_) if is_huge => 0,
            Err(error) => return Err(error.context(bytes.escape_ascii().to_string())),
        };
        tally.count(status, &bytes);
    }
    Ok(tally)
}

/// How often a VM was made anew or the log tells of a crash.
async fn traps(envoy: &AuthEnvoy, before: &[(String, u64)]) -> Result<usize> {
    let mut traps = 0;
    for (name, value) in envoy.stats("wasm.").await? {
        let was = before.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value);
        if value != was
            && ["created", "active", "crash", "fail", "reload"].iter().any(|part| name.contains(part))
        {
            println!("hostile: {name} went from {was} to {value}");
            traps += 1;
        }
    }
    let log = envoy.log();
    let signs = ["critical", "panicked", "Uncaught", "unreachable", "FAIL_RELOAD", "[error]"];
    Ok(traps + signs.iter().filter(|sign| log.contains(**sign)).count())
}
