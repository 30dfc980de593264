//! From the model to Envoy's resources: pure, and the same bytes for the same input.

mod answer;
mod clusters;
mod errors;
mod filters;
mod keys;
mod listener;
mod proto;
mod routes;
mod template;

use std::collections::BTreeSet;

use cutover_domain::{OperationId, Weights};

use crate::model::{ANSWER, Gateway, NODE, OperationRoute, Target, Upstream};
use crate::{Inconsistency, Resources, Snapshot};

/// Why a gateway cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The legacy gateway is missing.
    #[error("upstream `{NODE}` is missing; it is the legacy gateway and every operation needs it")]
    NoNode,
    /// An upstream has a name that Envoy's own answers use.
    #[error("upstream `{0}` has a reserved name; choose another")]
    ReservedName(String),
    /// An upstream without endpoints.
    #[error("upstream `{0}` has no endpoints; name at least one host:port")]
    NoEndpoints(String),
    /// An operation goes to an upstream that is not there.
    #[error("operation `{operation}` goes to upstream `{upstream}`, which does not exist; known are {known}")]
    UnknownUpstream {
        /// The operation.
        operation: OperationId,
        /// What it names.
        upstream: String,
        /// What it could name.
        known: String,
    },
    /// Two operations with one id, or one with the pseudo-operation's.
    #[error("operation `{0}` is there twice, or has the reserved id; operation ids are unique")]
    DuplicateOperation(OperationId),
    /// A path template that cannot be matched.
    #[error(
        "operation `{operation}` has path `{path}`, which is no template; write for example /v1/task/{{id}}"
    )]
    BadPath {
        /// The operation.
        operation: OperationId,
        /// Its path.
        path: String,
    },
    /// The resources do not fit together.
    #[error(transparent)]
    Inconsistent(#[from] Inconsistency),
}

/// Renders a gateway with its weights. An operation without a weight stays on the node side.
///
/// # Errors
/// When the gateway contradicts itself, see [`RenderError`].
pub fn render(gateway: &Gateway, weights: &Weights) -> Result<Snapshot, RenderError> {
    let node = check(gateway)?;
    let (clusters, assignments): (Vec<_>, Vec<_>) =
        gateway.upstreams.iter().map(|(name, upstream)| clusters::upstream(name, upstream)).unzip();
    let key_hosts = gateway.key_hosts.iter().map(keys::cluster);
    let resources = Resources {
        clusters: clusters.into_iter().chain([clusters::answer()]).chain(key_hosts).collect(),
        endpoints: assignments.into_iter().flatten().collect(),
        listeners: vec![listener::listener(gateway), answer::listener(gateway)],
        routes: vec![routes::route_configuration(gateway, node, weights)],
    };
    Ok(Snapshot::build(resources)?)
}

/// Refuses what would render to something else than what is meant; gives the legacy gateway.
fn check(gateway: &Gateway) -> Result<&Upstream, RenderError> {
    for (name, upstream) in &gateway.upstreams {
        if name == ANSWER {
            return Err(RenderError::ReservedName(name.clone()));
        }
        if upstream.endpoints.is_empty() {
            return Err(RenderError::NoEndpoints(name.clone()));
        }
    }
    let mut seen = BTreeSet::new();
    for operation in &gateway.operations {
        let OperationRoute { id, path_template, target, .. } = operation;
        if id.is_unmatched() || !seen.insert(id) {
            return Err(RenderError::DuplicateOperation(id.clone()));
        }
        if !template::is_template(path_template) {
            return Err(RenderError::BadPath { operation: id.clone(), path: path_template.clone() });
        }
        let needed = match target {
            Target::Upstream(name) => std::slice::from_ref(name),
            Target::Ready { upstreams } => upstreams,
            Target::Answer { .. } => &[],
        };
        if let Some(upstream) = needed.iter().find(|name| !gateway.upstreams.contains_key(*name)) {
            let known: Vec<&str> = gateway.upstreams.keys().map(String::as_str).collect();
            return Err(RenderError::UnknownUpstream {
                operation: id.clone(),
                upstream: upstream.clone(),
                known: known.join(", "),
            });
        }
    }
    gateway.upstreams.get(NODE).ok_or(RenderError::NoNode)
}

#[cfg(test)]
mod tests;
