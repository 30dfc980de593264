//! What a hub tells about its Envoys.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use cutover_domain::Revision;

use crate::ResourceType;

/// Whether the Envoys run a revision, see [`crate::Hub::barrier`]. An Envoy is named by its `node.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarrierReport {
    /// The revision asked for.
    pub revision: Revision,
    /// Envoys that run the revision, or a later one.
    pub confirmed: Vec<Confirmation>,
    /// Connected Envoys that have not said so in time.
    pub lagging: Vec<String>,
    /// What Envoys refused of it, and why.
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
    /// How long the stream has been open.
    pub connected_for: Duration,
    /// The last revision it is known to run completely; zero before the first.
    pub confirmed: Revision,
    /// Whether it has confirmed what is published now.
    pub in_sync: bool,
    /// What it refuses of the current revision, if anything: the first type in push order.
    pub refusal: Option<Refusal>,
    /// What it runs, by type; a type it has not asked for is absent.
    pub types: BTreeMap<ResourceType, TypeInfo>,
}

/// What an Envoy runs of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    /// Resources it is meant to run.
    pub desired: usize,
    /// Resources it has acknowledged at the desired version.
    pub acknowledged: usize,
    /// A response is under way that it has not answered.
    pub waiting: bool,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Streams open now.
    pub streams: u64,
    /// Streams ever opened.
    pub streams_opened: u64,
    /// Streams refused: an unknown gateway, or more than is kept for one stream.
    pub streams_refused: u64,
    /// Snapshots published.
    pub publishes: u64,
    /// Responses sent.
    pub responses: u64,
    /// Bytes of these.
    pub response_bytes: u64,
    /// Requests received.
    pub requests: u64,
    /// Responses accepted.
    pub acks: u64,
    /// Responses refused.
    pub nacks: u64,
}
