//! Decimal numbers of any length: what a double cannot hold is compared and divided by its digits.

use std::cmp::Ordering;

/// Exponents beyond this are as good as infinite; cut here so that no sum of two of them overflows.
const LARGEST_EXPONENT: i64 = 1 << 60;

/// `±digits × 10^exponent`, the digits without zeros at either end; none of them for zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads a number in JSON's grammar, which the text is known to obey.
    pub(crate) fn parse(text: &str) -> Decimal {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit & 0xf).collect();
        let mut exponent = exponent_of(power) - i64::try_from(fraction.len()).unwrap_or(0);
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += 1;
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        if digits.is_empty() {
            return Decimal { negative: false, digits, exponent: 0 };
        }
        Decimal { negative, digits, exponent }
    }

    /// The shortest decimal that reads back as this double.
    pub(crate) fn of(number: f64) -> Decimal {
        Decimal::parse(&format!("{number:e}"))
    }

    /// Whether it has no fraction.
    pub(crate) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it is a whole multiple of the unit, which has at most 18 digits (longer ones divide nothing).
    pub(crate) fn is_multiple_of(&self, unit: &Decimal) -> bool {
        if self.is_zero() {
            return true;
        }
        // Its last digit is not zero, so ten divides it no further than the exponent says.
        if unit.is_zero() || unit.digits.len() > 18 || self.exponent < unit.exponent {
            return false;
        }
        let modulus = unit.digits.iter().fold(0_u128, |sum, digit| sum * 10 + u128::from(*digit));
        let digits =
            self.digits.iter().fold(0_u128, |rest, digit| (rest * 10 + u128::from(*digit)) % modulus);
        let power = power_of_ten(self.exponent.saturating_sub(unit.exponent), modulus);
        (digits * power).is_multiple_of(modulus)
    }

    /// The text by which equal numbers are equal.
    pub(crate) fn key(&self) -> String {
        let digits: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        format!("{}{digits}e{}", if self.negative { "-" } else { "" }, self.exponent)
    }

    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX))
    }
}

/// By value.
impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        let sign = |number: &Decimal| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let signs = sign(self).cmp(&sign(other));
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        // Both begin with a digit that is not zero: the longer one is larger, then the digits decide.
        let size = self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits));
        if self.negative { size.reverse() } else { size }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn exponent_of(text: &str) -> i64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = digits.bytes().fold(0_i64, |sum, digit| {
        (sum.saturating_mul(10).saturating_add(i64::from(digit & 0xf))).min(LARGEST_EXPONENT)
    });
    if negative { -size } else { size }
}

/// 10^power modulo a number below 10^18, by squaring.
fn power_of_ten(power: i64, modulus: u128) -> u128 {
    let (mut result, mut base, mut power) = (1 % modulus, 10 % modulus, power.max(0));
    while power > 0 {
        if power & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        power >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text)
    }

    #[test]
    fn spelling_makes_no_difference() {
        for (one, other) in [
            ("1.0", "1"),
            ("100", "1e2"),
            ("0.010", "1E-2"),
            ("-0", "0.0e9"),
            ("12e-1", "1.2"),
            ("0e99", "0"),
        ] {
            assert_eq!(decimal(one), decimal(other), "{one} {other}");
        }
        assert_eq!(Decimal::of(0.1), decimal("0.1"));
        assert_eq!(Decimal::of(-1.5e300), decimal("-15e299"));
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let ordered = [
            "-1e400",
            "-9007199254740993",
            "-1.5",
            "-1e-400",
            "0",
            "1e-999999999999999999999",
            "0.1",
            "0.10000000000000000001",
            "9007199254740992",
            "9007199254740993",
            "1e400",
            "1e99999999999999999999",
        ];
        for pair in ordered.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (value, unit, holds) in [
            ("0.3", "0.1", true),
            ("4.35", "0.01", true),
            ("1e308", "0.123456789", false),
            ("12391239123", "1e-8", true),
            ("1e400", "7", false),
            ("7e400", "7", true),
            ("9007199254740993", "2", false),
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("0", "0.0001", true),
            ("1e999999999999", "3", false),
        ] {
            assert_eq!(decimal(value).is_multiple_of(&decimal(unit)), holds, "{value} {unit}");
        }
    }
}
