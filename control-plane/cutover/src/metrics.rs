//! The control plane's own figures, in the OpenMetrics text format.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use cutover_domain::{Action, OperationId};
use cutover_xds::Counters;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::api::wire::EnvoyCount;
use crate::controller::Controller;

/// The media type of [`scrape`]'s answer.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted as it happens; everything else is read when it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    changes: Family<ByAction, Histogram, fn() -> Histogram>,
    confirmations: Histogram,
    refused: Family<ByCode, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAction {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByCode {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOperation {
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            changes: Family::new_with_constructor(seconds as fn() -> Histogram),
            confirmations: seconds(),
            refused: Family::default(),
        }
    }
}

/// From 1 ms to 16 s: a change takes a few milliseconds, a slow Envoy seconds.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 15))
}

impl Metrics {
    /// A change was stored and published.
    pub(crate) fn changed(&self, action: Action, took: Duration) {
        self.changes.get_or_create(&ByAction { action: action.as_str() }).observe(took.as_secs_f64());
    }

    /// Every connected Envoy confirmed a change.
    pub(crate) fn confirmed(&self, took: Duration) {
        self.confirmations.observe(took.as_secs_f64());
    }

    /// A request for a change was refused.
    pub(crate) fn refused(&self, code: &'static str) {
        self.refused.get_or_create(&ByCode { code }).inc();
    }
}

/// All figures as text.
///
/// # Errors
/// Never in practice: the text is written to memory.
pub(crate) fn scrape(controller: &Controller, envoys: EnvoyCount) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("cutover");
    build(&mut registry, controller);
    weights(&mut registry, controller);
    connected(&mut registry, envoys);
    streams(&mut registry, controller.hub().counters());
    let Metrics { changes, confirmations, refused } = controller.metrics().clone();
    let help = "From a request for a change until it was stored and published";
    registry.register_with_unit("change_duration", help, Unit::Seconds, changes);
    let help = "From publishing a change until every connected Envoy confirmed it, for callers who waited";
    registry.register_with_unit("confirmation_duration", help, Unit::Seconds, confirmations);
    registry.register("changes_refused", "Requests for a change that were refused", refused);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn build(registry: &mut Registry, controller: &Controller) {
    let labels = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("gateway", controller.gateway().name.clone()),
    ];
    registry.register("control_plane", "Version and gateway", Info::new(labels));
}

fn weights(registry: &mut Registry, controller: &Controller) {
    let state = controller.state();
    let weights = Family::<ByOperation, Gauge<f64, AtomicU64>>::default();
    let stored = state.weights.iter().map(|(operation, _)| operation);
    for operation in controller.known().iter().chain(stored) {
        let labels = ByOperation { operation: OperationId::as_str(operation).to_owned() };
        weights.get_or_create(&labels).set(state.weights.get(operation).percent() / 100.0);
    }
    let help = "Share of the operation's requests that goes to the rust side, 0 to 1";
    registry.register("operation_weight_ratio", help, weights);
    let revision = ConstGauge::new(state.revision.0);
    registry.register("revision", "The last change of the weights", revision);
}

fn connected(registry: &mut Registry, EnvoyCount { connected, in_sync, refusing }: EnvoyCount) {
    let envoys = Family::<ByState, Gauge>::default();
    let lagging = connected.saturating_sub(in_sync).saturating_sub(refusing);
    for (state, count) in [("in_sync", in_sync), ("refusing", refusing), ("lagging", lagging)] {
        envoys.get_or_create(&ByState { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    registry.register("envoys", "Connected Envoys by what they run", envoys);
}

fn streams(registry: &mut Registry, counters: Counters) {
    let Counters {
        streams,
        streams_opened,
        streams_refused,
        publishes,
        responses,
        response_bytes,
        requests,
        acks,
        nacks,
    } = counters;
    registry.register("xds_streams", "Streams open now", ConstGauge::new(streams));
    let counted = [
        ("xds_streams_opened", "Streams ever opened", streams_opened),
        ("xds_streams_refused", "Streams refused", streams_refused),
        ("xds_publishes", "Snapshots published", publishes),
        ("xds_pushes", "Responses sent to Envoys", responses),
        ("xds_pushed_bytes", "Bytes of these responses", response_bytes),
        ("xds_requests", "Requests received from Envoys", requests),
        ("xds_acks", "Responses Envoys acknowledged", acks),
        ("xds_nacks", "Responses Envoys refused", nacks),
    ];
    for (name, help, count) in counted {
        registry.register(name, help, ConstCounter::new(count));
    }
}
