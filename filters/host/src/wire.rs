//! The byte formats of the ABI: header maps and property paths.

use crate::status::HostError;

/// Where one header lies in the buffer that the host gave us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) name: (usize, usize),
    pub(crate) value: (usize, usize),
}

/// Finds the headers in an encoded map: the count, then all pairs of sizes, then all names and values, each with a
/// NUL behind it. All numbers are little-endian `u32`.
pub(crate) fn decode_map(buffer: &[u8]) -> Result<Vec<Span>, HostError> {
    if buffer.is_empty() {
        return Ok(Vec::new());
    }
    let count = number(buffer, 0)?;
    let mut at = count.checked_mul(8).and_then(|sizes| sizes.checked_add(4)).ok_or(HostError::Malformed)?;
    if at > buffer.len() {
        return Err(HostError::Malformed);
    }
    let mut spans = Vec::with_capacity(count);
    for index in 0..count {
        let sizes = 4 + index * 8;
        let name = text(buffer, &mut at, number(buffer, sizes)?)?;
        let value = text(buffer, &mut at, number(buffer, sizes + 4)?)?;
        spans.push(Span { name, value });
    }
    Ok(spans)
}

fn number(buffer: &[u8], at: usize) -> Result<usize, HostError> {
    let bytes = at.checked_add(4).and_then(|end| buffer.get(at..end)).ok_or(HostError::Malformed)?;
    let bytes = <[u8; 4]>::try_from(bytes).map_err(|_| HostError::Malformed)?;
    usize::try_from(u32::from_le_bytes(bytes)).map_err(|_| HostError::Malformed)
}

fn text(buffer: &[u8], at: &mut usize, size: usize) -> Result<(usize, usize), HostError> {
    let start = *at;
    let end = start.checked_add(size).filter(|end| *end < buffer.len()).ok_or(HostError::Malformed)?;
    *at = end + 1;
    Ok((start, end))
}

/// Encodes headers for a local response.
pub(crate) fn encode_map<'a>(
    headers: impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone,
) -> Result<Vec<u8>, HostError> {
    let mut bytes = size_bytes(headers.len())?.to_vec();
    for (name, value) in headers.clone() {
        bytes.extend_from_slice(&size_bytes(name.len())?);
        bytes.extend_from_slice(&size_bytes(value.len())?);
    }
    for part in headers.flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(part);
        bytes.push(0);
    }
    Ok(bytes)
}

fn size_bytes(size: usize) -> Result<[u8; 4], HostError> {
    u32::try_from(size).map(u32::to_le_bytes).map_err(|_| HostError::BadArgument)
}

/// Joins the parts of a property path with NUL.
pub(crate) fn property_path(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(headers: &[(&[u8], &[u8])]) -> Vec<u8> {
        encode_map(headers.iter().copied()).unwrap()
    }

    #[test]
    fn a_map_survives_the_round_trip_byte_for_byte() {
        let headers: [(&[u8], &[u8]); 3] = [(b":path", b"/a"), (b"x", b"\xff\x00\xfe"), (b"empty", b"")];
        let buffer = encoded(&headers);
        let spans = decode_map(&buffer).unwrap();
        let read: Vec<_> =
            spans.iter().map(|s| (&buffer[s.name.0..s.name.1], &buffer[s.value.0..s.value.1])).collect();
        assert_eq!(read, headers);
    }

    #[test]
    fn an_empty_answer_is_an_empty_map() {
        assert_eq!(decode_map(&[]), Ok(vec![]));
        assert_eq!(decode_map(&[0, 0, 0, 0]), Ok(vec![]));
    }

    #[test]
    fn no_cut_of_a_map_is_read_past_its_end() {
        let buffer = encoded(&[(b"name", b"value"), (b"other", b"")]);
        for end in 1..buffer.len() {
            assert_eq!(decode_map(&buffer[..end]), Err(HostError::Malformed), "cut at {end}");
        }
    }

    #[test]
    fn absurd_counts_and_sizes_are_refused_without_allocating() {
        assert_eq!(decode_map(&[0xff, 0xff, 0xff, 0xff]), Err(HostError::Malformed));
        let mut buffer = encoded(&[(b"name", b"value")]);
        buffer[4..8].copy_from_slice(&[0xff; 4]);
        assert_eq!(decode_map(&buffer), Err(HostError::Malformed));
    }

    #[test]
    fn a_property_path_is_joined_with_nul() {
        assert_eq!(property_path(&["request", "path"]), b"request\0path");
    }
}
