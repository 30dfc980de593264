//! Numbers as JavaScript reads them from text and writes them as text.

/// `Number(text)`: surrounding white space is ignored, nothing at all is 0; `None` stands for `NaN`.
pub(crate) fn from_text(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if text.is_empty() {
        return Some(0.0);
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let digit = |value: f64, c: char| Some(value * f64::from(radix) + f64::from(c.to_digit(radix)?));
            return if digits.is_empty() { None } else { digits.chars().try_fold(0.0, digit) };
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "Infinity" {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // Rust's grammar is JavaScript's but for the words `inf`, `infinity` and `nan`, which it takes in any case.
    let decimal =
        unsigned.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if decimal { text.parse().ok() } else { None }
}

/// JavaScript's `StringToNumber` trims these; Rust's `is_whitespace` differs in U+0085 and U+FEFF.
fn is_space(c: char) -> bool {
    c != '\u{85}' && (c.is_whitespace() || c == '\u{feff}')
}

/// `String(number)`: the shortest digits that read back as the same number, in JavaScript's layout.
#[must_use]
pub fn to_text(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match exponent {
        -6..21 => format!("{number}"),
        21.. => format!("{mantissa}e+{exponent}"),
        _ => format!("{mantissa}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_javascript_reads_it() {
        for (text, number) in [
            ("5", 5.0),
            (" 5\n", 5.0),
            ("", 0.0),
            ("  ", 0.0),
            ("0x1F", 31.0),
            ("0b11", 3.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("+7", 7.0),
            ("-0x1", f64::NAN),
            ("1_0", f64::NAN),
            ("inf", f64::NAN),
            ("NaN", f64::NAN),
            ("abc", f64::NAN),
            ("0x", f64::NAN),
            ("Infinity", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            (".", f64::NAN),
            ("1e", f64::NAN),
        ] {
            assert_eq!(from_text(text), (!number.is_nan()).then_some(number), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (100.0, "100"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (1e21, "1e+21"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (-0.0, "0"),
        ] {
            assert_eq!(to_text(number), text);
        }
    }
}
