//! The control plane and its command line.

mod api;
mod cli;
mod client;
mod clock;
mod config;
mod controller;
mod envoy_json;
mod explain;
mod metrics;
mod nearest;
mod serve;
mod token;
mod units;
mod view;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
