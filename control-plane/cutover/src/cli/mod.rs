//! From the command line to an exit code.
//!
//! 0 done; 1 refused or failed, with a line of why; 2 usage; 3 done, but not every Envoy confirmed in time.

pub(crate) mod args;
mod changes;
mod compile;
mod explain;
mod listings;
mod offline;
mod who;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use cutover_compiler::Mistake;
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::client::Client;
use crate::{serve, token};
use args::{Cli, Rendered, TokenVerb, Verb, WeightsAction};

/// How a command ended when it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// What was wrong has been said already.
    Refused,
    Unconfirmed,
}

/// Every mistake of the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
struct Mistakes(Vec<Mistake>);

/// Parses the command line and runs it.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Refused) => ExitCode::from(1),
        Ok(End::Unconfirmed) => ExitCode::from(3),
        // Whoever reads the output has seen enough, as in `cutover history | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

fn run(cli: &Cli) -> Result<End> {
    match &cli.verb {
        Verb::Serve(options) => {
            log_to_stderr();
            let config = offline::load(&options.config.config)?;
            runtime(true)?.block_on(serve::run(options, config))?;
            Ok(End::Done)
        }
        Verb::Check(options) => offline::check(&options.config.config, cli.json),
        Verb::Render(options) => match &options.what {
            Rendered::Bootstrap(options) => offline::bootstrap(options),
            Rendered::Snapshot(options) => offline::snapshot(options),
        },
        Verb::Compile(options) => compile::compile(options),
        Verb::Explain(options) => explain::explain(options, &cli.server, cli.json),
        Verb::Token(options) => {
            let said = match &options.what {
                TokenVerb::Keys(options) => token::keys(options),
                TokenVerb::Mint(options) => token::mint(options),
                TokenVerb::Demo(options) => token::demo(options),
            };
            say(&(said? + "\n"))?;
            Ok(End::Done)
        }
        Verb::Status(_) | Verb::Weights(_) | Verb::Rollback(_) | Verb::History(_) | Verb::Envoys(_) => {
            runtime(false)?.block_on(ask(cli, &Client::new(&cli.server)?))
        }
    }
}

/// The verbs that speak to a running control plane.
async fn ask(cli: &Cli, client: &Client) -> Result<End> {
    match &cli.verb {
        Verb::Status(options) if options.watch => listings::watch(client, cli.json).await,
        Verb::Status(_) => listings::status(client, cli.json).await,
        Verb::Weights(options) => match &options.action {
            None => listings::weights(client, cli.json).await,
            Some(WeightsAction::Set(options)) => changes::set(client, options, cli.json).await,
        },
        Verb::Rollback(options) => changes::rollback(client, options, cli.json).await,
        Verb::History(options) => listings::history(client, options, cli.json).await,
        Verb::Envoys(_) => listings::envoys(client, cli.json).await,
        Verb::Serve(_)
        | Verb::Check(_)
        | Verb::Render(_)
        | Verb::Compile(_)
        | Verb::Explain(_)
        | Verb::Token(_) => Ok(End::Done),
    }
}

fn runtime(many_threads: bool) -> Result<tokio::runtime::Runtime> {
    let mut builder = match many_threads {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().context("cannot start")
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("CUTOVER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    if std::env::var("CUTOVER_LOG_FORMAT").is_ok_and(|format| format == "json") {
        subscriber.json().init();
    } else {
        subscriber.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).init();
    }
}

/// Prints to standard output.
fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints a value as JSON.
fn say_json(value: &impl Serialize) -> Result<()> {
    say(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Prints to standard error; when even that is gone there is nobody left to tell.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
