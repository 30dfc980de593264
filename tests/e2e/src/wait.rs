//! Waiting for something to become true, with patience and without guessing how long it takes.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep};

/// How long tests wait for something that should happen at once; generous, because machines stall.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again until `check` answers `Ok`, and gives its last error when [`PATIENCE`] is over.
///
/// # Errors
/// The last error of `check`, with what was waited for.
pub async fn eventually<T, Check, Fut>(what: &str, mut check: Check) -> Result<T>
where
    Check: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(anyhow!("waited {PATIENCE:?} in vain for {what}: {error:#}"));
            }
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
