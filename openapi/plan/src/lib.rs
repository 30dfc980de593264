//! The compiled form of an OpenAPI contract, and the code that executes it.
//!
//! `openapi/compiler` makes a [`Plan`] ahead of time; filters load it and ask two things of it: which operation a
//! request is ([`Routes::find`]) and whether the request is what the contract says. Nothing here
//! does I/O, panics, or takes more than linear time in the request.

mod base64;
mod body;
mod check;
mod coerce;
mod cookies;
mod decimal;
mod fields;
mod format;
mod json;
pub mod legacy;
mod load;
mod load_operation;
mod load_schema;
mod media;
mod multipart;
mod number;
pub mod operation;
mod pattern;
mod percent;
mod plan;
mod query;
mod reader;
mod request;
mod routes;
pub mod schema;
mod size;
mod sort;
mod style;
mod tables;
mod unique;
mod view;
mod violation;
mod walk;

pub use json::{Json, JsonError, MAX_DEPTH, Object};
pub use media::ContentType;
pub use number::{Number, to_text as number_text};
pub use operation::Operation;
pub use plan::{FORMAT, Plan, PlanError, Switches};
pub use request::{Head, Headers, Next, Pass, Pending, too_large};
pub use routes::{Route, RouteMatch, Routes, RoutesError, SchemeScopes};
pub use size::Size;
pub use view::{LoadError, Read, View, parse as parse_json};
pub use violation::Violation;
