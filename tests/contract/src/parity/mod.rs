//! Requests made from the contract, valid and invalid, that both sides must answer alike.
//!
//! The recording says what somebody has thought of; these say what follows from the contract: for every operation valid
//! requests, and one request for each single thing that can be wrong with each parameter, header and place in a body.

mod broken;
mod contract;
mod draft;
mod judge;
mod random;
mod requests;
mod values;

pub use judge::{Exceptions, Parity, Seen, ask, judge};
pub use requests::Generated;

/// Makes the requests of a contract (OpenAPI 3, YAML). The same seed gives the same requests.
///
/// # Errors
/// When the contract cannot be read.
pub fn generate(contract: &str, seed: u64) -> anyhow::Result<Vec<Generated>> {
    requests::generate(&contract::Contract::parse(contract)?, seed)
}
