//! From the domain to Envoy: resources, snapshots, subscriptions, streams.
//!
//! [`render`] turns a [`model::Gateway`] and its weights into a [`Snapshot`]: immutable, consistent, each resource encoded
//! once. A [`Hub`] serves the latest snapshot to every Envoy over delta ADS and answers, through [`Hub::barrier`], the
//! question "does every connected Envoy run this revision?". [`bootstrap()`] is what an Envoy starts with to get here.

mod bootstrap;
#[cfg(test)]
mod fixture;
mod hub;
pub mod model;
mod render;
mod session;
mod snapshot;
mod subscription;
mod wire;

pub use bootstrap::{Bootstrap, bootstrap};
pub use hub::{
    BarrierReport, Confirmation, Counters, DiscoveryService, EnvoyInfo, Hub, HubOptions, Refusal, ServeError,
    TypeInfo,
};
pub use render::{RenderError, render};
pub use snapshot::{Inconsistency, Resource, ResourceType, Resources, Snapshot};
