//! The command line as a person types it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cutover_domain::{Actor, OperationId, Reason, Weight};

use super::compile::Compile;
use super::explain::Explain;
use crate::units;

pub(crate) const DEFAULT_CONFIG: &str = "envoy/gateway.yaml";

/// Moves an HTTP API off its legacy gateway, operation by operation.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "\
Exit codes: 0 done; 1 refused or failed, with one line of why; 2 usage; 3 done, but not every Envoy confirmed in time.

Examples:
  cutover check                              verify envoy/gateway.yaml and the contract
  cutover explain GET '/v1/task?limit=0'      what the gateway makes of a request, without sending it
  cutover serve                              run the control plane
  cutover weights set listTasks=10 --wait 5s move 10 % of listTasks to the rust side
  cutover status --watch                     see where everything stands
  cutover rollback --all                     put everything back to the node side")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    /// Where the control plane's admin API listens.
    #[arg(
        long,
        global = true,
        env = "CUTOVER_SERVER",
        default_value = "http://127.0.0.1:9000",
        value_name = "URL"
    )]
    pub(crate) server: String,
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Serve(Serve),
    Check(Check),
    Render(Render),
    Compile(Compile),
    Explain(Explain),
    Status(Status),
    Weights(Weights),
    Rollback(Rollback),
    History(History),
    Envoys(Envoys),
    Token(Token),
}

// A doc comment here would become the help of every verb that has this argument.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The gateway's configuration; paths in it are relative to its folder.
    #[arg(long, env = "CUTOVER_CONFIG", default_value = DEFAULT_CONFIG, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

/// Verify the configuration, the contract and what they come to, and say every mistake at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover check
  cutover check --config gateways/edge.yaml --json")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Run the control plane until it is told to stop (Ctrl-C or SIGTERM).
#[derive(Debug, Args)]
#[command(after_help = "\
Prints one line of JSON when it is ready; logs go to stderr (CUTOVER_LOG=debug for more, CUTOVER_LOG_FORMAT=json).

Examples:
  cutover serve
  cutover serve --config gateways/edge.yaml --admin 127.0.0.1:9001 --xds 0.0.0.0:18001
  cutover serve --admin 127.0.0.1:0 --xds 127.0.0.1:0      on free ports, named in the ready line")]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Where the admin API, the console and /metrics listen.
    #[arg(long, env = "CUTOVER_ADMIN", default_value = "127.0.0.1:9000", value_name = "ADDRESS")]
    pub(crate) admin: SocketAddr,
    /// Where Envoys connect to.
    #[arg(long, env = "CUTOVER_XDS", default_value = "127.0.0.1:18000", value_name = "ADDRESS")]
    pub(crate) xds: SocketAddr,
}

/// Print what an Envoy gets.
#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(subcommand)]
    pub(crate) what: Rendered,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rendered {
    Bootstrap(Bootstrap),
    Snapshot(Snapshot),
}

/// The file an Envoy is started with: who it is and where its control plane is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover render bootstrap > .run/bootstrap.json && envoy -c .run/bootstrap.json
  cutover render bootstrap --node-id edge-2 --xds 10.0.0.5:18000 --envoy-admin 127.0.0.1:9902")]
pub(crate) struct Bootstrap {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The Envoy's own name; defaults to the gateway's name and `-1`.
    #[arg(long, value_name = "ID")]
    pub(crate) node_id: Option<String>,
    /// The control plane's address for Envoys.
    #[arg(long, env = "CUTOVER_XDS", default_value = "127.0.0.1:18000", value_name = "ADDRESS")]
    pub(crate) xds: SocketAddr,
    /// Where the Envoy's own admin interface listens.
    #[arg(long, default_value = "127.0.0.1:9901", value_name = "ADDRESS")]
    pub(crate) envoy_admin: SocketAddr,
}

/// The resources the configuration comes to, without asking a running control plane; secrets are blacked out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover render snapshot
  cutover render snapshot --weight listTasks=50 --weight getTask=100")]
pub(crate) struct Snapshot {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Render as if the operation had this weight; everything else is at 0.
    #[arg(long = "weight", value_name = "OP=PCT", value_parser = assignment)]
    pub(crate) weights: Vec<(OperationId, Weight)>,
}

/// Show every operation: its weight, its two sides and its last change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover status
  cutover status --watch
  cutover status --json | jq '.operations[] | select(.weight > 0) | .operation'")]
