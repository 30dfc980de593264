//! `cutover-contract`: records what the Node gateway answers, and replays it against any gateway.

mod reference;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use cutover_contract::{Allowed, Har, Target, Tokens, cases, record, replay};
use reference::Reference;

/// Recorded exchanges: what the Node gateway answers is the contract; every gateway must answer the same.
#[derive(Debug, Parser)]
#[command(name = "cutover-contract", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the case list against a gateway and write down its answers
    ///
    /// Without --gateway, the Node gateway of this repository and the services are started for it on free ports.
    Record {
        /// The gateway to record, e.g. http://127.0.0.1:3000
        #[arg(long, value_name = "URL")]
        gateway: Option<String>,
        #[command(flatten)]
        place: Place,
        /// The file to write
        #[arg(long, value_name = "FILE", default_value = "tests/contract/exchanges.har")]
        out: PathBuf,
    },
    /// Run a recording against a gateway and show every difference; exit code 1 when there is one that is not allowed
    Replay {
        /// The gateway, e.g. http://127.0.0.1:3000 for Node alone, http://127.0.0.1:8080 for Envoy
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
        gateway: String,
        #[command(flatten)]
        place: Place,
        /// The recording
        #[arg(long, value_name = "FILE", default_value = "tests/contract/exchanges.har")]
        har: PathBuf,
        /// The differences that are allowed, with their reasons
        #[arg(long, value_name = "FILE", default_value = "tests/contract/allowed-differences.json")]
        allowed: PathBuf,
        /// Require that every answer that names a side names this one
        #[arg(long, value_name = "node|rust", value_parser = ["node", "rust"])]
        side: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The trade service, for its control requests; its data and faults are reset before every exchange
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4001")]
    upstream_trade: String,
    /// The task service, likewise
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4002")]
    upstream_task: String,
    /// The folder with trader.jwt, reader.jwt, nobody.jwt and expired.jwt
    #[arg(long, value_name = "DIR", default_value = ".run/tokens")]
    tokens: PathBuf,
}

impl Place {
    fn target(&self, gateway: &str) -> Result<Target> {
        let Self { upstream_trade, upstream_task, tokens } = self;
        let (trade, task) = (authority(upstream_trade)?, authority(upstream_task)?);
        Ok(Target {
            gateway: authority(gateway)?,
            upstreams: vec![trade, task],
            tokens: Tokens::read(tokens)?,
        })
    }
}

fn authority(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url}: must start with http://"))?;
    let authority = rest.trim_end_matches('/');
    ensure!(authority.contains(':') && !authority.contains('/'), "{url}: must be http://HOST:PORT");
    Ok(authority.to_owned())
}

// One thread: the processes of a reference ask the kernel to end them with the thread that started them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            // Nothing sensible is left to do when even stderr is closed.
            let _ = writeln!(io::stderr(), "cutover-contract: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    let mut out = io::stdout();
    match command {
        Command::Record { gateway, place, out: file } => {
            let har = match gateway {
                Some(gateway) => record(&cases(), &place.target(&gateway)?).await?,
                None => {
                    let reference = Reference::start()?;
                    record(&cases(), &reference.target).await?
                }
            };
            har.write(&file)?;
            writeln!(out, "{} exchanges in {}", har.log.entries.len(), file.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { gateway, place, har, allowed, side } => {
            let (har, allowed) = (Har::read(&har)?, Allowed::read(&allowed)?);
            let report = replay(&har, &place.target(&gateway)?, &allowed).await?;
            writeln!(out, "{report}")?;
            let strays =
                report.sides().into_iter().filter(|own| side.as_deref().is_some_and(|wanted| wanted != *own));
            let strays: Vec<_> = strays.collect();
            ensure!(strays.is_empty(), "some answers came from the side {}", strays.join(", "));
            Ok(if report.drifted() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
