//! One fetch of an issuer's keys: the request and the answer.

use std::time::Duration;

use cutover_filter_host::{Body, Headers, HostError, body, http_get};

use crate::config::RemoteKeys;
use crate::jwks::SetError;

/// A set of more bytes is none: real ones have a few thousand.
const LARGEST: usize = 256 * 1024;

/// Why a fetch brought no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It could not be sent.
    #[error("{}", not_sent(.0))]
    NotSent(HostError),
    /// Nobody answered in time.
    #[error("the issuer cannot be reached, or does not answer in time")]
    Unreachable,
    /// The answer is no set.
    #[error("the issuer answers with status {0} instead of 200")]
    Status(u16),
    /// The answer is too large.
    #[error("the answer has more than {LARGEST} bytes")]
    TooLarge,
    /// The host does not give the answer.
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] HostError),
    /// The answer is of no use.
    #[error("the answer is of no use: {0}")]
    Unusable(SetError),
}

fn not_sent(error: &HostError) -> &'static str {
    match error {
        HostError::BadArgument => "the proxy has no such cluster (yet)",
        _ => "no endpoint of the cluster is healthy",
    }
}

/// Sends the request; the number of the call. Only inside a callback of the root context.
pub(super) fn send(source: &RemoteKeys) -> Result<u32, Failure> {
    let headers = [
        (":method", "GET"),
        (":scheme", source.scheme),
        (":authority", &source.authority),
        (":path", &source.path),
        ("accept", "application/jwk-set+json, application/json"),
        ("user-agent", "cutover-auth"),
    ];
    let timeout = Duration::from_secs(source.timeout_seconds.into());
    http_get(&source.cluster, &headers, timeout).map_err(Failure::NotSent)
}

/// Reads the answer; only inside `on_http_call_response`.
pub(super) fn receive(headers: usize, size: usize) -> Result<Vec<u8>, Failure> {
    if headers == 0 {
        return Err(Failure::Unreachable);
    }
    let status = Headers::CallResponse.first(":status")?.unwrap_or_default();
    match std::str::from_utf8(&status).ok().and_then(|status| status.parse().ok()) {
        Some(200) if size > LARGEST => Err(Failure::TooLarge),
        Some(200) => Ok(body(Body::CallResponse, 0, size)?),
        // Envoy answers so itself when it gets no answer; what comes from elsewhere has this header from its router.
        Some(503 | 504) if Headers::CallResponse.first("x-envoy-upstream-service-time")?.is_none() => {
            Err(Failure::Unreachable)
        }
        status => Err(Failure::Status(status.unwrap_or_default())),
    }
}
