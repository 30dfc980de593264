//! `cutover-upstreams`: the trade and task services of the demo as one process.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use cutover_upstreams::{Addresses, start};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

const CONTROL: &str = r#"Control, on either port, always about both services:

  PUT /__faults         put a fault in force; it replaces the one of the same operation and side
  GET /__faults         show the faults in force
  DELETE /__faults      end all faults
  GET /__seen?request_id=ID
                        the newest request with that x-request-id as it arrived: method, path with query, headers
                        as [name, value] pairs, body (base64), side, operation, and how often it arrived
  POST /__reset         back to the seed data; ends all faults and forgets all requests

A fault is JSON; every field may be left out, unknown ones are refused:

  operation   "*" (default), "trade/*", "task/*" or an operation id such as "listTasks"
  side        "*" (default), "node" or "rust": requests with `x-cutover-side: rust` are of the rust side
  error_rate  share of requests that get `status` instead of an answer, 0 to 1 (default 0)
  status      status of those errors, 400 to 599 (default 500)
  delay       {"fixed_ms": 300}, or {"p50_ms": 20, "p99_ms": 200} for a log-normal distribution
  hang        true: take the request, never answer
  reset       true: take the request, reset the connection (TCP RST)
  wrong_body  true: the right status, and a body that breaks the contract

The most exact fault counts: an operation before a service before "*", then one side before both. Randomness is seeded:
the n-th request under a fault always fares the same.

Example:

  curl -X PUT 127.0.0.1:4002/__faults -d '{"operation":"listTasks","side":"rust","error_rate":0.2}'"#;

/// The trade and task services of the demo, with fault knobs.
///
/// Serves the trade operations on one address and the task operations on another, from memory, with fixed data: 250
/// trades (trd_000000000001 ...) and 120 tasks (1 ...). Created resources live until the process ends or is reset. Prints
/// one JSON line with the real addresses when both are listening, and runs until SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "cutover-upstreams", version, after_long_help = CONTROL)]
struct Arguments {
    /// Address of the trade service; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "CUTOVER_TRADE", default_value = "127.0.0.1:4001")]
    trade: SocketAddr,
    /// Address of the task service; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", env = "CUTOVER_TASK", default_value = "127.0.0.1:4002")]
    task: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing sensible is left to do when even stderr is closed.
            let _ = writeln!(io::stderr(), "cutover-upstreams: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { trade, task }: Arguments) -> anyhow::Result<()> {
    // Before the ready line, so that whoever reads it can already end the process in an orderly way.
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let upstreams = start(Addresses { trade, task }).await?;
    let Addresses { trade, task } = upstreams.addresses;
    let ready = json!({ "ready": true, "trade": trade, "task": task });
    let mut out = io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush()).context("cannot write the ready line")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
