//! Which side and which service a request reaches, and what is on it when it gets there.

use cutover_domain::Weights;
use cutover_xds::model::Gateway;
use cutover_xds::render;
use reqwest::Method;

use crate::support::{REQUEST_ID, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_starts_on_the_node_side_and_moves_to_its_service() {
    let mut world = World::start().await;
    for path in ["/v1/thing/ok", "/v1/gone", "/healthz", "/readyz", "/nowhere"] {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status, answer.header("x-cutover-side")),
            (200, Some("node")),
            "{path} {answer:#?}"
        );
        assert_eq!(world.node.take().len(), 1, "{path}");
    }
    world.all("100").await;
    let answer = world.get("/v1/thing/ok?a=%20b&a").await;
    assert_eq!((answer.status, answer.header("x-cutover-side")), (200, Some("rust")), "{answer:#?}");
    assert_eq!(answer.header("x-own"), Some("yes"));
    assert_eq!(answer.header("server"), None);
    answer.is_clean();
    let seen = world.service.take();
    assert_eq!(seen[0].line, "GET /v1/thing/ok?a=%20b&a HTTP/1.1");
    assert_eq!(world.node.take().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_is_the_share_of_its_operation_only() {
    let mut world = World::start().await;
    let weights: Weights = [("getThing".parse().unwrap(), "25".parse().unwrap())].into_iter().collect();
    world.publish(render(&world.gateway, &weights).unwrap()).await;
    let mut rust = 0;
    for _ in 0..800 {
        rust += usize::from(world.get("/v1/thing/ok").await.header("x-cutover-side") == Some("rust"));
    }
    // 200 are expected, with a standard deviation of 12.2; five of them.
    assert!((139..=261).contains(&rust), "{rust} of 800");
    assert_eq!((world.service.take().len(), world.node.take().len()), (rust, 800 - rust));
    assert_eq!(world.post("/v1/thing/ok").await.header("x-cutover-side"), Some("node"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_can_say_who_they_are_or_how_envoy_shall_treat_them() {
    let mut world = World::start().await;
    let forged = [
        ("x-user-id", "root"),
        ("x-tenant", "another"),
        ("x_user_id", "root"),
        ("x_user-id", "root"),
        ("X-User_Scopes", "all"),
        ("x_tenant", "another"),
        ("x-user-scopes", "all"),
        ("x-cutover-side", "rust"),
        ("x-cutover-operation", "health"),
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-max-retries", "9"),
        ("proxy-authorization", "Basic Zm9v"),
        ("te", "trailers"),
        ("connection", "x-for-the-proxy"),
        ("x-for-the-proxy", "yes"),
        ("x-kept", "yes"),
    ];
    let known = ["x-cutover-side", "x-kept", "x-request-id", "x-forwarded-for", "x-forwarded-proto"];
    for (weight, side, said) in [("0", "node", None), ("100", "rust", Some("rust"))] {
        world.all(weight).await;
        let answer = world.send(Method::GET, "/v1/thing/slow-100", &forged).await;
        assert_eq!((answer.status, answer.header("x-cutover-side")), (200, Some(side)), "{answer:#?}");
        let seen = if side == "node" { world.node.take() } else { world.service.take() };
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].header("x-cutover-side"), said);
        assert_eq!(seen[0].header("x-kept"), Some("yes"));
        assert_eq!(seen[0].header("x-request-id"), Some(REQUEST_ID));
        let other = |name: &&str| !known.contains(name) && !["host", "accept"].contains(name);
        let names: Vec<&str> = seen[0].headers.iter().map(|(name, _)| name.as_str()).filter(other).collect();
        assert!(names.is_empty(), "{side}: {names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_match_as_the_contract_means_them() {
    let mut world = World::start().await;
    world.all("100").await;
    let operation = async |world: &World, method: Method, path: &str| {
        let status = world.send(method, path, &[]).await.status;
        (status, world.service.take().len())
    };
    // The concrete path wins over the template, and both reach the service.
    assert_eq!(operation(&world, Method::GET, "/v1/thing/mine").await, (200, 1));
    assert_eq!(operation(&world, Method::GET, "/v1/thing/a%2Fb").await, (200, 1));
    assert_eq!(operation(&world, Method::GET, "/v1/x/../thing/ok").await, (200, 1));
    // One segment, no more and no less; case and trailing slash count; the method counts.
    for path in
        ["/v1/thing/", "/v1/thing/a/b", "/v1/Thing/ok", "/v1/thing/ok/", "//v1/thing/ok", "/x/v1/thing/ok"]
    {
        assert_eq!(operation(&world, Method::GET, path).await, (404, 0), "{path}");
    }
    assert_eq!(operation(&world, Method::PUT, "/v1/thing/ok").await, (404, 0));
    world.envoy.logs_access(r#""operation":"getMine""#).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_of_the_rust_side_are_compressed() {
    let mut world = World::start().await;
    let gzip = [("accept-encoding", "gzip")];
    let encoding = async |world: &World, path: &str, headers: &[(&str, &str)]| {
        let answer = world.send(Method::GET, path, headers).await;
        let value = |name| answer.header(name).map(str::to_owned);
        (value("content-encoding"), value("vary"))
    };
    assert_eq!(encoding(&world, "/v1/thing/big", &gzip).await, (None, None));
    world.all("100").await;
    let (yes, varies) = (Some("gzip".to_owned()), Some("Accept-Encoding".to_owned()));
    assert_eq!(encoding(&world, "/v1/thing/big", &gzip).await, (yes, varies.clone()));
    assert_eq!(encoding(&world, "/v1/thing/ok", &gzip).await, (None, varies.clone()));
    assert_eq!(encoding(&world, "/v1/thing/big", &[]).await, (None, varies.clone()));
    assert_eq!(encoding(&world, "/v1/thing/500", &gzip).await, (None, varies));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_side_header_can_be_switched_off() {
    let mut world = World::start().await;
    world.gateway = Gateway { side_header: false, ..world.gateway.clone() };
    world.all("100").await;
    for path in ["/v1/thing/ok", "/v1/thing/500", "/v1/gone", "/healthz", "/nowhere"] {
        let answer = world.get(path).await;
        // The service's own word is not taken for Envoy's.
        let side = answer.header("x-cutover-side");
        assert!(side.is_none(), "{path} {side:?}");
    }
    assert_eq!(world.service.take()[0].header("x-cutover-side"), Some("rust"));
}
