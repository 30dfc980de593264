//! The `log` crate's records, written to the host's log.
#![allow(unsafe_code)] // raw host calls; each block says why it is sound

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::status::check;
use crate::sys;

struct HostLog;

static HOST_LOG: HostLog = HostLog;

/// Makes `log::info!` and the others write to the host's log, from the host's own level on, and a panic say where it was
/// (none is expected; a trap of the standard library would otherwise be silent). May be called again, to follow a
/// level that has changed. Not in the module's start function: hosts refuse the call there.
pub fn install_logger() {
    if log::set_logger(&HOST_LOG).is_ok() {
        std::panic::set_hook(Box::new(|panic| write(CRITICAL, &panic.to_string())));
    }
    let mut level = 0;
    // SAFETY: the pointer is to a local that outlives the call.
    let known = check(unsafe { sys::proxy_get_log_level(&raw mut level) });
    log::set_max_level(known.map_or(LevelFilter::Info, |()| filter(level)));
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

fn filter(host_level: u32) -> LevelFilter {
    match host_level {
        0 => LevelFilter::Trace,
        1 => LevelFilter::Debug,
        2 => LevelFilter::Info,
        3 => LevelFilter::Warn,
        4 => LevelFilter::Error,
        _ => LevelFilter::Off,
    }
}

fn write(level: u32, message: &str) {
    // SAFETY: the message is a live slice given with its length; the host copies it.
    let _status = unsafe { sys::proxy_log(level, message.as_ptr(), message.len()) };
    // A log line that the host does not take has nowhere else to go.
}
