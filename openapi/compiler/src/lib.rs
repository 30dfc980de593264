//! Compiles an OpenAPI contract into a plan.

pub mod document;
mod formats;
mod mistake;
mod pattern;

pub use mistake::Mistake;
