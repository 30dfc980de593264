//! The one place that touches proxy-wasm calls.
