//! JWT authentication and scopes as an Envoy filter.
//!
//! The decision is pure: [`Gate::decide`] takes the request's head, the operation, the time and a
//! [`SignatureVerifier`], and says what to forward or what to answer. [`filter`] is the thin part that talks to Envoy.
//!
//! A token is judged in this order, and the first thing that is wrong ends it: its form ([`token`]), its issuer and whether
//! the operation takes tokens of that issuer ([`scopes`]), its algorithm, its key ([`jwks`]), its signature ([`verify`]), its
//! claims ([`claims`]), its scopes. What follows the rules of RFC 8725 says so where it does. A token that came through is
//! remembered ([`cache`]). One whose key is not there may wait for it, if its issuer's keys are fetched ([`remote`]).

pub mod algorithm;
pub mod cache;
pub mod claims;
pub mod config;
pub mod credentials;
pub mod decision;
mod der;
pub mod filter;
mod host_verifier;
mod json;
pub mod jwks;
mod pem;
pub mod remote;
pub mod rules;
pub mod scopes;
#[cfg(test)]
mod testing;
pub mod token;
pub mod verify;
mod vm_verifier;

pub use config::{Config, ConfigError};
pub use decision::{Decision, Gate, Reason, RequestHead};
pub use verify::{SignatureError, SignatureVerifier};
