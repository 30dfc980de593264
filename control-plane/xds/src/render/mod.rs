//! From the model to Envoy's resources.
use cutover_domain::Weights;

use crate::Snapshot;
use crate::model::Gateway;

/// Why a gateway cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The legacy gateway is missing.
    #[error("upstream `node` is missing; it is the legacy gateway and every operation needs it")]
    NoNode,
}

/// Renders a gateway with its weights.
///
/// # Errors
/// When the result would not be consistent, see [`RenderError`].
pub fn render(gateway: &Gateway, weights: &Weights) -> Result<Snapshot, RenderError> {
    if !gateway.upstreams.contains_key(crate::model::NODE) {
        return Err(RenderError::NoNode);
    }
    Ok(Snapshot { _weights: weights.clone() })
}
