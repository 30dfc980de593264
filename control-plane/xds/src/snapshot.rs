//! One immutable, consistent set of resources.
use cutover_domain::Weights;
/// The kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// CDS.
    Cluster,
    /// EDS.
    Endpoints,
    /// LDS.
    Listener,
    /// RDS.
    Routes,
}
/// One resource.
#[derive(Clone, Debug)]
pub struct Resource;
/// One immutable set.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) _weights: Weights,
}
