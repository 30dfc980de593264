//! The hub over a socket, with a client that does what no Envoy would.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test they fail the test, also in its helpers")]

mod client;

use std::time::Duration;

use client::{Client, PATIENCE, serve, service};
use cutover_domain::Revision;
use cutover_xds::{Hub, HubOptions, ResourceType, Resources, Snapshot};
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryRequest;
use prost::Message;
use tokio::time::Instant;
use tonic::Code;

/// Long enough for what must not happen to happen, when it would.
const A_WHILE: Duration = Duration::from_millis(200);

fn hub() -> Hub {
    Hub::new(HubOptions { gateway: "edge".to_owned() })
}

/// A snapshot whose only resource is route configuration `edge`, of this size at least.
fn routes(mark: &str, size: usize) -> Snapshot {
    let host =
        VirtualHost { name: mark.to_owned(), domains: vec!["x".repeat(size)], ..VirtualHost::default() };
    let routes = RouteConfiguration {
        name: "edge".to_owned(),
        virtual_hosts: vec![host],
        ..RouteConfiguration::default()
    };
    Snapshot::build(Resources { routes: vec![routes], ..Resources::default() }).unwrap()
}

fn mark(response: &envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryResponse) -> String {
    let body = response.resources[0].resource.as_ref().unwrap();
    assert_eq!(body.type_url, ResourceType::Routes.type_url());
    RouteConfiguration::decode(body.value.as_slice()).unwrap().virtual_hosts[0].name.clone()
}

#[tokio::test]
async fn what_is_sent_is_what_was_rendered() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    let snapshot = routes("one", 10);
    hub.publish(Revision(7), snapshot.clone());
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge", "missing"]);
    let response = client.gets(ResourceType::Routes).await;
    let resource = snapshot.resources(ResourceType::Routes).next().unwrap();
    assert_eq!(response.resources.len(), 1);
    assert_eq!(
        (response.resources[0].name.as_str(), response.resources[0].version.as_str()),
        ("edge", resource.version())
    );
    assert_eq!(response.resources[0].resource.as_ref().unwrap().value, resource.body());
    assert_eq!(response.removed_resources, ["missing"]);
    assert_eq!(response.system_version_info, "7");
    assert_eq!(hub.counters().response_bytes, u64::try_from(response.encoded_len()).unwrap());
}

#[tokio::test]
async fn a_client_that_comes_before_the_first_snapshot_waits_for_it() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge"]);
    // The barrier waits for the publication, too.
    let barrier = tokio::spawn({
        let hub = hub.clone();
        async move { hub.barrier(Revision(1), PATIENCE).await }
    });
    while hub.counters().requests == 0 {
        tokio::task::yield_now().await;
    }
    hub.publish(Revision(1), routes("one", 10));
    let response = client.gets(ResourceType::Routes).await;
    client.answers(&response, None);
    let report = barrier.await.unwrap();
    assert!(report.is_complete() && report.confirmed.len() == 1, "{report:?}");
}

#[tokio::test]
async fn a_barrier_names_who_confirms_who_refuses_and_who_lags() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision(1), routes("one", 10));
    let mut clients = Vec::new();
    for node in ["good", "mute", "picky"] {
        let mut client = Client::connect(&url, node).await;
        client.subscribes(ResourceType::Routes, &["edge"]);
        let response = client.gets(ResourceType::Routes).await;
        client.answers(&response, None);
        clients.push(client);
    }
    assert!(hub.barrier(Revision(1), PATIENCE).await.is_complete());

    hub.publish(Revision(2), routes("two", 10));
    for (client, refusal) in clients.iter_mut().zip([Some(None), None, Some(Some("not that"))]) {
        let response = client.gets(ResourceType::Routes).await;
        assert_eq!(mark(&response), "two");
        if let Some(refusal) = refusal {
            client.answers(&response, refusal);
        }
    }
    let report = hub.barrier(Revision(2), A_WHILE).await;
    assert!(report.elapsed >= A_WHILE);
    assert_eq!(report.lagging, ["mute"]);
    assert_eq!(report.confirmed.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["good"]);
    let refusal = &report.refused[0];
    assert_eq!((refusal.node.as_str(), refusal.message.as_str()), ("picky", "not that"));
    assert_eq!((refusal.revision, &refusal.resources[..]), (Revision(2), &["edge".to_owned()][..]));

    // Once the mute one is gone there is nobody to wait for.
    clients.remove(1);
    let start = Instant::now();
    let report = hub.barrier(Revision(2), PATIENCE).await;
    assert!(report.lagging.is_empty() && start.elapsed() < PATIENCE, "{report:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_gets_the_latest_when_it_does() {
    const SIZE: usize = 1 << 20;
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision(1), routes("1", SIZE));
    let mut slow = Client::connect(&url, "slow").await;
    slow.subscribes(ResourceType::Routes, &["edge"]);
    let mut quick = Client::connect(&url, "quick").await;
    quick.subscribes(ResourceType::Routes, &["edge"]);
    for revision in 1..=20 {
        hub.publish(Revision(revision), routes(&revision.to_string(), SIZE));
        let response = quick.gets(ResourceType::Routes).await;
        quick.answers(&response, None);
        while !hub.envoys().iter().any(|envoy| envoy.node == "quick" && envoy.confirmed == Revision(revision))
        {
            tokio::task::yield_now().await;
        }
    }
    // One response was under way; the next one is the latest, and nothing in between was kept.
    let first = slow.gets(ResourceType::Routes).await;
    assert_eq!(mark(&first), "1");
    slow.answers(&first, None);
    let second = slow.gets(ResourceType::Routes).await;
    assert_eq!(mark(&second), "20");
    slow.answers(&second, None);
    assert!(hub.barrier(Revision(20), PATIENCE).await.is_complete());
}

