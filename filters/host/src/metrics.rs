//! Counters and gauges; Envoy shows them as `wasmcustom.<name>`.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use crate::status::{HostError, check};
use crate::sys;

/// A number that only grows.
#[derive(Debug, Clone, Copy)]
pub struct Counter(u32);

/// A number that goes up and down.
#[derive(Debug, Clone, Copy)]
pub struct Gauge(u32);

impl Counter {
    /// Defines a counter, or finds the one of that name.
    ///
    /// # Errors
    /// The host does not accept it.
    pub fn define(name: &str) -> Result<Self, HostError> {
        define(0, name).map(Self)
    }

    /// Adds to it.
    ///
    /// # Errors
    /// The host does not know the metric (any more).
    pub fn increment(self, by: u32) -> Result<(), HostError> {
        // SAFETY: only numbers are passed.
        check(unsafe { sys::proxy_increment_metric(self.0, i64::from(by)) })
    }
}

impl Gauge {
    /// Defines a gauge, or finds the one of that name.
    ///
    /// # Errors
    /// The host does not accept it.
    pub fn define(name: &str) -> Result<Self, HostError> {
        define(1, name).map(Self)
    }

    /// Sets it.
    ///
    /// # Errors
    /// The host does not know the metric (any more).
    pub fn set(self, value: u64) -> Result<(), HostError> {
        // SAFETY: only numbers are passed.
        check(unsafe { sys::proxy_record_metric(self.0, value) })
    }
}

fn define(kind: u32, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the name is a live slice given with its length; the result goes to a local that outlives the call.
    check(unsafe { sys::proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}
