//! Calls of a filter's own, to a cluster that the host knows.

use std::time::Duration;

use crate::status::HostError;

/// Sends a GET request without a body to a cluster; the answer comes to `on_http_call_response` with the number that this
/// returns. The headers need `:method`, `:path` and `:authority`. A failure after the sending (a reset, no connection,
/// the time is over) comes there too: without any header, or as the host's own answer of 503 or 504.
///
/// Only inside a callback of a *root* context. The SDK gives the answer to the context whose callback it is in when the
/// call is made, and has no other way to learn of a call: a number that it has not given out itself makes it panic.
/// So this one goes through the SDK. What it would panic on cannot happen here: Envoy answers "ok", "bad argument"
/// or "internal failure" and nothing else, also where the call is not among the capabilities that it allows.
///
/// # Errors
/// There is no such cluster (`BadArgument`), or no host of it is healthy (`Internal`).
#[cfg(target_arch = "wasm32")]
pub fn http_get(cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Result<u32, HostError> {
    use proxy_wasm::hostcalls::dispatch_http_call;
    use proxy_wasm::types::Status;

    // The ABI has 32 bits of milliseconds and the SDK cuts off what is above.
    let longest = Duration::from_millis(i32::MAX.unsigned_abs().into());
    dispatch_http_call(cluster, headers.to_vec(), None, Vec::new(), timeout.min(longest)).map_err(|status| {
        match status {
            Status::BadArgument => HostError::BadArgument,
            _ => HostError::Internal,
        }
    })
}

/// Outside of Wasm there is no host.
///
/// # Errors
/// Always [`HostError::Unimplemented`].
#[cfg(not(target_arch = "wasm32"))]
pub fn http_get(cluster: &str, headers: &[(&str, &str)], timeout: Duration) -> Result<u32, HostError> {
    let _ = (cluster, headers, timeout);
    Err(HostError::Unimplemented)
}
