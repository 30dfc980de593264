//! The share of an operation's requests that goes to the rust side.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share from 0 % to 100 % in steps of 0.01 % (one basis point).
///
/// Parses `12.5`, `12.5%` and `12.5 %`; displays as `12.5%`; in JSON it is a number of percent (`12.5`), and a string as
/// above is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

/// Why a text is not a [`Weight`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// Not a plain decimal number.
    #[error("weight `{0}` is not a percentage; write a number from 0 to 100 such as `12.5` or `12.5%`")]
    NotANumber(String),
    /// Negative or above one hundred.
    #[error("weight `{0}` is out of range; it must lie between 0 and 100 percent")]
    OutOfRange(String),
    /// More than two decimals.
    #[error("weight `{0}` is too fine; the smallest step is 0.01 percent")]
    TooFine(String),
}

impl Weight {
    /// Everything goes to the node side.
    pub const ZERO: Self = Self(0);
    /// Everything goes to the rust side.
    pub const FULL: Self = Self(10_000);

    /// A weight of so many basis points (0.01 %), or nothing above 10 000.
    #[must_use]
    pub const fn from_basis_points(points: u16) -> Option<Self> {
        if points <= Self::FULL.0 { Some(Self(points)) } else { None }
    }

    /// Basis points (0.01 %) on the rust side, 0 to 10 000.
    #[must_use]
    pub const fn basis_points(self) -> u16 {
        self.0
    }

    /// Basis points (0.01 %) on the node side, 0 to 10 000; both sides always sum to 10 000.
    #[must_use]
    pub const fn node_basis_points(self) -> u16 {
        Self::FULL.0 - self.0
    }

    /// The weight in percent, for figures that people and metrics read.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Self, WeightError> {
        let number = text.trim();
        let number = number.strip_suffix('%').map_or(number, str::trim_end);
        let not_a_number = || WeightError::NotANumber(text.to_owned());
        if let Some(negative) = number.strip_prefix('-') {
            return Err(match is_decimal(negative) {
                true => WeightError::OutOfRange(text.to_owned()),
                false => not_a_number(),
            });
        }
        if !is_decimal(number) {
            return Err(not_a_number());
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 2 {
            return Err(WeightError::TooFine(text.to_owned()));
        }
        let out_of_range = || WeightError::OutOfRange(text.to_owned());
        let whole: u16 = whole.parse().map_err(|_| out_of_range())?;
        let fraction: u16 = format!("{fraction:0<2}").parse().map_err(|_| not_a_number())?;
        let points = whole.checked_mul(100).and_then(|points| points.checked_add(fraction));
        points.and_then(Self::from_basis_points).ok_or_else(out_of_range)
    }
}

/// Digits, optionally followed by a point and digits; no sign, no exponent, no blanks.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&format!("{}%", self.percent()))
    }
}

impl Serialize for Weight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            serializer.serialize_u16(self.0 / 100)
        } else {
            serializer.serialize_f64(self.percent())
        }
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PercentVisitor)
    }
}

struct PercentVisitor;

impl Visitor<'_> for PercentVisitor {
    type Value = Weight;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a percentage from 0 to 100, such as 12.5 or \"12.5%\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Weight, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Weight, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Weight, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Weight, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_understood() {
        for (text, points) in [
            ("0", 0),
            ("100", 10_000),
            ("100.00%", 10_000),
            ("12.5", 1_250),
            ("12.5%", 1_250),
            (" 12.5 % ", 1_250),
            ("0.01%", 1),
            ("99.99", 9_999),
            ("007", 700),
            ("1.500", 150),
        ] {
            assert_eq!(text.parse::<Weight>().unwrap().basis_points(), points, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_share_says_why() {
        for text in ["", "%", "abc", "1e2", "+5", ".5", "5.", "1,5", "0x10", "NaN", "--1", "5%%", "1 0"] {
            assert!(matches!(text.parse::<Weight>(), Err(WeightError::NotANumber(_))), "{text}");
        }
        for text in ["-1", "100.01", "101%", "65536", "99999999999999999999"] {
            assert!(matches!(text.parse::<Weight>(), Err(WeightError::OutOfRange(_))), "{text}");
        }
        for text in ["0.001", "12.345%"] {
            assert!(matches!(text.parse::<Weight>(), Err(WeightError::TooFine(_))), "{text}");
        }
    }

    #[test]
    fn every_weight_survives_text_and_json() {
        for points in 0..=10_000 {
            let weight = Weight::from_basis_points(points).unwrap();
            assert_eq!(weight.to_string().parse(), Ok(weight));
            let json = serde_json::to_string(&weight).unwrap();
            assert_eq!(serde_json::from_str::<Weight>(&json).unwrap(), weight, "{json}");
            assert_eq!(weight.basis_points() + weight.node_basis_points(), 10_000);
        }
        assert_eq!(Weight::from_basis_points(10_001), None);
    }

    #[test]
    fn json_is_a_number_of_percent_and_strings_are_taken_too() {
        assert_eq!(serde_json::to_string(&"12.5".parse::<Weight>().unwrap()).unwrap(), "12.5");
        assert_eq!(serde_json::to_string(&Weight::FULL).unwrap(), "100");
        assert_eq!(serde_json::from_str::<Weight>("\"0.01%\"").unwrap().basis_points(), 1);
        assert!(serde_json::from_str::<Weight>("-1").unwrap_err().to_string().contains("out of range"));
        assert!(serde_json::from_str::<Weight>("true").unwrap_err().to_string().contains("a percentage"));
    }
}
