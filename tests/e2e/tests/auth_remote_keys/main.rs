//! Keys that the filter fetches from their issuer: a real Envoy with four workers, a real key server, and everything that
//! can go wrong between them.

#[path = "../signers/mod.rs"]
mod signers;

mod bounds;
mod failures;
mod http2;
mod life;
mod rotation;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_e2e::auth_envoy::AuthEnvoyBuilder;
use cutover_e2e::{AuthEnvoy, KeyServer, Published, RawAnswer, eventually};
use serde_json::{Value, json};
use signers::Signer;
use tokio::task::JoinSet;

/// So many that each of the workers has some: connections are spread among them by chance.
const CONNECTIONS: usize = 48;

const WORKERS: u16 = 4;

/// A configuration whose one issuer has its keys fetched; `change` is merged into `remote_jwks`.
fn configuration(change: &Value) -> Value {
    let remote = json!({"cluster": "issuer", "url": "https://issuer.example/keys"});
    signers::configuration(&json!({"jwks": null, "remote_jwks": signers::merged(remote, change)}))
}

/// An Envoy with four workers before this issuer.
fn envoy(issuer: &KeyServer, change: &Value) -> AuthEnvoyBuilder {
    AuthEnvoy::builder()
        .workers(WORKERS)
        .cluster("issuer", issuer.address)
        .configuration(&configuration(change))
}

/// A signer with a key of its own.
fn signer(kid: &str) -> Signer {
    Signer::generate("ES256").with_kid(kid)
}

/// The set of these signers' public keys.
fn set(signers: &[&Signer]) -> Published {
    Published::set(&json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}))
}

/// Sends a request with this token on each of many new connections; the answers come when they come.
fn ask_everywhere(envoy: &AuthEnvoy, token: &str) -> JoinSet<Result<RawAnswer>> {
    (0..CONNECTIONS).map(|_| ask(envoy, token)).collect()
}

/// One request with this token on a new connection.
fn ask(envoy: &AuthEnvoy, token: &str) -> impl Future<Output = Result<RawAnswer>> + Send + use<> {
    let mut connection = envoy.connect();
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_bytes())];
    let request = cutover_e2e::raw::request("GET", b"/v1/task", &headers);
    async move { connection.send(&request).await }
}

/// All answers have this status.
async fn all_answer(answers: JoinSet<Result<RawAnswer>>, status: u16, envoy: &AuthEnvoy) -> Result<()> {
    for answer in answers.join_all().await {
        let answer = answer?;
        ensure!(answer.status == status, "{answer:?} instead of {status}\n{}", envoy.log());
    }
    Ok(())
}

/// So many requests are under way in Envoy.
async fn under_way(envoy: &AuthEnvoy, number: usize) -> Result<()> {
    eventually(&format!("{number} requests under way"), || async {
        let active = envoy.stat("http.gateway.downstream_rq_active").await?;
        ensure!(active == number as u64, "there are {active}");
        Ok(())
    })
    .await
}

/// Requests with this token are answered with this status, sooner or later.
async fn comes_to(envoy: &AuthEnvoy, token: &str, status: u16) -> Result<()> {
    eventually(&format!("the answer {status}"), || async {
        let answer = envoy.get_with("/v1/task", token).await?;
        ensure!(answer.status == status, "{answer:?}");
        Ok(())
    })
    .await
    .with_context(|| envoy.log())
}

/// One of the filter's counters or gauges.
async fn metric(envoy: &AuthEnvoy, name: &str) -> Result<u64> {
    envoy.stat(&format!("wasmcustom.cutover_auth.{name}")).await
}

/// No VM has crashed, and nothing that the filter did was refused by Envoy.
fn assert_sound(envoy: &AuthEnvoy) {
    let log = envoy.log();
    for bad in
        ["panicked", "VM failed", "Function: proxy", "cannot work", "cannot be looked after", "critical"]
    {
        assert!(!log.contains(bad), "{bad}: {log}");
    }
}

/// How long something took.
#[allow(clippy::disallowed_methods, reason = "how long a request is held is what is tested")]
async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = std::time::Instant::now();
    (work.await, start.elapsed())
}
