//! The compiled form of an OpenAPI contract, and the code that executes it.
//!
//! `openapi/compiler` makes a [`Plan`] ahead of time; filters load it and ask two things of it: which operation a
//! request is ([`Routes::find`]) and whether the request is what the contract says. Nothing here
//! does I/O, panics, or takes more than linear time in the request.

pub mod legacy;
mod percent;
mod plan;
mod routes;

pub use plan::{FORMAT, Operation, Plan, PlanError};
pub use routes::{Route, RouteMatch, Routes, RoutesError, SchemeScopes};
