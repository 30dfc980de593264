//! The clusters by which the auth filter fetches issuers' keys.

use std::path::Path;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster,
    cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily},
};
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, TransportSocket, data_source, transport_socket::ConfigType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, SubjectAltNameMatcher, UpstreamTlsContext,
    common_tls_context::ValidationContextType, subject_alt_name_matcher::SanType,
};

use super::clusters::{http1, load_assignment, socket_address};
use super::proto::{any, boolean, duration, exactly};
use crate::model::{Host, KeyHost, Tls, Upstream};

/// How long a connection may take; the filter's own limit holds for the whole fetch.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The cluster of a host that publishes keys.
///
/// It does not warm: an issuer whose name cannot be resolved keeps neither the listener from starting nor other issuers'
/// tokens from being checked.
pub(super) fn cluster(host: &KeyHost) -> Cluster {
    let KeyHost { endpoint, tls } = host;
    let name = host.cluster();
    let discovery = match endpoint.host {
        Host::Ip(_) => DiscoveryType::Static,
        // One address at a time, and connections outlive a change of it: what a public host asks for.
        Host::Name(_) => DiscoveryType::LogicalDns,
    };
    Cluster {
        load_assignment: Some(load_assignment(&name, std::iter::once(socket_address(endpoint)))),
        name,
        connect_timeout: duration(CONNECT_TIMEOUT),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(discovery.into())),
        dns_lookup_family: DnsLookupFamily::V4Preferred.into(),
        wait_for_warm_on_init: boolean(false),
        transport_socket: tls.as_ref().map(|Tls { ca }| transport_socket(&endpoint.host, ca)),
        typed_extension_protocol_options: http1(Some(Upstream::DEFAULT_IDLE_TIMEOUT)),
        ..Cluster::default()
    }
}

/// TLS that believes only a certificate for this very host; Envoy's own default would believe any.
fn transport_socket(host: &Host, ca: &Path) -> TransportSocket {
    let (sni, san_type, name) = match host {
        // No name is no server name indication (RFC 6066 section 3).
        Host::Ip(ip) => (String::new(), SanType::IpAddress, ip.to_string()),
        Host::Name(name) => (name.clone(), SanType::Dns, name.clone()),
    };
    let san = SubjectAltNameMatcher {
        san_type: san_type.into(),
        matcher: Some(exactly(name)),
        ..SubjectAltNameMatcher::default()
    };
    let file = data_source::Specifier::Filename(ca.to_string_lossy().into_owned());
    let validation = CertificateValidationContext {
        trusted_ca: Some(DataSource { specifier: Some(file), ..DataSource::default() }),
        match_typed_subject_alt_names: vec![san],
        ..CertificateValidationContext::default()
    };
    let context = UpstreamTlsContext {
        common_tls_context: Some(CommonTlsContext {
            validation_context_type: Some(ValidationContextType::ValidationContext(validation)),
            ..CommonTlsContext::default()
        }),
        sni,
        ..UpstreamTlsContext::default()
    };
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(&context))),
    }
}
