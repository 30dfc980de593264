//! The trade and task services of the demo, with fault knobs.
//!
//! Both serve the contract's operations on the contract's paths from memory, without authentication and without
//! validation: they trust the gateway. Seeds, timestamps and ids are fixed, so that the same request has the same answer
//! on either side. What can be done to them at run time is described by `cutover-upstreams --help`.

mod answer;
mod fault;
mod operation;
mod seen;
mod server;
mod state;
mod tasks;
mod time;
mod trades;

pub use operation::Service;
pub use server::{Addresses, StartError, Upstreams, start};
