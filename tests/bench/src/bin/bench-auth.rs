//! `make bench-auth`: what authentication costs an Envoy worker per request, ours beside Envoy's own.
//!
//! One Envoy per variant, all of them with one worker, the same listener, route, service and key set, in front of the
//! same load. What is counted is the CPU time that the kernel books to the Envoy process over a fixed number of
//! requests. Every variant gets the same tokens, some of which come again all the time, as clients' tokens do: with a
//! cache all are hits, without one each is verified anew. An answer other than 200 fails the measurement.
//!
//! Both do the same work: nothing is published for access logs, and ours is the module that has no other filter, without
//! route names, as whoever uses it alone would have it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cutover_bench::gateway::{Gateway, ONE_ROUTE, Setup, auth_alone, auth_configuration, jwt_authn, request};
use cutover_bench::load::{Load, Requests, ask_once};
use cutover_bench::tokens::{Algorithm, ISSUER, Keys};
use cutover_bench::upstream::{ECHO, Upstream};
use cutover_bench::{cpu_us, median, write_result};
use serde_json::{Value, json};

/// Many short rounds rather than few long ones: what else the machine does comes in bursts.
const ROUNDS: usize = 15;
const REQUESTS: u64 = 6_000;

/// Not counted, before each measurement; it opens the connections to the service and fills the caches.
const WARM_UP: u64 = 500;

const CONNECTIONS: usize = 8;

/// Distinct tokens of each algorithm; fewer than the 100 that Envoy's cache keeps.
const TOKENS: usize = 50;

const PASSTHROUGH: &str = "passthrough";
const NATIVE: &str = "jwt_authn";
const NATIVE_CACHED: &str = "jwt_authn_cached";
const OURS: &str = "auth";
const OURS_CACHED: &str = "auth_cached";
const VARIANTS: [&str; 5] = [PASSTHROUGH, NATIVE, NATIVE_CACHED, OURS, OURS_CACHED];

