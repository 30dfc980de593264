//! What a client reads when an upstream fails, on the rust side in the legacy gateway's words; and what is tried again.

use std::time::Duration;

use cutover_domain::Weights;
use cutover_xds::render;
use tokio::time::Instant;

use crate::support::World;
use crate::support::gateway::{FAILURES, TIMEOUT};

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_an_upstream_become_those_of_the_legacy_gateway() {
    let mut world = World::start().await;
    world.all("100").await;
    for status in [500, 501, 505, 511, 599] {
        world.get(&format!("/v1/thing/{status}")).await.refuses(502, "upstream error", "rust");
    }
    for status in [200, 302, 400, 404, 409, 502, 503, 504] {
        let answer = world.get(&format!("/v1/thing/{status}")).await;
        assert_eq!((answer.status, answer.text()), (status, format!("{{\"own\":\"{status}\"}}").as_str()));
        assert_eq!(answer.header("x-cutover-side"), Some("rust"));
    }
    world.get("/v1/thing/reset").await.refuses(502, "upstream unavailable", "rust");
    world.get("/v1/gone").await.refuses(502, "upstream unavailable", "rust");
    world.get("/v1/thing/hang").await.refuses(504, "upstream timeout", "rust");
    let answer = world.get("/nowhere").await;
    answer.refuses(404, "not found", "rust");
    world.post("/v1/thing/500").await.refuses(502, "upstream error", "rust");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_idempotent_requests_of_the_rust_side_are_tried_again_and_never_after_a_timeout() {
    let mut world = World::start().await;
    for (weight, expected) in [
        ("100", [("503", 3, 1), ("reset", 3, 1), ("hang", 1, 1), ("500", 1, 1), ("502", 1, 1), ("ok", 1, 1)]),
        // The legacy gateway tries again itself.
        ("0", [("503", 1, 1), ("reset", 1, 1), ("500", 1, 1), ("502", 1, 1), ("504", 1, 1), ("ok", 1, 1)]),
    ] {
        world.all(weight).await;
        let tries = |world: &World| world.service.take().len() + world.node.take().len();
        for (behaviour, gets, posts) in expected {
            world.get(&format!("/v1/thing/{behaviour}")).await;
            assert_eq!(tries(&world), gets, "GET {behaviour} at {weight}");
            world.post(&format!("/v1/thing/{behaviour}")).await;
            assert_eq!(tries(&world), posts, "POST {behaviour} at {weight}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_has_its_own_timeout() {
    let mut world = World::start().await;
    let slow = format!("/v1/thing/slow-{}", (TIMEOUT * 2).as_millis());
    assert_eq!(world.get(&slow).await.status, 200);
    world.all("100").await;
    let start = Instant::now();
    world.get(&slow).await.refuses(504, "upstream timeout", "rust");
    assert!(start.elapsed() < TIMEOUT * 2, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_legacy_gateway_is_told_in_the_same_words() {
    let mut world = World::start().await;
    let mut gateway = world.gateway.clone();
    let gone = gateway.upstreams["gone"].clone();
    gateway.upstreams.insert("node".to_owned(), gone);
    world.publish(render(&gateway, &Weights::new()).unwrap()).await;
    world.get("/v1/thing/ok").await.refuses(502, "upstream unavailable", "node");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_failures_open_the_breaker_and_end_readiness() {
    let mut world = World::start().await;
    world.all("100").await;
    let answer = world.get("/healthz").await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"status":"ok"}"#));
    let answer = world.get("/readyz?verbose=1").await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"status":"ready"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("x-cutover-side"), Some("rust"));
    answer.is_clean();

    for _ in 0..FAILURES {
        world.get("/v1/frail/500").await.refuses(502, "upstream error", "rust");
    }
    let answer = world.get("/v1/frail/ok").await;
    answer.refuses(503, "upstream circuit open", "rust");
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(world.frail.take().len(), usize::try_from(FAILURES).unwrap());
    let answer = world.get("/readyz").await;
    answer.refuses(503, "not ready", "rust");
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(world.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_upstream_refuses_at_once() {
    let mut world = World::start().await;
    world.all("100").await;
    let held = format!("/v1/narrow/slow-{}", (TIMEOUT - Duration::from_millis(100)).as_millis());
    // One request has the connection, one waits for it, one is too many.
    let third = async {
        world.envoy.stat("cluster.narrow.upstream_rq_active", 1).await;
        let waiting = world.get("/v1/narrow/ok");
        let refused = async {
            world.envoy.stat("cluster.narrow.upstream_rq_pending_active", 1).await;
            let start = Instant::now();
            let answer = world.get("/v1/narrow/ok").await;
            (answer, start.elapsed())
        };
        tokio::join!(waiting, refused)
    };
    let (first, (second, (third, elapsed))) = tokio::join!(world.get(&held), third);
    assert_eq!((first.status, second.status), (200, 200));
    third.refuses(503, "upstream circuit open", "rust");
    assert_eq!(third.header("retry-after"), Some("10"));
    assert!(elapsed < TIMEOUT / 2, "{elapsed:?}");
}
