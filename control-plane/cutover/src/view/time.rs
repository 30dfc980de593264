//! Points in time and spans as people read them.

use jiff::Timestamp;

/// `2026-11-22 12:19:56Z`
pub(super) fn utc(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| format!("{at_ms} ms"), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// `12 s`, `5 min`, `3 h`, `2 d`
pub(super) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `12 ms` below ten seconds, `12.3 s` from there.
pub(super) fn elapsed(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_unmistakable() {
        assert_eq!(utc(0), "1970-01-01 00:00:00Z");
        assert_eq!(utc(1_795_349_996_123), "2026-11-22 12:19:56Z");
        assert_eq!([59_999, 60_000, 3_600_000, 172_800_000].map(span), ["59 s", "1 min", "1 h", "2 d"]);
        assert_eq!([0, 9_999, 12_345].map(elapsed), ["0 ms", "9999 ms", "12.3 s"]);
    }
}
