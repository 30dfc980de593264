//! Encoded protobuf messages: a fixed order for maps, and fields that are written once and sent to many.
//!
//! prost keeps maps in hash maps, whose order changes from run to run, while a resource's version is the hash of its bytes.
//! [`sort_map`] puts the entries in order. A message is the concatenation of its fields, so fields that are already encoded
//! are appended as they are (protobuf, "Encoding").

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

/// Appends a length-delimited field to a message.
pub(crate) fn append_field(message: &mut Vec<u8>, field: u32, value: &[u8]) {
    let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
    message.reserve(key_len(field) + encoded_len_varint(length) + value.len());
    encode_key(field, WireType::LengthDelimited, message);
    encode_varint(length, message);
    message.extend_from_slice(value);
}

/// Sorts the entries of a map, wherever the path of field numbers finds one; every length stays as it is.
///
/// Entries stand side by side and begin with their key, as prost writes them. What is not a protobuf message is left alone.
pub(crate) fn sort_map(message: &mut [u8], path: &[u32]) {
    let Some((&field, deeper)) = path.split_first() else { return };
    let Some(spans) = spans_of(message, field) else { return };
    if !deeper.is_empty() {
        for span in &spans {
            if let Some(inner) = message.get_mut(span.payload..span.end) {
                sort_map(inner, deeper);
            }
        }
        return;
    }
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let (start, end) = (first.start, last.end);
    let mut entries: Vec<(&[u8], &[u8])> = spans
        .iter()
        .filter_map(|span| Some((message.get(span.payload..span.end)?, message.get(span.start..span.end)?)))
        .collect();
    entries.sort_unstable();
    let sorted: Vec<u8> = entries.into_iter().flat_map(|(_, entry)| entry).copied().collect();
    if let Some(room) = message.get_mut(start..end).filter(|room| room.len() == sorted.len()) {
        room.copy_from_slice(&sorted);
    }
}

/// Where a length-delimited field lies in a message.
struct Span {
    start: usize,
    payload: usize,
    end: usize,
}

/// All occurrences of a field, or nothing when the bytes are not a message.
fn spans_of(message: &[u8], field: u32) -> Option<Vec<Span>> {
    let mut spans = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = message.len() - rest.len();
        let key = prost::encoding::decode_varint(&mut rest).ok()?;
        let length = match key & 7 {
            0 => prost::encoding::decode_varint(&mut rest).ok().map(|_| 0)?,
            1 => 8,
            2 => usize::try_from(prost::encoding::decode_varint(&mut rest).ok()?).ok()?,
            5 => 4,
            _ => return None,
        };
        let payload = message.len() - rest.len();
        rest = rest.get(length..)?;
        if key == u64::from(field) << 3 | 2 {
            spans.push(Span { start, payload, end: payload + length });
        }
    }
    Some(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str) -> Vec<u8> {
        let mut entry = Vec::new();
        append_field(&mut entry, 1, key.as_bytes());
        append_field(&mut entry, 2, value.as_bytes());
        entry
    }

    fn nested(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut inner = vec![0x08, 0x96, 0x01]; // field 1, varint 150
        for (key, value) in entries {
            append_field(&mut inner, 10, &entry(key, value));
        }
        append_field(&mut inner, 11, b"after");
        let mut outer = Vec::new();
        append_field(&mut outer, 2, b"\xff\xff not a message");
        append_field(&mut outer, 3, &inner);
        outer
    }

    #[test]
    fn any_order_of_entries_becomes_the_same_bytes() {
        let sorted = nested(&[("a", "a longer value"), ("b", ""), ("c", "x")]);
        for order in [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]] {
            let value = |key| match key {
                "a" => "a longer value",
                "b" => "",
                _ => "x",
            };
            let mut bytes = nested(&order.map(|key| (key, value(key))));
            sort_map(&mut bytes, &[3, 10]);
            assert_eq!(bytes, sorted);
        }
    }

    #[test]
    fn what_is_no_message_stays_as_it_is() {
        let mut bytes = nested(&[("b", ""), ("a", "")]);
        let before = bytes.clone();
        for path in [&[2, 10][..], &[4], &[3, 11], &[3, 10, 1, 1, 1], &[]] {
            sort_map(&mut bytes, path);
            assert_eq!(bytes, before, "{path:?}");
        }
    }
}
