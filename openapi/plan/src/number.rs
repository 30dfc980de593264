//! Numbers: exact ones, and how JavaScript reads them from text and writes them as text.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Serialize, Serializer};

use crate::decimal::Decimal;

/// A number: a double stands for the shortest decimal that reads back as it, all others keep their text.
///
/// So equal numbers have the same form, and most are doubles.
#[derive(Debug, Clone)]
pub enum Number<'a> {
    /// What a double says.
    Double(f64),
    /// In JSON's grammar, of a value that no double's shortest decimal has.
    Exact(Cow<'a, str>),
}

/// Up to this many digits, every decimal of a middling size is the shortest one of its double.
const SAFE_DIGITS: usize = 15;

impl<'a> Number<'a> {
    /// Reads a number in JSON's grammar, which the text is known to obey.
    pub(crate) fn read(text: &'a str) -> Option<Number<'a>> {
        let double: f64 = text.parse().ok()?;
        // Short ones without an exponent are most of them.
        let short = text.len() <= SAFE_DIGITS && !text.bytes().any(|byte| byte | 0x20 == b'e');
        if short || (double.is_finite() && Decimal::parse(text) == Decimal::of(double)) {
            return Some(Number::Double(double));
        }
        Some(Number::Exact(Cow::Borrowed(text)))
    }

    /// The same number, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Number<'static> {
        match self {
            Number::Double(double) => Number::Double(double),
            Number::Exact(text) => Number::Exact(Cow::Owned(text.into_owned())),
        }
    }

    /// Whether it has no fraction.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Number::Double(double) => double.is_finite() && double.fract() == 0.0,
            Number::Exact(text) => Decimal::parse(text).is_whole(),
        }
    }

    /// Which of the two is larger.
    #[must_use]
    pub fn compare(&self, other: &Number<'_>) -> Ordering {
        match (self, other) {
            (Number::Double(one), Number::Double(other)) => one.partial_cmp(other).unwrap_or(Ordering::Equal),
            _ => self.decimal().cmp(&other.decimal()),
        }
    }

    /// Whether it is a whole multiple of the unit.
    #[must_use]
    pub fn is_multiple_of(&self, unit: &Number<'_>) -> bool {
        match (self, unit) {
            (Number::Double(value), Number::Double(unit)) if is_small(*value) && is_small(*unit) => {
                value % unit == 0.0
            }
            _ => self.decimal().is_multiple_of(&unit.decimal()),
        }
    }

    /// As JavaScript writes it; exact ones as they were written.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Number::Double(double) => to_text(*double),
            Number::Exact(text) => text.clone().into_owned(),
        }
    }

    /// The text by which equal numbers are equal.
    pub(crate) fn key(&self) -> String {
        match self {
            // -0 equals 0.
            Number::Double(double) => format!("{:x}", (double + 0.0).to_bits()),
            Number::Exact(text) => Decimal::parse(text).key(),
        }
    }

    fn decimal(&self) -> Decimal {
        match self {
            Number::Double(double) if double.is_infinite() => {
                Decimal::parse(if *double > 0.0 { "1e9999999999" } else { "-1e9999999999" })
            }
            Number::Double(double) => Decimal::of(*double),
            Number::Exact(text) => Decimal::parse(text),
        }
    }
}

/// Whether a double is a whole number that means exactly itself.
fn is_small(double: f64) -> bool {
    double.fract() == 0.0 && double.abs() <= 9_007_199_254_740_992.0
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Number::Double(one), Number::Double(other)) => one == other,
            (Number::Exact(one), Number::Exact(other)) => Decimal::parse(one) == Decimal::parse(other),
            _ => false,
        }
    }
}

/// In a plan, numbers are plain JSON, digit for digit.
impl Serialize for Number<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Double(double) => serializer.serialize_f64(*double),
            Number::Exact(text) => {
                let raw = serde_json::value::RawValue::from_string(text.clone().into_owned());
                raw.map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}

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
