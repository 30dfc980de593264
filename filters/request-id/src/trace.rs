//! `traceparent` of W3C Trace Context, version 00.

use std::fmt;

/// A valid `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: [u8; 16],
    parent_id: [u8; 8],
    flags: u8,
}

const SAMPLED: u8 = 1;

impl TraceParent {
    /// Reads a header value: version 00, lower-case hex, ids that are not all zero. Anything else starts a new trace
    /// (W3C Trace Context, section 3.2.2.3).
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'-');
        let (version, trace_id, parent_id, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != b"00" || parts.next().is_some() {
            return None;
        }
        let (trace_id, parent_id): ([u8; 16], [u8; 8]) = (hex(trace_id)?, hex(parent_id)?);
        let [flags] = hex(flags)?;
        let zero = trace_id == [0; 16] || parent_id == [0; 8];
        (!zero).then_some(Self { trace_id, parent_id, flags })
    }

    /// A new trace, sampled.
    pub fn start(trace_id: [u8; 16], parent_id: [u8; 8]) -> Self {
        Self { trace_id: not_zero(trace_id), parent_id: not_zero(parent_id), flags: SAMPLED }
    }

    /// The same trace seen from the next hop.
    #[must_use]
    pub fn child(&self, parent_id: [u8; 8]) -> Self {
        Self { trace_id: self.trace_id, parent_id: not_zero(parent_id), flags: self.flags }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("00-")?;
        for byte in self.trace_id {
            write!(to, "{byte:02x}")?;
        }
        to.write_str("-")?;
        for byte in self.parent_id {
            write!(to, "{byte:02x}")?;
        }
        write!(to, "-{:02x}", self.flags)
    }
}

/// An id of zeros is invalid, so even a random one must not be.
fn not_zero<const N: usize>(mut id: [u8; N]) -> [u8; N] {
    if id == [0; N] {
        id.fill(1);
    }
    id
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_valid_value_survives_the_round_trip() {
        assert_eq!(TraceParent::parse(VALID.as_bytes()).unwrap().to_string(), VALID);
    }

    #[test]
    fn everything_else_is_refused() {
        for broken in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47366-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(broken.as_bytes()), None, "{broken}");
        }
        assert_eq!(TraceParent::parse(b"\xff\xff-\xff"), None);
    }

    #[test]
    fn a_started_trace_is_valid_even_with_the_worst_randomness() {
        let started = TraceParent::start([0; 16], [0; 8]).to_string();
        assert!(TraceParent::parse(started.as_bytes()).is_some(), "{started}");
    }
}
