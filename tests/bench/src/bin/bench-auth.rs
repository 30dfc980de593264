//! `make bench-auth`: what authentication costs an Envoy worker per request, ours beside Envoy's own.
//!
//! One Envoy per variant, all of them with one worker, the same listener, route, service and key set, in front of the
//! same load. What is counted is the CPU time that the kernel books to the Envoy process over a fixed number of
//! requests. Every variant gets the same tokens, some of which come again all the time, as clients' tokens do: with a
//! cache all are hits, without one each is verified anew. An answer other than 200 fails the measurement.
//!
//! Both do the same work: nothing is published for access logs, and ours is the module that has no other filter, without
//! route names, as whoever uses it alone would have it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use cutover_bench::gateway::{Gateway, ONE_ROUTE, Setup, auth_alone, auth_configuration, jwt_authn, request};
use cutover_bench::load::{Load, Requests, ask_once};
use cutover_bench::samples::{Samples, Statistic, cpu_per_request, quietest};
use cutover_bench::tokens::{Algorithm, ISSUER, Keys};
use cutover_bench::upstream::{ECHO, Upstream};
use cutover_bench::{median, write_result};

/// Many short rounds rather than few long ones: what else the machine does comes in bursts.
const ROUNDS: usize = 15;
const REQUESTS: u64 = 6_000;

const CONNECTIONS: usize = 8;

/// Distinct tokens of each algorithm; fewer than the 100 that Envoy's cache keeps.
const TOKENS: usize = 50;

const PASSTHROUGH: &str = "passthrough";
const NATIVE: &str = "jwt_authn";
const NATIVE_CACHED: &str = "jwt_authn_cached";
const OURS: &str = "auth";
const OURS_CACHED: &str = "auth_cached";
const VARIANTS: [&str; 5] = [PASSTHROUGH, NATIVE, NATIVE_CACHED, OURS, OURS_CACHED];

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
    let mut samples = Samples::default();
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
                    samples.add(algorithm, name, cost);
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

/// Microseconds of CPU time of the Envoy process per request. The connections to the service are opened and the caches filled
/// before it counts.
async fn measure(gateway: &Gateway, requests: &Arc<impl Requests>) -> Result<f64> {
    let mut load = Load::open(gateway.address, CONNECTIONS).await?;
    cpu_per_request(gateway.process.id(), &mut load, REQUESTS, requests).await
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
    let widest = samples.widest_spread() * 100.0;
    say(&format!("half of a cell's rounds lie within {widest:.0} % of each other, or less"));
    // What else the machine does can only add to a round: where the medians scatter, the least of each is the better guess.
    table("the quietest round of each:", samples, quietest);
    write_result("auth", &samples.medians())
}

fn table(title: &str, samples: &Samples, statistic: Statistic) {
    say(title);
    let names: String = VARIANTS.iter().map(|name| format!("{name:>18}")).collect();
    say(&format!("{:<8}{names}{:>16}{:>16}", "", "auth/jwt_authn", "both cached"));
    for algorithm in Algorithm::ASYMMETRIC {
        let of = |variant| samples.cell(algorithm.name(), variant, statistic);
        let costs: String = VARIANTS.iter().map(|name| format!("{:>18.1}", of(name))).collect();
        let (verified, cached) = (of(OURS) / of(NATIVE), of(OURS_CACHED) / of(NATIVE_CACHED));
        say(&format!("{:<8}{costs}{verified:>16.2}{cached:>16.2}", algorithm.name()));
    }
}

#[allow(clippy::print_stdout, reason = "a benchmark's output is its table")]
fn say(text: &str) {
    println!("{text}");
}
