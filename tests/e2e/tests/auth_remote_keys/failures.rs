//! Issuers that are away, and issuers that talk nonsense.

use std::time::Duration;

use anyhow::Result;
use cutover_e2e::{AuthEnvoy, KeyServer, Published, eventually};
use serde_json::json;

use crate::*;

#[tokio::test]
async fn without_keys_requests_are_answered_in_time_and_the_issuers_return_is_noticed() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(Published::Nothing)?;
    let envoy = envoy(&issuer, &json!({"hold_seconds": 2})).start().await?;
    let (answers, waited) = timed(ask_everywhere(&envoy, &key.good()).join_all()).await;
    assert!(waited < Duration::from_secs(6), "{waited:?}");
    for answer in answers {
        let answer = answer?;
        assert_eq!((answer.status, answer.header("retry-after").as_deref()), (503, Some("1")), "{answer:?}");
        assert!(answer.text().contains("service unavailable"), "{answer:?}");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    eventually("the access log", || async {
        anyhow::ensure!(envoy.access_log()?.contains("cutover_auth_no_keys"));
        Ok(())
    })
    .await?;
    assert_eq!(metric(&envoy, "refused.no_keys").await?, CONNECTIONS as u64);
    assert_eq!(metric(&envoy, "held.timed_out").await?, CONNECTIONS as u64);
    assert!(metric(&envoy, "jwks.fetches.unreachable").await? >= 2);
    assert!(issuer.fetches() <= 12, "no storm: {:?}", issuer.asked());
    issuer.publish(set(&[&key]));
    comes_to(&envoy, &key.good(), 200).await?;
    assert!(envoy.log().contains("keys of https://issuer.example not fetched: the issuer cannot be reached"));
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn clusters_that_lead_nowhere_are_failures_like_others() -> Result<()> {
    let key = signer("a");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for (cluster, said) in [
        ("unknown", "the proxy has no such cluster"),
        ("empty", "no endpoint of the cluster is healthy"),
        ("refused", "the issuer cannot be reached"),
    ] {
        let envoy = AuthEnvoy::builder()
            .workers(WORKERS)
            .empty_cluster("empty")
            .cluster("refused", nobody)
            .configuration(&configuration(&json!({"cluster": cluster, "hold_seconds": 1})))
            .start()
            .await?;
        all_answer(ask_everywhere(&envoy, &key.good()), 503, &envoy).await?;
        eventually("some failures", || async {
            let failures = metric(&envoy, "jwks.fetches.unreachable").await?;
            anyhow::ensure!(failures >= 3, "{failures}");
            Ok(())
        })
        .await?;
        assert!(envoy.log().contains(said), "{cluster}: {}", envoy.log());
        assert_eq!(envoy.get("/healthz", &[]).await?.status, 200);
        assert_sound(&envoy);
    }
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_in_time_is_asked_again() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    issuer.hold();
    let envoy = envoy(&issuer, &json!({"timeout_seconds": 1, "hold_seconds": 20})).start().await?;
    let answers = ask_everywhere(&envoy, &key.good());
    eventually("the second question", || async {
        anyhow::ensure!(issuer.fetches() >= 2);
        Ok(())
    })
    .await?;
    issuer.release();
    all_answer(answers, 200, &envoy).await?;
    assert!(metric(&envoy, "jwks.fetches.unreachable").await? >= 1);
    assert_eq!(metric(&envoy, "jwks.fetches.bad_status").await?, 0);
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn nonsense_leaves_the_last_good_keys() -> Result<()> {
    let (key, stranger) = (signer("a"), signer("x"));
    let issuer = KeyServer::start(set(&[&key]))?;
    let change = json!({"unknown_kid_seconds": 1, "hold_seconds": 3});
    let envoy = envoy(&issuer, &change).start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    let hmac = json!({"keys": [{"kty": "oct", "alg": "HS256", "kid": "short", "k": "AAAA"}]});
    let text = |text: &str| Published::Answer(200, text.as_bytes().to_vec());
    let huge = format!("{{\"keys\": [], \"padding\": \"{}\"}}", "x".repeat(300_000));
    for (nonsense, counter) in [
        (Published::Answer(500, set_bytes(&key)), "bad_status"),
        (Published::Answer(404, Vec::new()), "bad_status"),
        (Published::Answer(204, Vec::new()), "bad_status"),
        (Published::Answer(301, set_bytes(&key)), "bad_status"),
        (Published::Answer(503, Vec::new()), "bad_status"),
        (text(""), "unusable"),
        (text("<html>Sign in</html>"), "unusable"),
        (text("{\"keys\": {}}"), "unusable"),
        (text("{\"keys\": []}"), "unusable"),
        (text("{\"keys\": [], \"keys\": []}"), "unusable"),
        (text(&huge), "unusable"),
        (Published::Answer(200, vec![0xff; 1_000]), "unusable"),
        (Published::set(&hmac), "unusable"),
        (Published::Nothing, "unreachable"),
    ] {
        let counter = format!("jwks.fetches.{counter}");
        let before = metric(&envoy, &counter).await?;
        issuer.publish(nonsense.clone());
        eventually("a fetch of the nonsense", || async {
            assert_eq!(envoy.get_with("/v1/task", &stranger.good()).await?.status, 401);
            let now = metric(&envoy, &counter).await?;
            anyhow::ensure!(now > before, "{counter} is {now}");
            Ok(())
        })
        .await
        .with_context(|| format!("{nonsense:?}\n{}", envoy.log()))?;
        all_answer(ask_everywhere(&envoy, &key.good()), 200, &envoy).await?;
    }
    assert_eq!(metric(&envoy, "jwks.keys.https___issuer_example").await?, 1);
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn broken_keys_in_a_set_are_reported_once_and_the_others_are_used() -> Result<()> {
    let key = signer("good");
    let broken = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "broken", "x": "AA", "y": "AA"});
    let issuer = KeyServer::start(Published::set(&json!({"keys": [broken, key.jwk()]})))?;
    let envoy = envoy(&issuer, &json!({"unknown_kid_seconds": 1})).start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    // The same set again is no news.
    while issuer.fetches() < 4 {
        assert_eq!(envoy.get_with("/v1/task", &signer("x").good()).await?.status, 401);
    }
    all_answer(ask_everywhere(&envoy, &key.good()), 200, &envoy).await?;
    let log = envoy.log();
    assert_eq!(log.matches("left out: keys[0] (kid `broken`)").count(), 1, "{log}");
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_is_away_or_has_other_keys_is_no_matter_of_the_others() -> Result<()> {
    let (key, other) = (signer("a"), Signer::generate("EdDSA").with_kid("b"));
    let issuer = KeyServer::start(set(&[&key]))?;
    let away = KeyServer::start(Published::Nothing)?;
    // The third has the url of the first, and no key of its algorithm is there.
    let issuers = [("first", "issuer", "ES256"), ("second", "away", "ES256"), ("third", "issuer", "EdDSA")];
    let issuers = issuers.map(|(name, cluster, algorithm)| {
        json!({
            "issuer": name, "audiences": [signers::AUDIENCE], "algorithms": [algorithm],
            "remote_jwks": {"cluster": cluster, "url": "http://issuer/keys", "hold_seconds": 1,
                            "refresh_seconds": 10},
        })
    });
    let configuration = signers::merged(configuration(&json!({})), &json!({"issuers": issuers}));
    let builder = AuthEnvoy::builder().workers(WORKERS).configuration(&configuration);
    let builder = builder.cluster("issuer", issuer.address).cluster("away", away.address);
    let envoy = builder.start().await?;
    let (first, third) = (key.token(&json!({"iss": "first"})), other.token(&json!({"iss": "third"})));
    all_answer(ask_everywhere(&envoy, &first), 200, &envoy).await?;
    all_answer(ask_everywhere(&envoy, &key.token(&json!({"iss": "second"}))), 503, &envoy).await?;
    all_answer(ask_everywhere(&envoy, &third), 503, &envoy).await?;
    all_answer(ask_everywhere(&envoy, &first), 200, &envoy).await?;
    issuer.publish(set(&[&key, &other]));
    comes_to(&envoy, &third, 200).await?;
    assert_eq!(metric(&envoy, "jwks.keys.first").await?, 1);
    assert_eq!(metric(&envoy, "jwks.keys.third").await?, 1);
    assert_sound(&envoy);
    Ok(())
}

fn set_bytes(key: &Signer) -> Vec<u8> {
    json!({"keys": [key.jwk()]}).to_string().into_bytes()
}
