//! Recorded exchanges, replayed against both sides.
//!
//! The Node gateway's behaviour is the contract. [`cases`] lists what is asked of it, [`record`] writes its answers into
//! `exchanges.har`, and [`replay`] asks a gateway the same and finds every difference a client could notice, and every
//! difference in what reaches an upstream. Differences that are known are in `allowed-differences.json`, each with its
//! reason.

mod case;
mod cases;
mod client;
mod exchange;
pub mod har;
mod normal;
pub mod parity;
mod record;
mod replay;
mod tokens;

pub use case::Case;
pub use cases::cases;
pub use exchange::Target;
pub use har::Har;
pub use record::record;
pub use replay::{Allowed, Outcome, Report, replay};
pub use tokens::Tokens;
