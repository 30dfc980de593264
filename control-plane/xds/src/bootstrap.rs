//! What an Envoy starts with: its name and the way to the control plane.
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::model::Endpoint;

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

/// The configuration for `envoy --config-yaml` (JSON is YAML).
#[must_use]
pub fn bootstrap(options: &Bootstrap) -> Value {
    json!({"node": {"id": options.node_id, "cluster": options.cluster}})
}
