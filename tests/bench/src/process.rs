//! What a process has cost so far, by the kernel's own books.

use std::fs;

use anyhow::{Context, Result};

/// CPU time of all threads of a process since its start, user and system, in microseconds, from `/proc/PID/stat`
/// (proc_pid_stat(5)). The kernel keeps it in ticks of mostly 10 ms: measure long enough.
///
/// # Errors
/// When the process is gone.
pub fn cpu_us(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let ticks = cpu_ticks(&stat).with_context(|| format!("no utime and stime in '{stat}'"))?;
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(ticks as f64 * 1e6 / per_second as f64)
}

/// CPU time of the threads that a process has now, in microseconds and exact to the nanosecond, from
/// `/proc/PID/task/TID/schedstat` (the kernel's Documentation/scheduler/sched-stats.rst). Threads that have ended are not
/// in it, so it is for the difference over a time in which none ends.
///
/// # Errors
/// When the process is gone, or the kernel keeps no such books.
pub fn threads_cpu_us(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = thread?.path().join("schedstat");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let running = text.split_ascii_whitespace().next().and_then(|field| field.parse::<u64>().ok());
        nanoseconds += running.with_context(|| format!("'{text}' in {}", path.display()))?;
    }
    Ok(nanoseconds as f64 / 1e3)
}

/// Fields 14 and 15. The second field, the command's name, may hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    const UTIME_AFTER_NAME: usize = 11;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(UTIME_AFTER_NAME);
    let (utime, stime): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(utime + stime)
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
    use super::{cpu_ticks, threads_cpu_us};

    #[test]
    fn work_shows_in_the_threads_time() {
        let before = threads_cpu_us(std::process::id()).unwrap();
        let sum: u64 = (0..3_000_000).map(std::hint::black_box).sum();
        assert!(sum > 0 && threads_cpu_us(std::process::id()).unwrap() > before + 100.0);
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 17 25 3 4 20 0 1 0 5 6 7";
        assert_eq!(cpu_ticks(stat), Some(42));
        assert_eq!(cpu_ticks("42 (a) S 1"), None);
    }
}
