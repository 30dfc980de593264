//! The one place that touches proxy-wasm calls: bytes not strings, every value of a header, no panics.
//!
//! The SDK's own calls panic on header bytes that are not UTF-8 and on any status they do not expect, and a panic
//! in a filter takes its whole VM down. Everything here returns a [`HostError`] instead. Filters use the SDK only
//! for the callbacks (re-exported as [`sdk`]) and this crate for every call in the other direction.

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

/// The callback side of the SDK: contexts, actions and the registration macro.
pub mod sdk {
    pub use proxy_wasm::traits::{Context, HttpContext, RootContext};
    pub use proxy_wasm::types::{Action, ContextType};
    pub use proxy_wasm::{main, set_root_context};
}
