//! Data that all VMs of one `vm_id` share, in all workers of the process.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use crate::calls::receive;
use crate::status::{HostError, check};
use crate::sys;

/// A value with the version that a change of it must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The value.
    pub value: Vec<u8>,
    /// Its version.
    pub version: u32,
}

/// The version that no value has, to create one: the host ignores the version of a value that is not there, and refuses
/// a version that is not the value's. (0 would overwrite whatever is there.) The host counts versions up from 1 with
/// each write of the whole process, so this one is four thousand million writes away.
pub const NEW: u32 = u32::MAX;

/// The value of a key, `None` if there is none.
///
/// # Errors
/// The host does not have shared data.
pub fn shared(key: &str) -> Result<Option<Shared>, HostError> {
    let mut version = 0;
    // SAFETY: the key is a live slice given with its length; the results go to locals that outlive the call.
    let value = unsafe {
        receive(|data, size| {
            sys::proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut version)
        })
    };
    match value {
        Ok(value) => Ok(Some(Shared { value: value.unwrap_or_default(), version })),
        Err(HostError::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Sets the value of a key, if its version is still this one ([`NEW`]: if there is no value). Without a version, whatever
/// is there.
///
/// # Errors
/// `Changed` if the version is another one.
pub fn set_shared(key: &str, value: &[u8], version: Option<u32>) -> Result<(), HostError> {
    const WHATEVER: u32 = 0;
    // SAFETY: both are live slices given with their lengths; the host copies them.
    check(unsafe {
        sys::proxy_set_shared_data(
            key.as_ptr(),
            key.len(),
            value.as_ptr(),
            value.len(),
            version.unwrap_or(WHATEVER),
        )
    })
}
