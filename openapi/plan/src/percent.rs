//! Percent-encoding, as the legacy gateway's two decoders read it.

/// `decodeURIComponent`: `None` when an escape is broken or the bytes are not UTF-8.
pub(crate) fn decode_strict(raw: &str) -> Option<String> {
    if !raw.contains('%') {
        return Some(raw.to_owned());
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// `application/x-www-form-urlencoded`: `+` is a space; `None` when an escape is broken or the bytes are not UTF-8.
pub(crate) fn decode_form(raw: &str) -> Option<String> {
    if raw.contains('+') { decode_strict(&raw.replace('+', " ")) } else { decode_strict(raw) }
}

/// Node's `querystring`: `+` is a space, a broken escape stands for itself, bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode_query(raw: &str) -> String {
    if !raw.contains(['%', '+']) {
        return raw.to_owned();
    }
    let source = raw.as_bytes();
    let mut bytes = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        let escaped = match byte {
            b'%' => source.get(at + 1).and_then(|c| hex(*c)).zip(source.get(at + 2).and_then(|c| hex(*c))),
            _ => None,
        };
        at += if escaped.is_some() { 3 } else { 1 };
        bytes.push(match (escaped, byte) {
            (Some((high, low)), _) => high << 4 | low,
            (None, b'+') => b' ',
            (None, other) => other,
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_must_be_encoded_properly() {
        assert_eq!(decode_form("a+b%2B%C3%A9").as_deref(), Some("a b+é"));
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode_form(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_query_decoder_never_fails() {
        assert_eq!(decode_query("a+b%20c%C3%A9"), "a b cé");
        assert_eq!(decode_query("%"), "%");
        assert_eq!(decode_query("%4"), "%4");
        assert_eq!(decode_query("%zz%41"), "%zzA");
        assert_eq!(decode_query("%ff"), "\u{fffd}");
    }
}
