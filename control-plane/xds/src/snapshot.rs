//! One immutable, internally consistent set of resources, each encoded once.

mod check;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use prost::bytes::Bytes;
use prost::{Message, Name};
use sha2::{Digest, Sha256};

use crate::wire;
pub use check::Inconsistency;

/// The kinds of resource, in the order in which they are pushed (xDS, "Eventual consistency considerations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// Clusters (CDS).
    Cluster,
    /// Endpoints of clusters (EDS).
    Endpoints,
    /// Listeners (LDS).
    Listener,
    /// Route configurations (RDS).
    Routes,
}

impl ResourceType {
    /// All of them, in the order in which they are pushed.
    pub const ALL: [Self; 4] = [Self::Cluster, Self::Endpoints, Self::Listener, Self::Routes];

    /// The type URL on the wire.
    #[must_use]
    pub const fn type_url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoints => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Routes => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    /// The type of a URL, if it is one that is served.
    #[must_use]
    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.type_url() == url)
    }

    /// The name people use: `CDS`, `EDS`, `LDS`, `RDS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "CDS",
            Self::Endpoints => "EDS",
            Self::Listener => "LDS",
            Self::Routes => "RDS",
        }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What a snapshot is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    /// CDS.
    pub clusters: Vec<Cluster>,
    /// EDS.
    pub endpoints: Vec<ClusterLoadAssignment>,
    /// LDS.
    pub listeners: Vec<Listener>,
    /// RDS.
    pub routes: Vec<RouteConfiguration>,
}

/// The resources of one type, by name.
pub(crate) type ByName = BTreeMap<Arc<str>, Resource>;

/// One immutable, internally consistent set of resources. Clones share everything.
#[derive(Clone, Debug)]
pub struct Snapshot {
    types: Arc<BTreeMap<ResourceType, ByName>>,
}

/// One resource, encoded. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Resource {
    name: Arc<str>,
    version: Arc<str>,
    /// Field `resources` of a delta response, complete.
    entry: Bytes,
    /// Length of the resource itself, at the end of `entry`.
    body: usize,
    /// For a cluster that gets its endpoints by EDS: the resource that holds them.
    endpoints: Option<Arc<str>>,
}

impl Resource {
    fn new<M: Message + Name>(name: &str, message: &M, map: &[u32]) -> Self {
        let mut value = message.encode_to_vec();
        wire::sort_map(&mut value, map);
        let version = version(&value);
        // Resource{version = 1, resource = 2 (Any{type_url = 1, value = 2}), name = 3}; any order will do, and the body last
        // can be told from the rest without another copy.
        let mut any = Vec::new();
        wire::append_field(&mut any, 1, M::type_url().as_bytes());
        wire::append_field(&mut any, 2, &value);
        let mut resource = Vec::new();
        wire::append_field(&mut resource, 1, version.as_bytes());
        wire::append_field(&mut resource, 3, name.as_bytes());
        wire::append_field(&mut resource, 2, &any);
        let mut entry = Vec::new();
        wire::append_field(&mut entry, 2, &resource);
        Self {
            name: name.into(),
            version: version.into(),
            entry: entry.into(),
            body: value.len(),
            endpoints: None,
        }
    }

    /// The resource's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version: a hash of the content, so that it never names another content.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The encoded message.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.entry.slice(self.entry.len().saturating_sub(self.body)..)
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn shared_version(&self) -> &Arc<str> {
        &self.version
    }

    pub(crate) fn entry(&self) -> &Bytes {
        &self.entry
    }

    pub(crate) fn endpoints(&self) -> Option<&Arc<str>> {
        self.endpoints.as_ref()
    }
}

/// The first 64 bits of a SHA-256: no two contents that one control plane ever renders share it.
fn version(content: &[u8]) -> String {
    Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Where a route configuration holds maps with more than one entry: the filters of a weighted cluster.
const ROUTE_FILTERS: [u32; 6] = [2, 3, 2, 3, 1, 10];

impl Snapshot {
    /// Encodes resources, once they are known to fit together.
    ///
    /// # Errors
    /// When they do not: see [`Inconsistency`].
    pub fn build(resources: Resources) -> Result<Self, Inconsistency> {
        check::check(&resources)?;
        let Resources { clusters, endpoints, listeners, routes } = resources;
        let clusters = clusters.iter().map(|cluster| {
            let resource = Resource::new(&cluster.name, cluster, &[]);
            Resource { endpoints: check::endpoints_of(cluster).map(Into::into), ..resource }
        });
        let endpoints =
            endpoints.iter().map(|endpoints| Resource::new(&endpoints.cluster_name, endpoints, &[]));
        let listeners = listeners.iter().map(|listener| Resource::new(&listener.name, listener, &[]));
        let routes = routes.iter().map(|routes| Resource::new(&routes.name, routes, &ROUTE_FILTERS));
        let types = [
            (ResourceType::Cluster, by_name(ResourceType::Cluster, clusters)?),
            (ResourceType::Endpoints, by_name(ResourceType::Endpoints, endpoints)?),
            (ResourceType::Listener, by_name(ResourceType::Listener, listeners)?),
            (ResourceType::Routes, by_name(ResourceType::Routes, routes)?),
        ];
        Ok(Self { types: Arc::new(types.into_iter().collect()) })
    }

    /// The resources of one type, by name.
    pub fn resources(&self, kind: ResourceType) -> impl Iterator<Item = &Resource> {
        self.of(kind).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn of(&self, kind: ResourceType) -> Option<&ByName> {
        self.types.get(&kind)
    }
}

fn by_name(kind: ResourceType, resources: impl Iterator<Item = Resource>) -> Result<ByName, Inconsistency> {
    let mut by_name = BTreeMap::new();
    for resource in resources {
        match by_name.entry(resource.name.clone()) {
            Entry::Vacant(free) => {
                free.insert(resource);
            }
            Entry::Occupied(taken) => {
                return Err(Inconsistency::DuplicateName { kind, name: taken.key().to_string() });
            }
        }
    }
    Ok(by_name)
}
