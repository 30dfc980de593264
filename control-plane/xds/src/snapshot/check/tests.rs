use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain};
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::config::route::v3::{Route, RouteAction, VirtualHost};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::Rds;
use envoy_types::pb::google::protobuf::{Any, UInt32Value};

use super::*;
use crate::Snapshot;

fn cluster(name: &str, kind: DiscoveryType) -> Cluster {
    Cluster {
        name: name.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(kind.into())),
        ..Cluster::default()
    }
}

fn route(name: &str, clusters: &[(&str, u32)]) -> Route {
    let clusters = clusters.iter().map(|(name, weight)| ClusterWeight {
        name: (*name).to_owned(),
        weight: Some(UInt32Value { value: *weight }),
        ..ClusterWeight::default()
    });
    let split = WeightedCluster { clusters: clusters.collect(), ..WeightedCluster::default() };
    let action = RouteAction {
        cluster_specifier: Some(ClusterSpecifier::WeightedClusters(split)),
        ..RouteAction::default()
    };
    Route { name: name.to_owned(), action: Some(Action::Route(action)), ..Route::default() }
}

fn routes(name: &str, routes: Vec<Route>) -> RouteConfiguration {
    RouteConfiguration {
        name: name.to_owned(),
        virtual_hosts: vec![VirtualHost { routes, ..VirtualHost::default() }],
        ..RouteConfiguration::default()
    }
}

fn listener(name: &str, config: Any) -> Listener {
    let filter = Filter { config_type: Some(filter::ConfigType::TypedConfig(config)), ..Filter::default() };
    let chain = FilterChain { filters: vec![filter], ..FilterChain::default() };
    Listener { name: name.to_owned(), filter_chains: vec![chain], ..Listener::default() }
}

fn manager(specifier: RouteSpecifier) -> Any {
    let manager =
        HttpConnectionManager { route_specifier: Some(specifier), ..HttpConnectionManager::default() };
    Any { type_url: HttpConnectionManager::type_url(), value: manager.encode_to_vec() }
}

fn refusal(resources: Resources) -> String {
    Snapshot::build(resources).map(|_| ()).unwrap_err().to_string()
}

fn two_clusters() -> Vec<Cluster> {
    vec![cluster("a", DiscoveryType::Static), cluster("b", DiscoveryType::Static)]
}

#[test]
fn names_are_unique_within_a_type_and_routes_within_a_configuration() {
    let clusters = vec![cluster("a", DiscoveryType::Static), cluster("a", DiscoveryType::StrictDns)];
    let twice = Resources { clusters, ..Resources::default() };
    assert_eq!(refusal(twice), "CDS resource `a` is there twice; names are unique within a type");
    let split = [("a", 10_000)];
    let same = vec![route("op", &split), route("op", &split)];
    let twice =
        Resources { clusters: two_clusters(), routes: vec![routes("r", same)], ..Resources::default() };
    assert_eq!(refusal(twice), "route `op` is there twice; a route is named by its operation");
}

#[test]
fn a_route_leads_to_clusters_that_are_there_with_shares_of_one_whole() {
    let with = |split: &[(&str, u32)]| {
        let routes = vec![routes("r", vec![route("op", split)])];
        Resources { clusters: two_clusters(), routes, ..Resources::default() }
    };
    assert_eq!(
        refusal(with(&[("a", 5_000), ("c", 5_000)])),
        "route `op` leads to cluster `c`, which is not in the snapshot"
    );
    assert_eq!(
        refusal(with(&[("a", 5_000), ("b", 4_999)])),
        "the weights of route `op` sum to 9999; they must sum to 10000"
    );
    assert_eq!(
        refusal(with(&[("a", u32::MAX), ("b", 10_001)])),
        "the weights of route `op` sum to 4294977296; they must sum to 10000"
    );
    assert!(Snapshot::build(with(&[("a", 1), ("b", 9_999)])).is_ok());
}

#[test]
fn a_cluster_that_asks_for_endpoints_has_some() {
    let clusters = vec![cluster("a", DiscoveryType::Eds)];
    let without = Resources { clusters, ..Resources::default() };
    assert_eq!(refusal(without), "cluster `a` gets its endpoints by EDS, and they are not in the snapshot");
}

#[test]
fn a_listener_takes_routes_that_are_there_and_its_own_are_looked_at() {
    let rds = Rds { route_config_name: "r".to_owned(), ..Rds::default() };
    let with = |config| Resources { listeners: vec![listener("l", config)], ..Resources::default() };
    let words = "listener `l` takes routes `r`, which are not in the snapshot";
    assert_eq!(refusal(with(manager(RouteSpecifier::Rds(rds)))), words);
    let own = routes("own", vec![route("op", &[("a", 10_000)])]);
    let words = "route `op` leads to cluster `a`, which is not in the snapshot";
    assert_eq!(refusal(with(manager(RouteSpecifier::RouteConfig(own)))), words);
    let garbage = Any { type_url: HttpConnectionManager::type_url(), value: vec![0xff] };
    assert!(
        refusal(with(garbage)).starts_with("listener `l` has a connection manager that cannot be decoded: ")
    );
    let other = Any { type_url: "type.googleapis.com/other".to_owned(), value: vec![0xff] };
    assert!(Snapshot::build(with(other)).is_ok());
}
