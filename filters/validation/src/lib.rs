//! OpenAPI request validation as an Envoy filter.
//!
//! [`config`] says what is validated and what becomes of invalid requests, [`Gate`] decides about a request in two steps
//! (head, body), [`filter`] applies the decisions. What a request must be is the plan's business
//! (`cutover_plan`), compiled ahead from the contract.

pub mod config;
mod decision;
pub mod filter;

pub use decision::{Exchange, Finding, Gate, RequestHead, Step};
