//! Keys that are fetched from the issuer: when, by which VM, how a request waits for them.
//!
//! Every worker has a VM of its own, and all of them share two values: a [`Record`] of what has been fetched and what is
//! under way, and the last good set. A VM that finds a fetch due takes a lease in the record by compare-and-swap; who
//! gets it makes the call, the others find the result at their next look. Nothing here calls the host: time, randomness
//! and the shared values are arguments, and `filter` is the glue.

mod keeper;
mod record;
#[cfg(test)]
mod simulation;
mod waiting_room;

pub use keeper::{Keeper, Outlook, Poll, Refused, Store, Waiting, Want};
pub use record::{Lease, Record};
pub use waiting_room::{Call, Called, WaitingRoom};

/// How often and how patiently an issuer's keys are fetched; all times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long one fetch may take.
    pub timeout: u64,
    /// A set of this age is fetched again.
    pub refresh: u64,
    /// The least time between two fetches that tokens with unknown keys set off.
    pub unknown_key: u64,
    /// How long a request waits for keys.
    pub hold: u64,
    /// How many requests wait at once in one VM.
    pub hold_requests: usize,
}
