//! From what the control plane knows to what the API says.

use std::collections::BTreeSet;

use cutover_domain::OperationId;
use cutover_store::StoreError;
use cutover_xds::model::{OperationRoute, Target};
use cutover_xds::{BarrierReport, EnvoyInfo, Refusal, TypeInfo};

use super::wire;
use crate::clock;
use crate::controller::{Controller, Outcome};

/// What answers on the rust side when it is no upstream.
const GATEWAY_ITSELF: &str = "gateway";

pub(super) async fn status(controller: &Controller) -> Result<wire::Status, StoreError> {
    let last = controller.last_changes().await?;
    let state = controller.state();
    let row =
        |operation: &OperationId, method: Option<&str>, path: Option<&str>, rust: &str| wire::Operation {
            operation: operation.clone(),
            method: method.map(str::to_owned),
            path: path.map(str::to_owned),
            rust: rust.to_owned(),
            weight: state.weights.get(operation),
            last_change: last.get(operation).cloned().map(Into::into),
        };
    let routes = &controller.gateway().operations;
    let mut operations: Vec<_> = routes
        .iter()
        .map(|route| {
            let OperationRoute { id, method, path_template, target, idempotent: _ } = route;
            row(id, Some(method), Some(path_template), rust_side(target))
        })
        .collect();
    operations.push(row(&OperationId::unmatched(), None, None, GATEWAY_ITSELF));
    let missing = controller.missing();
    let missing =
        missing.iter().map(|(operation, weight)| wire::Missing { operation: operation.clone(), weight });
    Ok(wire::Status {
        gateway: controller.gateway().name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        listen: controller.gateway().listen.to_string(),
        store: controller.config().store.to_string(),
        started_at_ms: controller.started_at_ms(),
        now_ms: clock::now_ms(),
        revision: state.revision,
        envoys: count(controller),
        operations,
        missing: missing.collect(),
    })
}

fn rust_side(target: &Target) -> &str {
    match target {
        Target::Upstream(name) => name,
        Target::Answer { .. } | Target::Ready { .. } => GATEWAY_ITSELF,
    }
}

pub(super) fn weights(controller: &Controller) -> wire::WeightList {
    let state = controller.state();
    let weight = |operation: &OperationId| wire::OperationWeight {
        operation: operation.clone(),
        weight: state.weights.get(operation),
    };
    wire::WeightList { revision: state.revision, weights: controller.known().iter().map(weight).collect() }
}

pub(super) fn envoys(controller: &Controller) -> wire::Envoys {
    let envoys = controller.envoys().into_iter().map(one_envoy).collect();
    wire::Envoys { revision: controller.state().revision, envoys }
}

fn one_envoy(envoy: EnvoyInfo) -> wire::Envoy {
    let EnvoyInfo { node, cluster, version, peer, connected_for, confirmed, in_sync, refusal, types } = envoy;
    let types = types.into_iter().map(|(kind, TypeInfo { desired, acknowledged, waiting })| {
        (kind.to_string(), wire::TypeCount { desired, acknowledged, waiting })
    });
    wire::Envoy {
        node,
        cluster,
        version,
        peer: peer.map(|peer| peer.to_string()),
        connected_for_ms: millis(connected_for),
        confirmed,
        in_sync,
        refusal: refusal.map(refused),
        types: types.collect(),
    }
}

/// How many Envoys there are, and how many run what they should.
pub(super) fn count(controller: &Controller) -> wire::EnvoyCount {
    let envoys = controller.envoys();
    let in_sync = envoys.iter().filter(|envoy| envoy.in_sync).count();
    let refusing = envoys.iter().filter(|envoy| envoy.refusal.is_some()).count();
    wire::EnvoyCount { connected: envoys.len(), in_sync, refusing }
}

/// The answer to a change; `named` are the operations the caller named.
pub(super) fn changed(
    outcome: Outcome,
    named: BTreeSet<OperationId>,
    report: Option<BarrierReport>,
) -> wire::Changed {
    let Outcome { action, changes, state, connected, published: _ } = outcome;
    let moved: BTreeSet<_> = changes.iter().map(|change| change.operation.clone()).collect();
    let unchanged = named.into_iter().filter(|operation| !moved.contains(operation));
    let unchanged = unchanged.map(|operation| {
        let weight = state.weights.get(&operation);
        wire::OperationWeight { operation, weight }
    });
    wire::Changed {
        action,
        revision: state.revision,
        unchanged: unchanged.collect(),
        changes,
        connected,
        confirmation: report.map(confirmation),
    }
}

fn confirmation(report: BarrierReport) -> wire::Confirmation {
    let complete = report.is_complete() && !report.confirmed.is_empty();
    let BarrierReport { revision: _, confirmed, lagging, refused: refusals, elapsed } = report;
    wire::Confirmation {
        complete,
        confirmed: confirmed.into_iter().map(|confirmation| confirmation.node).collect(),
        lagging,
        refused: refusals.into_iter().map(refused).collect(),
        elapsed_ms: millis(elapsed),
    }
}

fn refused(refusal: Refusal) -> wire::Refusal {
    let Refusal { node, revision, resource_type, resources, message } = refusal;
    wire::Refusal { node, revision, resource_type: resource_type.to_string(), resources, message }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
