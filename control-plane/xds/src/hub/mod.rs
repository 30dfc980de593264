//! The Envoys: their streams, what they run, and what they refuse.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cutover_domain::Revision;
use tokio::net::TcpListener;

use crate::{ResourceType, Snapshot};

/// What a hub has to know.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// The gateway it serves; an Envoy with another `node.cluster` is refused.
    pub gateway: String,
}

/// Serves the latest snapshot to every Envoy, and knows what each of them runs. Clones share everything.
#[derive(Clone, Debug)]
pub struct Hub {
    _options: Arc<HubOptions>,
}

/// Whether the Envoys run a revision, see [`Hub::barrier`]. An Envoy is named by its `node.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarrierReport {
    /// The revision asked for.
    pub revision: Revision,
    /// Envoys that run the revision, or a later one.
    pub confirmed: Vec<Confirmation>,
    /// Connected Envoys that have not said so in time.
    pub lagging: Vec<String>,
    /// Envoys that refused a part of it, and why.
    pub refused: Vec<Refusal>,
    /// From the call to the answer.
    pub elapsed: Duration,
}

impl BarrierReport {
    /// Whether every connected Envoy runs the revision.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lagging.is_empty() && self.refused.is_empty()
    }
}

/// One Envoy that runs a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// `node.id`.
    pub node: String,
    /// The revision it runs: the one asked for, or a later one.
    pub revision: Revision,
}

/// What an Envoy refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `node.id`.
    pub node: String,
    /// The revision whose push was refused.
    pub revision: Revision,
    /// The type of the refused resources.
    pub resource_type: ResourceType,
    /// The resources of the refused push.
    pub resources: Vec<String>,
    /// Envoy's own words.
    pub message: String,
}

/// One connected Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvoyInfo {
    /// `node.id`.
    pub node: String,
    /// `node.cluster`.
    pub cluster: String,
    /// Envoy's version, such as `1.40.0`, when it says one.
    pub version: Option<String>,
    /// Where the stream comes from.
    pub peer: Option<SocketAddr>,
    /// Since when the stream is open.
    pub connected_for: Duration,
    /// The last revision it runs completely.
    pub confirmed: Revision,
    /// What it refuses of the current revision.
    pub refusal: Option<Refusal>,
    /// What it runs, by type; a type it has not asked for is absent.
    pub types: BTreeMap<ResourceType, TypeInfo>,
}

/// What an Envoy runs of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// Resources it is meant to run.
    pub desired: usize,
    /// Resources it has acknowledged at the desired version.
    pub acknowledged: usize,
    /// A push has been sent and not been answered.
    pub waiting: bool,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Streams open now.
    pub streams: u64,
    /// Streams ever opened.
    pub streams_opened: u64,
    /// Streams refused, for an unknown gateway or a broken protocol.
    pub streams_refused: u64,
    /// Snapshots published.
    pub publishes: u64,
    /// Responses sent.
    pub responses: u64,
    /// Bytes of these.
    pub response_bytes: u64,
    /// Requests received.
    pub requests: u64,
    /// Responses acknowledged.
    pub acks: u64,
    /// Responses refused.
    pub nacks: u64,
}

/// Why serving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The gRPC server gave up.
    #[error("the xds server stopped: {0}")]
    Transport(#[from] tonic::transport::Error),
}

impl Hub {
    /// A hub without a snapshot: Envoys connect and wait until [`Hub::publish`].
    #[must_use]
    pub fn new(options: HubOptions) -> Self {
        Self { _options: Arc::new(options) }
    }

    /// Makes a snapshot the desired state of every Envoy. Never waits; a busy stream takes the latest when it is free.
    ///
    /// Revisions grow: a snapshot of an older revision than the current one is ignored.
    pub fn publish(&self, revision: Revision, snapshot: Snapshot) {
        let _ = (revision, snapshot);
    }

    /// Waits until every connected Envoy runs this revision (or a later one) or has refused it, at most for `patience`.
    pub async fn barrier(&self, revision: Revision, patience: Duration) -> BarrierReport {
        let _ = patience;
        BarrierReport { revision, ..BarrierReport::default() }
    }

    /// The connected Envoys, by name.
    #[must_use]
    pub fn envoys(&self) -> Vec<EnvoyInfo> {
        Vec::new()
    }

    /// What has happened since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Serves on a listener until `shutdown`, then ends every stream.
    ///
    /// # Errors
    /// When the gRPC server cannot go on.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        drop(listener);
        shutdown.await;
        Ok(())
    }
}
