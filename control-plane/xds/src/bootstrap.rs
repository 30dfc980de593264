//! What an Envoy starts with: its name and the way to the control plane. Everything else comes over that.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::model::{Endpoint, Host};

/// The cluster of the control plane itself.
const XDS: &str = "cutover-xds";

/// What differs between the Envoys of one gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// The Envoy's own name, unique among those of its gateway.
    pub node_id: String,
    /// The gateway it serves: [`crate::model::Gateway::name`].
    pub cluster: String,
    /// The control plane.
    pub xds: Endpoint,
    /// Envoy's admin interface; loopback only, it can stop the process.
    pub admin: SocketAddr,
}

/// The configuration for `envoy --config-yaml` or, in a file that ends in `.json`, `envoy -c`.
#[must_use]
pub fn bootstrap(options: &Bootstrap) -> Value {
    let Bootstrap { node_id, cluster, xds, admin } = options;
    let (host, discovery) = match &xds.host {
        Host::Ip(ip) => (ip.to_string(), "STATIC"),
        Host::Name(name) => (name.clone(), "STRICT_DNS"),
    };
    json!({
        "node": { "id": node_id, "cluster": cluster },
        "admin": { "address": socket_address(&admin.ip().to_string(), admin.port()) },
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "set_node_on_first_message_only": true,
                "grpc_services": [{ "envoy_grpc": { "cluster_name": XDS } }],
            },
            "cds_config": { "ads": {}, "resource_api_version": "V3" },
            "lds_config": { "ads": {}, "resource_api_version": "V3" },
        },
        "static_resources": { "clusters": [control_plane(&host, xds.port, discovery)] },
        // The gateway's own answers come from a listener inside the process.
        "bootstrap_extensions": [{
            "name": "envoy.bootstrap.internal_listener",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
            },
        }],
        // Nothing but the admin interface sets runtime values.
        "layered_runtime": { "layers": [{ "name": "admin", "admin_layer": {} }] },
        "overload_manager": overload_manager(),
    })
}

fn control_plane(host: &str, port: u16, discovery: &str) -> Value {
    json!({
        "name": XDS,
        "type": discovery,
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": XDS,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": socket_address(host, port) } }] }],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                // A control plane that is gone without a word is noticed, and its successor found.
                "explicit_http_config": {
                    "http2_protocol_options": { "connection_keepalive": { "interval": "10s", "timeout": "5s" } },
                },
            },
        },
    })
}

/// Envoy warns when nothing bounds its connections.
fn overload_manager() -> Value {
    json!({
        "resource_monitors": [{
            "name": "envoy.resource_monitors.global_downstream_max_connections",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                "max_active_downstream_connections": 50_000,
            },
        }],
    })
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}
