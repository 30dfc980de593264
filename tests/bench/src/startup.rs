//! What a Wasm filter's start is made of, read off Envoy's own trace of its calls.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// Milliseconds of each part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Startup {
    /// From the making of the first VM to the module's first instruction: V8 compiles all of it.
    pub compile_ms: f64,
    /// The longest call of the plugin's `proxy_on_configure`; there is one on each thread.
    pub configure_ms: f64,
}

impl Startup {
    /// Reads the log of an Envoy that was started with `trace`.
    ///
    /// # Errors
    /// When the log lacks a part; another Envoy may word its trace differently.
    pub fn read(log: &str) -> Result<Self> {
        let first = |text: &str| lines(log).find(|(_, line)| line.contains(text)).map(|(at, _)| at);
        let created = first("Base Wasm created").context("no VM was created")?;
        let running = first("[host->vm] _initialize()").context("the module never ran")?;
        let mut began = BTreeMap::new();
        let mut configure_ms: Option<f64> = None;
        for (at, line) in lines(log) {
            // Threads configure at the same time; each starts its VM before it goes on to the next call.
            let Some((thread, call)) = line.split_once(' ') else { continue };
            if call.contains("[host->vm] proxy_on_configure(") {
                began.insert(thread, at);
            } else if call.contains("[host<-vm] proxy_on_configure return")
                && let Some(began) = began.remove(thread)
            {
                configure_ms = Some(configure_ms.unwrap_or_default().max((at - began) * 1e3));
            }
        }
        let configure_ms = configure_ms.context("no plugin was configured")?;
        Ok(Self { compile_ms: (running - created) * 1e3, configure_ms })
    }
}

/// Time in seconds and the rest of each line that has a time.
fn lines(log: &str) -> impl Iterator<Item = (f64, &str)> {
    log.lines().filter_map(|line| {
        let (time, rest) = line.split_once(' ')?;
        Some((time.parse().ok()?, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::Startup;

    const LOG: &str = "\
        a line without a time\n\
        1000.500000000 1 debug Base Wasm created 1 now active\n\
        1001.500000000 1 trace [host->vm] _initialize()\n\
        1001.501000000 1 trace [host->vm] proxy_on_configure(1, 1032)\n\
        1001.502000000 2 trace [host->vm] proxy_on_configure(1, 1032)\n\
        1001.503000000 1 trace [host<-vm] proxy_on_configure return: 1\n\
        1001.505000000 2 trace [host<-vm] proxy_on_configure return: 1\n";

    #[test]
    fn the_parts_are_told_apart_by_thread() {
        let Startup { compile_ms, configure_ms } = Startup::read(LOG).unwrap();
        assert!((compile_ms - 1000.0).abs() < 0.01, "{compile_ms}");
        assert!((configure_ms - 3.0).abs() < 0.01, "{configure_ms}");
    }

    #[test]
    fn a_log_without_a_part_is_an_error() {
        assert!(Startup::read("").is_err());
        let unfinished = LOG.replace("return", "gone");
        assert_eq!(Startup::read(&unfinished).unwrap_err().to_string(), "no plugin was configured");
    }
}
