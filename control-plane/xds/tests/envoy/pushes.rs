//! What travels when something changes, who says so, and what happens to what Envoy refuses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutover_domain::Weights;
use cutover_xds::model::{Filters, Gateway, Target};
use cutover_xds::{Counters, ResourceType, render};

use crate::support::World;
use crate::support::gateway::{all, operation};

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_change_is_one_small_message() {
    let mut world = World::start().await;
    let before = world.control.hub.counters();
    world.all("50").await;
    let after = world.control.hub.counters();
    let Counters { responses, acks, nacks, requests, .. } = before;
    assert_eq!(after.responses, responses + 1, "{after:?}");
    assert_eq!((after.acks, after.nacks, after.requests), (acks + 1, nacks, requests + 1), "{after:?}");
    let routes = render(&world.gateway, &Weights::new()).unwrap();
    let size = routes.resources(ResourceType::Routes).map(|routes| routes.body().len()).sum::<usize>();
    let sent = usize::try_from(after.response_bytes - before.response_bytes).unwrap();
    assert!((size..size + 512).contains(&sent), "{sent} bytes for {size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_is_known_by_name_version_and_what_it_runs() {
    let world = World::start().await;
    let envoys = world.control.hub.envoys();
    assert_eq!(envoys.len(), 1);
    let envoy = &envoys[0];
    assert_eq!((envoy.node.as_str(), envoy.cluster.as_str()), ("envoy-1", "edge"));
    assert!(envoy.version.as_ref().is_some_and(|version| version.starts_with("1.")), "{envoy:#?}");
    assert_eq!(envoy.types.len(), 4, "{envoy:#?}");
    for (kind, info) in &envoy.types {
        assert_eq!(info.desired, info.acknowledged, "{kind}");
        assert!(info.desired > 0 && !info.waiting, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_change_the_resource_and_the_reason_and_is_not_sent_again() {
    let mut world = World::start().await;
    let filters = Filters {
        module: "/nowhere/filters.wasm".into(),
        request_id: serde_json::json!({}),
        auth: serde_json::json!({}),
        validation: serde_json::json!({}),
    };
    let broken = Gateway { filters: Some(filters), ..world.gateway.clone() };
    let report = world.push(render(&broken, &Weights::new()).unwrap()).await;
    assert!(!report.is_complete());
    assert!(report.confirmed.is_empty() && report.lagging.is_empty(), "{report:#?}");
    let refusal = &report.refused[0];
    assert_eq!((refusal.node.as_str(), refusal.revision), ("envoy-1", world.revision));
    assert_eq!(refusal.resource_type, ResourceType::Listener);
    assert_eq!(refusal.resources, ["edge"]);
    assert!(refusal.message.contains("/nowhere/filters.wasm"), "{refusal:#?}");
    assert_eq!(world.control.hub.envoys()[0].refusal.as_ref(), Some(refusal));

    // What runs goes on running, and a weight can still move; the refused listener is not tried again.
    let nacks = world.control.hub.counters().nacks;
    let report = world.push(render(&broken, &all(&broken, "100")).unwrap()).await;
    assert_eq!(report.refused.len(), 1, "{report:#?}");
    assert_eq!(world.get("/v1/thing/ok").await.header("x-cutover-side"), Some("rust"));
    assert_eq!(world.control.hub.counters().nacks, nacks);

    // The old content under a new revision settles it.
    world.all("0").await;
    assert_eq!(world.control.hub.envoys()[0].refusal, None);
    assert_eq!(world.get("/v1/thing/ok").await.header("x-cutover-side"), Some("node"));
}

#[tokio::test(flavor = "multi_thread")]
async fn services_come_and_go_without_a_lost_request() {
    let mut world = World::start().await;
    world.all("100").await;
    let old = world.gateway.clone();
    let mut renamed = old.clone();
    let service = renamed.upstreams.remove("service").unwrap();
    renamed.upstreams.insert("service-2".to_owned(), service);
    for operation in &mut renamed.operations {
        match &mut operation.target {
            Target::Upstream(name) if name == "service" => *name = "service-2".to_owned(),
            Target::Ready { upstreams } => *upstreams = vec!["service-2".to_owned()],
            _ => {}
        }
    }
    renamed.operations.push(operation("getNew", "GET", "/v1/new", Target::Upstream("service-2".to_owned())));
    let stop = AtomicBool::new(false);
    let load = async {
        let mut requests = 0;
        while !stop.load(Ordering::Relaxed) {
            let answer = world.get("/v1/thing/ok").await;
            assert_eq!((answer.status, answer.header("x-cutover-side")), (200, Some("rust")), "{answer:#?}");
            requests += 1;
        }
        requests
    };
    let change = async {
        for gateway in [&renamed, &old, &renamed, &old] {
            let revision = world.control.hub.revision().unwrap().next();
            world.control.hub.publish(revision, render(gateway, &all(gateway, "100")).unwrap());
            let report = world.control.hub.barrier(revision, Duration::from_secs(20)).await;
            assert!(report.is_complete(), "{report:#?}");
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (requests, ()) = tokio::join!(load, change);
    assert!(requests > 0);
    let clusters = world.envoy.admin("/clusters").await;
    assert!(!clusters.contains("service-2::"), "{clusters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_control_plane_sends_nothing_that_envoy_has() {
    let mut world = World::start().await;
    world.all("100").await;
    let snapshot = render(&world.gateway, &all(&world.gateway, "100")).unwrap();
    let world = world.restart_control_plane(snapshot).await;
    let Counters { responses, nacks, .. } = world.control.hub.counters();
    assert_eq!((responses, nacks), (0, 0));
    assert_eq!(world.get("/v1/thing/ok").await.header("x-cutover-side"), Some("rust"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_service_is_ready_at_once() {
    let mut world = World::start().await;
    world.all("100").await;
    let mut gateway = world.gateway.clone();
    gateway.upstreams.get_mut("service").unwrap().connections = 7;
    // Without its endpoints Envoy would wait 15 s for them.
    let revision = world.revision.next();
    world.control.hub.publish(revision, render(&gateway, &all(&gateway, "100")).unwrap());
    let report = world.control.hub.barrier(revision, Duration::from_secs(10)).await;
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.get("/v1/thing/ok").await.status, 200);
    let clusters = world.envoy.admin("/clusters").await;
    assert!(clusters.contains("service::default_priority::max_connections::7"), "{clusters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_changed_across_a_restart_is_ready_at_once() {
    let mut world = World::start().await;
    world.all("100").await;
    world.gateway.upstreams.get_mut("service").unwrap().connections = 7;
    let snapshot = render(&world.gateway, &all(&world.gateway, "100")).unwrap();
    let world = world.restart_control_plane(snapshot).await;
    // Without its endpoints Envoy would wait 15 s for them, counted from its return.
    let connected_for = world.control.hub.envoys()[0].connected_for;
    assert!(connected_for < Duration::from_secs(10), "confirmed after {connected_for:?}");
    let clusters = world.envoy.admin("/clusters").await;
    assert!(clusters.contains("service::default_priority::max_connections::7"), "{clusters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_has_nothing_to_complain_about() {
    let mut world = World::start().await;
    world.all("50").await;
    let log = world.envoy.log();
    let complaints = log
        .lines()
        .filter(|line| ["[warning]", "[error]", "[critical]"].iter().any(|level| line.contains(level)));
    // Envoy says of the filter that hides upstream failures that its configuration may still change.
    let complaints: Vec<&str> = complaints.filter(|line| !line.contains("custom_response")).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
