//! Compiles an OpenAPI contract into a plan.

pub mod document;
mod mistake;

pub use mistake::Mistake;
