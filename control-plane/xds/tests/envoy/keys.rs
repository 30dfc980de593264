//! The clusters by which issuers' keys are fetched.

use std::fs;
use std::time::Duration;

use cutover_domain::Weights;
use cutover_xds::model::{KeyHost, Tls};
use cutover_xds::{ResourceType, render};
use tempfile::TempDir;

use crate::support::World;
use crate::support::gateway::all;

/// Some certificate authority; nobody holds its key any more.
const CA: &str = include_str!("ca.pem");

fn host(endpoint: &str, ca: Option<&std::path::Path>) -> KeyHost {
    KeyHost { endpoint: endpoint.parse().unwrap(), tls: ca.map(|ca| Tls { ca: ca.to_owned() }) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_cannot_be_found_or_reached_holds_nothing_up() {
    let folder = TempDir::new().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, CA).unwrap();
    let mut world = World::start().await;
    world.gateway.key_hosts =
        vec![host("issuer.invalid:443", Some(&ca)), host("127.0.0.1:1", Some(&ca)), host("[::1]:1", None)];
    let weights = all(&world.gateway, "100");
    let revision = world.revision.next();
    world.control.hub.publish(revision, render(&world.gateway, &weights).unwrap());
    let report = world.control.hub.barrier(revision, Duration::from_secs(5)).await;
    assert!(report.is_complete(), "{report:#?}\n{}", world.envoy.log());
    assert_eq!(world.get("/v1/thing/ok").await.header("x-cutover-side"), Some("rust"));
    let clusters = world.envoy.admin("/clusters").await;
    for cluster in ["jwks:issuer.invalid:443", "jwks:127.0.0.1:1", "jwks:[::1]:1"] {
        assert!(clusters.contains(&format!("{cluster}::observability_name")), "no {cluster}: {clusters}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_not_there_are_refused_with_their_file_and_what_ran_goes_on() {
    let mut world = World::start().await;
    let before = world.gateway.clone();
    world.gateway.key_hosts = vec![host("127.0.0.1:1", Some("/nowhere/ca.pem".as_ref()))];
    let report = world.push(render(&world.gateway, &Weights::new()).unwrap()).await;
    let refusal = &report.refused[0];
    assert_eq!(refusal.resource_type, ResourceType::Cluster);
    assert_eq!(refusal.resources, ["jwks:127.0.0.1:1"]);
    assert!(refusal.message.contains("/nowhere/ca.pem"), "{refusal:#?}");
    assert_eq!(world.get("/v1/thing/ok").await.status, 200);
    world.publish(render(&before, &Weights::new()).unwrap()).await;
}
