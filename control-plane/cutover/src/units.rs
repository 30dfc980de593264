//! Durations and sizes as people write them: `500ms`, `2s`, `1MiB`.

use std::time::Duration;

/// Why a text is not a duration or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitError {
    #[error("`{0}` is not a duration; write a whole number and a unit (ms, s, m, h), such as 500ms or 2s")]
    Duration(String),
    #[error("`{0}` is not a size; write a whole number and a unit (B, KiB, MiB, GiB), such as 1MiB")]
    Size(String),
}

/// Parses `500ms`, `2s`, `1m`, `1h`. The unit is required: a bare number has been read as seconds and as
/// milliseconds often enough.
pub(crate) fn duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError::Duration(text.to_owned());
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(scale).map(Duration::from_millis).ok_or_else(wrong)
}

/// Parses `512B`, `64KiB`, `1MiB`, `1GiB` into bytes.
pub(crate) fn size(text: &str) -> Result<u64, UnitError> {
    let wrong = || UnitError::Size(text.to_owned());
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let scale = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(scale).ok_or_else(wrong)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// Seconds in the coarsest unit that loses nothing, the way [`duration`] reads it.
pub(crate) fn show_seconds(seconds: u64) -> String {
    [(3_600, "h"), (60, "m")]
        .into_iter()
        .find(|(scale, _)| seconds > 0 && seconds.is_multiple_of(*scale))
        .map_or_else(|| format!("{seconds}s"), |(scale, unit)| format!("{}{unit}", seconds / scale))
}

/// A number of bytes in the coarsest unit that loses nothing, the way [`size`] reads it.
pub(crate) fn show_size(bytes: u64) -> String {
    [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        .into_iter()
        .find(|(scale, _)| bytes > 0 && bytes.is_multiple_of(*scale))
        .map_or_else(|| format!("{bytes}B"), |(scale, unit)| format!("{}{unit}", bytes / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        for (text, millis) in [("500ms", 500), ("2s", 2_000), ("1m", 60_000), ("1h", 3_600_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "5", "s", "5 parsecs", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_powers_of_two() {
        for (text, bytes) in [("512B", 512), ("64KiB", 65_536), ("1MiB", 1_048_576), ("1GiB", 1 << 30)] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "1", "1MB", "1mb", "MiB", "-1B"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_written_again() {
        for text in ["0B", "1000B", "64KiB", "1MiB", "3GiB"] {
            assert_eq!(show_size(size(text).unwrap()), text);
        }
        for text in ["0s", "59s", "90s", "5m", "24h"] {
            assert_eq!(show_seconds(duration(text).unwrap().as_secs()), text);
        }
    }
}
