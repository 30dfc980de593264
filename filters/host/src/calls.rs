//! Reading from the host and writing to it.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use std::ptr::null_mut;

use crate::headers::HeaderMap;
use crate::status::{HostError, check};
use crate::sys;
use crate::wire::property_path;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(
    /// Nanoseconds since the epoch.
    pub u64,
);

impl Timestamp {
    /// Whole seconds since the epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Whole milliseconds since the epoch.
    pub fn milliseconds(self) -> u64 {
        self.0 / 1_000_000
    }
}

/// A header map of the message under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Headers {
    /// The request's headers, with `:method`, `:path` and the other pseudo headers.
    Request = 0,
    /// The response's headers.
    Response = 2,
    /// The headers of the answer to a call of the filter's own; only inside `on_http_call_response`.
    CallResponse = 6,
}

impl Headers {
    /// A snapshot of all headers.
    ///
    /// # Errors
    /// The map is not available in the present callback.
    pub fn read(self) -> Result<HeaderMap, HostError> {
        // SAFETY: both pointers are to locals that outlive the call.
        let bytes =
            unsafe { receive(|data, size| sys::proxy_get_header_map_pairs(self as u32, data, size)) }?;
        HeaderMap::from_encoded(bytes.unwrap_or_default())
    }

    /// The first value of one header; cheaper than [`Headers::read`] where repetition does not matter.
    ///
    /// # Errors
    /// The map is not available in the present callback. A missing header is `Ok(None)`, and with Envoy an empty
    /// one `Ok(Some(vec![]))`.
    pub fn first(self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        // SAFETY: the name is a live slice given with its length; the results go to locals that outlive the call.
        let value = unsafe {
            receive(|data, size| {
                sys::proxy_get_header_map_value(self as u32, name.as_ptr(), name.len(), data, size)
            })
        };
        match value {
            Ok(value) => Ok(Some(value.unwrap_or_default())),
            Err(HostError::NotFound) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Sets a header to exactly this one value, whatever it was.
    ///
    /// # Errors
    /// The map is not available in the present callback.
    pub fn set(self, name: &str, value: &[u8]) -> Result<(), HostError> {
        // SAFETY: both are live slices given with their lengths; the host copies them.
        check(unsafe {
            sys::proxy_replace_header_map_value(
                self as u32,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        })
    }

    /// Adds one more value of a header.
    ///
    /// # Errors
    /// The map is not available in the present callback.
    pub fn add(self, name: &str, value: &[u8]) -> Result<(), HostError> {
        // SAFETY: both are live slices given with their lengths; the host copies them.
        check(unsafe {
            sys::proxy_add_header_map_value(
                self as u32,
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        })
    }

    /// Removes every value of a header; one that is not there is no error.
    ///
    /// # Errors
    /// The map is not available in the present callback.
    pub fn remove(self, name: &str) -> Result<(), HostError> {
        // SAFETY: the name is a live slice given with its length.
        check(unsafe { sys::proxy_remove_header_map_value(self as u32, name.as_ptr(), name.len()) })
    }
}

/// A body under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Body {
    /// The request's body.
    Request = 0,
    /// The response's body.
    Response = 1,
    /// The body of the answer to a call of the filter's own; only inside `on_http_call_response`.
    CallResponse = 4,
}

/// At most `max` bytes of what the host has buffered of a body, from `start` on. No body at all is an empty one.
///
/// # Errors
/// The body is not available in the present callback.
pub fn body(which: Body, start: usize, max: usize) -> Result<Vec<u8>, HostError> {
    buffer(which as u32, start, max)
}

/// The plugin's configuration; only inside `on_configure`.
///
/// # Errors
/// The call is made in another callback.
pub fn plugin_configuration() -> Result<Vec<u8>, HostError> {
    const PLUGIN_CONFIGURATION: u32 = 7;
    buffer(PLUGIN_CONFIGURATION, 0, usize::MAX >> 1)
}

fn buffer(which: u32, start: usize, max: usize) -> Result<Vec<u8>, HostError> {
    // SAFETY: the results go to locals that outlive the call.
    match unsafe { receive(|data, size| sys::proxy_get_buffer_bytes(which, start, max, data, size)) } {
        Ok(bytes) => Ok(bytes.unwrap_or_default()),
        Err(HostError::NotFound) => Ok(Vec::new()),
        Err(other) => Err(other),
    }
}

/// A property of the request or connection (Envoy's attributes, e.g. `["xds", "route_name"]`), `None` if there is none.
///
/// # Errors
/// The host could not convert the property to bytes.
pub fn property(path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
    let path = property_path(path);
    // SAFETY: the path is a live slice given with its length; the results go to locals that outlive the call.
    match unsafe { receive(|data, size| sys::proxy_get_property(path.as_ptr(), path.len(), data, size)) } {
        Ok(value) => Ok(value),
        Err(HostError::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Writes a property; Envoy keeps it as filter state `wasm.<path>`.
///
/// # Errors
/// The host does not accept it.
pub fn set_property(path: &[&str], value: &[u8]) -> Result<(), HostError> {
    let path = property_path(path);
    // SAFETY: both are live slices given with their lengths; the host copies them.
    check(unsafe { sys::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// Calls a function that the host offers beyond the ABI, e.g. Envoy's `verify_signature`.
///
/// # Errors
/// `NotFound` where the host has no such function; otherwise what the function answered.
pub fn call_foreign_function(name: &str, argument: &[u8]) -> Result<Vec<u8>, HostError> {
    // SAFETY: both are live slices given with their lengths; the results go to locals that outlive the call.
    let answer = unsafe {
        receive(|data, size| {
            sys::proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                argument.as_ptr(),
                argument.len(),
                data,
                size,
            )
        })
    }?;
    Ok(answer.unwrap_or_default())
}

/// The host's wall clock.
///
/// # Errors
/// The host has no clock.
pub fn now_unix_nanoseconds() -> Result<Timestamp, HostError> {
    let mut time = 0;
    // SAFETY: the pointer is to a local that outlives the call.
    check(unsafe { sys::proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(Timestamp(time))
}

/// Random bytes from the host's cryptographic source.
///
/// # Errors
/// The host has no such source.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    // SAFETY: the pointer is to a local array of exactly N bytes.
    match unsafe { sys::random_get(bytes.as_mut_ptr(), N) } {
        0 => Ok(bytes),
        // WASI error numbers are not proxy-wasm statuses.
        _ => Err(HostError::Internal),
    }
}

/// Makes a call that returns a block of memory and takes the block over.
///
/// # Safety
/// `call` must write its results only through the two pointers, as the ABI says: a block from this module's
/// `proxy_on_memory_allocate` and its size, or nothing.
pub(crate) unsafe fn receive(
    call: impl FnOnce(*mut *mut u8, *mut usize) -> u32,
) -> Result<Option<Vec<u8>>, HostError> {
    let mut data = null_mut();
    let mut size = 0;
    check(call(&raw mut data, &raw mut size))?;
    if data.is_null() {
        return Ok(None);
    }
    // SAFETY: the host got the block from `proxy_on_memory_allocate`, which makes it as a boxed slice of `size`
    // bytes of the global allocator, and has given it up to us.
    Ok(Some(unsafe { Vec::from_raw_parts(data, size, size) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_a_host_calls_fail_and_do_not_panic() {
        assert_eq!(Headers::Request.read().err(), Some(HostError::Unimplemented));
        assert_eq!(Headers::Response.first("x"), Err(HostError::Unimplemented));
        assert_eq!(property(&["xds", "route_name"]), Err(HostError::Unimplemented));
        assert_eq!(plugin_configuration(), Err(HostError::Unimplemented));
        assert_eq!(call_foreign_function("verify_signature", b""), Err(HostError::Unimplemented));
        assert_eq!(random_bytes::<16>(), Err(HostError::Internal));
    }
}
