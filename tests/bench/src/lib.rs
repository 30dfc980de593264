//! What the measurements share: load, upstream, tokens, the Envoys that are compared, medians, and where results go.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

pub mod documents;
pub mod gateway;
pub mod http;
pub mod load;
pub mod process;
pub mod samples;
pub mod startup;
pub mod tokens;
pub mod upstream;

pub use process::{cpu_us, resident_mb, threads_cpu_us};

/// The middle value; the upper one of two.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes a result to `target/bench/NAME.json`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_result(name: &str, result: &Value) -> Result<()> {
    let folder = cutover_e2e::paths::root().join("target/bench");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, serde_json::to_string_pretty(result)? + "\n").with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn one_slow_round_does_not_move_the_median() {
        assert!((median(vec![1.0, 900.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
