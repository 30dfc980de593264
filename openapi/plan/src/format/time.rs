//! Dates and times (RFC 3339, section 5.6).

/// `full-date`, with days that the month has.
pub(super) fn date(text: &[u8]) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return false };
    let (Some(century), Some(of_century)) = (two(*y1, *y2), two(*y3, *y4)) else { return false };
    let (Some(month), Some(day)) = (two(*m1, *m2), two(*d1, *d2)) else { return false };
    let year = century * 100 + of_century;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// `full-time`; the second 60 only where UTC has its last minute of the day.
pub(super) fn time(text: &[u8]) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let [h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return false };
    let (Some(hour), Some(minute), Some(second)) = (two(*h1, *h2), two(*m1, *m2), two(*s1, *s2)) else {
        return false;
    };
    let Some(offset) = after_fraction(rest).and_then(offset) else { return false };
    if hour > 23 || minute > 59 || second > 60 {
        return false;
    }
    let day = 24 * 60;
    second < 60 || (hour * 60 + minute - offset + 2 * day) % day == day - 1
}

/// `date-time`
pub(super) fn date_time(text: &[u8]) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    matches!(rest.first(), Some(b'T' | b't')) && date(day) && rest.get(1..).is_some_and(time)
}

fn after_fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(fraction) = text.strip_prefix(b".") else { return Some(text) };
    let digits = fraction.iter().take_while(|digit| digit.is_ascii_digit()).count();
    if digits == 0 { None } else { fraction.get(digits..) }
}

/// How many minutes the clock is before UTC.
fn offset(text: &[u8]) -> Option<i32> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            let size = hours * 60 + minutes;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -size } else { size })
        }
        _ => None,
    }
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits.then(|| i32::from(tens & 0xf) * 10 + i32::from(ones & 0xf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_must_exist() {
        for good in ["2024-02-29", "2000-02-29", "2023-12-31"] {
            assert!(date(good.as_bytes()), "{good}");
        }
        for bad in
            ["2023-02-29", "1900-02-29", "2023-04-31", "2023-13-01", "2023-1-01", "2023-00-10", "2023-01-00"]
        {
            assert!(!date(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn leap_seconds_end_the_day_of_utc() {
        for good in ["23:59:60Z", "15:59:60-08:00", "00:29:60.5+00:30", "01:02:03+00:00", "23:59:59.123z"] {
            assert!(time(good.as_bytes()), "{good}");
        }
        for bad in [
            "22:59:60Z",
            "23:59:60+01:00",
            "24:00:00Z",
            "01:02:03",
            "01:02:03+24:00",
            "01:02:03.Z",
            "1:02:03Z",
        ] {
            assert!(!time(bad.as_bytes()), "{bad}");
        }
        assert!(date_time(b"1998-12-31T23:59:60Z") && !date_time(b"1998-12-31 23:59:60Z"));
    }
}
