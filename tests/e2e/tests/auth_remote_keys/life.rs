//! The usual life of keys: fetched once for all workers, shown, refreshed, kept.

use std::time::Duration;

use anyhow::{Result, ensure};
use cutover_e2e::{KeyServer, eventually, raw};
use serde_json::json;

use crate::*;

#[tokio::test]
async fn requests_of_all_workers_wait_for_the_first_fetch() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    issuer.hold();
    let envoy = envoy(&issuer, &json!({})).start().await?;
    let answers = ask_everywhere(&envoy, &key.good());
    under_way(&envoy, CONNECTIONS).await?;
    assert_eq!(envoy.get("/healthz", &[]).await?.status, 200, "what needs no token does not wait");
    assert_eq!(issuer.fetches(), 1, "one worker fetches for all");
    assert_eq!(envoy.upstream().requests(), 1, "and nothing else goes on without a decision");
    issuer.release();
    all_answer(answers, 200, &envoy).await?;
    assert_eq!(issuer.fetches(), 1);
    assert_eq!(metric(&envoy, "held.resumed").await?, CONNECTIONS as u64);
    assert_eq!(metric(&envoy, "jwks.fetches.success").await?, 1);
    assert_eq!(metric(&envoy, "jwks.keys.https___issuer_example").await?, 1);
    assert!(envoy.upstream().saw("x-user-id: ada"), "{:?}", envoy.upstream().seen());
    assert!(!envoy.upstream().saw("authorization"));
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn there_is_one_fetch_for_each_refresh_time() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    let envoy = envoy(&issuer, &json!({"refresh_seconds": 10})).start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    let mut ages = Vec::new();
    while issuer.fetches() < 4 {
        assert_eq!(envoy.get_with("/v1/task", &key.good()).await?.status, 200);
        ages.push(metric(&envoy, "jwks.age_seconds.https___issuer_example").await?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let asked = issuer.asked();
    for (first, second) in asked.iter().zip(asked.iter().skip(1)) {
        let between = second.saturating_sub(*first).as_millis();
        // 80 to 100 % of ten seconds, the time of a tick, and that of a busy machine.
        assert!((7_900..=14_000).contains(&between), "{asked:?}");
    }
    assert!(ages.iter().all(|age| *age <= 15), "{ages:?}");
    assert!(ages.contains(&5), "the age is shown: {ages:?}");
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn a_new_configuration_keeps_the_keys() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    let mut envoy = envoy(&issuer, &json!({})).reconfigurable().start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    issuer.publish(cutover_e2e::Published::Nothing);
    for realm in ["second", "third"] {
        let changed = signers::merged(configuration(&json!({})), &json!({"realm": realm}));
        envoy.reconfigure(&changed)?;
        eventually("the new configuration", || async {
            let answer = envoy.get("/v1/task", &[]).await?;
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            ensure!(challenge.contains(realm), "{challenge}");
            Ok(())
        })
        .await?;
        all_answer(ask_everywhere(&envoy, &key.good()), 200, &envoy).await?;
    }
    assert_eq!(issuer.fetches(), 1);
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn a_new_configuration_leaves_nobody_waiting() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    issuer.hold();
    let mut envoy = envoy(&issuer, &json!({"hold_seconds": 20})).reconfigurable().start().await?;
    let old = ask_everywhere(&envoy, &key.good());
    under_way(&envoy, CONNECTIONS).await?;
    let changed = signers::merged(configuration(&json!({"hold_seconds": 20})), &json!({"realm": "second"}));
    envoy.reconfigure(&changed)?;
    eventually("the new configuration", || async {
        let answer = envoy.get("/v1/task", &[]).await?;
        ensure!(answer.header("www-authenticate").unwrap_or_default().contains("second"), "{answer:?}");
        Ok(())
    })
    .await?;
    let new = ask_everywhere(&envoy, &key.good());
    under_way(&envoy, 2 * CONNECTIONS).await?;
    issuer.release();
    all_answer(old, 200, &envoy).await?;
    all_answer(new, 200, &envoy).await?;
    assert!(issuer.fetches() <= 2, "{}", issuer.fetches());
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn a_body_waits_with_its_head() -> Result<()> {
    let key = signer("a");
    let (good, bad) = (key.good(), signer("b").good());
    for body_while_paused in [false, true] {
        let issuer = KeyServer::start(set(&[&key]))?;
        issuer.hold();
        let builder = envoy(&issuer, &json!({}));
        let builder = if body_while_paused { builder.body_while_paused() } else { builder };
        let envoy = builder.start().await?;
        let post = |token: &str, length: usize| {
            let fields =
                [("authorization", format!("Bearer {token}")), ("content-length", length.to_string())];
            let fields = fields.each_ref().map(|(name, value)| (*name, value.as_bytes()));
            let bytes = [raw::request("POST", b"/v1/task", &fields), vec![b'x'; length]].concat();
            let mut connection = envoy.connect();
            async move { connection.send(&bytes).await }
        };
        let mut good_ones: JoinSet<_> = (0..20).map(|number| post(&good, 1 + number * 700)).collect();
        let bad_ones: JoinSet<_> = (0..20).map(|number| post(&bad, 1 + number * 700)).collect();
        under_way(&envoy, 40).await?;
        assert_eq!(envoy.upstream().requests(), 0, "no body takes its head along");
        issuer.release();
        while let Some(answer) = good_ones.join_next().await {
            assert_eq!(answer??.status, 200, "{}", envoy.log());
        }
        all_answer(bad_ones, 401, &envoy).await?;
        assert_eq!(envoy.upstream().requests(), 20);
        assert_sound(&envoy);
    }
    Ok(())
}

#[tokio::test]
async fn clients_that_give_up_while_they_wait_are_forgotten() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    issuer.hold();
    let envoy = envoy(&issuer, &json!({"hold_seconds": 20})).start().await?;
    for _ in 0..3 {
        let impatient = ask_everywhere(&envoy, &key.good());
        under_way(&envoy, CONNECTIONS).await?;
        drop(impatient);
        under_way(&envoy, 0).await?;
    }
    let patient = ask_everywhere(&envoy, &key.good());
    under_way(&envoy, CONNECTIONS).await?;
    issuer.release();
    all_answer(patient, 200, &envoy).await?;
    assert_eq!(metric(&envoy, "held.resumed").await?, CONNECTIONS as u64, "only those that were still there");
    assert_eq!(envoy.upstream().requests(), CONNECTIONS);
    assert_sound(&envoy);
    Ok(())
}
