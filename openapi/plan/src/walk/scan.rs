//! Reads the tokens of JSON (RFC 8259) off bytes, once, without making values of them.
//!
//! Accepts nothing that the tree's reader would refuse: `None` stands for whatever this one is not sure about.

/// A place in a text.
#[derive(Debug, Clone)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A text as it is written, between its quotation marks. It is UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The bytes.
    pub(crate) raw: &'a [u8],
    /// Without escapes, so that the bytes are the text.
    pub(crate) plain: bool,
    /// How many of the bytes continue a character.
    continuations: usize,
}

/// Up to this many digits, a decimal is the shortest one of its double, and the quotient of digits and power of ten is
/// exactly rounded: both are whole numbers that a double holds (Clinger, "How to read floating point numbers accurately").
const SAFE_DIGITS: u32 = 15;

const POWERS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

impl Text<'_> {
    /// How many characters the text has; known only of texts without escapes.
    pub(crate) fn chars(&self) -> usize {
        self.raw.len() - self.continuations
    }
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Scan<'a> {
        Scan { bytes, at: 0 }
    }

    /// Where it stands.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What lies between a place behind and the present one.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The byte it stands on.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over one byte.
    #[inline]
    pub(crate) fn step(&mut self) {
        self.at += 1;
    }

    /// Steps over this byte if it stands on it.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over white space.
    #[inline]
    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `true`, `false` or `null`.
    pub(crate) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    /// Steps over a text; it stands on its first quotation mark.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at + 1;
        let mut at = start;
        let (mut plain, mut continuations) = (true, 0);
        loop {
            at += self.ordinary(at);
            match *self.bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    plain = false;
                    at += escape(self.bytes.get(at + 1..)?)?;
                }
                0..0x20 => return None,
                0x80.. => {
                    let length = character(self.bytes.get(at..)?)?;
                    continuations += length - 1;
                    at += length;
                }
                _ => at += 1,
            }
        }
        self.at = at + 1;
        Some(Text { raw: self.bytes.get(start..at)?, plain, continuations })
    }

    /// How many bytes from there on certainly stand for themselves; looks at eight at a time.
    #[inline]
    fn ordinary(&self, from: usize) -> usize {
        let mut length = 0;
        while let Some(eight) = self.bytes.get(from + length..).and_then(<[u8]>::first_chunk::<8>) {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                return length + special.trailing_zeros() as usize / 8;
            }
            length += 8;
        }
        length
    }

    /// Steps over a number and says what it is, where a double certainly holds that.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<Option<f64>> {
        let negative = self.take(b'-');
        let first = self.at;
        let mut digits = self.digits(0)?;
        if self.at - first > 1 && self.bytes.get(first) == Some(&b'0') {
            return None;
        }
        let mut count = self.at - first;
        let mut scale = 0;
        if self.take(b'.') {
            let point = self.at;
            digits = self.digits(digits)?;
            scale = self.at - point;
            count += scale;
        }
        let exponent = self.take(b'e') || self.take(b'E');
        if exponent {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits(0)?;
        }
        if exponent || count > SAFE_DIGITS as usize {
            return Some(None);
        }
        #[allow(clippy::cast_precision_loss, reason = "15 digits fit into 53 bits")]
        let value = digits as f64 / POWERS.get(scale)?;
        Some(Some(if negative { -value } else { value }))
    }

    /// Steps over at least one digit and appends all of them to the number; of many digits it is not the right one.
    #[inline]
    fn digits(&mut self, mut number: u64) -> Option<u64> {
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        (self.at > start).then_some(number)
    }
}

/// Sets the highest bit of each byte that ends a text, starts an escape, is a control character or no ASCII. Above the
/// lowest of them others may be set by mistake (Mycroft's test borrows from the next byte).
#[inline]
fn special(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = is_zero(eight ^ (ONES * b'"' as u64));
    let backslash = is_zero(eight ^ (ONES * b'\\' as u64));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (quote | backslash | control | eight) & HIGH
}

/// The length of an escape with its backslash, by what follows that.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => rest.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// The length of the UTF-8 character at the start of the bytes, which is not ASCII (RFC 3629, section 4).
fn character(bytes: &[u8]) -> Option<usize> {
    let more =
        |at: usize| bytes.get(at).filter(|byte| *byte & 0xc0 == 0x80).map(|byte| u32::from(byte & 0x3f));
    let lead = u32::from(*bytes.first()?);
    let (code, least, length) = match lead {
        0xc0..0xe0 => ((lead & 0x1f) << 6 | more(1)?, 0x80, 2),
        0xe0..0xf0 => ((lead & 0x0f) << 12 | more(1)? << 6 | more(2)?, 0x800, 3),
        0xf0..0xf8 => ((lead & 0x07) << 18 | more(1)? << 12 | more(2)? << 6 | more(3)?, 0x1_0000, 4),
        _ => return None,
    };
    (code >= least && char::from_u32(code).is_some()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &[u8]) -> Option<(usize, bool, usize)> {
        let mut scan = Scan::new(text);
        let text = scan.string()?;
        scan.is_done().then_some((text.raw.len(), text.plain, text.chars()))
    }

    #[test]
    fn texts_end_at_their_quotation_mark_wherever_it_stands_in_a_word() {
        for length in 0..40 {
            let inner = "x".repeat(length);
            assert_eq!(string(format!("\"{inner}\"").as_bytes()), Some((length, true, length)), "{length}");
            for bad in ["\n", "\u{1f}", "\\x", "\\u12g4", "\\"] {
                assert_eq!(string(format!("\"{inner}{bad}\"").as_bytes()), None, "{length} {bad:?}");
            }
            let escaped = format!("\"{inner}\\u00e9\\\"\"");
            assert_eq!(string(escaped.as_bytes()), Some((length + 8, false, length + 8)));
        }
        assert_eq!(string(b"\"open"), None);
    }

    #[test]
    fn characters_are_counted_and_must_be_utf_8() {
        assert_eq!(string("\"aé€😀\u{10ffff}\u{fffd}z\"".as_bytes()), Some((18, true, 7)));
        for first in 0x80..=0xff_u8 {
            for second in [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff] {
                for rest in [&b""[..], b"\x80", b"\x80\x80", b"\xbf\xbf\xbf", b"\x80x"] {
                    let bytes = [&[b'"', first, second][..], rest, b"\""].concat();
                    let right = std::str::from_utf8(&bytes).is_ok() && !bytes.contains(&0);
                    assert_eq!(string(&bytes).is_some(), right, "{bytes:x?}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_what_rust_reads() {
        for text in
            ["0", "-0", "1", "-12.5", "0.1", "123456789012345", "0.00000000000001", "99999.9999999999", "7e0"]
        {
            let mut scan = Scan::new(text.as_bytes());
            let number = scan.number().unwrap();
            assert!(scan.is_done(), "{text}");
            let value: f64 = text.parse().unwrap();
            assert!(number.is_none_or(|found| found.to_bits() == value.to_bits()), "{text}");
            assert_eq!(number.is_none(), text.contains('e'), "{text}");
        }
        for text in ["1234567890123456", "1e5", "1E-5", "1.5e+300"] {
            assert_eq!(Scan::new(text.as_bytes()).number(), Some(None), "{text}");
        }
        for text in ["", "-", "01", "-00", "1.", ".5", "1e", "1e+", "+1", "x"] {
            assert!(Scan::new(text.as_bytes()).number().is_none(), "{text}");
        }
    }
}
