//! Which id and which trace context a request has.

use std::fmt::Write as _;

use cutover_filter_host::{HeaderMap, Single};

use crate::trace::TraceParent;

/// Random bytes for what the client did not give.
#[derive(Debug, Clone, Copy)]
pub struct Randomness {
    /// For a UUID.
    pub request_id: [u8; 16],
    /// For a trace that starts here.
    pub trace_id: [u8; 16],
    /// For this hop of the trace.
    pub parent_id: [u8; 8],
}

const LONGEST_REQUEST_ID: usize = 128;

/// What identifies a request from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The value of `x-request-id`, upstream and on the response.
    pub request_id: String,
    /// The value of `traceparent`, upstream only.
    pub traceparent: TraceParent,
    /// Whether the trace goes on; otherwise a client's `tracestate` belongs to nothing and is dropped.
    pub continued: bool,
}

/// Decides from the request's headers.
pub fn decide(headers: &HeaderMap, random: &Randomness) -> Identity {
    let Randomness { request_id, trace_id, parent_id } = random;
    let client = match headers.single("traceparent") {
        Single::One(value) => TraceParent::parse(value),
        Single::Absent | Single::Many => None,
    };
    Identity {
        request_id: accepted_request_id(headers).unwrap_or_else(|| fresh_request_id(request_id)),
        traceparent: match &client {
            Some(client) => client.child(*parent_id),
            None => TraceParent::start(*trace_id, *parent_id),
        },
        continued: client.is_some(),
    }
}

/// A new id: a UUID of version 4 (RFC 9562, section 5.4) from 16 random bytes.
fn fresh_request_id(random: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in random.iter().enumerate() {
        let byte = match index {
            6 => (byte & 0x0f) | 0x40,
            8 => (byte & 0x3f) | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The client's id, if it sent exactly one of the accepted form.
fn accepted_request_id(headers: &HeaderMap) -> Option<String> {
    let Single::One(value) = headers.single("x-request-id") else { return None };
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if value.is_empty() || value.len() > LONGEST_REQUEST_ID || !value.iter().all(allowed) {
        return None;
    }
    String::from_utf8(value.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    const RANDOM: Randomness =
        Randomness { request_id: [0xff; 16], trace_id: [0x11; 16], parent_id: [0x22; 8] };

    fn of(headers: &[(&str, &[u8])]) -> Identity {
        decide(&HeaderMap::from_pairs(headers).unwrap(), &RANDOM)
    }

    #[test]
    fn a_client_id_of_the_accepted_form_is_kept() {
        for id in ["a", "Az09._-", &"x".repeat(128)] {
            assert_eq!(of(&[("x-request-id", id.as_bytes())]).request_id, id);
        }
    }

    #[test]
    fn any_other_client_id_is_replaced_by_a_uuid() {
        let fresh = "ffffffff-ffff-4fff-bfff-ffffffffffff";
        let long = "x".repeat(129);
        for id in [b"".as_slice(), b"a b", b"a,b", b"\xff", "ü".as_bytes(), b"a\"", long.as_bytes()] {
            assert_eq!(of(&[("x-request-id", id)]).request_id, fresh, "{id:?}");
        }
        assert_eq!(of(&[]).request_id, fresh);
        assert_eq!(of(&[("x-request-id", b"a"), ("x-request-id", b"a")]).request_id, fresh);
    }

    #[test]
    fn a_valid_trace_is_continued_with_a_new_parent() {
        let identity = of(&[("traceparent", TRACE.as_bytes())]);
        assert!(identity.continued);
        assert_eq!(
            identity.traceparent.to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-2222222222222222-00",
            "same trace, same flags, new parent"
        );
    }

    #[test]
    fn without_a_valid_trace_a_sampled_one_is_started() {
        let started = "00-11111111111111111111111111111111-2222222222222222-01";
        for headers in [
            vec![],
            vec![("traceparent", b"nonsense".as_slice())],
            vec![("traceparent", TRACE.as_bytes()), ("traceparent", TRACE.as_bytes())],
            vec![("traceparent", b"\xff\xfe".as_slice())],
        ] {
            let identity = of(&headers);
            assert!(!identity.continued, "{headers:?}");
            assert_eq!(identity.traceparent.to_string(), started, "{headers:?}");
        }
    }
}
