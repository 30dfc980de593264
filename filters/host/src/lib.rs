//! The one place that touches proxy-wasm: bytes not strings, every value of a header, no panics.
//!
//! The calls to the host are functions and return a [`HostError`]; the host's calls are the traits in [`callbacks`]. The
//! SDK is not used: it panics on header bytes that are not UTF-8 and on any status that it does not expect, and a panic in
//! a filter takes its whole VM down; and it exports every callback there is, each of which the host then makes.

pub mod callbacks;
mod calls;
mod headers;
mod http_call;
mod logging;
mod metrics;
mod reply;
mod shared;
mod status;
mod streams;
mod sys;
mod wire;

pub use calls::{
    Body, Headers, Timestamp, body, call_foreign_function, now_unix_nanoseconds, plugin_configuration,
    property, random_bytes, set_property,
};
pub use headers::{HeaderMap, Single};
pub use http_call::http_get;
pub use logging::install_logger;
pub use metrics::{Counter, Gauge};
pub use reply::{Reply, send_reply};
pub use shared::{NEW, Shared, set_shared, shared};
pub use status::HostError;
pub use streams::{act_for, continue_request, set_tick_period};
