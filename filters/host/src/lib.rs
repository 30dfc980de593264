//! The one place that touches proxy-wasm calls: bytes not strings, every value of a header, no panics.
//!
//! The usual SDK's calls panic on header bytes that are not UTF-8 and on any status they do not expect, and a panic in
//! a filter takes its whole VM down. Everything here returns a [`HostError`] instead, and [`plugin`] is the other
//! direction: how the host calls a filter.

mod calls;
mod headers;
mod logging;
mod metrics;
pub mod plugin;
mod reply;
mod status;
mod sys;
mod wire;

pub use calls::{
    Body, Headers, Timestamp, body, call_foreign_function, now_unix_nanoseconds, plugin_configuration,
    property, random_bytes, set_property,
};
pub use headers::{HeaderMap, Single};
pub use logging::install_logger;
pub use metrics::{Counter, Gauge};
pub use reply::{Reply, send_reply};
pub use status::HostError;