#[tokio::test]
async fn nobody_is_in_sync_who_has_not_acknowledged_what_it_asked_for_even_before_the_first_change() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision::ZERO, routes("start", 10));
    let in_sync = || hub.envoys().iter().map(|envoy| envoy.in_sync).collect::<Vec<_>>();
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge"]);
    let response = client.gets(ResourceType::Routes).await;
    assert_eq!(in_sync(), [false]);
    client.answers(&response, None);
    assert!(hub.barrier(Revision::ZERO, PATIENCE).await.is_complete());
    assert_eq!(in_sync(), [true]);
}

#[tokio::test]
async fn an_older_revision_is_ignored_and_the_same_one_replaces() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision(2), routes("two", 10));
    hub.publish(Revision(1), routes("one", 10));
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge"]);
    let response = client.gets(ResourceType::Routes).await;
    assert_eq!(mark(&response), "two");
    client.answers(&response, None);
    assert!(hub.barrier(Revision(2), PATIENCE).await.is_complete());

    hub.publish(Revision(2), routes("two, again", 10));
    assert_eq!(hub.barrier(Revision(2), A_WHILE).await.lagging, ["a"]);
    assert_eq!(mark(&client.gets(ResourceType::Routes).await), "two, again");
}

#[tokio::test]
async fn unknown_gateways_and_nodes_without_a_usable_name_are_told_why_they_are_refused() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    let node =
        |id: &str, cluster: &str| Node { id: id.to_owned(), cluster: cluster.to_owned(), ..Node::default() };
    for (node, words) in [
        (node("a", "other"), "serves gateway `edge`, not `other`"),
        (node("", "edge"), "node.id is empty"),
        (node("a\u{1b}[2Jb", "edge"), "node.id is not one line"),
        (node(&"a".repeat(257), "edge"), "node.id is not one line"),
    ] {
        let mut client = Client::connect_as(&url, node).await;
        client.subscribes(ResourceType::Cluster, &[]);
        let status = client.receives().await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains(words), "{status:?}");
    }
    assert_eq!(hub.counters().streams_refused, 4);
    assert!(hub.envoys().is_empty());
}

#[tokio::test]
async fn too_many_names_end_a_stream_and_disturb_nobody() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision(1), routes("one", 10));
    let mut greedy = Client::connect(&url, "greedy").await;
    let names: Vec<String> = (0..10_001).map(|number| number.to_string()).collect();
    greedy.subscribes(ResourceType::Endpoints, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(greedy.receives().await.unwrap_err().code(), Code::ResourceExhausted);
    let mut other = Client::connect(&url, "other").await;
    other.subscribes(ResourceType::Routes, &["edge"]);
    assert_eq!(mark(&other.gets(ResourceType::Routes).await), "one");
}

#[tokio::test]
async fn of_a_refusal_without_end_the_beginning_is_kept() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    hub.publish(Revision(1), routes("one", 10));
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge"]);
    let response = client.gets(ResourceType::Routes).await;
    client.answers(&response, Some(&"no, ".repeat(100_000)));
    let report = hub.barrier(Revision(1), PATIENCE).await;
    assert_eq!(report.refused[0].message, "no, ".repeat(1024));
}

#[tokio::test]
async fn the_other_protocol_variant_is_refused_with_what_to_do() {
    let hub = hub();
    let (url, _serving) = serve(&hub).await;
    let requests = tokio_stream::once(DiscoveryRequest::default());
    let status = service(&url).await.stream_aggregated_resources(requests).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.message().contains("DELTA_GRPC"), "{status:?}");
}

#[tokio::test]
async fn a_shutdown_ends_every_stream_and_then_the_server() {
    let hub = hub();
    let (url, serving) = serve(&hub).await;
    hub.publish(Revision(1), routes("one", 10));
    let mut client = Client::connect(&url, "a").await;
    client.subscribes(ResourceType::Routes, &["edge"]);
    client.gets(ResourceType::Routes).await;
    hub.shut_down();
    assert!(matches!(client.receives().await, Ok(None)));
    tokio::time::timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert_eq!(hub.counters().streams, 0);
}
