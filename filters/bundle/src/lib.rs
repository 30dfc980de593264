//! All filters in one Wasm module.
