//! Keys that change under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use cutover_e2e::{AuthEnvoy, KeyServer, raw};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{Signer, WORKERS, assert_sound, comes_to, envoy, metric, set, signer};

/// Clients that ask all the time, each on a connection of its own, with the newest token.
struct Load {
    token: Arc<Mutex<String>>,
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: JoinSet<Result<()>>,
}

impl Load {
    fn start(envoy: &AuthEnvoy, key: &Signer) -> Self {
        let token = Arc::new(Mutex::new(key.good()));
        let (ended, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |_| {
            let (token, ended, answered) = (Arc::clone(&token), Arc::clone(&ended), Arc::clone(&answered));
            let mut connection = envoy.connect();
            async move {
                while !ended.load(Ordering::Relaxed) {
                    let token = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let authorization = format!("Bearer {token}");
                    let headers = [("authorization", authorization.as_bytes())];
                    let answer = connection.send(&raw::request("GET", b"/v1/task", &headers)).await?;
                    ensure!(answer.status == 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            }
        };
        let clients = (0..4 * usize::from(WORKERS)).map(client).collect();
        Self { token, ended, answered, clients }
    }

    /// From now on the clients have tokens of this key.
    fn switch(&self, key: &Signer) {
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = key.good();
    }

    /// Waits until so many more requests were answered.
    async fn go_on(&self, requests: usize) -> Result<()> {
        let until = self.answered.load(Ordering::Relaxed) + requests;
        cutover_e2e::eventually("more answers", || async {
            ensure!(self.answered.load(Ordering::Relaxed) >= until);
            Ok(())
        })
        .await
    }

    /// Ends it; an error if any request was not answered with 200.
    async fn end(self) -> Result<usize> {
        self.ended.store(true, Ordering::Relaxed);
        for client in self.clients.join_all().await {
            client?;
        }
        Ok(self.answered.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_refuses_no_good_token() -> Result<()> {
    let (a, b, c) = (signer("a"), signer("b"), signer("c"));
    let issuer = KeyServer::start(set(&[&a]))?;
    let envoy = envoy(&issuer, &json!({"unknown_kid_seconds": 1})).start().await?;
    comes_to(&envoy, &a.good(), 200).await?;
    let load = Load::start(&envoy, &a);
    load.go_on(500).await?;
    // The new key is published, then used, then the old one is withdrawn.
    issuer.publish(set(&[&a, &b]));
    load.switch(&b);
    load.go_on(500).await?;
    issuer.publish(set(&[&b]));
    load.go_on(500).await?;
    // The next one is not published before it is used, and comes at once: the worst that an issuer may do.
    issuer.publish(set(&[&c]));
    load.switch(&c);
    load.go_on(500).await?;
    let answered = load.end().await?;
    assert!(answered >= 2_000);
    assert_eq!(metric(&envoy, "refused.unknown_key").await?, 0, "{}", envoy.log());
    assert!(issuer.fetches() <= 4, "{:?}", issuer.asked());
    comes_to(&envoy, &a.good(), 401).await?;
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_rotation_right_after_the_first_is_waited_for() -> Result<()> {
    let (a, b, c) = (signer("a"), signer("b"), signer("c"));
    let issuer = KeyServer::start(set(&[&a]))?;
    let envoy = envoy(&issuer, &json!({"unknown_kid_seconds": 3, "hold_seconds": 5})).start().await?;
    comes_to(&envoy, &a.good(), 200).await?;
    let load = Load::start(&envoy, &a);
    load.go_on(200).await?;
    issuer.publish(set(&[&a, &b]));
    load.switch(&b);
    load.go_on(50).await?;
    issuer.publish(set(&[&b, &c]));
    load.switch(&c);
    load.go_on(500).await?;
    load.end().await?;
    assert_eq!(issuer.fetches(), 3, "{:?}", issuer.asked());
    assert_sound(&envoy);
    Ok(())
}
