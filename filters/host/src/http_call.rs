//! Calls of a filter's own, to a cluster that the host knows.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use std::time::Duration;

use crate::status::{HostError, check};
use crate::sys;
use crate::wire::encode_map;

/// Sends a GET request without a body to a cluster; the answer comes to `on_http_call_response` with the number that this
/// returns. The headers need `:method`, `:path` and `:authority`. A failure after the sending (a reset, no connection,
/// the time is over) comes there too: without any header, or as the host's own answer of 503 or 504.
///
/// Only inside a callback of a *root* context, because the answer goes to the context that has made the call.
///
/// # Errors
/// There is no such cluster (`BadArgument`), or no host of it is healthy (`Internal`).
pub fn http_get(cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Result<u32, HostError> {
    let headers = encode_map(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))?;
    let trailers = encode_map(std::iter::empty())?;
    let timeout = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs());
    let mut call = 0;
    // SAFETY: all are live slices given with their lengths, which the host copies; the result goes to a local that
    // outlives the call.
    check(unsafe {
        sys::proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            std::ptr::null(),
            0,
            trailers.as_ptr(),
            trailers.len(),
            timeout,
            &raw mut call,
        )
    })?;
    Ok(call)
}
