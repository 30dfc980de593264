//! Request ids and trace context as an Envoy filter.
//!
//! [`decide`] says which id and trace context a request has; [`filter`] applies it. A client's `x-request-id` is kept
//! when it is exactly one value of `[A-Za-z0-9._-]{1,128}`; a client's trace is continued when its `traceparent` is
//! valid (W3C Trace Context, version 00). Every response carries the id.

mod decision;
pub mod filter;
mod trace;

pub use decision::{Identity, Randomness, decide};
pub use trace::TraceParent;
