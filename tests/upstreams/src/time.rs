//! Just enough of RFC 3339 for fixed timestamps and the two date filters of the contract.
//!
//! The services never read the clock: their "now" is [`NOW`], so that the same request has the same answer on any
//! day and on either side.

/// 2024-06-01T00:00:00Z: when everything happens that a request causes.
pub(crate) const NOW: &str = "2024-06-01T00:00:00Z";

/// Days since 1970-01-01 of a Gregorian date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Seconds since 1970 as `2024-03-01T00:00:00Z`.
pub(crate) fn format(seconds: i64) -> String {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since 1970 of a full date (`2024-03-01`) at midnight UTC.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    Some(days_from_civil(year, month, day) * 86_400)
}

/// Seconds since 1970 of an RFC 3339 date-time; fractions of a second are dropped.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let date = parse_date(text.get(..10)?)?;
    let hour: i64 = text.get(11..13)?.parse().ok()?;
    let minute: i64 = text.get(14..16)?.parse().ok()?;
    let second: i64 = text.get(17..19)?.parse().ok()?;
    let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    Some(date + hour * 3_600 + minute * 60 + second - offset(zone)?)
}

/// Seconds east of UTC of `Z` or `+01:00`.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let hours: i64 = zone.get(1..3)?.parse().ok()?;
    let minutes: i64 = zone.get(4..6)?.parse().ok()?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_parsing_and_formatting() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", NOW, "1969-12-31T23:59:59Z"] {
            assert_eq!(parse(text).map(format).as_deref(), Some(text));
        }
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        assert_eq!(parse("2024-03-01T01:00:00.250+01:00"), parse("2024-03-01T00:00:00Z"));
        assert_eq!(parse("2024-02-29T22:30:00-01:30"), parse("2024-03-01T00:00:00Z"));
        assert_eq!(parse_date("2024-03-01"), parse("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in ["", "2024", "2024-03-01", "2024-03-01T00:00:00", "2024-03-01T00:00:00+", "tomorrow"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
