//! Clusters and their endpoints: how Envoy reaches the upstreams, and what it spares them.

use std::collections::HashMap;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::{
    CircuitBreakers, Cluster, OutlierDetection,
    circuit_breakers::{Thresholds, thresholds::RetryBudget},
    cluster::{
        ClusterDiscoveryType, CommonLbConfig, DiscoveryType, DnsLookupFamily, EdsClusterConfig, LbPolicy,
    },
};
use envoy_types::pb::envoy::config::core::v3::{
    Address, EnvoyInternalAddress, Http1ProtocolOptions, HttpProtocolOptions as CommonOptions, SocketAddress,
    address, envoy_internal_address::AddressNameSpecifier, socket_address::PortSpecifier,
};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint as EnvoyEndpoint, LbEndpoint, LocalityLbEndpoints,
    lb_endpoint::HostIdentifier,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::{
    HttpProtocolOptions,
    http_protocol_options::{
        ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
    },
};
use envoy_types::pb::envoy::r#type::v3::Percent;
use prost::Name;

use super::proto::{ads, any, boolean, duration, uint32};
use crate::model::{ANSWER, Breaker, Endpoint, Host, Outlier, Retry, Upstream};

/// How often Envoy looks whether an ejected endpoint may come back.
const EJECTION_CHECK: Duration = Duration::from_secs(1);

/// The cluster of an upstream, and its endpoints when they come as a resource of their own.
pub(super) fn upstream(name: &str, upstream: &Upstream) -> (Cluster, Option<ClusterLoadAssignment>) {
    let Upstream {
        endpoints,
        connect_timeout,
        timeout: _, // the route's
        idle_timeout,
        connections,
        breaker,
        outlier,
        retry,
    } = upstream;
    let assignment = load_assignment(name, endpoints.iter().map(socket_address));
    let cluster = Cluster {
        name: name.to_owned(),
        connect_timeout: duration(*connect_timeout),
        lb_policy: LbPolicy::LeastRequest.into(),
        // With every endpoint ejected the answer is 503, not a request to an endpoint known to fail.
        common_lb_config: Some(CommonLbConfig {
            healthy_panic_threshold: Some(Percent { value: 0.0 }),
            ..CommonLbConfig::default()
        }),
        circuit_breakers: Some(circuit_breakers(*connections, breaker, retry.as_ref())),
        outlier_detection: outlier.as_ref().map(outlier_detection),
        typed_extension_protocol_options: http1(Some(*idle_timeout)),
        ..Cluster::default()
    };
    if endpoints.iter().any(|endpoint| matches!(endpoint.host, Host::Name(_))) {
        let by_name = Cluster {
            cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into())),
            dns_lookup_family: DnsLookupFamily::V4Preferred.into(),
            load_assignment: Some(assignment),
            ..cluster
        };
        return (by_name, None);
    }
    let by_eds = Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(EdsClusterConfig { eds_config: Some(ads()), ..EdsClusterConfig::default() }),
        ..cluster
    };
    (by_eds, Some(assignment))
}

/// The way to Envoy's own answers: a listener inside the same process.
pub(super) fn answer() -> Cluster {
    let listener = AddressNameSpecifier::ServerListenerName(ANSWER.to_owned());
    let address = Address {
        address: Some(address::Address::EnvoyInternalAddress(EnvoyInternalAddress {
            endpoint_id: String::new(),
            address_name_specifier: Some(listener),
        })),
    };
    Cluster {
        name: ANSWER.to_owned(),
        connect_timeout: duration(Duration::from_secs(1)),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(load_assignment(ANSWER, std::iter::once(address))),
        typed_extension_protocol_options: http1(None),
        ..Cluster::default()
    }
}

pub(super) fn http1(
    idle_timeout: Option<Duration>,
) -> HashMap<String, envoy_types::pb::google::protobuf::Any> {
    let http1 = ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default());
    let options = HttpProtocolOptions {
        common_http_protocol_options: idle_timeout.map(|idle_timeout| CommonOptions {
            idle_timeout: duration(idle_timeout),
            ..CommonOptions::default()
        }),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(http1),
        })),
        ..HttpProtocolOptions::default()
    };
    HashMap::from([(HttpProtocolOptions::full_name(), any(&options))])
}

fn circuit_breakers(connections: u32, breaker: &Breaker, retry: Option<&Retry>) -> CircuitBreakers {
    let Breaker { requests, pending, retries } = *breaker;
    let retry_budget = retry.and_then(|retry| retry.budget_percent).map(|percent| RetryBudget {
        budget_percent: Some(Percent { value: percent }),
        min_retry_concurrency: uint32(retries),
        ..RetryBudget::default()
    });
    let thresholds = Thresholds {
        max_connections: uint32(connections),
        max_pending_requests: uint32(pending),
        max_requests: uint32(requests),
        max_retries: uint32(retries),
        retry_budget,
        ..Thresholds::default()
    };
    CircuitBreakers { thresholds: vec![thresholds], ..CircuitBreakers::default() }
}

/// A breaker per endpoint: so many failures in a row open it, and after the ejection time it is tried again.
fn outlier_detection(outlier: &Outlier) -> OutlierDetection {
    let Outlier { consecutive_5xx, base_ejection } = *outlier;
    OutlierDetection {
        consecutive_5xx: uint32(consecutive_5xx),
        interval: duration(EJECTION_CHECK.min(base_ejection)),
        base_ejection_time: duration(base_ejection),
        // Envoy ejects longer each time; the legacy gateway's breaker does not.
        max_ejection_time: duration(base_ejection),
        max_ejection_percent: uint32(100),
        always_eject_one_host: boolean(true),
        enforcing_success_rate: uint32(0),
        ..OutlierDetection::default()
    }
}

pub(super) fn load_assignment(
    cluster: &str,
    addresses: impl Iterator<Item = Address>,
) -> ClusterLoadAssignment {
    let lb_endpoints = addresses
        .map(|address| LbEndpoint {
            host_identifier: Some(HostIdentifier::Endpoint(EnvoyEndpoint {
                address: Some(address),
                ..EnvoyEndpoint::default()
            })),
            ..LbEndpoint::default()
        })
        .collect();
    ClusterLoadAssignment {
        cluster_name: cluster.to_owned(),
        endpoints: vec![LocalityLbEndpoints { lb_endpoints, ..LocalityLbEndpoints::default() }],
        ..ClusterLoadAssignment::default()
    }
}

pub(super) fn socket_address(endpoint: &Endpoint) -> Address {
    let Endpoint { host, port } = endpoint;
    let host = match host {
        Host::Ip(ip) => ip.to_string(),
        Host::Name(name) => name.clone(),
    };
    address_of(host, *port)
}

pub(super) fn address_of(host: String, port: u16) -> Address {
    Address {
        address: Some(address::Address::SocketAddress(SocketAddress {
            address: host,
            port_specifier: Some(PortSpecifier::PortValue(port.into())),
            ..SocketAddress::default()
        })),
    }
}
