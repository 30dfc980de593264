//! The `log` crate's records, written to the host's log.
#![allow(unsafe_code)] // one raw host call; its block says why it is sound

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::sys;

struct HostLog;

static HOST_LOG: HostLog = HostLog;

/// Makes `log::info!` and the others write to the host's log, at `level` and above, and a panic say where it was
/// (none is expected; a trap of the standard library would otherwise be silent). Call it once, when the VM starts.
pub fn install_logger(level: LevelFilter) {
    if log::set_logger(&HOST_LOG).is_ok() {
        std::panic::set_hook(Box::new(|panic| write(CRITICAL, &panic.to_string())));
    }
    log::set_max_level(level);
}

/// Changes the level; what is below it costs nothing.
pub fn set_log_level(level: LevelFilter) {
    log::set_max_level(level);
}

impl Log for HostLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            write(host_level(record.level()), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}

const CRITICAL: u32 = 5;

fn host_level(level: Level) -> u32 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

fn write(level: u32, message: &str) {
    // SAFETY: the message is a live slice given with its length; the host copies it.
    let _status = unsafe { sys::proxy_log(level, message.as_ptr(), message.len()) };
    // A log line that the host does not take has nowhere else to go.
}
