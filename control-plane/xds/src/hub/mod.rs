//! The Envoys: their streams, what they run, and what they refuse.

mod codec;
mod registry;
mod report;
mod service;
mod stream;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cutover_domain::Revision;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use self::registry::{Publication, Registry, lock};
pub use self::report::{BarrierReport, Confirmation, Counters, EnvoyInfo, Refusal, TypeInfo};
pub use self::service::DiscoveryService;
use crate::Snapshot;

/// How often a silent connection is probed, and how long its answer may take: a dead Envoy is noticed in this time.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What a hub has to know.
#[derive(Clone, Debug)]
pub struct HubOptions {
    /// The gateway it serves; an Envoy with another `node.cluster` is refused.
    pub gateway: String,
}

/// Serves the latest snapshot to every Envoy, and knows what each of them runs. Clones share everything.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: HubOptions,
    published: watch::Sender<Option<Arc<Publication>>>,
    shutdown: watch::Sender<bool>,
    registry: Mutex<Registry>,
    /// The oldest publication that a stream had settled on is left behind.
    settled: Notify,
    counters: CountersCell,
}

#[derive(Debug, Default)]
struct CountersCell(Mutex<Counters>);

impl CountersCell {
    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.0));
    }
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
        Self {
            shared: Arc::new(Shared {
                options,
                published: watch::Sender::new(None),
                shutdown: watch::Sender::new(false),
                registry: Mutex::default(),
                settled: Notify::new(),
                counters: CountersCell::default(),
            }),
        }
    }

    /// Makes a snapshot the desired state of every Envoy. Never waits; a busy stream takes the latest when it is free.
    ///
    /// Revisions grow: a snapshot of an older revision than the published one is ignored. One of the same revision
    /// replaces it.
    pub fn publish(&self, revision: Revision, snapshot: Snapshot) {
        let published = self.shared.published.send_if_modified(|current| {
            let epoch = match current {
                Some(current) if current.revision > revision => return false,
                Some(current) => current.epoch + 1,
                None => 1,
            };
            *current = Some(Arc::new(Publication { epoch, revision, snapshot }));
            true
        });
        if published {
            self.shared.counters.count(|counters| counters.publishes += 1);
        }
    }

    /// Waits until every connected Envoy runs this revision (or a later one) or has refused a part of it, at most for
    /// `patience`. A revision that is not published yet is waited for.
    pub async fn barrier(&self, revision: Revision, patience: Duration) -> BarrierReport {
        let start = Instant::now();
        let deadline = start + patience;
        let mut published = self.shared.published.subscribe();
        let reached = published
            .wait_for(|current| current.as_ref().is_some_and(|current| current.revision >= revision));
        let epoch = match timeout_at(deadline, reached).await {
            Ok(Ok(current)) => current.as_ref().map_or(u64::MAX, |current| current.epoch),
            _ => return lock(&self.shared.registry).report(revision, u64::MAX, start),
        };
        loop {
            let mut settled = std::pin::pin!(self.shared.settled.notified());
            settled.as_mut().enable(); // before looking, so that nothing is missed
            if lock(&self.shared.registry).all_settled(epoch) || timeout_at(deadline, settled).await.is_err()
            {
                return lock(&self.shared.registry).report(revision, epoch, start);
            }
        }
    }

    /// The connected Envoys, by name.
    #[must_use]
    pub fn envoys(&self) -> Vec<EnvoyInfo> {
        let current = self.shared.published.borrow().clone();
        lock(&self.shared.registry).envoys(current.as_deref())
    }

    /// The published revision.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.shared.published.borrow().as_ref().map(|current| current.revision)
    }

    /// What has happened since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let streams = u64::try_from(lock(&self.shared.registry).len()).unwrap_or(u64::MAX);
        Counters { streams, ..*lock(&self.shared.counters.0) }
    }

    /// The gRPC service, for a server that has others beside it; [`Hub::serve`] has only this one.
    #[must_use]
    pub fn service(&self) -> DiscoveryService {
        DiscoveryService { shared: Arc::clone(&self.shared) }
    }

    /// Ends every stream, now and to come; Envoys keep what they run and try again.
    pub fn shut_down(&self) {
        self.shared.shutdown.send_replace(true);
    }

    /// Waits for [`Hub::shut_down`].
    pub async fn ended(&self) {
        // The sender lives as long as this hub.
        let _ = self.shared.shutdown.subscribe().wait_for(|shutdown| *shutdown).await;
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
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder()
            .http2_keepalive_interval(Some(KEEP_ALIVE))
            .http2_keepalive_timeout(Some(KEEP_ALIVE))
            .add_service(self.service());
        let until = async {
            shutdown.await;
            self.shut_down();
        };
        Ok(server.serve_with_incoming_shutdown(incoming, until).await?)
    }
}
