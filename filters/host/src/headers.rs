//! All headers of a message, as the bytes they came in.

use crate::status::HostError;
use crate::wire::{Span, decode_map, encode_map};

/// A snapshot of a header map, in the order of the wire. Names are lower-case (Envoy makes them so); values are any
/// bytes. It does not follow later edits.
#[derive(Debug, Clone, Default)]
pub struct HeaderMap {
    buffer: Vec<u8>,
    spans: Vec<Span>,
}

/// The values of a header of which there should be at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Single<'a> {
    /// The header is not there.
    Absent,
    /// It is there once.
    One(&'a [u8]),
    /// It is there more than once.
    Many,
}

impl HeaderMap {
    /// Reads a map in the ABI's encoding.
    pub(crate) fn from_encoded(buffer: Vec<u8>) -> Result<Self, HostError> {
        let spans = decode_map(&buffer)?;
        Ok(Self { buffer, spans })
    }

    /// A map of these headers, for tests and for callers that have no host.
    ///
    /// # Errors
    /// A size does not fit the ABI's 32 bits.
    pub fn from_pairs<N: AsRef<[u8]>, V: AsRef<[u8]>>(headers: &[(N, V)]) -> Result<Self, HostError> {
        let pairs = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        Self::from_encoded(encode_map(pairs)?)
    }

    /// Every header, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| (self.at(span.name), self.at(span.value)))
    }

    /// Every value of a header; `name` in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(at, _)| at.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The first value of a header; for headers where a second one cannot do harm.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.values(name).next()
    }

    /// The value of a header that must not be repeated.
    pub fn single<'a>(&'a self, name: &'a str) -> Single<'a> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Single::Absent,
            (Some(value), None) => Single::One(value),
            (Some(_), Some(_)) => Single::Many,
        }
    }

    /// Whether this is a gRPC message (`content-type: application/grpc`, with any suffix).
    pub fn is_grpc(&self) -> bool {
        let Some(kind) = self.first("content-type") else { return false };
        matches!(kind.strip_prefix(b"application/grpc"), Some([] | [b'+' | b';', ..]))
    }

    fn at(&self, (start, end): (usize, usize)) -> &[u8] {
        self.buffer.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &[u8])]) -> HeaderMap {
        HeaderMap::from_pairs(headers).unwrap()
    }

    #[test]
    fn every_value_of_a_header_is_seen() {
        let headers = map(&[("authorization", b"a"), ("x", b"y"), ("authorization", b"\xff")]);
        assert_eq!(headers.values("authorization").collect::<Vec<_>>(), [b"a".as_slice(), b"\xff"]);
        assert_eq!(headers.single("authorization"), Single::Many);
        assert_eq!(headers.single("x"), Single::One(b"y"));
        assert_eq!(headers.single("z"), Single::Absent);
    }

    #[test]
    fn grpc_is_told_from_its_content_type() {
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc;x=y"] {
            assert!(map(&[("content-type", kind.as_bytes())]).is_grpc(), "{kind}");
        }
        for kind in ["application/json", "application/grpc-web", "application/grpcx", ""] {
            assert!(!map(&[("content-type", kind.as_bytes())]).is_grpc(), "{kind}");
        }
        assert!(!HeaderMap::default().is_grpc());
    }
}
