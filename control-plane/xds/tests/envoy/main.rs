//! What a real Envoy does with what is rendered here, from both sides of the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test they fail the test, also in its helpers")]

mod errors;
mod keys;
mod pushes;
mod routing;
mod support;
