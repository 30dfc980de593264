//! The one place that reads the clock; everything else takes the time as an argument.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 UTC.
#[allow(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A point from which elapsed time is measured.
#[allow(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub(crate) fn start() -> Instant {
    Instant::now()
}
