//! What a process has cost so far, by the kernel's own books.

use std::fs;

use anyhow::{Context, Result, ensure};

/// CPU time of all threads of a process that still run, in microseconds, from the scheduler's own account in nanoseconds
/// (`/proc/PID/task/TID/schedstat`); `/proc/PID/stat` has it in ticks of 10 ms, too coarse for short rounds.
///
/// # Errors
/// When the process is gone, or the kernel keeps no such account.
pub fn cpu_us(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between being named and being read.
        let Ok(account) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanoseconds += on_cpu(&account).with_context(|| format!("no time on a CPU in '{account}'"))?;
    }
    ensure!(nanoseconds > 0, "the kernel keeps no account of the CPU time of process {pid}");
    Ok(nanoseconds as f64 / 1e3)
}

/// The first field (the kernel's sched-stats document): time spent on a CPU.
fn on_cpu(account: &str) -> Option<u64> {
    account.split_ascii_whitespace().next()?.parse().ok()
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

#[cfg(test)]
mod tests {
    use super::{cpu_us, on_cpu};

    #[test]
    fn a_little_work_is_seen() {
        let me = std::process::id();
        let before = cpu_us(me).unwrap();
        let sum = (0..2_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        assert!(cpu_us(me).unwrap() > before, "{sum}");
    }

    #[test]
    fn an_account_has_three_numbers_and_the_first_counts() {
        assert_eq!(on_cpu("102689645 276015744 246\n"), Some(102_689_645));
        assert_eq!(on_cpu(""), None);
    }
}