/// Measured microseconds per request by algorithm and variant, one for each round.
type Samples = BTreeMap<(&'static str, &'static str), Vec<f64>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let keys = Keys::generate()?;
    let service = Upstream::start().await?;
    let gateways = start_all(folder.path(), service.address, &keys).await?;
    let requests = Algorithm::ASYMMETRIC
        .iter()
        .map(|algorithm| Ok((algorithm.name(), tokens_in_turn(&keys, *algorithm)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut samples = Samples::new();
    for round in 0..=ROUNDS {
        for (algorithm, requests) in &requests {
            for step in 0..gateways.len() {
                // Each round starts with another variant, so that none always runs behind the same other one.
                let Some((name, gateway)) = gateways.get((step + round) % gateways.len()) else { continue };
                let cost = measure(gateway, requests)
                    .await
                    .with_context(|| format!("{name}, {algorithm}\n{}", gateway.process.output()))?;
                // In round 0 V8 still optimises.
                if round > 0 {
                    samples.entry((algorithm, name)).or_default().push(cost);
                }
            }
        }
    }
    let accepted = service.accepted();
    ensure!(
        accepted <= gateways.len() * CONNECTIONS * 2,
        "{accepted} connections came to the service: Envoy's are not kept alive"
    );
    report(&samples)
}

/// All variants that there are.
async fn start_all(folder: &Path, service: SocketAddr, keys: &Keys) -> Result<Vec<(&'static str, Gateway)>> {
    let set = keys.key_set(&Algorithm::ASYMMETRIC)?;
    let probe = request("", &keys.token(Algorithm::Rs256, "probe")?);
    let setup = Setup { folder, upstream: service, routes: ONE_ROUTE, probe: &probe, trace: false };
    let start = async |name, filter| Gateway::start(name, &setup, filter).await;

    let configuration = auth_configuration(&[(ISSUER, &set)]);
    let gateways = vec![
        (PASSTHROUGH, start(PASSTHROUGH, None).await?),
        (NATIVE, start(NATIVE, Some(jwt_authn(&set, false))).await?),
        (NATIVE_CACHED, start(NATIVE_CACHED, Some(jwt_authn(&set, true))).await?),
        (OURS, start(OURS, Some(auth_alone(&configuration, false)?)).await?),
        (OURS_CACHED, start(OURS_CACHED, Some(auth_alone(&configuration, true)?)).await?),
    ];
    for (name, gateway) in &gateways {
        verify(name, gateway.address, keys).await.with_context(|| format!("{name} does not do its work"))?;
    }
    Ok(gateways)
}

/// What is fast because it does nothing must not be in the table: every variant but the first refuses a forged token,
/// removes a good one and forwards its claims.
async fn verify(name: &str, gateway: SocketAddr, keys: &Keys) -> Result<()> {
    for algorithm in Algorithm::ASYMMETRIC {
        let token = keys.token(algorithm, "ada")?;
        let seen = ask_once(gateway, &request(ECHO, &token)).await?;
        let forged = ask_once(gateway, &request("", &forge(&token)?)).await?;
        let facts = [
            seen.contains("x-user-id: ada\r\n") && seen.contains("x-user-scopes: trade:read "),
            !seen.contains("authorization:"),
            forged.starts_with("HTTP/1.1 401 "),
        ];
        let right = facts.iter().all(|fact| *fact == (name != PASSTHROUGH));
        ensure!(right, "{}: the service saw\n{seen}\nand a forged token got\n{forged}", algorithm.name());
    }
    Ok(())
}

/// The token with the first character of its signature changed.
fn forge(token: &str) -> Result<String> {
    let (signed, signature) = token.rsplit_once('.').context("a token has dots")?;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    Ok(format!("{signed}.{first}{}", signature.get(1..).unwrap_or_default()))
}

fn tokens_in_turn(keys: &Keys, algorithm: Algorithm) -> Result<Arc<impl Requests>> {
    let requests: Vec<Vec<u8>> = (0..TOKENS)
        .map(|number| Ok(request("", &keys.token(algorithm, &format!("user-{number}"))?)))
        .collect::<Result<_>>()?;
    Ok(Arc::new(move |number: u64, buffer: &mut Vec<u8>| {
        let index = usize::try_from(number).unwrap_or_default() % TOKENS;
        buffer.extend_from_slice(requests.get(index).map(Vec::as_slice).unwrap_or_default());
    }))
}

/// Microseconds of CPU time of the Envoy process per request.
async fn measure(gateway: &Gateway, requests: &Arc<impl Requests>) -> Result<f64> {
    let mut load = Load::open(gateway.address, CONNECTIONS).await?;
    load.run(0..WARM_UP, requests).await?;
    let before = cpu_us(gateway.process.id())?;
    load.run(0..REQUESTS, requests).await?;
    Ok((cpu_us(gateway.process.id())? - before) / REQUESTS as f64)
}

fn report(samples: &Samples) -> Result<()> {
    say("CPU time of the Envoy process per request in µs; one worker,");
    say(&format!(
        "{CONNECTIONS} connections, {TOKENS} tokens in turn (without a cache each is verified every time)"
    ));
    say(
        "ours: auth's own module, `route_names: false`, `filter_state: {}`; native: no `payload_in_metadata`",
    );
    table(&format!("medians of {ROUNDS} interleaved rounds of {REQUESTS} requests:"), samples, median);
    let widest = samples.values().map(|rounds| spread(rounds)).fold(0.0, f64::max);
    say(&format!("half of a cell's rounds lie within {:.0} % of each other, or less", widest * 100.0));
    // What else the machine does can only add to a round: where the medians scatter, the least of each is the better guess.
    table("the quietest round of each:", samples, |rounds| rounds.into_iter().fold(f64::INFINITY, f64::min));

    let medians = |algorithm: Algorithm| {
        let of = |variant: &&'static str| {
            json!(cell(samples, algorithm, variant, median).map(|us| (us * 10.0).round() / 10.0))
        };
        Value::Object(VARIANTS.iter().map(|variant| ((*variant).to_owned(), of(variant))).collect())
    };
    let all = Algorithm::ASYMMETRIC.map(|algorithm| (algorithm.name().to_owned(), medians(algorithm)));
    write_result("auth", &Value::Object(all.into_iter().collect()))
}

fn table(title: &str, samples: &Samples, statistic: fn(Vec<f64>) -> f64) {
    say(title);
    let names: String = VARIANTS.iter().map(|name| format!("{name:>18}")).collect();
    say(&format!("{:<8}{names}{:>16}{:>16}", "", "auth/jwt_authn", "both cached"));
    for algorithm in Algorithm::ASYMMETRIC {
        let of = |variant| cell(samples, algorithm, variant, statistic);
        let ratio = |ours, native| Some(of(ours)? / of(native)?);
        let costs: String = VARIANTS.iter().map(|name| format!("{:>18}", number(of(name), 1))).collect();
        let (verified, cached) = (ratio(OURS, NATIVE), ratio(OURS_CACHED, NATIVE_CACHED));
        say(&format!("{:<8}{costs}{:>16}{:>16}", algorithm.name(), number(verified, 2), number(cached, 2)));
    }
}

fn cell(
    samples: &Samples,
    algorithm: Algorithm,
    variant: &'static str,
    statistic: fn(Vec<f64>) -> f64,
) -> Option<f64> {
    samples.get(&(algorithm.name(), variant)).map(|rounds| statistic(rounds.clone()))
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// The distance between the quartiles, as a share of the median.
fn spread(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: usize| sorted.get(sorted.len() * part / 4).copied().unwrap_or_default();
    (at(3) - at(1)) / median(sorted.clone())
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn say(text: &str) {
    println!("{text}");
}
