//! Whether resources fit together: what one names, another is.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use envoy_types::pb::envoy::config::listener::v3::{Listener, filter};
use envoy_types::pb::envoy::config::route::v3::{
    RouteConfiguration, WeightedCluster, route::Action, route_action::ClusterSpecifier,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, http_connection_manager::RouteSpecifier,
};
use prost::{Message, Name};

use super::{ResourceType, Resources};

/// The sum of the weights of a route's clusters: one is 0.01 %.
const WHOLE: u32 = 10_000;

/// What does not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistency {
    /// Two resources of one type have one name.
    #[error("{kind} resource `{name}` is there twice; names are unique within a type")]
    DuplicateName {
        /// The type.
        kind: ResourceType,
        /// The name.
        name: String,
    },
    /// Two routes of one configuration have one name.
    #[error("route `{0}` is there twice; a route is named by its operation")]
    DuplicateRoute(String),
    /// A route leads to a cluster that is not there.
    #[error("route `{route}` leads to cluster `{cluster}`, which is not in the snapshot")]
    NoCluster {
        /// The route.
        route: String,
        /// The cluster.
        cluster: String,
    },
    /// A route's weights are not shares of one whole.
    #[error("the weights of route `{route}` sum to {sum}; they must sum to {WHOLE}")]
    Weights {
        /// The route.
        route: String,
        /// What they sum to.
        sum: u64,
    },
    /// A cluster that gets its endpoints by EDS has none.
    #[error("cluster `{0}` gets its endpoints by EDS, and they are not in the snapshot")]
    NoEndpoints(String),
    /// A listener's routes are not there.
    #[error("listener `{listener}` takes routes `{routes}`, which are not in the snapshot")]
    NoRoutes {
        /// The listener.
        listener: String,
        /// The route configuration.
        routes: String,
    },
    /// A listener holds a message that cannot be read.
    #[error("listener `{listener}` has a connection manager that cannot be decoded: {reason}")]
    Unreadable {
        /// The listener.
        listener: String,
        /// What the decoder says.
        reason: String,
    },
}

pub(super) fn check(resources: &Resources) -> Result<(), Inconsistency> {
    let Resources { clusters, endpoints, listeners, routes } = resources;
    let cluster_names: BTreeSet<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let endpoint_names: BTreeSet<&str> =
        endpoints.iter().map(|endpoints| endpoints.cluster_name.as_str()).collect();
    let route_names: BTreeSet<&str> = routes.iter().map(|routes| routes.name.as_str()).collect();
    for cluster in clusters {
        if endpoints_of(cluster).is_some_and(|name| !endpoint_names.contains(name)) {
            return Err(Inconsistency::NoEndpoints(cluster.name.clone()));
        }
    }
    for routes in routes {
        check_routes(routes, &cluster_names)?;
    }
    for listener in listeners {
        check_listener(listener, &route_names, &cluster_names)?;
    }
    Ok(())
}

/// The EDS resource that holds a cluster's endpoints, if it is one that asks for them.
pub(super) fn endpoints_of(cluster: &Cluster) -> Option<&str> {
    let eds = ClusterDiscoveryType::Type(DiscoveryType::Eds.into());
    if cluster.cluster_discovery_type.as_ref() != Some(&eds) {
        return None;
    }
    let service = cluster.eds_cluster_config.as_ref().map(|config| config.service_name.as_str());
    Some(service.filter(|name| !name.is_empty()).unwrap_or(&cluster.name))
}

fn check_routes(routes: &RouteConfiguration, clusters: &BTreeSet<&str>) -> Result<(), Inconsistency> {
    let mut names = BTreeSet::new();
    for route in routes.virtual_hosts.iter().flat_map(|host| &host.routes) {
        if !names.insert(route.name.as_str()) {
            return Err(Inconsistency::DuplicateRoute(route.name.clone()));
        }
        let Some(Action::Route(action)) = &route.action else { continue };
        match &action.cluster_specifier {
            Some(ClusterSpecifier::Cluster(cluster)) => has_cluster(clusters, &route.name, cluster)?,
            Some(ClusterSpecifier::WeightedClusters(split)) => check_split(clusters, &route.name, split)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_split(clusters: &BTreeSet<&str>, route: &str, split: &WeightedCluster) -> Result<(), Inconsistency> {
    let mut sum = 0_u64;
    for cluster in &split.clusters {
        has_cluster(clusters, route, &cluster.name)?;
        sum += cluster.weight.as_ref().map_or(0, |weight| u64::from(weight.value));
    }
    if sum == u64::from(WHOLE) {
        Ok(())
    } else {
        Err(Inconsistency::Weights { route: route.to_owned(), sum })
    }
}

fn has_cluster(clusters: &BTreeSet<&str>, route: &str, cluster: &str) -> Result<(), Inconsistency> {
    if clusters.contains(cluster) {
        return Ok(());
    }
    Err(Inconsistency::NoCluster { route: route.to_owned(), cluster: cluster.to_owned() })
}

fn check_listener(
    listener: &Listener,
    routes: &BTreeSet<&str>,
    clusters: &BTreeSet<&str>,
) -> Result<(), Inconsistency> {
    for filter in listener.filter_chains.iter().flat_map(|chain| &chain.filters) {
        let Some(filter::ConfigType::TypedConfig(config)) = &filter.config_type else { continue };
        if config.type_url != HttpConnectionManager::type_url() {
            continue;
        }
        let manager = HttpConnectionManager::decode(config.value.as_slice()).map_err(|error| {
            Inconsistency::Unreadable { listener: listener.name.clone(), reason: error.to_string() }
        })?;
        match &manager.route_specifier {
            Some(RouteSpecifier::Rds(rds)) if !routes.contains(rds.route_config_name.as_str()) => {
                let routes = rds.route_config_name.clone();
                return Err(Inconsistency::NoRoutes { listener: listener.name.clone(), routes });
            }
            Some(RouteSpecifier::RouteConfig(routes)) => check_routes(routes, clusters)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
