//! Answering a request in the filter.
#![allow(unsafe_code)] // one raw host call; its block says why it is sound

use crate::status::{HostError, check};
use crate::sys;
use crate::wire::encode_map;

/// An answer of the filter's own.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Why, for `%RESPONSE_CODE_DETAILS%` in access logs: `[a-z0-9_]`, never anything of the client's.
    pub details: &'a str,
    /// Headers besides `:status` and `content-length`.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// Where the request is gRPC, the words for `grpc-message`: Envoy then answers 200 with these, with the
    /// `grpc-status` of the HTTP one and without the body, as gRPC clients need it.
    pub grpc_message: Option<&'a str>,
}

/// Ends the request with this reply. At most once per request and never after response headers were sent: Envoy
/// would reset the stream. The callback then returns `Action::Pause`.
///
/// # Errors
/// The host refused it; the caller should let the request end with the VM's failure policy, not continue it.
pub fn send_reply(reply: &Reply<'_>) -> Result<(), HostError> {
    let Reply { status, details, headers, body, grpc_message } = *reply;
    let headers = encode_map(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))?;
    let (body, grpc_status) = match grpc_message {
        Some(message) => (message.as_bytes(), grpc_status(status)),
        None => (body, NO_GRPC),
    };
    // SAFETY: all are live slices given with their lengths; the host copies them.
    check(unsafe {
        sys::proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    })
}

/// What the ABI wants as the gRPC status of a reply that is not gRPC.
const NO_GRPC: i32 = -1;

/// The gRPC status of an HTTP one, as the gRPC project's "HTTP to gRPC Status Code Mapping" has it; 413 is what a
/// gRPC server calls `RESOURCE_EXHAUSTED`.
fn grpc_status(http: u16) -> i32 {
    const UNKNOWN: i32 = 2;
    match http {
        400 => 13,
        401 => 16,
        403 => 7,
        404 | 405 => 12,
        413 => 8,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_grpc_status() {
        assert_eq!(grpc_status(401), 16);
        assert_eq!(grpc_status(403), 7);
        assert_eq!(grpc_status(418), 2);
    }
}
