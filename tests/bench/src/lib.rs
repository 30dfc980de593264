//! What the measurements share: medians, memory of a process, and where results go.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

/// The middle value; the upper one of two.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Resident memory of a process in MB (10^6 bytes), from `/proc/PID/status`.
///
/// # Errors
/// When the process is gone.
pub fn resident_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
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