pub(crate) struct Status {
    /// Show again every second until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}

/// List the weights, or set some.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  cutover weights
  cutover weights set listTasks=10 --wait 5s --reason 'first try'
  cutover weights set listTasks=100 getTask=12.5%")]
pub(crate) struct Weights {
    #[command(subcommand)]
    pub(crate) action: Option<WeightsAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsAction {
    Set(SetWeights),
}

/// Give operations a weight: the share of their requests that goes to the rust side, 0 to 100 percent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover weights set listTasks=10 --wait 5s
  cutover weights set listTasks=100 getTask=12.5% --wait 5s --reason 'week 2 of the plan'")]
pub(crate) struct SetWeights {
    /// An operation and its new weight in percent, at most two decimals.
    #[arg(required = true, value_name = "OP=PCT", value_parser = assignment)]
    pub(crate) weights: Vec<(OperationId, Weight)>,
    #[command(flatten)]
    pub(crate) how: How,
}

/// Put operations back to the node side, at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover rollback listTasks --wait 5s --reason 'p99 doubled'
  cutover rollback --all")]
pub(crate) struct Rollback {
    /// The operations to put back.
    #[arg(value_name = "OP", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) operations: Vec<OperationId>,
    /// Put every operation back.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) how: How,
}

// How a change is made.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Wait until every connected Envoy confirmed the change, at most so long (500ms, 5s, 1m).
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    pub(crate) wait: Option<Duration>,
    /// Why, for the audit trail.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<Reason>,
    /// Who, for the audit trail; defaults to user@host.
    #[arg(long, env = "CUTOVER_ACTOR", value_name = "NAME")]
    pub(crate) actor: Option<Actor>,
}

/// Show who changed what, when and why, newest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover history
  cutover history listTasks --limit 5
  cutover history --json")]
pub(crate) struct History {
    /// Only changes of this operation.
    #[arg(value_name = "OP")]
    pub(crate) operation: Option<OperationId>,
    /// At most so many changes, 1 to 1000.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// Show the connected Envoys: what they run, and what they refused.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover envoys
  cutover envoys --json | jq '.envoys[] | select(.in_sync | not) | .node'")]
pub(crate) struct Envoys {}

/// Make keys and tokens for a demo or a test; a real issuer does this in production.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) what: TokenVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    Keys(TokenKeys),
    Mint(TokenMint),
    Demo(TokenDemo),
}

/// Create one signing key per algorithm and the public jwks.json; keeps what is there.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cutover token keys --dir .run/keys")]
pub(crate) struct TokenKeys {
    /// The folder for the keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Print one token.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cutover token mint --keys .run/keys --sub trader --scope 'trade:read trade:write'
  cutover token mint --keys .run/keys --sub trader --alg ES256 --ttl 5m
  cutover token mint --keys .run/keys --sub trader --expired")]
pub(crate) struct TokenMint {
    /// The folder `token keys` made.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
    /// The subject: who the token speaks for.
    #[arg(long, value_name = "NAME")]
    pub(crate) sub: String,
    /// The scopes, separated by spaces; none when left out.
    #[arg(long, default_value = "", value_name = "SCOPES")]
    pub(crate) scope: String,
    /// Which key signs.
    #[arg(long, value_enum, default_value_t = Algorithm::Rs256, ignore_case = true, value_name = "ALG")]
    pub(crate) alg: Algorithm,
    /// How long the token is valid.
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = units::duration)]
    pub(crate) ttl: Duration,
    /// Make a token that is an hour past its time.
    #[arg(long, conflicts_with = "ttl")]
    pub(crate) expired: bool,
    #[command(flatten)]
    pub(crate) claims: Claims,
}

/// Write trader.jwt, reader.jwt, nobody.jwt and expired.jwt.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cutover token demo --keys .run/keys --dir .run/tokens")]
pub(crate) struct TokenDemo {
    /// The folder `token keys` made.
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
    /// The folder for the tokens.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// How long the valid ones are valid.
    #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = units::duration)]
    pub(crate) ttl: Duration,
    #[command(flatten)]
    pub(crate) claims: Claims,
}

// Who issues the token, and for whom.
#[derive(Debug, Args)]
pub(crate) struct Claims {
    /// The `iss` claim.
    #[arg(long, default_value = "https://issuer.cutover.example", value_name = "URL")]
    pub(crate) issuer: String,
    /// The `aud` claim.
    #[arg(long, default_value = "gateway", value_name = "NAME")]
    pub(crate) audience: String,
}

/// The signature algorithms of RFC 7518 and RFC 8037 that the auth filter accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "EdDSA")]
    EdDsa,
    #[value(name = "HS256")]
    Hs256,
}

fn assignment(text: &str) -> Result<(OperationId, Weight), String> {
    let (operation, weight) = text
        .split_once('=')
        .ok_or_else(|| "write an operation and its weight in percent, such as listTasks=12.5".to_owned())?;
    let operation = operation.parse().map_err(|error: cutover_domain::OperationIdError| error.to_string())?;
    let weight = weight.parse().map_err(|error: cutover_domain::WeightError| error.to_string())?;
    Ok((operation, weight))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_an_example_except_those_without_arguments() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let leaf = command.get_subcommands().next().is_none();
            let shown = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!leaf || shown.contains("cutover ") || path.ends_with("help"), "{path} shows no example");
            command.get_subcommands().for_each(|sub| check(sub, &path));
        }
        check(&Cli::command(), "");
    }

    #[test]
    fn assignments_say_what_is_wrong_with_them() {
        let (operation, weight) = assignment("listTasks=12.5%").unwrap();
        assert_eq!((operation.as_str(), weight.basis_points()), ("listTasks", 1250));
        assert!(assignment("listTasks").unwrap_err().contains("such as listTasks=12.5"));
        assert!(assignment("listTasks=101").unwrap_err().contains("out of range"));
        assert!(assignment("=1").unwrap_err().contains("operation id `` is not usable"));
    }
}
