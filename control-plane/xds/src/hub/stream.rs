//! One stream: requests and publications in, responses out. It waits for its client only, never for another one.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use envoy_types::pb::envoy::config::core::v3::{Node, node::UserAgentVersionType};
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::{Status, Streaming};

use super::Shared;
use super::codec::Encoded;
use super::registry::{Peer, Publication, lock};
use crate::ResourceType;
use crate::session::Session;
use crate::subscription::{Request, Verdict};

type Outgoing = mpsc::Sender<Result<Encoded, Status>>;

/// The longest name or version of an Envoy that is kept, in bytes.
const MAX_LINE: usize = 256;

/// So many characters of a refusal are kept and logged. Envoy's messages are a few hundred.
const MAX_WORDS: usize = 4096;

/// Why a stream ends before its client ends it.
enum End {
    /// The client is told.
    Refused(Status),
    /// The client is gone, or does not read what it asked for.
    Gone,
}

/// Serves a stream until its client leaves, breaks the protocol, or the hub shuts down.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut incoming: Streaming<DeltaDiscoveryRequest>,
    outgoing: Outgoing,
    address: Option<SocketAddr>,
) {
    let end = serve(&shared, &mut incoming, &outgoing, address).await;
    if let Err(End::Refused(status)) = end {
        shared.counters.count(|counters| counters.streams_refused += 1);
        tracing::warn!(
            peer = address.map(tracing::field::display),
            reason = status.message(),
            "refused an xds stream"
        );
        // The client may be gone, or its buffer full; then there is nobody to tell.
        let _ = outgoing.try_send(Err(status));
    }
}

async fn serve(
    shared: &Arc<Shared>,
    incoming: &mut Streaming<DeltaDiscoveryRequest>,
    outgoing: &Outgoing,
    address: Option<SocketAddr>,
) -> Result<(), End> {
    let mut published = shared.published.subscribe();
    let mut shutdown = shared.shutdown.subscribe();
    let mut stream: Option<Stream> = None;
    loop {
        tokio::select! {
            message = incoming.message() => {
                let Ok(Some(request)) = message else { return Ok(()) };
                let stream = match &mut stream {
                    Some(stream) => stream,
                    None => stream.insert(Stream::open(shared, request.node.as_ref(), address)?),
                };
                stream.request(request)?;
            }
            changed = published.changed() => if changed.is_err() { return Ok(()) },
            _ = shutdown.wait_for(|shutdown| *shutdown) => return Ok(()),
        }
        let publication = published.borrow_and_update().clone();
        if let (Some(stream), Some(publication)) = (&stream, publication) {
            stream.push(&publication, outgoing)?;
        }
    }
}

/// An identified stream; leaves the registry when dropped.
struct Stream {
    shared: Arc<Shared>,
    id: u64,
    node: String,
    session: Arc<Mutex<Session>>,
}

impl Stream {
    fn open(shared: &Arc<Shared>, node: Option<&Node>, address: Option<SocketAddr>) -> Result<Self, End> {
        let refused = |reason: String| Err(End::Refused(Status::failed_precondition(reason)));
        let Some(node) = node else {
            return refused(
                "the first request of a stream has no node; set node.id and node.cluster".to_owned(),
            );
        };
        let gateway = &shared.options.gateway;
        if node.cluster != *gateway {
            return refused(format!("this control plane serves gateway `{gateway}`, not `{}`", node.cluster));
        }
        if node.id.is_empty() {
            return refused("node.id is empty; give every Envoy a name of its own".to_owned());
        }
        if !is_line(&node.id) {
            return refused(format!(
                "node.id is not one line of at most {MAX_LINE} bytes; give every Envoy a name that can be listed"
            ));
        }
        let version = version(node);
        let peer = Peer { node: node.id.clone(), cluster: node.cluster.clone(), version, address };
        tracing::info!(
            node = peer.node,
            version = peer.version,
            peer = address.map(tracing::field::display),
            "an Envoy has connected"
        );
        let session = Arc::new(Mutex::new(Session::default()));
        let id = lock(&shared.registry).open(peer, Instant::now(), Arc::clone(&session));
        shared.counters.count(|counters| counters.streams_opened += 1);
        Ok(Self { shared: Arc::clone(shared), id, node: node.id.clone(), session })
    }

    fn request(&self, request: DeltaDiscoveryRequest) -> Result<(), End> {
        self.shared.counters.count(|counters| counters.requests += 1);
        let Some(kind) = ResourceType::from_type_url(&request.type_url) else {
            tracing::debug!(
                node = self.node,
                type_url = request.type_url,
                "ignored a request for an unknown type"
            );
            return Ok(());
        };
        let nonce = request.response_nonce.clone();
        let request = Request::from(request);
        let refusal = request.refusal.clone();
        let verdict = lock(&self.session).request(kind, request);
        match verdict.map_err(|error| End::Refused(Status::resource_exhausted(error.to_string())))? {
            Verdict::Ack => self.shared.counters.count(|counters| counters.acks += 1),
            Verdict::Nack => {
                self.shared.counters.count(|counters| counters.nacks += 1);
                tracing::warn!(node = self.node, %kind, nonce, message = refusal, "an Envoy refused a configuration");
            }
            Verdict::None => {}
        }
        Ok(())
    }

    fn push(&self, publication: &Publication, outgoing: &Outgoing) -> Result<(), End> {
        let mut session = lock(&self.session);
        while let Some(response) = session.next(&publication.snapshot, publication.revision) {
            let response = Encoded::from(response);
            self.shared.counters.count(|counters| {
                counters.responses += 1;
                counters.response_bytes += u64::try_from(response.len()).unwrap_or_default();
            });
            outgoing.try_send(Ok(response)).map_err(|_| End::Gone)?;
        }
        let outcome = session.outcome(&publication.snapshot);
        drop(session);
        if lock(&self.shared.registry).settle(self.id, publication, outcome) {
            self.shared.settled.notify_waiters();
        }
        Ok(())
    }
}

/// Envoy's version, if it says one that can be listed.
fn version(node: &Node) -> Option<String> {
    match node.user_agent_version_type.as_ref()? {
        UserAgentVersionType::UserAgentVersion(version) => Some(version.clone()).filter(|text| is_line(text)),
        UserAgentVersionType::UserAgentBuildVersion(build) => build
            .version
            .as_ref()
            .map(|version| format!("{}.{}.{}", version.major_number, version.minor_number, version.patch)),
    }
}

/// Whether a text from outside may stand in listings, which are printed on terminals line by line.
fn is_line(text: &str) -> bool {
    text.len() <= MAX_LINE && !text.chars().any(char::is_control)
}

impl Drop for Stream {
    fn drop(&mut self) {
        tracing::info!(node = self.node, "an Envoy has left");
        if lock(&self.shared.registry).close(self.id) {
            self.shared.settled.notify_waiters();
        }
    }
}

impl From<DeltaDiscoveryRequest> for Request {
    fn from(request: DeltaDiscoveryRequest) -> Self {
        Self {
            nonce: request.response_nonce,
            refusal: request.error_detail.map(|error| error.message.trim().chars().take(MAX_WORDS).collect()),
            subscribe: request.resource_names_subscribe,
            unsubscribe: request.resource_names_unsubscribe,
            initial_versions: request.initial_resource_versions.into_iter().collect(),
        }
    }
}
