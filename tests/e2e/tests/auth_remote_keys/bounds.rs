//! What somebody without a good token can do to the issuer and to the others: little.

use std::time::Duration;

use anyhow::Result;
use cutover_e2e::{KeyServer, Published};
use serde_json::json;

use crate::*;

#[tokio::test]
async fn keys_that_do_not_exist_are_asked_for_at_a_bounded_rate_and_hold_nobody_for_long() -> Result<()> {
    let (key, stranger) = (signer("a"), signer("x"));
    let issuer = KeyServer::start(set(&[&key]))?;
    let change = json!({"unknown_kid_seconds": 2, "hold_seconds": 3});
    let envoy = envoy(&issuer, &change).start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    let before = issuer.fetches();
    let attack = async {
        let mut slowest = Duration::ZERO;
        for round in 0..4 {
            let token = stranger.with_kid(&format!("made-up-{round}")).good();
            let (answers, took) = timed(ask_everywhere(&envoy, &token).join_all()).await;
            slowest = slowest.max(took);
            for answer in answers {
                assert_eq!(answer?.status, 401, "{}", envoy.log());
            }
        }
        anyhow::Ok(slowest)
    };
    let (slowest, took) = timed(attack).await;
    let slowest = slowest?;
    assert!(slowest < Duration::from_secs(7), "{slowest:?}");
    let fetches = issuer.fetches() - before;
    assert!(fetches as u64 <= took.as_secs() / 2 + 2, "{fetches} in {took:?}");
    assert!(fetches >= 1);
    let (answer, waited) = timed(envoy.get_with("/v1/task", &key.good())).await;
    assert_eq!(answer?.status, 200);
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn a_key_that_cannot_come_in_time_is_not_waited_for() -> Result<()> {
    let (key, stranger) = (signer("a"), signer("x"));
    let issuer = KeyServer::start(set(&[&key]))?;
    let change = json!({"unknown_kid_seconds": 600, "hold_seconds": 30});
    let envoy = envoy(&issuer, &change).start().await?;
    comes_to(&envoy, &key.good(), 200).await?;
    assert_eq!(envoy.get_with("/v1/task", &stranger.good()).await?.status, 401);
    assert_eq!(issuer.fetches(), 2, "the first unknown key has been asked for");
    let (answers, waited) = timed(ask_everywhere(&envoy, &stranger.good()).join_all()).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok_and(|answer| answer.status == 401)));
    assert!(waited < Duration::from_secs(15), "{waited:?}");
    assert_eq!(issuer.fetches(), 2);
    Ok(())
}

#[tokio::test]
async fn no_more_requests_wait_than_may() -> Result<()> {
    let key = signer("a");
    let issuer = KeyServer::start(Published::Nothing)?;
    issuer.hold();
    let change = json!({"hold_requests": 3, "hold_seconds": 20, "timeout_seconds": 20});
    let envoy = envoy(&issuer, &change).workers(1).start().await?;
    let mut answers = ask_everywhere(&envoy, &key.good());
    for _ in 3..CONNECTIONS {
        let answer = answers.join_next().await.context("an answer")???;
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    under_way(&envoy, 3).await?;
    assert_eq!(metric(&envoy, "held.rejected").await?, CONNECTIONS as u64 - 3);
    issuer.publish(set(&[&key]));
    issuer.release();
    all_answer(answers, 200, &envoy).await?;
    assert_sound(&envoy);
    Ok(())
}

#[tokio::test]
async fn a_crowd_that_has_waited_does_not_hold_up_the_others() -> Result<()> {
    const CROWD: usize = 900;
    let key = Signer::generate("HS256").with_kid("a");
    let issuer = KeyServer::start(set(&[&key]))?;
    issuer.hold();
    let change = json!({"hold_seconds": 30, "timeout_seconds": 30});
    let envoy = envoy(&issuer, &change).workers(1).start().await?;
    let crowd: JoinSet<_> =
        (0..CROWD).map(|number| ask(&envoy, &key.token(&json!({"sub": format!("user {number}")})))).collect();
    under_way(&envoy, CROWD).await?;
    issuer.release();
    let (answer, waited) = timed(envoy.get("/healthz", &[])).await;
    assert_eq!(answer?.status, 200);
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    all_answer(crowd, 200, &envoy).await?;
    assert_eq!(metric(&envoy, "held.resumed").await?, CROWD as u64);
    for number in [0, CROWD / 2, CROWD - 1] {
        assert!(envoy.upstream().saw(&format!("x-user-id: user {number}\r\n")));
    }
    assert_sound(&envoy);
    Ok(())
}
